import type { Executor, Observed } from './executor.ts';
import type { Probe } from './stage.ts';

/** One request that two engines see differently. */
export interface Difference {
  readonly probe: Probe;
  /** Rules that only the oracle, and only ours, found. */
  readonly missed: readonly number[];
  readonly surplus: readonly number[];
  /** One of the two did not answer, or with another status; '' where they agree. */
  readonly answers: string;
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

/** libmodsecurity writes nothing of a rule with `noauditlog` to any log. */
const UNLOGGED = new Set([980170]);

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

function differenceOf(probe: Probe, theirs: Observed, own: Observed): Difference | null {
  const only = (a: Observed, b: Observed): number[] => a.ids.filter((id) => !b.ids.includes(id) && !UNLOGGED.has(id));
  const [missed, surplus] = [only(theirs, own), only(own, theirs)];
  const answers = answerOf(theirs) === answerOf(own) ? '' : `${answerOf(theirs)} against ${answerOf(own)}`;
  return missed.length + surplus.length > 0 || answers !== '' ? { probe, missed, surplus, answers } : null;
}

function answerOf(observed: Observed): string {
  return observed.error === null ? `status ${observed.status}` : `no answer (${observed.error})`;
}

/** Differences by rule and kind, the most frequent first, each with some requests that show it; then the totals. */
export function differentialReport(comparison: Comparison): string {
  const groups = new Map<string, string[]>();
  const add = (key: string, { probe }: Difference): void => {
    const names = groups.get(key) ?? [];
    groups.set(key, names);
    names.push(probe.name);
  };
  for (const difference of comparison.differences) {
    for (const id of difference.missed) add(`${id} missed`, difference);
    for (const id of difference.surplus) add(`${id} surplus`, difference);
    if (difference.answers !== '') add(difference.answers, difference);
  }
  const lines = [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([key, names]) => `${String(names.length).padStart(6)} ${key.padEnd(16)} ${names.slice(0, 3).join(' | ')}`);
  const { requests, withIds, unasked, differences, oracleMs, oursMs } = comparison;
  lines.push(
    `${requests} requests, ${withIds} with rules that held, ${unasked} refused unasked: ` +
      `${differences.length} differ; ` +
      `${(oracleMs / requests).toFixed(2)} ms each by the oracle, ${(oursMs / requests).toFixed(2)} ms by ours`,
  );
  return lines.join('\n');
}
