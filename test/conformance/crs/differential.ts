import type { Executor, Observed } from './executor.ts';
import { type Explanation, explanationOf, SCORE_RULES } from './explanations.ts';
import type { Probe } from './stage.ts';

/** One request that two engines see differently. */
export interface Difference {
  readonly probe: Probe;
  /** Rules that only the oracle, and only ours, found, for reasons that nobody knows. */
  readonly missed: readonly number[];
  readonly surplus: readonly number[];
  /** One of the two did not answer, or with another status; '' where they agree. */
  readonly answers: string;
  /** Reasons for the rest of what differs, known to lie with the oracle. */
  readonly explained: readonly string[];
}

export interface Comparison {
  readonly requests: number;
  /** Requests for which some rule held, by the oracle. */
  readonly withIds: number;
  /** Requests that the oracle's server refused before its rules were asked: not compared. */
  readonly unasked: number;
  readonly differences: readonly Difference[];
  readonly oracleMs: number;
  readonly oursMs: number;
}

/** An engine of each kind; both see the same requests. */
export interface Pair {
  readonly oracle: Executor;
  readonly ours: Executor;
}

/** Puts each request to both. @param pairs  They share the work; each runs one request at a time. */
export async function compareEngines(probes: readonly Probe[], pairs: readonly Pair[]): Promise<Comparison> {
  const differences: (Difference | null)[] = new Array(probes.length).fill(null);
  let [next, withIds, unasked, oracleMs, oursMs] = [0, 0, 0, 0, 0];
  const work = async ({ oracle, ours }: Pair): Promise<void> => {
    for (let index = next++; index < probes.length; index = next++) {
      const probe = probes[index];
      if (probe === undefined) return;
      const startedAt = performance.now();
      const theirs = await oracle.run(probe);
      const between = performance.now();
      const own = await ours.run(probe);
      oracleMs += between - startedAt;
      oursMs += performance.now() - between;
      if (theirs.ids.length > 0) withIds += 1;
      if (theirs.status === 400 && theirs.ids.length === 0) unasked += 1;
      else differences[index] = differenceOf(probe, theirs, own);
    }
  };
  await Promise.all(pairs.map(work));
  const found = differences.filter((difference) => difference !== null);
  return { requests: probes.length, withIds, unasked, differences: found, oracleMs, oursMs };
}

/** Differences with something in them that is not explained. */
export function unexplained({ differences }: Comparison): readonly Difference[] {
  return differences.filter(({ missed, surplus, answers }) => missed.length + surplus.length > 0 || answers !== '');
}

function differenceOf(probe: Probe, theirs: Observed, own: Observed): Difference | null {
  const explained = new Set<string>();
  const answers = answerOf(theirs) === answerOf(own) ? '' : `${answerOf(theirs)} against ${answerOf(own)}`;
  const isStricter = own.status === 400 && theirs.status === 200;
  if (isStricter) explained.add('nginx answers requests whose form RFC 9112 does not allow');
  const open = (a: Observed, b: Observed, side: Explanation['side']): number[] =>
    a.ids.filter((id) => {
      if (b.ids.includes(id) || SCORE_RULES.has(id)) return false;
      const reason = explanationOf(probe, id, side);
      if (reason !== null) explained.add(reason);
      return reason === null;
    });
  const missed = open(theirs, own, 'missed');
  const surplus = open(own, theirs, 'surplus');
  if (missed.length + surplus.length + explained.size === 0) {
    missed.push(...scoresOnly(theirs, own));
    surplus.push(...scoresOnly(own, theirs));
  }
  const isSame = missed.length + surplus.length + explained.size === 0 && answers === '';
  return isSame ? null : { probe, missed, surplus, answers: isStricter ? '' : answers, explained: [...explained] };
}

/** Scores say something where all other rules agree. Of 980170 (`noauditlog`) libmodsecurity logs nothing. */
function scoresOnly(a: Observed, b: Observed): number[] {
  return a.ids.filter((id) => SCORE_RULES.has(id) && id !== 980170 && !b.ids.includes(id));
}

function answerOf(observed: Observed): string {
  return observed.error === null ? `status ${observed.status}` : `no answer (${observed.error})`;
}

/**
 * Differences by rule and kind, the most frequent first, each with some requests that show it; then how many requests
 * are explained by what; then the totals.
 */
export function differentialReport(comparison: Comparison): string {
  const groups = new Map<string, string[]>();
  const reasons = new Map<string, number>();
  const add = (key: string, { probe }: Difference): void => {
    const names = groups.get(key) ?? [];
    groups.set(key, names);
    names.push(probe.name);
  };
  for (const difference of comparison.differences) {
    for (const id of difference.missed) add(`${id} missed`, difference);
    for (const id of difference.surplus) add(`${id} surplus`, difference);
    if (difference.answers !== '') add(difference.answers, difference);
    for (const reason of difference.explained) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const lines = [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([key, names]) => `${String(names.length).padStart(6)} ${key.padEnd(16)} ${names.slice(0, 3).join(' | ')}`);
  for (const [reason, count] of reasons) lines.push(`${String(count).padStart(6)} explained: ${reason}`);
  const { requests, withIds, unasked, differences, oracleMs, oursMs } = comparison;
  lines.push(
    `${requests} requests, ${withIds} with rules that held, ${unasked} refused unasked: ` +
      `${unexplained(comparison).length} differ, ${differences.length - unexplained(comparison).length} explained; ` +
      `${(oracleMs / requests).toFixed(2)} ms each by the oracle, ${(oursMs / requests).toFixed(2)} ms by ours`,
  );
  return lines.join('\n');
}
