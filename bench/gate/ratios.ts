import { DISTURBED_CORES } from '../machine.ts';
import type { StoredCase, StoredRound, StoredRun } from '../report/run-schema.ts';
import { type Spread, spreadOf } from '../statistics.ts';
import type { Budget } from './budget.ts';

/** What a run says about one budget. */
export type Measured =
  | { readonly kind: 'ratio'; readonly spread: Spread }
  /** The run has nothing to judge by. */
  | { readonly kind: 'absent'; readonly words: string }
  /** It has figures, and they are worth nothing. */
  | { readonly kind: 'void'; readonly words: string };

const JUDGED = 'sallyport';
/** Fewer have no middle one to speak of. */
const ROUNDS_MIN = 3;

/** @returns  The ratio of Sallyport's figure to that of the budget's peer, over the rounds that both ran. */
export function measuredFor(budget: Budget, run: StoredRun): Measured {
  const own = caseOf(run, budget.case);
  const other = caseOf(run, budget.against.case ?? budget.case);
  if (own === null) return absent(`the run has no case ${budget.case}`);
  if (other === null) return absent(`the run has no case ${budget.against.case}`);
  const sides = [
    { one: own, peer: JUDGED },
    { one: other, peer: budget.against.peer },
  ];
  for (const { one, peer } of sides) {
    const problems = one.summary.filter((row) => row.peer === peer).flatMap((row) => row.problems);
    if (problems.length > 0) return { kind: 'void', words: `${peer} in ${one.name} is INVALID: ${problems[0]}` };
  }
  return budget.figure === 'cpu' ? cpuRatios(own, other, budget.against.peer) : latencyRatio(own, budget.against.peer);
}

function cpuRatios(own: StoredCase, other: StoredCase, peer: string): Measured {
  const theirs = new Map(other.rounds.filter((row) => row.peer === peer).map((row) => [row.round, row]));
  if (theirs.size === 0) return absent(`${peer} did not take part in ${other.name}`);
  const pairs = own.rounds.flatMap((row) => {
    const match = theirs.get(row.round);
    return row.peer !== JUDGED || match === undefined
      ? []
      : [{ ratio: costOf(row) / costOf(match), isDisturbed: isDisturbed(row) || isDisturbed(match) }];
  });
  if (pairs.length === 0) return absent(`${JUDGED} did not take part in ${own.name}`);
  if (pairs.length < ROUNDS_MIN)
    return absent(`${pairs.length} rounds are too few to judge by: ${ROUNDS_MIN} at least`);
  // A median stands while fewer than half of what it is taken of are wrong.
  const disturbed = pairs.filter((pair) => pair.isDisturbed).length;
  if (disturbed * 2 >= pairs.length) {
    const words = `other processes used the machine in ${disturbed} of ${pairs.length} rounds: run again when it is quiet`;
    return { kind: 'void', words };
  }
  if (!pairs.every(({ ratio }) => Number.isFinite(ratio) && ratio > 0)) {
    return { kind: 'void', words: 'a round was too short for the clock of CPU times' };
  }
  return { kind: 'ratio', spread: spreadOf(pairs.map(({ ratio }) => ratio)) };
}

function latencyRatio({ name, openLoop }: StoredCase, peer: string): Measured {
  const rowOf = (wanted: string) => (openLoop ?? []).find((row) => row.peer === wanted);
  const [own, other] = [rowOf(JUDGED), rowOf(peer)];
  const [mine, theirs] = [own?.p99Ms ?? null, other?.p99Ms ?? null];
  if (mine === null || theirs === null || theirs <= 0) {
    return absent(`no latency under a fixed arrival rate of ${mine === null ? JUDGED : peer} in ${name}`);
  }
  for (const row of [own, other]) {
    if ((row?.errors ?? 0) > 0)
      return { kind: 'void', words: `${row?.peer} in ${name}: ${row?.errors} requests failed` };
  }
  return { kind: 'ratio', spread: spreadOf([mine / theirs]) };
}

function caseOf({ cases }: StoredRun, name: string): StoredCase | null {
  return cases.find((one) => one.name === name) ?? null;
}

function costOf({ cpuUs, result }: StoredRound): number {
  return cpuUs / result.answered;
}

function isDisturbed({ disturbance: { othersCores, stolenCores } }: StoredRound): boolean {
  return othersCores + stolenCores > DISTURBED_CORES;
}

function absent(words: string): Measured {
  return { kind: 'absent', words };
}
