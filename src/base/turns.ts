/**
 * Runs jobs one after the other, in the order in which they are asked for. A job that fails keeps nobody from going on.
 *
 * Threads: one instance each.
 */
export class Turns {
  /** Settles, never rejects, when all jobs asked for so far are done. */
  #last: Promise<unknown> = Promise.resolve();

  /** @returns  What the job gives. @throws  Rejects as the job does. */
  take<T>(job: () => Promise<T>): Promise<T> {
    const done = this.#last.then(job);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
