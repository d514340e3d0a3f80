import { setTimeout as delay } from 'node:timers/promises';

/**
 * Polls until `probe` gives something other than undefined, null or false.
 *
 * @param what   Names the wait in the error.
 * @param probe  Asked every `everyMs`; a rejected promise is a bug and ends the wait.
 * @throws       Error with `what` when `timeoutMs` pass first.
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = 10_000,
  everyMs = 20,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value as NonNullable<Exclude<T, false>>;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await delay(everyMs);
  }
}
