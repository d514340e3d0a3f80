import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { Executor, Observed } from './executor.ts';
import type { Probe } from './stage.ts';

/**
 * What an executor answered before, kept in a file: an oracle is asked each thing once, however often we are run.
 * Status, error and ids are kept; the answer and the lines of the log, which are long, come back empty.
 */
export class Memory {
  readonly #path: string;
  readonly #salt: string;
  readonly #known = new Map<string, Observed>();

  /**
   * @param path  JSON lines; made when it is not there.
   * @param salt  All that the answers depend on beside the request: the configuration and the rules.
   */
  constructor(path: string, salt: string) {
    this.#path = path;
    this.#salt = salt;
    if (!existsSync(path)) return;
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      if (line === '') continue;
      const { key, observed } = JSON.parse(line) as { key: string; observed: Observed };
      this.#known.set(key, observed);
    }
  }

  async recall(probe: Probe, ask: () => Promise<Observed>): Promise<Observed> {
    const key = createHash('sha256')
      .update(`${this.#salt.length}:`)
      .update(this.#salt)
      .update(probe.bytes)
      .digest('hex');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const observed = { ...(await ask()), answer: '', lines: [] };
    this.#known.set(key, observed);
    appendFileSync(this.#path, `${JSON.stringify({ key, observed })}\n`);
    return observed;
  }
}

/** An executor that asks another only what its memory does not hold. */
export class RememberingExecutor implements Executor {
  readonly name: string;
  readonly #executor: Executor;
  readonly #memory: Memory;

  constructor(executor: Executor, memory: Memory) {
    this.name = executor.name;
    this.#executor = executor;
    this.#memory = memory;
  }

  run(probe: Probe): Promise<Observed> {
    return this.#memory.recall(probe, () => this.#executor.run(probe));
  }

  close(): Promise<void> {
    return this.#executor.close();
  }
}
