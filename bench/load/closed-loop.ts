import { autocannon, type CannonClient } from '../autocannon.ts';
import type { LoadJob, LoadResult } from '../load-wire.ts';
import { ANSWER, answerBytes, isSentOnce, type LoadRequest, requestsOf } from '../requests.ts';
import { percentiles } from '../statistics.ts';

const TIMEOUT_SECONDS = 30;
const ERRORS_MAX = 100;
const SAMPLE_MS = 50;
/** What an attack must get. */
const REFUSED = 403;
const LIMITED = 429;

/** autocannon: requests one after the other on each connection. */
export async function runClosed(job: LoadJob): Promise<LoadResult> {
  const requests = requestsOf(job);
  const book = new Book(answerBytes(job.load) > ANSWER.length ? null : ANSWER);
  let clients = 0;
  const result = await autocannon({
    url: `${job.tls ? 'https' : 'http'}://127.0.0.1:${job.port}`,
    connections: job.connections,
    amount: job.requests,
    ...(job.fresh ? { reconnectRate: 1 } : {}),
    ...(job.tls ? { tlsOptions: { minVersion: 'TLSv1.3' as const } } : {}),
    // Only to be replaced: every connection gets the list from another place on.
    requests: requests.slice(0, 1),
    timeout: TIMEOUT_SECONDS,
    bailout: ERRORS_MAX,
    sampleInt: SAMPLE_MS,
    setupClient: (client) => {
      const own = shareOf(requests, clients++, job);
      client.setRequests(own);
      book.follow(client, own);
    },
  });
  return { ...book.result(), errors: result.errors };
}

/** What is sent once is sent by one connection; all else by all, each beginning elsewhere. */
function shareOf(requests: readonly LoadRequest[], client: number, job: LoadJob): readonly LoadRequest[] {
  if (isSentOnce(job)) return requests.filter((_, index) => index % job.connections === client);
  const from = Math.floor((client * requests.length) / job.connections);
  return [...requests.slice(from), ...requests.slice(0, from)];
}

type Quartet = readonly [number, number, number, number];

/**
 * Our own count of answers, from each connection's events: autocannon emits no `response` when it reconnects after each
 * request, and its histogram starts at whole milliseconds.
 */
class Book {
  readonly #answer: string | null;
  readonly #latencies: number[] = [];
  readonly #startedAt = performance.now();
  #endedAt = this.#startedAt;
  #non2xx = 0;
  #limited = 0;
  #mismatches = 0;
  #bodyBytes = 0;
  #sentBodyBytes = 0;
  #attacks = 0;
  #attacksPassed = 0;

  /** @param answer  Body of every answer; null for one too long to be looked at: its bytes are counted. */
  constructor(answer: string | null) {
    this.#answer = answer;
  }

  /** @param requests  What it sends, one after the other, and from the first again. */
  follow(client: CannonClient, requests: readonly LoadRequest[]): void {
    let sentAt = Number.NaN;
    let status = 0;
    let sent = 0;
    let body = '';
    let request: LoadRequest | undefined;
    const finish = () => {
      if (status === 0) return;
      this.#endedAt = performance.now();
      this.#latencies.push(this.#endedAt - sentAt);
      if (request?.isAttack === true) {
        this.#attacks += 1;
        if (status !== REFUSED) this.#attacksPassed += 1;
      } else {
        this.#sentBodyBytes += request?.body?.length ?? 0;
        if (status < 200 || status > 299) this.#non2xx += 1;
        if (status === LIMITED) this.#limited += 1;
        if (this.#answer !== null && body !== this.#answer) this.#mismatches += 1;
      }
      status = 0;
    };
    const fail = () => {
      status = 0;
    };
    client.on('headers', (head: { statusCode: number }) => {
      status = head.statusCode;
    });
    client.on('body', (piece: Buffer) => {
      if (request?.isAttack === true) return;
      this.#bodyBytes += piece.length;
      if (this.#answer !== null) body += piece.toString('latin1');
    });
    client.on('response', finish);
    client.on('connError', fail);
    client.on('timeout', fail);
    // With reconnecting, an answer is whole when the next request is sent, or when there is none left to send.
    client.on('done', finish);
    client.on('request', () => {
      finish();
      request = requests[sent % requests.length];
      sent += 1;
      body = '';
      sentAt = performance.now();
    });
  }

  result(): Omit<LoadResult, 'errors'> {
    const [p50Ms, p90Ms, p99Ms, p999Ms] = percentiles(this.#latencies, [0.5, 0.9, 0.99, 0.999]) as Quartet;
    return {
      answered: this.#latencies.length,
      non2xx: this.#non2xx,
      limited: this.#limited,
      mismatches: this.#mismatches,
      bodyBytes: this.#bodyBytes,
      sentBodyBytes: this.#sentBodyBytes,
      attacks: this.#attacks,
      attacksPassed: this.#attacksPassed,
      seconds: (this.#endedAt - this.#startedAt) / 1_000,
      p50Ms,
      p90Ms,
      p99Ms,
      p999Ms,
    };
  }
}
