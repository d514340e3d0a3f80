/** Where a value stands on an axis, and the values to mark there. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/**
 * @param max    Largest value to show; > 0.
 * @param width  Pixels from 0 to `max`.
 */
export function linear(max: number, width: number): Scale {
  const step = niceStep(max / 4);
  const ticks = Array.from({ length: Math.floor(max / step) + 1 }, (_, index) => index * step);
  return { at: (value) => (value / max) * width, ticks };
}

/** Powers of ten, with 2 and 5 between where few powers are in sight. @param min  > 0 */
export function logarithmic(min: number, max: number, width: number): Scale {
  const [from, to] = [Math.log10(min), Math.log10(max)];
  const span = Math.max(to - from, 0.1);
  const factors = span > 3 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(from); power <= to; power += 1) {
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= min * 0.999 && tick <= max * 1.001) ticks.push(tick);
    }
  }
  return { at: (value) => ((Math.log10(value) - from) / span) * width, ticks };
}

/** 1, 2, 2.5 or 5 times a power of ten, at least `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= least * 0.999) ?? 10) * power;
}
