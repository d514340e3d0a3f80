import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { simpleConfig, startGateway } from '../support/gateway.ts';
import { exchange } from '../support/raw-client.ts';
import {
  type RecordingUpstream,
  type SeenRequest,
  startNodeUpstream,
  startRecordingUpstream,
} from '../support/recording-upstream.ts';
import { type Http1Case, judge, valuesOf } from './case.ts';
import { OWN_CASES } from './cases.ts';
import { loadSharedCases, sharedCasesFile } from './shared-cases.ts';

export interface CaseResult {
  readonly name: string;
  readonly upstream: RecordingUpstream['kind'];
  readonly outcome: string;
  readonly findings: readonly string[];
}

/**
 * Runs cases against a gateway of its own in front of one kind of upstream. All cases run at once, each from a client
 * address of its own (127/8 is all ours on Linux), which the gateway tells the upstream in X-Forwarded-For: so each
 * request that the upstream sees has an owner. One without an owner was smuggled, and is laid at the door of whoever
 * used that upstream connection before it.
 *
 * @returns  One result per case, in order, and complaints that belong to no case.
 */
export async function runCases(
  cases: readonly Http1Case[],
  startUpstream: () => Promise<RecordingUpstream>,
): Promise<{ results: CaseResult[]; stray: string[] }> {
  const upstream = await startUpstream();
  const gateway = await startGateway({
    config: simpleConfig(upstream.port, {
      routes: [
        { name: 'all', upstream: 'main', policies: { websocket: { enabled: false } } },
        { name: 'admin', paths: ['/admin', '/admin/*'], methods: ['DELETE'], upstream: 'main' },
        { name: 'small', paths: ['/small/*'], upstream: 'main', policies: { bodyBytesMax: 10 } },
      ],
    }),
  });
  try {
    const exchanges = await Promise.all(
      cases.map((test, index) =>
        exchange({
          port: gateway.http,
          localAddress: addressOf(index),
          segments: [test.bytes],
          answersMax: test.upstreamRequests ?? 1,
          lingerMs: 500,
          timeoutMs: 16_000,
          ...(test.methods ? { methods: test.methods } : {}),
        }),
      ),
    );
    // The last bytes may still be between gateway and upstream.
    await delay(300);
    const { owned, stray } = assign(upstream.requests, cases.length);
    const results = cases.map((test, index): CaseResult => {
      const verdict = judge(test, exchanges[index] ?? missing(test), owned[index] ?? [], addressOf(index));
      return { name: test.name, upstream: upstream.kind, ...verdict };
    });
    return { results, stray: [...stray, ...upstream.parseErrors.map((error) => `upstream parser: ${error}`)] };
  } finally {
    await gateway.stop();
    await upstream.close();
  }
}

function addressOf(index: number): string {
  return `127.0.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`;
}

function assign(requests: readonly SeenRequest[], count: number): { owned: SeenRequest[][]; stray: string[] } {
  const owned: SeenRequest[][] = Array.from({ length: count }, () => []);
  const stray: string[] = [];
  const lastOwner = new Map<number, number>();
  for (const request of requests) {
    const told = `${valuesOf(request, 'x-forwarded-for')} ${request.rawHead}`;
    const match = /127\.0\.(\d+)\.(\d+)/.exec(told);
    const own = match ? (Number(match[1]) - 1) * 250 + Number(match[2]) - 1 : undefined;
    const owner = own !== undefined && own >= 0 && own < count ? own : lastOwner.get(request.connection);
    if (owner === undefined) stray.push(`request without an owner: ${JSON.stringify(request.rawHead)}`);
    else {
      owned[owner]?.push(request);
      lastOwner.set(request.connection, owner);
    }
  }
  return { owned, stray };
}

function missing(test: Http1Case): never {
  throw new Error(`no exchange for ${test.name}`);
}

/** Both upstreams side by side: most of the time is spent waiting for the gateway's head time-out. */
export async function runBoth(cases: readonly Http1Case[]): Promise<{ results: CaseResult[]; stray: string[] }> {
  const [raw, strict] = await Promise.all([
    runCases(cases, () => startRecordingUpstream()),
    runCases(cases, () => startNodeUpstream()),
  ]);
  return { results: [...raw.results, ...strict.results], stray: [...raw.stray, ...strict.stray] };
}

/** `66 cases x 2 upstreams: 132 ok` */
export function summary(what: string, cases: number, results: readonly CaseResult[]): string {
  const ok = results.filter((result) => result.findings.length === 0).length;
  return `${what}: ${cases} cases x ${results.length / cases} upstreams: ${ok} ok, ${results.length - ok} wrong`;
}

function table(results: readonly CaseResult[]): string {
  const rows = results.map((result) => {
    const mark = result.findings.length === 0 ? 'ok   ' : 'WRONG';
    return `${mark} ${result.name.padEnd(30)} ${result.upstream.padEnd(10)} ${result.outcome.padEnd(24)} ${result.findings.join(' | ')}`;
  });
  return rows.join('\n');
}

async function main(): Promise<number> {
  const file = sharedCasesFile();
  const shared = file === null ? [] : loadSharedCases(file);
  if (file === null)
    console.log('the shared cases (http1/cases.json) are not here: set SALLYPORT_SHARED; running our own only');
  const { results, stray } = await runBoth([...shared, ...OWN_CASES]);
  const names = new Set(shared.map((test) => test.name));
  const ofShared = results.filter((result) => names.has(result.name));
  const ofOwn = results.filter((result) => !names.has(result.name));
  console.log(table(results));
  for (const line of stray) console.log(`WRONG ${line}`);
  if (shared.length > 0) console.log(summary('http1/cases.json', shared.length, ofShared));
  console.log(summary('our own', OWN_CASES.length, ofOwn));
  return stray.length === 0 && results.every((result) => result.findings.length === 0) ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = await main();
