import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { SallyportError } from '../errors.ts';
import { SEED_0, SEED_1 } from '../limiter/layout.ts';
import type { FromInspect, InspectRules, InspectTask, ToInspect } from '../pipeline/inspect-wire.ts';
import type { Log } from '../telemetry/log.ts';
import { createThreadPool, restartWaitMs, STABLE_MS, type ThreadPool } from './threads.ts';

export interface InspectThreadsOptions {
  readonly count: number;
  /** Module whose default export runs an `InspectTask`. */
  readonly entry: URL;
  readonly collectionWords: Int32Array<SharedArrayBuffer>;
  readonly limiterWords: Int32Array<SharedArrayBuffer>;
  readonly log: () => Log;
  /** A thread ended that should not have. */
  readonly onLost: () => void;
  /** Gives each ingress thread that runs a port of its own. */
  readonly giveEach: (newPort: () => MessagePort) => void;
}

interface Inspector {
  readonly index: number;
  /** Null while it does not run. */
  control: MessagePort | null;
  /** Number of the configuration whose rules it has; 0 before the first. */
  number: number;
  ended: Promise<void>;
  restarts: number;
  startedAt: number;
}

/** Longest wait for rules to be compiled: a thread may have a few long bodies before it. */
const READY_MS = 30_000;
/** One that is in the middle of a body has nobody to tell. */
const END_MS = 500;

/**
 * The inspect threads: Piscina tasks that never end. Each ingress thread has a port to each of them; a port ends with
 * either thread, so that whoever waits for an answer knows. A thread that dies is replaced, and gets ports anew.
 *
 * Threads: main only.
 */
export class InspectThreads {
  readonly #options: InspectThreadsOptions;
  readonly #threads: Inspector[];
  readonly #waiting = new Set<() => void>();
  /** Made when rules first want it: most of its cost is memory. */
  #pool: ThreadPool | null = null;
  #rules: InspectRules | null = null;
  #stopping = false;

  constructor(options: InspectThreadsOptions) {
    this.#options = options;
    this.#threads = Array.from({ length: options.count }, (_, index) => ({
      index,
      control: null,
      number: 0,
      ended: Promise.resolve(),
      restarts: 0,
      startedAt: 0,
    }));
  }

  /**
   * Gives all threads the rules of a configuration, and starts them where that is the first. Those of before stay with
   * them, for requests that began under them.
   *
   * @param rules  Null where no body goes to inspect threads.
   * @throws  SP_THREAD when they cannot start. Threads that have not the rules of a reload in time are logged: ingress
   *          threads inspect by themselves what those do not know.
   */
  async use(rules: InspectRules | null): Promise<void> {
    if (rules === null || this.#stopping) return;
    this.#rules = rules;
    const isStart = this.#pool === null;
    if (this.#pool === null) {
      this.#pool = createThreadPool(this.#options);
      for (const thread of this.#threads) this.#run(thread);
    } else {
      for (const { control } of this.#threads) control?.postMessage({ kind: 'rules', rules } satisfies ToInspect);
    }
    const fault = await this.#ready(rules.number);
    if (fault === null) return;
    const error = new SallyportError('SP_THREAD', fault);
    if (isStart) throw error;
    this.#options.log().warn({ err: error, code: 'SP_THREAD' }, 'inspect threads are behind');
  }

  /** An ingress thread begins. @param give  Hands it a port. */
  connect(give: (port: MessagePort) => void): void {
    for (const thread of this.#threads) {
      if (thread.number > 0 && thread.control !== null) give(newPort(thread.control));
    }
  }

  /** Ends them: nobody waits for an answer any more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#pool === null) return;
    for (const { control } of this.#threads) control?.postMessage({ kind: 'end' } satisfies ToInspect);
    const ended = Promise.all(this.#threads.map((thread) => thread.ended));
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, END_MS).unref())]);
    await this.#pool.destroy();
    for (const thread of this.#threads) thread.control?.close();
  }

  #run(thread: Inspector): void {
    const { collectionWords, limiterWords } = this.#options;
    const control = new MessageChannel();
    thread.control = control.port1;
    thread.number = 0;
    thread.startedAt = performance.now();
    control.port1.on('message', ({ number }: FromInspect) => this.#isReady(thread, number));
    const task: InspectTask = {
      rules: this.#rules as InspectRules,
      collectionWords,
      hashSeeds: [limiterWords[SEED_0] as number, limiterWords[SEED_1] as number],
      control: control.port2,
    };
    thread.ended = (this.#pool as ThreadPool).run(task, { transferList: [control.port2] }).then(
      () => this.#ended(thread, null),
      (error: unknown) => this.#ended(thread, error),
    );
  }

  #isReady(thread: Inspector, number: number): void {
    const { control } = thread;
    if (control === null) return;
    const isFirst = thread.number === 0;
    thread.number = number;
    if (isFirst) this.#options.giveEach(() => newPort(control));
    for (const look of [...this.#waiting]) look();
  }

  #ended(thread: Inspector, error: unknown): void {
    thread.control?.close();
    thread.control = null;
    thread.number = 0;
    for (const look of [...this.#waiting]) look();
    if (this.#stopping) return;
    const { log, onLost } = this.#options;
    onLost();
    thread.restarts = performance.now() - thread.startedAt > STABLE_MS ? 0 : thread.restarts + 1;
    const waitMs = restartWaitMs(thread.restarts);
    log().error(
      { err: error, code: 'SP_THREAD', inspectThread: thread.index, waitMs },
      'inspect thread ended; replacing it',
    );
    setTimeout(() => {
      if (!this.#stopping) this.#run(thread);
    }, waitMs).unref();
  }

  /**
   * Waits until every thread that runs has the rules; one that dies meanwhile begins with them.
   *
   * @returns  What failed; null for nothing.
   */
  #ready(number: number): Promise<string | null> {
    return new Promise((resolve) => {
      const settle = (fault: string | null): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(fault);
      };
      const look = (): void => {
        const running = this.#threads.filter(({ control }) => control !== null);
        if (running.length === 0) settle('no inspect thread runs: all have ended');
        else if (running.every((thread) => thread.number === number)) settle(null);
      };
      const late = `inspect threads did not have the rules within ${READY_MS} ms`;
      const timer = setTimeout(() => settle(late), READY_MS);
      this.#waiting.add(look);
      look();
    });
  }
}

/** One end goes to the inspect thread, the other is for an ingress thread. */
function newPort(control: MessagePort): MessagePort {
  const { port1, port2 } = new MessageChannel();
  control.postMessage({ kind: 'ingress', port: port1 } satisfies ToInspect, [port1]);
  return port2;
}
