import type { Exchange } from '../support/raw-client.ts';
import type { SeenRequest } from '../support/recording-upstream.ts';

/** Raw bytes on one connection, and what must come of them. */
export interface Http1Case {
  readonly name: string;
  readonly bytes: Buffer;
  readonly expect: 'refuse' | 'forward' | 'refuse or forward safely';
  /** Most requests the upstream may see; exactly so many for `forward`. Default 1. */
  readonly upstreamRequests?: number;
  readonly first?: { readonly method: string; readonly target: string; readonly body: string };
  /** Statuses allowed where the refusal is answered rather than the connection closed. */
  readonly status?: readonly number[];
  /** True where the refusal can only come after the upstream saw a beginning: it must never see the end. */
  readonly mayBegin?: boolean;
  /** Methods of the requests, for the framing of the answers. */
  readonly methods?: readonly string[];
  /** A further demand; returns what is wrong, or null. Runs however the case ended. */
  readonly check?: (seen: readonly SeenRequest[], exchange: Exchange, clientAddress: string) => string | null;
}

/**
 * Judges one case.
 *
 * @param seen           Requests of this client that the upstream saw, begun ones included.
 * @param clientAddress  Where the client connected from: what the upstream must be told.
 * @returns              `refused` or `forwarded`, and what is wrong; no findings means as it must be.
 */
export function judge(
  test: Http1Case,
  exchange: Exchange,
  seen: readonly SeenRequest[],
  clientAddress: string,
): { outcome: string; findings: string[] } {
  const refusals = refusalFindings(test, exchange, seen);
  const forwards = forwardFindings(test, exchange, seen);
  const outcome = seen.length > 0 ? `forwarded ${exchange.answers[0]?.status ?? exchange.end}` : refusalWords(exchange);
  const findings =
    test.expect === 'refuse' ? refusals : test.expect === 'forward' ? forwards : seen.length > 0 ? forwards : refusals;
  const always: string[] = [];
  if (exchange.error !== null) always.push(`the gateway's own bytes are malformed: ${exchange.error}`);
  for (const answer of exchange.answers) {
    if (
      /^(server|x-powered-by|uwebsockets)\b/im.test(answer.rawHead) ||
      /sallyport|uwebsockets/i.test(answer.rawHead)
    ) {
      always.push(`fingerprint in ${JSON.stringify(answer.rawHead)}`);
    }
  }
  const extra = test.check?.(seen, exchange, clientAddress);
  if (extra) always.push(extra);
  return { outcome, findings: [...findings, ...always] };
}

function refusalWords(exchange: Exchange): string {
  const status = exchange.answers[0]?.status;
  return status === undefined ? `${exchange.end} after ${Math.round(exchange.ms)} ms` : `refused ${status}`;
}

function refusalFindings(test: Http1Case, exchange: Exchange, seen: readonly SeenRequest[]): string[] {
  const found: string[] = [];
  if (exchange.end === 'timeout') found.push('neither answered nor closed in time');
  for (const answer of exchange.answers) {
    if (answer.status < 400) found.push(`answered ${answer.status}`);
  }
  const status = exchange.answers[0]?.status;
  if (status !== undefined && test.status && !test.status.includes(status)) {
    found.push(`answered ${status}, wanted ${test.status.join(' or ')}`);
  }
  const reached = seen.filter((request) => request.complete || test.mayBegin !== true);
  if (reached.length > 0) found.push(`the upstream saw ${reached.map(describe).join('; ')}`);
  return found;
}

function forwardFindings(test: Http1Case, exchange: Exchange, seen: readonly SeenRequest[]): string[] {
  const found: string[] = [];
  const wanted = test.upstreamRequests ?? 1;
  if (test.expect === 'forward' ? seen.length !== wanted : seen.length > wanted) {
    found.push(`the upstream saw ${seen.length} requests, wanted ${wanted}: ${seen.map(describe).join('; ')}`);
  }
  const [first] = seen;
  if (first === undefined) {
    found.push(`not forwarded: ${refusalWords(exchange)}`);
    return found;
  }
  // A request that the upstream never saw the end of is a refusal in the middle of its body, and judged as one.
  const abandoned = test.expect !== 'forward' && seen.length === 1 && !first.complete;
  if (abandoned) {
    if (exchange.answers.some((answer) => answer.status < 400)) found.push('answered, though the request never ended');
    if (exchange.end === 'timeout') found.push('neither answered nor closed in time');
  } else {
    if (exchange.answers[0]?.status !== 200) found.push(`forwarded but answered ${refusalWords(exchange)}`);
    if (exchange.answers.filter((answer) => answer.status === 200).length > seen.length)
      found.push('more answers than requests');
    for (const request of seen) if (!request.complete) found.push(`cut upstream: ${describe(request)}`);
  }
  for (const request of seen) for (const complaint of request.complaints) found.push(`upstream: ${complaint}`);
  if (test.first) {
    if (first.method !== test.first.method) found.push(`method ${first.method}`);
    if (first.target !== test.first.target) found.push(`target ${first.target}`);
    if (first.body.toString('latin1') !== test.first.body)
      found.push(`body ${JSON.stringify(first.body.toString('latin1'))}`);
  }
  return found;
}

function describe(request: SeenRequest): string {
  return `${request.method} ${request.target} (${request.bodyBytes} B body${request.complete ? '' : ', cut'})`;
}

/** Values of a field as the upstream saw it, joined as RFC 9110 5.3 does. */
export function valuesOf(request: SeenRequest | undefined, name: string): string {
  const values = (request?.fields ?? []).filter(([key]) => key === name).map(([, value]) => value);
  return values.join(', ');
}

/** No request may reach the upstream that a forgiving server would take for /admin: that route allows DELETE only. */
export function neverAdmin(seen: readonly SeenRequest[]): string | null {
  const hit = seen.find((request) => isAdmin(request.target) && request.method !== 'DELETE');
  return hit ? `${hit.method} ${hit.target} reached the upstream past the route for /admin` : null;
}

function isAdmin(target: string): boolean {
  let path = target.split(/[?#]/)[0] ?? '';
  // Decoded again and again, backslashes as slashes, path parameters dropped: the most forgiving reading there is.
  for (let i = 0; i < 3; i += 1) {
    path = path.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
  const segments: string[] = [];
  for (const raw of path.replaceAll('\\', '/').split('/')) {
    const segment = raw.split(';')[0] ?? '';
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return segments[0]?.toLowerCase() === 'admin' && target.toLowerCase() !== '/public/%252e%252e/admin';
}
