// hot path: synchronous, never throws
import { ERROR_CODES, ERRORS, type ErrorCode } from '../errors.ts';
import type { Identity } from '../identity.ts';
import type { Route, Transaction } from '../transaction.ts';
import { clipped, inQuotes } from './json-text.ts';
import { LineBatch, type LineBatchOptions } from './line-batch.ts';
import { compileQueryRedaction } from './query-redaction.ts';
import { traceIdOf } from './trace.ts';

export interface AccessLogOptions extends LineBatchOptions {
  /** `log.query`: write the query string. */
  readonly query: boolean;
  /** `log.redact`: names of parameters whose values are replaced. */
  readonly redact: readonly string[];
  /** `log.level`: lines less severe are left out; `info` when absent. */
  readonly level?: string;
}

const METHOD_LENGTH_MAX = 32;
const HOST_LENGTH_MAX = 255;
const PATH_LENGTH_MAX = 1_024;
const QUERY_LENGTH_MAX = 1_024;
const REASON_LENGTH_MAX = 512;
const USER_AGENT_LENGTH_MAX = 256;
const CALLER_LENGTH_MAX = 256;

/** pino's numbers. */
const LEVELS: Readonly<Record<string, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: Number.POSITIVE_INFINITY,
};
const INFO = 30;

/**
 * Level of a request by its code, at least info: a client that goes away leaves a line too, otherwise cutting the
 * connection would be a way to ask without a trace.
 */
const LEVEL_OF: ReadonlyMap<ErrorCode, number> = new Map(
  ERROR_CODES.map((code) => [code, Math.max(INFO, LEVELS[ERRORS[code].level] ?? INFO)]),
);

/** '000' to '999', and '0' to '999': V8 makes the text of a new number at some 150 ns, a look-up costs 5. */
const DIGITS: readonly string[] = Array.from({ length: 1_000 }, (_, number) => String(number).padStart(3, '0'));
const SMALL: readonly string[] = Array.from({ length: 1_000 }, (_, number) => String(number));

/** With a user of `http://user:password@host/` in a malformed target; a path never needs one. */
const USER_INFO = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/]*@/;

/**
 * The access log of one thread: one JSON line per request, made by concatenation (about 1 us; pino takes 3.9), in the
 * form of pino's lines so that the same tools read both. Every line is printable ASCII: see `json-text.ts`.
 *
 * Threads: one instance per thread; lines leave through `send`, on `flush` or when LOG_BATCH_BYTES have gathered.
 */
export class AccessLog {
  readonly #batch: LineBatch;
  readonly #redacted: ((query: string) => string) | null;
  readonly #levelMin: number;
  readonly #head: string;
  /** Ready text by route and target: a route keeps its upstream for life, so the target says all. */
  readonly #places = new WeakMap<Route, Map<string, string>>();
  #beginMs = -1;
  #beginLevel = -1;
  #beginText = '';

  /** @param send  Takes whole lines; returns false when there is no room, and the lines are lost (and counted). */
  constructor(options: AccessLogOptions, send: (chunk: string) => boolean) {
    this.#batch = new LineBatch(options, send);
    this.#redacted = options.query ? compileQueryRedaction(options.redact) : null;
    this.#levelMin = LEVELS[options.level ?? 'info'] ?? INFO;
    this.#head = `,"msg":"request","thread":${options.thread},"requestId":"`;
  }

  /** Lines dropped so far, access lines and others of this batch. */
  get lost(): number {
    return this.#batch.lost;
  }

  /**
   * Writes the line of a finished request.
   *
   * @param nowMs       Wall clock, whole milliseconds since the epoch.
   * @param durationMs  Of the whole request, milliseconds; written with three decimals.
   */
  write(tx: Transaction, nowMs: number, durationMs: number): void {
    const { code, route } = tx;
    const level = code === null ? INFO : (LEVEL_OF.get(code) ?? INFO);
    if (level < this.#levelMin) return;
    let line =
      `${this.#begin(level, nowMs)}${inQuotes(tx.requestId)}","client":"${inQuotes(tx.client)}` +
      `","method":"${inQuotes(clipped(tx.method, METHOD_LENGTH_MAX))}` +
      `","host":"${inQuotes(clipped(tx.host, HOST_LENGTH_MAX))}` +
      `","path":"${inQuotes(clipped(tx.path === '' ? unnormalised(tx.rawPath) : tx.path, PATH_LENGTH_MAX))}`;
    if (this.#redacted !== null && tx.query.length > 1) {
      line += `","query":"${inQuotes(clipped(this.#redacted(tx.query.slice(1)), QUERY_LENGTH_MAX))}`;
    }
    line += `","status":${decimal(tx.status)}`;
    if (code !== null) line += `,"code":"${code}"`;
    // A name from the configuration: letters, digits and . _ - : only.
    if (tx.policy !== '') line += `,"policy":"${tx.policy}"`;
    if (tx.reason !== '') line += `,"reason":"${inQuotes(clipped(tx.reason, REASON_LENGTH_MAX))}"`;
    if (tx.identity !== null) line += callerOf(tx.identity);
    line += tx.wafText;
    line += route === null ? placeOf(null, tx) : this.#place(route, tx);
    line += `${decimal(tx.tries)},"durationMs":${milliseconds(durationMs)}`;
    if (tx.upstreamMs >= 0) line += `,"upstreamMs":${milliseconds(tx.upstreamMs)}`;
    if (tx.waitedMs >= 0) line += `,"waitMs":${milliseconds(tx.waitedMs)}`;
    line +=
      `,"bytesIn":${decimal(tx.bytesReceived)},"bytesOut":${decimal(tx.bytesSent)}` +
      `,"userAgent":"${inQuotes(clipped(tx.userAgent, USER_AGENT_LENGTH_MAX))}`;
    const traceId = tx.traceparent === '' ? '' : traceIdOf(tx.traceparent);
    this.#batch.append(traceId === '' ? `${line}"}` : `${line}","traceId":"${traceId}"}`);
  }

  /** Puts a ready line into the same batch, in order: the thread's own log goes this way. */
  append(line: string): void {
    this.#batch.append(line);
  }

  /** Hands on what has gathered; the owner calls it every 100 ms and when the thread ends. */
  flush(): void {
    this.#batch.flush();
  }

  #place(route: Route, tx: Transaction): string {
    let places = this.#places.get(route);
    if (places === undefined) {
      places = new Map();
      this.#places.set(route, places);
    }
    // A target is a URL, a name is not: one key serves for both.
    const key = tx.upstreamTarget === '' ? tx.upstreamName : tx.upstreamTarget;
    let place = places.get(key);
    if (place === undefined) {
      place = placeOf(route.name, tx);
      places.set(key, place);
    }
    return place;
  }

  /** All lines of one millisecond and level begin alike. */
  #begin(level: number, nowMs: number): string {
    if (nowMs !== this.#beginMs || level !== this.#beginLevel) {
      this.#beginMs = nowMs;
      this.#beginLevel = level;
      this.#beginText = `{"level":${level},"time":${Math.floor(nowMs)}${this.#head}`;
    }
    return this.#beginText;
  }
}

/** Who called: how it is known, by whose word, and the names; never a credential. */
function callerOf({ kind, issuer, subject, client }: Identity): string {
  let text = `,"caller":"${kind}"`;
  if (issuer !== '') text += `,"issuer":"${issuer}"`;
  if (subject !== '') text += `,"subject":"${inQuotes(clipped(subject, CALLER_LENGTH_MAX))}"`;
  return client === '' ? text : `${text},"clientId":"${inQuotes(clipped(client, CALLER_LENGTH_MAX))}"`;
}

function placeOf(route: string | null, { upstreamName, upstreamTarget }: Transaction): string {
  return (
    `,"route":${quotedOrNull(route ?? '')},"upstream":${quotedOrNull(upstreamName)}` +
    `,"target":${quotedOrNull(upstreamTarget)},"tries":`
  );
}

function quotedOrNull(text: string): string {
  return text === '' ? 'null' : `"${inQuotes(text)}"`;
}

/** A path the guard has refused: without query, fragment and userinfo, should a malformed target bring them along. */
function unnormalised(rawPath: string): string {
  const end = rawPath.search(/[?#]/);
  return (end === -1 ? rawPath : rawPath.slice(0, end)).replace(USER_INFO, '$1[redacted]@');
}

/** Three decimals; 0 for what is no duration. Past 2^31 us (35 minutes) V8's own text will do. */
function milliseconds(ms: number): string {
  if (!(ms > 0)) return '0';
  if (ms > 2_000_000) return String(Math.round(ms));
  const micros = Math.round(ms * 1_000);
  const whole = Math.floor(micros / 1_000);
  return `${decimal(whole)}.${DIGITS[micros - whole * 1_000] ?? ''}`;
}

/** A whole number >= 0. */
function decimal(number: number): string {
  if (number < 1_000) return SMALL[number] ?? String(number);
  if (number >= 1_000_000) return String(number);
  const thousands = Math.floor(number / 1_000);
  return (SMALL[thousands] ?? '') + (DIGITS[number - thousands * 1_000] ?? '');
}
