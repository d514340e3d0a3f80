import type { RouteConfig } from './config/schema.ts';
import type { ErrorCode } from './errors.ts';
import type { AuthReason, Identity } from './identity.ts';
import type { Refusal, Verdict } from './verdict.ts';

/** A route as the request path sees it: built at boot, frozen, compared by identity. */
export interface Route {
  readonly kind: 'route';
  /** Stripe of this route in the metrics table; stable across reloads for a route of the same name. */
  readonly index: number;
  readonly name: string;
  readonly config: RouteConfig;
  /** Position in the compiled upstream list, or -1 for a route that answers by itself. */
  readonly upstream: number;
  /** Longest request body, bytes; Infinity for none. */
  readonly bodyBytesMax: number;
}

/**
 * The way back to the client. One implementation, src/http/downstream.ts; rank 1 so that upstreams need not know uWS.
 */
export interface Downstream {
  /** True once the client is gone: nothing may be written any more. */
  readonly gone: boolean;
  /** True when the response head is out: a refusal can no longer be sent, only cut. */
  readonly begun: boolean;
  /** True while the client is slow to take the answer: `write` returned false and `onDrain` has not come. */
  readonly blocked: boolean;
  /** True when the request body has arrived as a whole, or there is none. */
  readonly bodyComplete: boolean;
  /**
   * A whole answer at once.
   * @param head  Status text and fields: `200 OK\r\nname: value` without the last CRLF, no framing fields.
   *              Read before this returns.
   * @param body  Whole body, read before this returns; null for none.
   */
  respond(status: number, head: Uint8Array, body: Uint8Array | null): void;
  /**
   * An answer that goes without a body: HEAD, 204, 304.
   * @param contentLength  What the upstream declared for a HEAD or 304; -1 for none.
   */
  respondEmpty(status: number, head: Uint8Array, contentLength: number): void;
  /** Starts a streamed answer. @param contentLength bytes, or -1 for chunked. */
  begin(status: number, head: Uint8Array, contentLength: number): void;
  /** One piece of it, read or copied before this returns. @returns false: wait for `Source.onDrain`. */
  write(chunk: Uint8Array): boolean;
  /** The streamed answer is complete. */
  end(): void;
  /** The answer cannot be completed: close the connection so that the client notices. */
  cut(): void;
  /** From now on `source` gets the request body, and is told when the client takes more or leaves. */
  attach(source: Source): void;
  /** Lets go of the source; what still comes of the body is swallowed. */
  detach(): void;
  /**
   * Gives pieces of the body that came before `attach`, in order, to the source; without one they are dropped.
   * @param isWhole  The last of them ends the body.
   */
  replay(pieces: readonly Uint8Array[], isWhole: boolean): void;
  /** Tells the source, if there is one, to release everything: after a bug nobody else will. */
  abandon(): void;
  pauseBody(): void;
  resumeBody(): void;
}

/** Who answers: an upstream exchange. The downstream calls it. */
export interface Source {
  /** A piece of the request body; the bytes are gone when this returns. */
  onBody(chunk: Uint8Array, isLast: boolean): void;
  /** The client took what it was given. */
  onDrain(): void;
  /** The client is gone; release everything. */
  onAbort(): void;
}

/**
 * A client that asks for a WebSocket (RFC 6455), offered by the front. Whoever answers for the route accepts it once,
 * or refuses the transaction like any other.
 */
export interface WebSocketOffer {
  /** Subprotocols the client can speak, in its order of preference. */
  readonly protocols: readonly string[];
  /**
   * Completes the client's handshake.
   * @param protocol  The chosen one of `protocols`, or ''.
   * @returns  The client's end; null when it has gone meanwhile.
   */
  accept(protocol: string, upstream: WebSocketEnd): WebSocketEnd | null;
}

/** One end of a WebSocket, as the other end uses it. Bytes are read or copied before a call returns. */
export interface WebSocketEnd {
  /** Bytes that wait for this end to read. */
  readonly bufferedBytes: number;
  send(message: Uint8Array, isBinary: boolean): void;
  ping(payload: Uint8Array): void;
  pong(payload: Uint8Array): void;
  /** @param code  Close code as received; 1005 for none given, 1006 for a connection that broke. */
  close(code: number, reason: Uint8Array): void;
  /** The other end took what waited: go on. */
  onDrain(): void;
}

/** Ends a wait. @param decide  Says pass or a refusal; not called when the client has gone. */
export type GoOn = (decide: () => Verdict) => void;

/** A transaction under the rules of its route's firewall. None of these throws. */
export interface RequestInspection {
  /** The rules look at the body. */
  readonly wantsBody: boolean;
  /** Longest body that they are given, bytes. */
  readonly bodyBytesMax: number;
  /** A longer one is inspected as far as that. */
  readonly takesPart: boolean;
  /**
   * @param body   Whole, or its first `bodyBytesMax` bytes; in its content coding. Stays as it is until the verdict.
   * @param later  Called once where the verdict is `pending`; null where the request cannot wait.
   */
  body(tx: Transaction, body: Buffer, isPartial: boolean, later: GoOn | null): Verdict;
  /** The head of an answer is there; from here on `tx.downstream` may hold the answer back. */
  answer(tx: Transaction): Verdict;
  /** The transaction is refused: what was held of an answer is let go, and `tx.downstream` is the client again. */
  refused(tx: Transaction): void;
  /** Once, when all is over. @param nowMs  Wall clock. */
  end(tx: Transaction, nowMs: number): void;
}

/** Places that a transaction took under bounds on concurrency. `now` is the monotonic clock of this thread. */
export interface TakenPlaces {
  /** The last byte of the request's body came: some bounds count no sooner than this. */
  uploaded(tx: Transaction): void;
  /** The head of the answer is there, `upstreamMs` too: some bounds count no further than this. */
  answered(tx: Transaction, status: number, now: number): void;
  /** The transaction ends. */
  leave(tx: Transaction, now: number): void;
}

/** What the pipeline offers to whoever finishes a transaction later: an upstream call, a client that went away. */
export interface TransactionOwner {
  /**
   * Goes on after a `pending` phase.
   * @param nowMs  Wall clock, milliseconds.
   * @returns  False when a later phase refused and has answered already.
   */
  resume(tx: Transaction, nowMs: number): boolean;
  /** Ends a pending transaction with a problem document, or cuts it when an answer has begun. */
  refuse(tx: Transaction, refusal: Refusal): void;
  /** The answer is complete, or the client is gone: runs the account phase, once. */
  finish(tx: Transaction): void;
  /** A bug: answers 500 or cuts, logs the stack, counts. */
  failed(tx: Transaction, error: unknown): void;
}

/** One request on its way through the phase list. Plain fields: phases read and write them. */
export class Transaction {
  /** Set by the intake. First fault found in the form of the head; the guard refuses with it. */
  fault: ErrorCode | null = null;
  faultDetail: string | undefined = undefined;
  method = '';
  /** Path as received, without the query: for logs, and for the guard to normalise. */
  rawPath = '';
  /** Path after normalisation: what every policy and the upstream see. */
  path = '';
  /** `?` and the query as received, or ''. */
  query = '';
  /** Host field as received, and its lower-case name without port. */
  authority = '';
  host = '';
  secure = false;
  /** Declared body length, bytes; 0 for none, -1 for chunked. */
  contentLength = 0;
  /** `content-length: 0` was sent although there is no body. */
  lengthDeclared = false;
  /** The Upgrade field, where Connection names it; '' for none. */
  upgrade = '';
  /** Set for an upgrade request; null for a plain one. */
  webSocket: WebSocketOffer | null = null;
  /** `name: value\r\n` for every field that goes upstream as it came; connection-level fields are left out. */
  forwardFields = '';
  /** `forwardFields` has ASCII only: then one character is one byte, and the cheaper write is exact. */
  isAscii = false;
  userAgent = '';
  authorization = '';
  cookie = '';
  /** As received, several fields of one name joined by `, `; '' for none. */
  xForwardedFor = '';
  xForwardedProto = '';
  xForwardedHost = '';
  forwarded = '';
  via = '';
  requestIdReceived = '';
  traceparent = '';
  tracestate = '';
  /** Values of the configuration's captured names, by position; null while none was seen. */
  captured: string[] | null = null;
  /** Name, value, name, value: every field as received, values as byte text; null where no firewall looks. */
  receivedFields: string[] | null = null;
  /** What the route's upstream hashes by; '' for none. */
  hashField = '';

  /** Address of the TCP peer (or of PROXY protocol), text form without brackets. */
  peer = '';
  /** Address of the client behind trusted proxies; equals `peer` without any. */
  client = '';
  requestId = '';

  route: Route | null = null;
  /** Who sent it; null where nobody was asked, or nobody said. */
  identity: Identity | null = null;
  /** Why authentication or authorisation refused it; null where they did not. */
  authReason: AuthReason | null = null;
  downstream: Downstream;
  readonly owner: TransactionOwner;
  /** Index in the phase list of the phase that runs or waits. */
  phase = 0;
  /** Fields that phases before the upstream want in the answer, `\r\nname: value` each; '' for none. */
  answerText = '';
  /** `Set-Cookie` for the answer, `\r\nname: value`; '' for none. Apart from `answerText`, which others write anew. */
  cookieText = '';
  /** What rate limits said in it so far: their policies, the window that speaks, and its room. */
  ratePolicies = '';
  rateWindow = '';
  rateRemaining = 0;
  /** Fields added to the client's answer, `\r\nname: value` each; null for none. Read right after `resume`. */
  answerFields: Buffer | null = null;

  /** Wall clock, milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Monotonic clock of this thread, milliseconds with a fraction: only differences mean anything. */
  readonly startedAt: number;
  /** Same clock: when it went on towards its upstream; after `startedAt` by the waits before. */
  wentOnAt: number;
  /** Same clock: when the last byte of its body came; `startedAt` without one. */
  bodyAt: number;
  /** Wait in the queue of a throttle, milliseconds; -1 where it did not wait. */
  waitedMs = -1;
  /** Under which rules it is; null where no firewall looks. */
  inspection: RequestInspection | null = null;
  /** Head of the upstream's answer, `200 OK\r\nname: value`, and its declared length, -1 for none. Read in `resume`. */
  answerHead: Uint8Array | null = null;
  answerLength = -1;
  /** What the firewall has to say in the access log, JSON members with a comma before them; '' for nothing. */
  wafText = '';
  /** Taken by the phase before the upstream, left when the transaction ends; null for none. */
  places: TakenPlaces | null = null;
  /** Outcome, for the account phase. */
  status = 0;
  code: ErrorCode | null = null;
  /** What refused: name of a rate limit or throttle, `route:NAME`, `upstream:NAME`, a priority; '' for none. */
  policy = '';
  /** Words for the log only: addresses, errno, parser reasons. */
  reason = '';
  upstreamName = '';
  upstreamTarget = '';
  /** From the first try to the response head, milliseconds; -1 without one. */
  upstreamMs = -1;
  tries = 0;
  bytesReceived = 0;
  bytesSent = 0;
  finished = false;

  constructor(downstream: Downstream, owner: TransactionOwner, startedAtMs: number, startedAt: number) {
    this.downstream = downstream;
    this.owner = owner;
    this.startedAtMs = startedAtMs;
    this.startedAt = startedAt;
    this.wentOnAt = startedAt;
    this.bodyAt = startedAt;
  }
}
