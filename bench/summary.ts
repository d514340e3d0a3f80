import { CASES, type CaseName } from './cases.ts';
import type { Duty } from './duties.ts';
import { PLAIN_SALLYPORT } from './field.ts';
import type { HeapFigure } from './figures/heap-round.ts';
import { type Proof, proofProblems } from './proofs.ts';
import { answerBytes, TRANSFER_BYTES } from './requests.ts';
import type { RoundRow } from './rounds.ts';
import { type Spread, spreadOf } from './statistics.ts';

/** One line of the table: a proxy over all rounds of a case. */
export interface Summary {
  readonly peer: string;
  readonly cpuUsPerRequest: Spread;
  /** CPU seconds per 10^9 body bytes; null for cases that move no bulk. */
  readonly cpuSecondsPerGB: Spread | null;
  /** CPU per request against that of `baselineOf` in the same round; null without a baseline. */
  readonly ratio: Spread | null;
  /** CPU microseconds per request that the duties add to a Sallyport without them, round by round; null for others. */
  readonly addedUs: Spread | null;
  readonly requestsPerSecond: Spread;
  readonly p50Ms: Spread;
  readonly p90Ms: Spread;
  readonly p99Ms: Spread;
  readonly p999Ms: Spread;
  /** Resident memory of all its processes after a round, in 10^6 bytes. */
  readonly rssMB: Spread;
  /** Of Sallyport alone, over all its threads, in V8's heaps; null where not measured. */
  readonly allocatedBytesPerRequest: number | null;
  /** Of Sallyport alone: 0 to 1 of its CPU time. */
  readonly gcShare: number | null;
  /** Over all rounds. */
  readonly answered: number;
  /** Lost connections and time-outs over all rounds. */
  readonly errors: number;
  /** Attacks among the answered. */
  readonly attacks: number;
  readonly bodyBytes: number;
  /** Duties of the case that it does not do. */
  readonly lacks: readonly Duty[];
  readonly problems: readonly string[];
}

/** What is known of a case beside its rounds. */
export interface SummaryFacts {
  readonly proofs?: readonly Proof[];
  readonly heap?: HeapFigure | null;
  /** By name of the proxy. */
  readonly lacks?: Readonly<Record<string, readonly Duty[]>>;
}

/** Whom others are compared with. */
export function baselineOf(name: CaseName): string {
  return CASES[name].baseline;
}

/** @returns  A summary per proxy, in the order in which they first ran. */
export function summarise(name: CaseName, rows: readonly RoundRow[], facts: SummaryFacts = {}): readonly Summary[] {
  const { proofs = [], heap = null, lacks = {} } = facts;
  const { load } = CASES[name];
  const bulk = load === 'upload' || answerBytes(load) >= TRANSFER_BYTES;
  const costs = (peer: string) =>
    new Map(rows.filter((row) => row.peer === peer).map((row) => [row.round, costOf(row)]));
  const baseline = costs(baselineOf(name));
  const plain = costs(PLAIN_SALLYPORT);
  const inRound = (of: ReadonlyMap<number, number>, { round }: RoundRow) => of.get(round) ?? Number.NaN;
  return [...new Set(rows.map(({ peer }) => peer))].map((peer) => {
    const own = rows.filter((row) => row.peer === peer);
    const over = (figure: (row: RoundRow) => number): Spread => spreadOf(own.map(figure));
    const total = (figure: (row: RoundRow) => number): number => own.reduce((sum, row) => sum + figure(row), 0);
    const isOurs = peer === 'sallyport';
    return {
      peer,
      cpuUsPerRequest: over(costOf),
      cpuSecondsPerGB: bulk ? over((row) => (row.cpuUs * 1_000) / bulkBytes(row)) : null,
      ratio: baseline.size === 0 ? null : over((row) => costOf(row) / inRound(baseline, row)),
      addedUs: isOurs && plain.size > 0 ? over((row) => costOf(row) - inRound(plain, row)) : null,
      requestsPerSecond: over(({ result }) => result.answered / result.seconds),
      p50Ms: over(({ result }) => result.p50Ms),
      p90Ms: over(({ result }) => result.p90Ms),
      p99Ms: over(({ result }) => result.p99Ms),
      p999Ms: over(({ result }) => result.p999Ms),
      rssMB: over(({ rssBytes }) => rssBytes / 1e6),
      allocatedBytesPerRequest: isOurs ? (heap?.allocatedBytesPerRequest ?? null) : null,
      gcShare: isOurs ? (heap?.gcShare ?? null) : null,
      answered: total(({ result }) => result.answered),
      errors: total(({ result }) => result.errors),
      attacks: total(({ result }) => result.attacks),
      bodyBytes: total(({ result, upstream }) => result.bodyBytes + (upstream.bodyBytes ?? 0)),
      lacks: lacks[peer] ?? [],
      problems: [
        ...own.flatMap(({ round, problems }) => problems.map((words) => `round ${round + 1}: ${words}`)),
        ...proofProblems(proofs.filter((proof) => proof.peer === peer)),
      ],
    };
  });
}

function costOf({ cpuUs, result }: RoundRow): number {
  return cpuUs / result.answered;
}

function bulkBytes({ result, upstream }: RoundRow): number {
  return Math.max(result.bodyBytes, upstream.bodyBytes ?? 0);
}
