/** Sizes differ by this much: a linear step takes so many times as long, a quadratic one the square of it. */
const TIMES = 32;
/** Between the two, far from both. */
const RATIO_MAX = 8 * TIMES;
/** Below, a ratio measures the clock. Milliseconds. */
const FLOOR_MS = 0.5;

/**
 * Does the CPU time of a step grow with its size, not with the square of it? Other work only ever adds time: the best
 * of several small ones counts, and one large one of several is enough.
 *
 * @param step  Does the work of a size; what it makes before may count, if it is linear too.
 * @param size  The small one.
 */
export function growsLinearly(step: (size: number) => unknown, size: number): boolean {
  return costGrowsLinearly((of) => cpuMs(() => step(of)), size);
}

/** Likewise, of costs in milliseconds that are measured elsewhere. */
export function costGrowsLinearly(cost: (size: number) => number, size: number): boolean {
  const small = Math.max(FLOOR_MS, Math.min(...Array.from({ length: 7 }, () => cost(size))));
  return Array.from({ length: 5 }).some(() => cost(size * TIMES) < RATIO_MAX * small);
}

/** CPU time of this process while a step runs, milliseconds: others may have the cores. */
function cpuMs(step: () => unknown): number {
  const before = process.cpuUsage();
  step();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
