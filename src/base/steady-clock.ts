import { performance } from 'node:perf_hooks';

/**
 * What to add to this thread's `performance.now()` to get a clock that all threads of the machine share and that nobody
 * sets: milliseconds of CLOCK_MONOTONIC. `performance.now()` counts from the start of its own thread.
 *
 * Threads: each has its own value; the sums agree to some microseconds.
 */
export const STEADY_OFFSET_MS: number = Number(process.hrtime.bigint()) / 1e6 - performance.now();
