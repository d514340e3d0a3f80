// hot path: synchronous, never throws
import { performance } from 'node:perf_hooks';
import { lists } from '../base/lists.ts';
import { addressText } from '../message/client-address.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { RequestIds } from '../telemetry/request-id.ts';
import type { Transaction, WebSocketOffer } from '../transaction.ts';
import { type DownstreamSettings, HttpDownstream } from './downstream.ts';
import type { Intake } from './intake.ts';
import type { HttpRequest, HttpResponse } from './uws.ts';

/** What one generation of the configuration makes of the front. */
export interface FrontGeneration {
  readonly pipeline: Pipeline;
  readonly intake: Intake;
  readonly settings: DownstreamSettings;
  /** Whose PROXY protocol headers are believed. */
  readonly trustsPeer: (peer: string) => boolean;
}

/** Reads a WebSocket handshake. @returns null when it is wrong. */
export type MakeOffer = (down: HttpDownstream, tx: Transaction) => WebSocketOffer | null;

export interface ListenerKind {
  readonly secure: boolean;
  readonly proxyProtocol: boolean;
}

/**
 * Where requests enter: uWS's handler for every listener of a thread. The generation is read once per request, so a
 * reload is one assignment.
 *
 * Threads: one.
 */
export class Front {
  generation: FrontGeneration;
  readonly #ids: RequestIds;

  constructor(generation: FrontGeneration, ids: RequestIds) {
    this.generation = generation;
    this.#ids = ids;
  }

  /** The handler for one listener. */
  handler(kind: ListenerKind): (res: HttpResponse, req: HttpRequest) => void {
    return (res, req) => {
      this.begin(res, req, kind, null);
    };
  }

  /**
   * @param offer  Makes the offer of an upgrade request, null for a handshake that is wrong; null for a plain request.
   */
  begin(res: HttpResponse, req: HttpRequest, kind: ListenerKind, offer: MakeOffer | null): void {
    const generation = this.generation;
    const { pipeline } = generation;
    const nowMs = Date.now();
    const down = new HttpDownstream(res, pipeline, generation.settings, nowMs, performance.now());
    const { tx } = down;
    res.onAborted(() => down.onAborted());
    pipeline.begin();
    try {
      tx.requestId = this.#ids.next();
      tx.secure = kind.secure;
      tx.peer = peerOf(res, kind, generation);
      tx.client = tx.peer;
      generation.intake.read(tx, req);
      // After a fault nobody knows where this request ends: its answer closes the connection.
      if (tx.fault !== null) down.bodyComplete = false;
      else if (tx.contentLength !== 0) down.expectBody();
      // uWS takes every GET with a key of 24 characters for a handshake, and nothing else. Without the client's wish a
      // 101 would open a tunnel through a proxy that sees plain requests only; and who asks for a WebSocket with
      // another key must not be answered as if it had not asked (RFC 6455 4.2.1).
      if (tx.upgrade !== '' && lists(tx.upgrade, 'websocket')) takeOffer(tx, offer === null ? null : offer(down, tx));
    } catch (error) {
      pipeline.failed(tx, error);
      return;
    }
    pipeline.run(tx, nowMs);
  }
}

/** RFC 6455 4.1: a GET without a body. */
function takeOffer(tx: Transaction, offer: WebSocketOffer | null): void {
  if (offer !== null && tx.contentLength === 0) tx.webSocket = offer;
  else tx.fault ??= 'SP_WEBSOCKET_HANDSHAKE';
}

function peerOf(res: HttpResponse, kind: ListenerKind, generation: FrontGeneration): string {
  const peer = addressText(new Uint8Array(res.getRemoteAddress()));
  if (!kind.proxyProtocol) return peer;
  const proxied = res.getProxiedRemoteAddress();
  if (proxied.byteLength === 0 || !generation.trustsPeer(peer)) return peer;
  return addressText(new Uint8Array(proxied));
}
