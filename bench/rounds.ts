import { setTimeout as wait } from 'node:timers/promises';
import type { Case } from './cases.ts';
import { treeCpuUs } from './cpu.ts';
import { isCrsLoad } from './crs-requests.ts';
import type { LoadProcess } from './load.ts';
import type { LoadJob, LoadResult } from './load-wire.ts';
import { type Disturbance, watchDisturbance } from './machine.ts';
import type { Peer } from './peers/peer.ts';
import { ANSWER, hasBodies, TRANSFER_BYTES } from './requests.ts';
import type { RuleSetFiles } from './rule-set.ts';
import { freePort, Server } from './servers.ts';
import { type Counts, Upstream } from './upstream.ts';
import type { Workspace } from './workspace.ts';

/** One proxy in one round. */
export interface RoundRow {
  readonly round: number;
  readonly peer: string;
  /** CPU time of all processes and threads of the proxy over the round. */
  readonly cpuUs: number;
  readonly result: LoadResult;
  /** What the upstream counted meanwhile. */
  readonly upstream: Counts;
  readonly disturbance: Disturbance;
  /** Empty when the row holds. */
  readonly problems: readonly string[];
}

export interface RoundsOptions {
  readonly rounds: number;
  /** In one round. */
  readonly requests: number;
  readonly peers: readonly Peer[];
  /** For cases with a firewall. */
  readonly ruleSet: RuleSetFiles | null;
  readonly load: LoadProcess;
  readonly workspace: Workspace;
  readonly say: (words: string) => void;
}

/** Lets what is written in intervals (100 ms at most) be written, and counted to whom it belongs. */
const SETTLE_MS = 300;
/** Seed of requests that are not measured: no round has it. */
const WARMING = 1_000_000;

/**
 * Runs one case: starts the upstream and all proxies, warms each of them, then loads one after another, round by round.
 * Every other round goes backwards, so that a drift of the machine hits all alike.
 *
 * @throws ServerError when a server does not start, or ends.
 */
export async function runRounds(one: Case, options: RoundsOptions): Promise<readonly RoundRow[]> {
  const { peers, load, workspace, requests, say } = options;
  const servers: Server[] = [];
  try {
    const upstream = await Upstream.start(await freePort(), workspace.folder('upstream'), hasBodies(one.load));
    servers.push(upstream.server);
    const proxies: Server[] = [];
    const tls = one.tls ? workspace.certificate() : null;
    const ruleSet = one.firewall ? options.ruleSet : null;
    for (const peer of peers) {
      const port = await freePort();
      const launch = peer.launch({ port, upstreamPort: upstream.server.port, duties: one.duties, tls, ruleSet });
      const proxy = await Server.start(peer.name, port, workspace.folder(peer.name), launch);
      proxies.push(proxy);
      servers.push(proxy);
    }
    const job = (proxy: Server, amount: number, seed: number): LoadJob => ({
      port: proxy.port,
      tls: one.tls,
      load: one.load,
      seed,
      fresh: one.fresh,
      connections: one.connections,
      requests: Math.max(one.connections, Math.ceil(amount)),
    });
    for (const proxy of proxies) await load.run(job(proxy, requests / 2, WARMING));
    const rows: RoundRow[] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      for (const proxy of round % 2 === 0 ? proxies : proxies.toReversed()) {
        await load.run(job(proxy, requests / 10, WARMING));
        rows.push(await measure(round, proxy, upstream, load, job(proxy, requests, round)));
      }
      say(`${one.name}: round ${round + 1} of ${options.rounds}`);
    }
    return rows;
  } finally {
    for (const server of servers.reverse()) await server.stop();
  }
}

async function measure(
  round: number,
  proxy: Server,
  upstream: Upstream,
  load: LoadProcess,
  job: LoadJob,
): Promise<RoundRow> {
  await wait(SETTLE_MS);
  const countsBefore = await upstream.counts();
  const disturbance = watchDisturbance();
  const cpuBefore = treeCpuUs(proxy.pid);
  const result = await load.run(job);
  await wait(SETTLE_MS);
  const cpuUs = treeCpuUs(proxy.pid) - cpuBefore;
  const disturbed = disturbance();
  const counts = await upstream.counts();
  const arrived: Counts = {
    requests: counts.requests - countsBefore.requests,
    bodyBytes:
      counts.bodyBytes === null || countsBefore.bodyBytes === null ? null : counts.bodyBytes - countsBefore.bodyBytes,
  };
  const problems = problemsOf(job, result, arrived);
  return { round, peer: proxy.name, cpuUs, result, upstream: arrived, disturbance: disturbed, problems };
}

/** What speaks against a figure: work that was not done, or done twice, or a firewall that let something through. */
export function problemsOf(job: LoadJob, result: LoadResult, arrived: Counts): readonly string[] {
  const bytes = job.load === 'download' ? TRANSFER_BYTES : ANSWER.length;
  const honest = job.requests - result.attacks;
  const expected: readonly (readonly [what: string, is: number, mustBe: number])[] = [
    ['errors', result.errors, 0],
    ['answers other than 2xx', result.non2xx, 0],
    ['attacks that were not answered with 403', result.attacksPassed, 0],
    ['wrong bodies', result.mismatches, 0],
    ['answers', result.answered, job.requests],
    ['body bytes', result.bodyBytes, honest * bytes],
    ['requests at the upstream', arrived.requests, honest],
    ['body bytes at the upstream', arrived.bodyBytes ?? result.sentBodyBytes, result.sentBodyBytes],
  ];
  const problems = expected
    .filter(([, is, mustBe]) => is !== mustBe)
    .map(([what, is, mustBe]) => `${what}: ${is}, not ${mustBe}`);
  return isCrsLoad(job.load) && result.attacks === 0 ? [...problems, 'no attack was sent'] : problems;
}
