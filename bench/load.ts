import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type {
  HoldJob,
  HoldResult,
  LoadJob,
  LoadOrder,
  LoadReply,
  LoadResult,
  PacedJob,
  PacedResult,
} from './load-wire.ts';

/** The load process, kept for the whole run so that its code is as warm for the first proxy as for the last. */
export class LoadProcess {
  readonly #child: ChildProcess;
  #busy = false;

  constructor() {
    // autocannon says on standard output what nobody asked for.
    this.#child = fork(new URL('./load-process.js', import.meta.url), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  /** Runs one job to its end. Only one at a time. @throws Error when the process fails or goes away. */
  async run(job: LoadJob): Promise<LoadResult> {
    return (await this.#order({ kind: 'closed', job })) as LoadResult;
  }

  async runPaced(job: PacedJob): Promise<PacedResult> {
    return (await this.#order({ kind: 'paced', job })) as PacedResult;
  }

  /** Opens idle connections; they stay until `release`. */
  async hold(job: HoldJob): Promise<HoldResult> {
    return (await this.#order({ kind: 'hold', job })) as HoldResult;
  }

  /** Closes them. @returns How many were still open. */
  async release(): Promise<HoldResult> {
    return (await this.#order({ kind: 'release' })) as HoldResult;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.disconnect();
    await gone;
  }

  async #order(order: LoadOrder): Promise<unknown> {
    if (this.#busy) throw new Error('the load process is busy');
    this.#busy = true;
    const over = new AbortController();
    try {
      const gone = once(this.#child, 'exit', { signal: over.signal }).then(([code, signal]): never => {
        throw new Error(`the load process ended with ${code ?? signal}`);
      });
      const answered = once(this.#child, 'message', { signal: over.signal });
      this.#child.send(order);
      const [reply] = (await Promise.race([answered, gone])) as [LoadReply];
      if (!reply.ok) throw new Error(`the load process failed: ${reply.words}`);
      return reply.result;
    } finally {
      over.abort();
      this.#busy = false;
    }
  }
}
