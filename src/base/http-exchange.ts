import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';

/** Why an exchange brought no answer. A closed list. */
export const EXCHANGE_FAILURES = ['connection', 'timeout', 'status', 'redirect', 'type', 'size'] as const;

export type ExchangeFailure = (typeof EXCHANGE_FAILURES)[number];

/** A sentence without a full stop. Nothing of what was sent or answered is in it. */
export interface ExchangeFailed {
  readonly kind: 'failed';
  readonly reason: ExchangeFailure;
  readonly detail: string;
  /** Of the answer; 0 where there was none. */
  readonly status: number;
}

export interface JsonAnswer {
  readonly kind: 'answer';
  /** Of status 200, of a content type that says JSON; whether it is JSON is for the caller to see. */
  readonly bytes: Buffer;
}

export interface ExchangeOptions {
  readonly method: 'GET' | 'POST';
  /** Beside `Accept-Encoding`, and `Content-Length` where there is a body. */
  readonly fields: Readonly<Record<string, string>>;
  /** '' for none. */
  readonly body: string;
  /** Of `keepConnection`, with nothing else under way on it; false for a connection of its own. */
  readonly agent: Agent | false;
  /** PEM certificates of authorities; none for the system's. */
  readonly authorities: readonly string[];
  /** Longest answer. */
  readonly bytesMax: number;
  /** For the whole exchange, name look-up to last byte. */
  readonly timeoutMs: number;
  /** Ends it early; it is then a `connection` failure. */
  readonly signal: AbortSignal;
}

const HEAD_BYTES_MAX = 16_384;

/**
 * Keeps one connection for one exchange after another, and closes it when something comes on it between two: nobody
 * asked for it, and it would be read as the answer to the next question.
 *
 * @param idleMs  An idle connection is closed after so long.
 */
export function keepConnection(protocol: string, idleMs: number): Agent {
  const options = { keepAlive: true, maxFreeSockets: 1, timeout: idleMs };
  const agent = protocol === 'https:' ? new HttpsAgent(options) : new Agent(options);
  const { keepSocketAlive, reuseSocket } = agent;
  // Both are there to be replaced; the first says whether the connection is kept, whatever its type says.
  agent.keepSocketAlive = (socket) => {
    socket.on('data', closeOnData);
    return keepSocketAlive.call(agent, socket);
  };
  agent.reuseSocket = (socket, request) => {
    socket.removeListener('data', closeOnData);
    reuseSocket.call(agent, socket, request);
  };
  return agent;
}

function closeOnData(this: Duplex): void {
  this.destroy();
}

/**
 * Asks an HTTP server for a JSON document. No redirect is followed: where we ask is the operator's word alone. Content
 * codings are refused: a short answer of a few bytes could become gigabytes. A kept connection that turns out to be
 * gone before anything was answered is replaced by a fresh one, once: what is asked here may be asked twice.
 *
 * An answer on a kept connection is handed over when the event loop has looked at its sockets once more, so that what a
 * server sends behind it in one go closes the connection. What comes later, while the next question is under way,
 * nobody can tell from its answer.
 *
 * @param url  http or https; the caller has judged where it leads.
 * @returns    The answer, or why there is none. Never rejects.
 */
export function exchangeJson(url: URL, options: ExchangeOptions): Promise<JsonAnswer | ExchangeFailed> {
  return new Promise((resolve) => {
    const { timeoutMs, signal } = options;
    let isOver = false;
    let cut = (): void => {};
    const settle: Settle = (outcome) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      // Whatever still comes would be taken for the answer to the next question.
      if (outcome.kind === 'failed') cut();
      if (outcome.kind === 'failed' || options.agent === false) resolve(outcome);
      // The first is still in the turn of the loop that read the answer.
      else setImmediate(() => setImmediate(() => resolve(outcome)));
    };
    const abort = (): void => settle(failed('connection', 'given up'));
    const timer = setTimeout(() => settle(failed('timeout', `no answer within ${Math.ceil(timeoutMs)} ms`)), timeoutMs);
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort);
    const send = (agent: Agent | false): void => {
      cut = begin(url, { ...options, agent }, settle, () => {
        if (isOver || agent === false) return false;
        send(false);
        return true;
      });
    };
    send(options.agent);
  });
}

type Settle = (outcome: JsonAnswer | ExchangeFailed) => void;

/** @returns  Ends it at once. */
function begin(
  url: URL,
  { method, fields, body, agent, authorities, bytesMax }: ExchangeOptions,
  settle: Settle,
  again: () => boolean,
): () => void {
  const options: RequestOptions = {
    method,
    agent,
    maxHeaderSize: HEAD_BYTES_MAX,
    insecureHTTPParser: false,
    headers: {
      ...fields,
      'Accept-Encoding': 'identity',
      ...(body === '' ? {} : { 'Content-Length': Buffer.byteLength(body) }),
    },
  };
  const tls = { rejectUnauthorized: true, ...(authorities.length === 0 ? {} : { ca: [...authorities] }) };
  const request = url.protocol === 'https:' ? httpsRequest(url, { ...options, ...tls }) : httpRequest(url, options);
  let isAnswered = false;
  // After `settle` too: ending a request early is an error of its own.
  request.on('error', (error: NodeJS.ErrnoException) => {
    if (request.reusedSocket && !isAnswered && again()) return;
    settle(failed('connection', error.code ?? 'the connection failed'));
  });
  request.on('response', (response) => {
    isAnswered = true;
    read(response, bytesMax, settle);
  });
  // Switching protocols is no answer; without a listener nobody would hear of it.
  request.on('upgrade', (response, socket) => {
    socket.destroy();
    settle(failed('status', `status ${response.statusCode ?? 0}`, response.statusCode));
  });
  request.end(body);
  return () => request.destroy();
}

function read(response: IncomingMessage, bytesMax: number, settle: Settle): void {
  const refusal = judgeHead(response, bytesMax);
  if (refusal !== null) {
    settle(refusal);
    return;
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  response.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > bytesMax) settle(tooLong(bytesMax));
    else pieces.push(piece);
  });
  const early = (): void => settle(failed('connection', 'the answer ends early'));
  response.on('error', early);
  response.on('close', early);
  response.on('end', () => {
    if (response.complete) settle({ kind: 'answer', bytes: Buffer.concat(pieces) });
    else early();
  });
}

function judgeHead({ statusCode = 0, headers }: IncomingMessage, bytesMax: number): ExchangeFailed | null {
  if (statusCode >= 300 && statusCode < 400) {
    return failed('redirect', `status ${statusCode}: redirects are not followed`, statusCode);
  }
  if (statusCode !== 200) return failed('status', `status ${statusCode}`, statusCode);
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type !== 'application/json' && !/^application\/[a-z0-9.-]+\+json$/.test(type)) {
    return failed('type', 'the content type is not application/json', statusCode);
  }
  const coding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (coding !== 'identity') {
    return failed('type', 'the answer is compressed, though it was asked not to be', statusCode);
  }
  return Number(headers['content-length'] ?? 0) > bytesMax ? tooLong(bytesMax) : null;
}

function failed(reason: ExchangeFailure, detail: string, status = 0): ExchangeFailed {
  return { kind: 'failed', reason, detail, status };
}

function tooLong(bytesMax: number): ExchangeFailed {
  return failed('size', `the answer is longer than ${bytesMax} bytes`, 200);
}
