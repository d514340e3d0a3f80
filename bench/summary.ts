import { CASES, type CaseName } from './cases.ts';
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
  readonly requestsPerSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  /** Over all rounds. */
  readonly answered: number;
  /** Attacks among them. */
  readonly attacks: number;
  readonly bodyBytes: number;
  readonly problems: readonly string[];
}

/** Whom others are compared with: nginx, with ModSecurity in it where rules are run. */
export function baselineOf(name: CaseName): string {
  return CASES[name].firewall ? 'modsecurity' : 'nginx';
}

/** @returns  A summary per proxy, in the order in which they first ran. */
export function summarise(name: CaseName, rows: readonly RoundRow[]): readonly Summary[] {
  const bulk = ['download', 'upload'].includes(CASES[name].load);
  const first = baselineOf(name);
  const baseline = new Map(rows.filter(({ peer }) => peer === first).map((row) => [row.round, costOf(row)]));
  return [...new Set(rows.map(({ peer }) => peer))].map((peer) => {
    const own = rows.filter((row) => row.peer === peer);
    const over = (figure: (row: RoundRow) => number): Spread => spreadOf(own.map(figure));
    const total = (figure: (row: RoundRow) => number): number => own.reduce((sum, row) => sum + figure(row), 0);
    return {
      peer,
      cpuUsPerRequest: over(costOf),
      cpuSecondsPerGB: bulk ? over((row) => (row.cpuUs * 1_000) / bulkBytes(row)) : null,
      ratio: baseline.size === 0 ? null : over((row) => costOf(row) / (baseline.get(row.round) ?? Number.NaN)),
      requestsPerSecond: over(({ result }) => result.answered / result.seconds),
      p50Ms: over(({ result }) => result.p50Ms),
      p99Ms: over(({ result }) => result.p99Ms),
      answered: total(({ result }) => result.answered),
      attacks: total(({ result }) => result.attacks),
      bodyBytes: total(({ result, upstream }) => result.bodyBytes + (upstream.bodyBytes ?? 0)),
      problems: own.flatMap(({ round, problems }) => problems.map((words) => `round ${round + 1}: ${words}`)),
    };
  });
}

function costOf({ cpuUs, result }: RoundRow): number {
  return cpuUs / result.answered;
}

function bulkBytes({ result, upstream }: RoundRow): number {
  return Math.max(result.bodyBytes, upstream.bodyBytes ?? 0);
}
