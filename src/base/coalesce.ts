/**
 * Runs a job one at a time. Whoever asks while it runs shares one more run, begun when the running one has ended: that
 * one may have looked at the world before what the request is about was there.
 *
 * @param run  The job; its first synchronous part runs within the call when none is under way.
 * @returns A function that asks for a run. It gives the outcome of one that began after the request.
 * @throws  The returned function rejects as `run` does; a run that failed does not keep the next one from beginning.
 */
export function coalesced<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  let next: Promise<T> | null = null;
  const begin = (): Promise<T> => {
    next = null;
    const own: Promise<T> = run().finally(() => {
      if (running === own) running = null;
    });
    running = own;
    return own;
  };
  return () => {
    // Looked at first: the running one may have ended without the next one's turn having come yet.
    if (next !== null) return next;
    if (running === null) return begin();
    next = running.then(begin, begin);
    return next;
  };
}
