/** Universal Scalability Law: throughput of n threads is n / (1 + contention (n - 1) + coherence n (n - 1)) of one. */
export interface Fit {
  /** Share of the work that waits for a common thing; with `coherence` 0 this is Amdahl's serial share, and throughput
   * ends at 1 / contention. Above 1 where two threads do less than one. */
  readonly contention: number;
  /** Cost of agreeing, for each pair of threads. 0 and more. */
  readonly coherence: number;
  /** How many parameters the measurement could tell: 0, 1 or 2. */
  readonly told: number;
}

export interface Point {
  readonly threads: number;
  /** Throughput against that of one thread. */
  readonly speedup: number;
}

/**
 * Least squares of the law's linear form, n / speedup - 1 = contention (n - 1) + coherence n (n - 1), neither below 0.
 * Where one number of threads above one was measured, coherence cannot be told apart and is 0.
 *
 * @throws RangeError when no point has more than one thread.
 */
export function fitLaw(points: readonly Point[]): Fit {
  const rows = points
    .filter(({ threads }) => threads > 1)
    .map(({ threads: n, speedup }) => ({ a: n - 1, b: n * (n - 1), y: n / speedup - 1 }));
  if (rows.length === 0) throw new RangeError('no measurement with more than one thread');
  const sum = (of: (row: (typeof rows)[number]) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const [aa, ab, bb] = [sum(({ a }) => a * a), sum(({ a, b }) => a * b), sum(({ b }) => b * b)];
  const [ay, by] = [sum(({ a, y }) => a * y), sum(({ b, y }) => b * y)];
  const alone = { contention: Math.max(0, ay / aa), coherence: 0 };
  const determinant = aa * bb - ab * ab;
  if (new Set(rows.map(({ a }) => a)).size < 2) return { ...alone, told: 1 };
  const contention = (ay * bb - by * ab) / determinant;
  const coherence = (by * aa - ay * ab) / determinant;
  if (coherence < 0) return { ...alone, told: 2 };
  return contention < 0
    ? { contention: 0, coherence: Math.max(0, by / bb), told: 2 }
    : { contention, coherence, told: 2 };
}

/** The other end of what one measured number of threads allows: all loss is coherence. */
export function coherenceAlone(points: readonly Point[]): Fit {
  const { contention } = fitLaw(points);
  const most = Math.max(...points.map(({ threads }) => threads));
  return { contention: 0, coherence: contention / most, told: 1 };
}

/** @returns  Throughput of `threads` against that of one. */
export function speedupOf({ contention, coherence }: Fit, threads: number): number {
  return threads / (1 + contention * (threads - 1) + coherence * threads * (threads - 1));
}
