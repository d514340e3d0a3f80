import type { TestContext } from 'node:test';

/**
 * Parameters of one fast-check run, its seed printed: `SALLYPORT_FUZZ_SEED=n` runs the same cases again,
 * `SALLYPORT_FUZZ_RUNS=n` more of them.
 */
export function fuzzRun(t: TestContext, runs: number): { seed: number; numRuns: number } {
  const seed = Number(process.env.SALLYPORT_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const numRuns = Number(process.env.SALLYPORT_FUZZ_RUNS ?? runs);
  t.diagnostic(`fuzz seed ${seed}, ${numRuns} runs`);
  return { seed, numRuns };
}
