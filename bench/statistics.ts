export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError without values: no figure can stand for none. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('no values');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(sorted, middle) : (at(sorted, middle - 1) + at(sorted, middle)) / 2;
  return { median, min: at(sorted, 0), max: at(sorted, sorted.length - 1) };
}

/**
 * Nearest rank: the smallest value that at least `share` of all values do not exceed.
 *
 * @param share  0 < share <= 1.
 * @returns      NaN without values.
 */
export function percentile(values: readonly number[], share: number): number {
  return percentiles(values, [share])[0] ?? Number.NaN;
}

/** Several at once: `percentile` of each share. */
export function percentiles(values: readonly number[], shares: readonly number[]): readonly number[] {
  const sorted = Float64Array.from(values).sort();
  return shares.map((share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN);
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? Number.NaN;
}
