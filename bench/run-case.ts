import { setTimeout as wait } from 'node:timers/promises';
import type { Case } from './cases.ts';
import { Field, threadsOf } from './field.ts';
import { measureHeap } from './figures/heap-round.ts';
import type { LoadProcess } from './load.ts';
import { hasOpenLoop, runOpenLoop } from './open-loop.ts';
import type { Peer } from './peers/peer.ts';
import { type PlanOptions, planOf } from './plan.ts';
import { type Proof, proveCounts, proveRefusals } from './proofs.ts';
import type { CaseReport } from './results.ts';
import { loadJob, runRounds, SETTLE_MS, WARMING } from './rounds.ts';
import type { RuleSetFiles } from './rule-set.ts';
import { summarise } from './summary.ts';
import type { Workspace } from './workspace.ts';

export interface CaseOptions extends PlanOptions {
  readonly peers: readonly Peer[];
  /** For cases with rules. */
  readonly ruleSet: RuleSetFiles | null;
  readonly load: LoadProcess;
  readonly workspace: Workspace;
  /** Null for what the case says. */
  readonly openLoop: boolean | null;
  readonly say: (words: string) => void;
}

/** Cases whose allocations are looked at in a quick run, too. */
const HEAP_QUICK: readonly string[] = ['plain', 'everything'];

/**
 * One case from the start of its servers to their end: proofs of refusals, rounds, latencies at half load, proofs by
 * counts, allocations.
 *
 * @throws ServerError when a server does not start, or ends.
 */
export async function runCase(one: Case, options: CaseOptions): Promise<CaseReport> {
  const { peers, ruleSet, load, workspace, say, quick } = options;
  const plan = planOf(one, options);
  const credentials = workspace.credentials();
  const rounding = { plan, load, credentials, say };
  say('starting servers');
  const field = await Field.start(one, { peers, ruleSet, workspace, requestsAllowed: plan.requestsAllowed });
  try {
    const proofs: Proof[] = [];
    for (const contender of field.contenders) proofs.push(...(await proveRefusals(one, contender, credentials)));
    const rounds = await runRounds(one, field, rounding);
    const wantsOpenLoop = (options.openLoop ?? one.openLoop) && hasOpenLoop(one);
    const openLoop = wantsOpenLoop ? await runOpenLoop(one, field, { load, credentials, quick, say }) : null;
    await wait(SETTLE_MS);
    for (const contender of field.contenders) {
      const overshoot = loadJob(one, contender.server.port, plan.overshoot, WARMING, credentials);
      proofs.push(...(await proveCounts(contender, load, overshoot)));
    }
    const hasSallyport = field.contenders.some(({ name }) => name === 'sallyport');
    const wantsHeap = hasSallyport && one.idle === 0 && (!quick || HEAP_QUICK.includes(one.name));
    if (wantsHeap) say('allocations of sallyport');
    const heap = wantsHeap ? await measureHeap(one, field, rounding) : null;
    const lacks = Object.fromEntries(field.contenders.map((contender) => [contender.name, contender.lacks]));
    return {
      name: one.name,
      what: one.what,
      connections: one.connections,
      threads: threadsOf(one.threads),
      requestsPerRound: plan.requests,
      summary: summarise(one.name, rounds, { proofs, heap, lacks }),
      openLoop,
      heap,
      proofs,
      rounds,
    };
  } finally {
    await field.stop();
  }
}
