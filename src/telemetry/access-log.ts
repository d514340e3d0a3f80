// hot path: synchronous, never throws
import { ERROR_CODES, ERRORS, type ErrorCode } from '../errors.ts';
import type { Transaction } from '../transaction.ts';
import { clipped, quoted } from './json-text.ts';
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

/** '000' to '999': cheaper than the text of a fraction, which V8 makes digit by digit. */
const DIGITS: readonly string[] = Array.from({ length: 1_000 }, (_, number) => String(number).padStart(3, '0'));

/** With a user of `http://user:password@host/` in a malformed target; a path never needs one. */
const USER_INFO = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/]*@/;

/**
 * The access log of one thread: one JSON line per request, made by concatenation (about 1 us; pino takes 3.9), in the
 * form of pino's lines so that the same tools read both. Every line is printable ASCII: see `json-text.ts`.
 *
 * Threads: one instance per thread; lines leave in chunks through `send`, on `flush` or when 32 KiB have gathered.
 */
export class AccessLog {
  readonly #batch: LineBatch;
  readonly #redacted: ((query: string) => string) | null;
  readonly #levelMin: number;
  readonly #head: string;
  #second = -1;
  #secondText = '';

  /** @param send  Takes whole lines; returns false when there is no room, and the lines are lost (and counted). */
  constructor(options: AccessLogOptions, send: (chunk: string) => boolean) {
    this.#batch = new LineBatch(options, send);
    this.#redacted = options.query ? compileQueryRedaction(options.redact) : null;
    this.#levelMin = LEVELS[options.level ?? 'info'] ?? INFO;
    this.#head = `,"msg":"request","thread":${options.thread},"requestId":`;
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
      `{"level":${level},"time":${this.#time(nowMs)}${this.#head}${quoted(tx.requestId)}` +
      `,"client":${quoted(tx.client)},"method":${quoted(clipped(tx.method, METHOD_LENGTH_MAX))}` +
      `,"host":${quoted(clipped(tx.host, HOST_LENGTH_MAX))}` +
      `,"path":${quoted(clipped(tx.path === '' ? unnormalised(tx.rawPath) : tx.path, PATH_LENGTH_MAX))}`;
    if (this.#redacted !== null && tx.query.length > 1) {
      line += `,"query":${quoted(clipped(this.#redacted(tx.query.slice(1)), QUERY_LENGTH_MAX))}`;
    }
    line += `,"status":${tx.status}`;
    if (code !== null) line += `,"code":"${code}"`;
    if (tx.reason !== '') line += `,"reason":${quoted(clipped(tx.reason, REASON_LENGTH_MAX))}`;
    line +=
      `,"route":${route === null ? 'null' : quoted(route.name)},"upstream":${quotedOrNull(tx.upstreamName)}` +
      `,"target":${quotedOrNull(tx.upstreamTarget)},"tries":${tx.tries},"durationMs":${milliseconds(durationMs)}`;
    if (tx.upstreamMs >= 0) line += `,"upstreamMs":${milliseconds(tx.upstreamMs)}`;
    line +=
      `,"bytesIn":${tx.bytesReceived},"bytesOut":${tx.bytesSent}` +
      `,"userAgent":${quoted(clipped(tx.userAgent, USER_AGENT_LENGTH_MAX))}`;
    if (tx.traceparent !== '') {
      const traceId = traceIdOf(tx.traceparent);
      if (traceId !== '') line += `,"traceId":"${traceId}"`;
    }
    this.#batch.append(`${line}}`);
  }

  /** Puts a ready line into the same batch, in order: the thread's own log goes this way. */
  append(line: string): void {
    this.#batch.append(line);
  }

  /** Hands on what has gathered; the owner calls it every 100 ms and when the thread ends. */
  flush(): void {
    this.#batch.flush();
  }

  /** Seconds change rarely, so their text is kept: the text of a number past 2^31 costs 100 ns. */
  #time(nowMs: number): string {
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = String(second);
    }
    return this.#secondText + (DIGITS[Math.floor(nowMs - second * 1_000)] ?? '000');
  }
}

function quotedOrNull(text: string): string {
  return text === '' ? 'null' : quoted(text);
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
  const whole = (micros / 1_000) | 0;
  return `${whole}.${DIGITS[micros - whole * 1_000] ?? '000'}`;
}
