import { performance } from 'node:perf_hooks';

/** Both clocks are read one after the other; a thread that was put aside in between reads them again. */
const READINGS = 16;

/**
 * What to add to this thread's `performance.now()` to get a clock that all threads of the machine share and that nobody
 * sets: milliseconds of CLOCK_MONOTONIC. `performance.now()` counts from the start of its own thread.
 *
 * Threads: each has its own value; the sums agree to some microseconds.
 */
export const STEADY_OFFSET_MS: number = readOffset();

/** That clock, now. Where `performance.now()` was read already, add the offset to that instead. */
export function steadyNow(): number {
  return performance.now() + STEADY_OFFSET_MS;
}

function readOffset(): number {
  let offset = 0;
  let narrowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < READINGS; i += 1) {
    const before = performance.now();
    const steadyMs = Number(process.hrtime.bigint()) / 1e6;
    const after = performance.now();
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    offset = steadyMs - (before + after) / 2;
  }
  return offset;
}
