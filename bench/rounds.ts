import { setTimeout as wait } from 'node:timers/promises';
import type { Case } from './cases.ts';
import { treeCpuUs } from './cpu.ts';
import type { Credentials } from './credentials.ts';
import { isCrsLoad } from './crs-requests.ts';
import type { Contender, Field } from './field.ts';
import { treeRssBytes } from './figures/memory.ts';
import type { LoadProcess } from './load.ts';
import type { LoadJob, LoadResult } from './load-wire.ts';
import { type Disturbance, watchDisturbance } from './machine.ts';
import type { Plan } from './plan.ts';
import { answerBytes } from './requests.ts';
import type { Counts, Upstream } from './upstream.ts';

/** One proxy in one round. */
export interface RoundRow {
  readonly round: number;
  readonly peer: string;
  /** CPU time of all processes and threads of the proxy over the round. */
  readonly cpuUs: number;
  /** Resident memory of all its processes at the end of the round. */
  readonly rssBytes: number;
  readonly result: LoadResult;
  /** What the upstream counted meanwhile. */
  readonly upstream: Counts;
  readonly disturbance: Disturbance;
  /** Empty when the row holds. */
  readonly problems: readonly string[];
}

export interface RoundsOptions {
  readonly plan: Plan;
  readonly load: LoadProcess;
  readonly credentials: Credentials;
  readonly say: (words: string) => void;
}

/** Lets what is written in intervals (100 ms at most) be written, and counted to whom it belongs. */
export const SETTLE_MS = 300;
/** Seed of requests that are not measured: no round has it. */
export const WARMING = 1_000_000;

/**
 * Warms each proxy of a field, then loads one after another, round by round. Every other round goes backwards, so that
 * a drift of the machine hits all alike.
 *
 * @throws ServerError when a server ends.
 */
export async function runRounds(one: Case, field: Field, options: RoundsOptions): Promise<readonly RoundRow[]> {
  const { plan, load, credentials, say } = options;
  const { contenders } = field;
  const jobOf = (contender: Contender, requests: number, seed: number) =>
    loadJob(one, contender.server.port, requests, seed, credentials);
  const warm = async (contender: Contender, requests: number) => {
    contender.answered += (await load.run(jobOf(contender, requests, WARMING))).answered;
  };
  for (const contender of contenders) {
    say(`warming ${contender.name}`);
    await warm(contender, plan.warmUp);
  }
  const rows: RoundRow[] = [];
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      say(`round ${round + 1} of ${plan.rounds}, ${contender.name}`);
      await warm(contender, plan.prelude);
      const job = jobOf(contender, plan.requests, round);
      const row = await besideIdle(one, job, load, (problems) =>
        measure(round, contender, field.upstream, load, job, problems),
      );
      contender.answered += row.result.answered;
      rows.push(row);
    }
  }
  return rows;
}

export function loadJob(one: Case, port: number, requests: number, seed: number, credentials: Credentials): LoadJob {
  const { tls, load, auth, routes, fresh, connections } = one;
  return { port, tls, load, auth, routes, fresh, connections, credentials, requests, seed };
}

/** Keeps idle connections open around a measurement, and sees that none was closed under it. */
async function besideIdle(
  one: Case,
  { port, load: kind, auth = 'none', routes = 1, credentials = null }: LoadJob,
  load: LoadProcess,
  measured: (problems: () => Promise<readonly string[]>) => Promise<RoundRow>,
): Promise<RoundRow> {
  if (one.idle === 0) return measured(async () => []);
  await load.hold({ port, load: kind, auth, routes, credentials, requests: 1, seed: 0, connections: one.idle });
  return measured(async () => {
    const { open } = await load.release();
    return open === one.idle ? [] : [`idle connections at the end: ${open}, not ${one.idle}`];
  });
}

async function measure(
  round: number,
  { server: proxy, name }: Contender,
  upstream: Upstream,
  load: LoadProcess,
  job: LoadJob,
  furtherProblems: () => Promise<readonly string[]>,
): Promise<RoundRow> {
  await wait(SETTLE_MS);
  const countsBefore = await upstream.counts();
  const disturbance = watchDisturbance();
  const cpuBefore = treeCpuUs(proxy.pid);
  const result = await load.run(job);
  await wait(SETTLE_MS);
  const cpuUs = treeCpuUs(proxy.pid) - cpuBefore;
  const rssBytes = treeRssBytes(proxy.pid);
  const disturbed = disturbance();
  const counts = await upstream.counts();
  const arrived: Counts = {
    requests: counts.requests - countsBefore.requests,
    bodyBytes:
      counts.bodyBytes === null || countsBefore.bodyBytes === null ? null : counts.bodyBytes - countsBefore.bodyBytes,
  };
  const problems = [...problemsOf(job, result, arrived), ...(await furtherProblems())];
  return { round, peer: name, cpuUs, rssBytes, result, upstream: arrived, disturbance: disturbed, problems };
}

/** What speaks against a figure: work that was not done, or done twice, or a firewall that let something through. */
export function problemsOf(job: LoadJob, result: LoadResult, arrived: Counts): readonly string[] {
  const honest = job.requests - result.attacks;
  const expected: readonly (readonly [what: string, is: number, mustBe: number])[] = [
    ['errors', result.errors, 0],
    ['answers other than 2xx', result.non2xx, 0],
    ['attacks that were not answered with 403', result.attacksPassed, 0],
    ['wrong bodies', result.mismatches, 0],
    ['answers', result.answered, job.requests],
    ['body bytes', result.bodyBytes, honest * answerBytes(job.load)],
    ['requests at the upstream', arrived.requests, honest],
    ['body bytes at the upstream', arrived.bodyBytes ?? result.sentBodyBytes, result.sentBodyBytes],
  ];
  const problems = expected
    .filter(([, is, mustBe]) => is !== mustBe)
    .map(([what, is, mustBe]) => `${what}: ${is}, not ${mustBe}`);
  return isCrsLoad(job.load) && result.attacks === 0 ? [...problems, 'no attack was sent'] : problems;
}
