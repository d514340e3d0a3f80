import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, AnswerParser } from './answer-parser.ts';
import { open } from './raw-client.ts';

export interface LoadOptions {
  readonly port: number;
  readonly tls?: boolean;
  readonly connections: number;
  /** Target of the n-th request; the default varies path and query. `id=n` is appended either way. */
  readonly target?: (n: number) => string;
  readonly method?: string;
  readonly body?: (n: number) => Buffer;
  /** Further field lines of the n-th request, each with its CRLF. */
  readonly fields?: (n: number) => string;
  /** Stops by itself after so many; none means until `stop`. */
  readonly requestsMax?: number;
  /** Each connection waits so long between its requests. */
  readonly pauseMs?: number;
  /** A new connection for each request. */
  readonly fresh?: boolean;
  /** Says whether an answer is right. The default wants 200 and, in a JSON body, the target that was asked for. */
  readonly isRight?: (answer: Answer, target: string) => boolean;
}

export interface LoadFailure {
  readonly id: number;
  /**
   * `refused`, `closed before answer`, `cut` (in the middle of one), `ECONNRESET before answer` or `in answer`,
   * `timeout`, `malformed: …`, `status 503`, `wrong body`.
   */
  readonly cause: string;
  /** True for the first request on its connection: then no keep-alive race can be to blame. */
  readonly fresh: boolean;
  readonly atMs: number;
}

export interface LoadResult {
  readonly sent: number;
  readonly ok: number;
  readonly failures: readonly LoadFailure[];
  readonly ms: number;
  /** Connections opened in all. */
  readonly connections: number;
  /** `12000 sent, 12000 ok, 0 failed` and the causes. */
  readonly words: string;
}

export interface Load {
  readonly sent: () => number;
  readonly ok: () => number;
  readonly failures: readonly LoadFailure[];
  /** Ends after the requests under way, or is awaited when `requestsMax` ends it. */
  stop(): Promise<LoadResult>;
  readonly done: Promise<LoadResult>;
}

const BROWSER_FIELDS =
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\nAccept: application/json, text/plain, */*\r\n' +
  'Accept-Language: en-GB,en;q=0.8,de;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n';
const ANSWER_MS_MAX = 20_000;

/** Keep-alive clients on bare sockets that count each failure with its cause. */
export function startLoad(options: LoadOptions): Load {
  const startedAt = performance.now();
  const failures: LoadFailure[] = [];
  let sent = 0;
  let ok = 0;
  let opened = 0;
  let stopping = false;
  const target = options.target ?? ((n) => `/load/${n % 97}/item-${n % 1_009}?page=${n % 13}`);
  const isRight = options.isRight ?? isEcho;

  const worker = async () => {
    let wire: Wire | null = null;
    while (!stopping && sent < (options.requestsMax ?? Number.POSITIVE_INFINITY)) {
      const id = sent++;
      const path = target(id);
      const full = `${path}${path.includes('?') ? '&' : '?'}id=${id}`;
      if (wire === null) {
        wire = new Wire(open(options));
        opened += 1;
      }
      const fresh = wire.count === 0;
      const outcome = await wire.ask(options.method ?? 'GET', full, options.fields?.(id) ?? '', options.body?.(id));
      if (typeof outcome === 'string')
        failures.push({ id, cause: outcome, fresh, atMs: performance.now() - startedAt });
      else if (outcome.status !== 200)
        failures.push({ id, cause: `status ${outcome.status}`, fresh, atMs: performance.now() - startedAt });
      else if (!isRight(outcome, full))
        failures.push({ id, cause: 'wrong body', fresh, atMs: performance.now() - startedAt });
      else ok += 1;
      if (wire.over || options.fresh || typeof outcome === 'string') {
        wire.close();
        wire = null;
        // A dead listener answers in microseconds: do not spin on it.
        if (typeof outcome === 'string') await delay(5);
      }
      if (options.pauseMs) await delay(options.pauseMs);
    }
    wire?.close();
  };
  const done = Promise.all(Array.from({ length: options.connections }, worker)).then((): LoadResult => {
    const causes = new Map<string, number>();
    for (const failure of failures) causes.set(failure.cause, (causes.get(failure.cause) ?? 0) + 1);
    const list = [...causes].map(([cause, count]) => `${count} x ${cause}`).join(', ');
    const words = `${sent} sent, ${ok} ok, ${failures.length} failed${list === '' ? '' : ` (${list})`}`;
    return { sent, ok, failures, ms: performance.now() - startedAt, connections: opened, words };
  });
  return {
    sent: () => sent,
    ok: () => ok,
    failures,
    stop: () => {
      stopping = true;
      return done;
    },
    done,
  };
}

function isEcho(answer: Answer, target: string): boolean {
  return answer.body.includes(`"target":${JSON.stringify(target)}`);
}

/** One keep-alive connection, one request at a time. */
class Wire {
  count = 0;
  /** No further request may go here: closed, or `Connection: close` was said. */
  over = false;
  private readonly socket: Socket;
  private readonly parser = new AnswerParser();
  private errno: string | null = null;
  private wake = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.parser.push(chunk);
      this.wake();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.errno = error.code ?? error.message;
      this.wake();
    });
    const gone = () => {
      if (!this.over && this.errno === null) this.parser.end();
      this.over = true;
      this.wake();
    };
    socket.on('end', gone);
    socket.on('close', gone);
  }

  /** @returns  The answer, or the cause of the failure. */
  async ask(method: string, target: string, fields: string, body?: Buffer): Promise<Answer | string> {
    this.count += 1;
    this.parser.expect(method);
    const length = body ? `Content-Length: ${body.length}\r\n` : '';
    const head = Buffer.from(
      `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${BROWSER_FIELDS}${fields}${length}\r\n`,
      'latin1',
    );
    const before = this.socket.bytesRead;
    this.socket.write(body ? Buffer.concat([head, body]) : head);
    const ended = () =>
      this.parser.answers.length > 0 || this.parser.error !== null || this.over || this.errno !== null;
    const deadline = performance.now() + ANSWER_MS_MAX;
    while (!ended() && performance.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - performance.now());
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const answer = this.parser.answers.shift();
    if (answer !== undefined) {
      if (answer.fields.some(([name, value]) => name === 'connection' && value.toLowerCase() === 'close'))
        this.over = true;
      return answer;
    }
    if (this.errno === 'ECONNREFUSED') return 'refused';
    const started = this.socket.bytesRead > before;
    if (this.errno !== null) return `${this.errno} ${started ? 'in' : 'before'} answer`;
    if (this.over) return started ? 'cut' : 'closed before answer';
    if (this.parser.error !== null) return `malformed: ${this.parser.error}`;
    return 'timeout';
  }

  close(): void {
    this.socket.destroy();
  }
}
