import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';

/** Up to a minute, in microseconds, with three digits. */
export function newHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
  });
}

export function encodeHistogram(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram);
}

/** All values of several, in one. */
export function mergeHistograms(texts: readonly string[]): Histogram {
  const all = newHistogram();
  for (const text of texts) all.add(decodeFromCompressedBase64(text));
  return all;
}

/** @param share  0 < share <= 1. @returns  Milliseconds; NaN without values. */
export function quantileMs(histogram: Histogram, share: number): number {
  return histogram.totalCount === 0 ? Number.NaN : histogram.getValueAtPercentile(share * 100) / 1_000;
}
