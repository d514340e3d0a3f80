import type { Disturbance, Machine } from '../bench/machine.ts';
import type { Spread } from '../bench/statistics.ts';

/** One way over all rounds, per operation. */
export interface WayResult {
  readonly name: string;
  readonly cpuUs: Spread;
  readonly wallUs: Spread;
  /** CPU time against that of the row's first way in the same round. */
  readonly ratio: Spread;
  /** Done in all, warming included: each proven. */
  readonly operations: number;
}

export interface RowResult {
  readonly name: string;
  readonly ways: readonly WayResult[];
}

export interface BenchResult {
  readonly name: string;
  readonly what: string;
  readonly disturbance: Disturbance;
  readonly rows: readonly RowResult[];
}

/** `native-bench/runs/DATE.json`. */
export interface NativeRun {
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly rounds: number;
  readonly turnMs: number;
  readonly machine: Machine;
  /** Of the packages compared. */
  readonly versions: Readonly<Record<string, string>>;
  readonly loadAverages: { readonly start: readonly number[]; readonly end: readonly number[] };
  /** What is missing, or disturbed. */
  readonly warnings: readonly string[];
  readonly benches: readonly BenchResult[];
}

/** @throws Error naming what the run does not have. */
export function wayIn(run: NativeRun, bench: string, row: string, way: string): WayResult {
  const found = run.benches
    .find(({ name }) => name === bench)
    ?.rows.find(({ name }) => name === row)
    ?.ways.find(({ name }) => name === way);
  if (found === undefined) throw new Error(`the run has no "${way}" in row "${row}" of ${bench}`);
  return found;
}
