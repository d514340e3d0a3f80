import type { CaseName } from './cases.ts';
import type { HeapFigure } from './figures/heap-round.ts';
import type { Machine } from './machine.ts';
import type { OpenLoop } from './open-loop.ts';
import type { Proof } from './proofs.ts';
import type { RoundRow } from './rounds.ts';
import type { Summary } from './summary.ts';

export type { OpenLoop } from './open-loop.ts';

/** What a run leaves behind: bench/runs/DATE/TIME.json. */
export interface RunResults {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly loadAverages: { readonly start: readonly number[]; readonly end: readonly number[] };
  readonly warnings: readonly string[];
  readonly cases: readonly CaseReport[];
}

export interface CaseReport {
  readonly name: CaseName;
  readonly what: string;
  readonly connections: number;
  /** Workers of each proxy. */
  readonly threads: number;
  readonly requestsPerRound: number;
  readonly summary: readonly Summary[];
  /** Null where it was not measured. */
  readonly openLoop: readonly OpenLoop[] | null;
  readonly heap: HeapFigure | null;
  readonly proofs: readonly Proof[];
  readonly rounds: readonly RoundRow[];
}
