import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { BanMade } from '../abuse/wire.ts';
import type { KeyNews, KeySnapshot } from '../api-keys/wire.ts';
import { ERRORS, type ErrorCode, SallyportError } from '../errors.ts';
import type { FromIngress, Generation, IngressTask, ToIngress, TrafficWords } from '../http/ingress-wire.ts';
import type { IssuerKeysNews, KeysWanted } from '../issuer-wire.ts';
import { type LineTarget, receiveLines } from '../telemetry/line-channel.ts';
import type { Log } from '../telemetry/log.ts';
import type { TlsMaterial } from '../tls/snapshot.ts';

export interface ThreadsOptions {
  readonly count: number;
  /** Module whose default export runs an `IngressTask`. */
  readonly entry: URL;
  readonly metricsTable: SharedArrayBuffer;
  readonly targetTable: SharedArrayBuffer;
  readonly limiterWords: Int32Array<SharedArrayBuffer>;
  readonly collectionWords: Int32Array<SharedArrayBuffer>;
  readonly banWords: Int32Array<SharedArrayBuffer>;
  readonly revocationWords: Int32Array<SharedArrayBuffer>;
  readonly replayWords: Int32Array<SharedArrayBuffer>;
  readonly dpopSecret: Uint8Array;
  readonly trafficWords: TrafficWords;
  /** API keys as they are now; null where there are none. */
  readonly keys: () => KeySnapshot | null;
  readonly redisAuthorities: readonly string[];
  readonly lines: LineTarget;
  /** Takes records of the audit log. */
  readonly audit: LineTarget;
  readonly log: () => Log;
  /** A thread ended that should not have: its stripes in shared tables are stale. */
  readonly onLost: (threadIndex: number) => void;
  readonly onBan: (made: BanMade) => void;
  /** Keys of issuers as they are now, for a thread that begins or reloads. */
  readonly issuerKeys: () => readonly IssuerKeysNews[];
  readonly onKeysWanted: (wanted: KeysWanted) => void;
  /** A thread begins: `give` hands it ports to inspect threads. */
  readonly onBegin: (give: (port: MessagePort) => void) => void;
}

interface Thread {
  readonly index: number;
  control: MessagePort | null;
  listening: boolean;
  /** Resolves when the task has ended, however. */
  ended: Promise<void>;
  restarts: number;
  startedAt: number;
  /** What it said before it gave up by itself. */
  failure: SallyportError | null;
  /** Set while the boot waits for it: a thread that dies then is not replaced, the boot fails. */
  failStart: ((error: SallyportError) => void) | null;
}

/** First wait before a thread is started again; doubled for every quick death in a row. */
const RESTART_MS = 100;
const RESTART_MS_MAX = 5_000;
/** A thread that lived this long did not die of its start. */
export const STABLE_MS = 10_000;
/**
 * Three semi-spaces of 4 MB, for what lives as long as a request; Node would take 48. Compiling rules fills what
 * there is, and V8 does not give it back.
 */
const YOUNG_GENERATION_MB = 12;
/** Longest wait for a thread's word on a reload: compiling takes milliseconds. */
const ANSWER_MS = 10_000;

/**
 * The ingress threads: Piscina tasks that never end, one per thread. A thread that dies is replaced under the same
 * index; the others do not notice.
 *
 * Threads: main only. The one door to Piscina.
 */
export class Threads {
  readonly #options: ThreadsOptions;
  readonly #pool: Piscina;
  readonly #threads: Thread[];
  readonly #waiting = new Set<(thread: Thread, message: FromIngress) => void>();
  #generation: Generation;
  #tls: TlsMaterial | null;
  #accepting = true;
  #stopping = false;
  restarts = 0;

  constructor(options: ThreadsOptions, generation: Generation, tls: TlsMaterial | null) {
    this.#options = options;
    this.#generation = generation;
    this.#tls = tls;
    this.#pool = createThreadPool(options);
    this.#threads = Array.from({ length: options.count }, (_, index) => ({
      index,
      control: null,
      listening: false,
      ended: Promise.resolve(),
      restarts: 0,
      startedAt: 0,
      failure: null,
      failStart: null,
    }));
  }

  get listening(): number {
    return this.#threads.filter((thread) => thread.listening).length;
  }

  get count(): number {
    return this.#threads.length;
  }

  /** Starts every thread. @throws  SP_LISTEN and the like when one cannot start; SP_THREAD when one dies of it. */
  async start(): Promise<void> {
    const ready = this.#threads.map((thread) => this.#awaitListening(thread));
    for (const thread of this.#threads) this.#run(thread);
    await Promise.all(ready);
  }

  /**
   * Switches every thread to a generation.
   * @throws  When a thread could not compile it; the caller then switches back.
   */
  async reload(generation: Generation): Promise<void> {
    this.#generation = generation;
    const issuerKeys = this.#options.issuerKeys();
    await this.#tellAll({ kind: 'reload', generation, issuerKeys }, 'reloaded', generation.number);
  }

  /** Gives every thread new certificates. @throws  When a thread could not use them. */
  async rotate(material: TlsMaterial): Promise<void> {
    this.#tls = material;
    await this.#tellAll({ kind: 'tls', material }, 'tls-applied', material.generation);
  }

  /**
   * Gives every thread other virtual patches; those that begin later have them too.
   *
   * @param number  Of this change.
   * @throws  When a thread could not use them; the caller then gives those of before.
   */
  async patch(patches: Generation['wafPatches'], number: number): Promise<void> {
    this.#generation = { ...this.#generation, wafPatches: patches };
    await this.#tellAll({ kind: 'patches', number, patches }, 'patched', number);
  }

  /** Opens or closes all listening sockets. */
  accept(accepting: boolean): void {
    if (accepting === this.#accepting) return;
    this.#accepting = accepting;
    for (const { control } of this.#threads) control?.postMessage({ kind: 'accept', accepting } satisfies ToIngress);
  }

  /**
   * Tells every thread what became of keys, of issuers or our own. A thread that begins has them from its task, and
   * hears what comes after that in order: its port keeps messages until it listens.
   */
  tellKeys(news: IssuerKeysNews | KeyNews): void {
    for (const { control } of this.#threads) control?.postMessage(news satisfies ToIngress);
  }

  /** Hands each thread a port of its own to an inspect thread. */
  giveEach(newPort: () => MessagePort): void {
    for (const thread of this.#threads) if (thread.control !== null) this.#give(thread, newPort());
  }

  #give({ control }: Thread, port: MessagePort): void {
    control?.postMessage({ kind: 'inspector', port } satisfies ToIngress, [port]);
  }

  /** Lets every thread finish what it has, then ends them. @param deadlineMs  Longest wait. */
  async drain(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    for (const { control } of this.#threads) control?.postMessage({ kind: 'drain', deadlineMs } satisfies ToIngress);
    const ended = Promise.all(this.#threads.map((thread) => thread.ended));
    await Promise.race([ended, sleep(deadlineMs + 2_000)]);
    await this.#pool.destroy();
  }

  #run(thread: Thread): void {
    const { options, control, lines, audit } = this.#channels(thread);
    thread.startedAt = performance.now();
    thread.failure = null;
    const task: IngressTask = {
      threadIndex: thread.index,
      threads: this.#threads.length,
      generation: this.#generation,
      metricsTable: options.metricsTable,
      targetTable: options.targetTable,
      limiterWords: options.limiterWords,
      collectionWords: options.collectionWords,
      banWords: options.banWords,
      revocationWords: options.revocationWords,
      replayWords: options.replayWords,
      dpopSecret: options.dpopSecret,
      trafficWords: options.trafficWords,
      keys: options.keys(),
      redisAuthorities: options.redisAuthorities,
      issuerKeys: options.issuerKeys(),
      tls: this.#tls,
      accepting: this.#accepting,
      control,
      lines,
      audit,
    };
    options.onBegin((port) => this.#give(thread, port));
    thread.ended = this.#pool.run(task, { transferList: [control, lines, audit] }).then(
      () => this.#ended(thread, null),
      (error: unknown) => this.#ended(thread, error),
    );
  }

  #channels(thread: Thread) {
    const options = this.#options;
    const control = new MessageChannel();
    const lines = new MessageChannel();
    const audit = new MessageChannel();
    thread.control = control.port1;
    control.port1.on('message', (message: FromIngress) => this.#heard(thread, message));
    receiveLines(lines.port1, options.lines);
    receiveLines(audit.port1, options.audit);
    return { options, control: control.port2, lines: lines.port2, audit: audit.port2 };
  }

  #heard(thread: Thread, message: FromIngress): void {
    if (message.kind === 'listening') thread.listening = true;
    if (message.kind === 'failed') {
      thread.failure = new SallyportError(isCode(message.code) ? message.code : 'SP_INTERNAL', message.message);
    }
    if (message.kind === 'ban-made') {
      this.#options.onBan(message);
      return;
    }
    if (message.kind === 'keys-wanted') {
      this.#options.onKeysWanted(message);
      return;
    }
    for (const waiting of [...this.#waiting]) waiting(thread, message);
  }

  #ended(thread: Thread, fault: unknown): void {
    this.#lastWords(thread);
    const error = thread.failure ?? fault;
    thread.control?.close();
    thread.control = null;
    thread.listening = false;
    if (this.#stopping) return;
    if (thread.failStart !== null) {
      const died = `ingress thread ${thread.index} ended while it started: ${wordsOf(error)}`;
      thread.failStart(
        error instanceof SallyportError ? error : new SallyportError('SP_THREAD', died, {}, { cause: error }),
      );
      return;
    }
    const { log, onLost } = this.#options;
    onLost(thread.index);
    this.restarts += 1;
    const lived = performance.now() - thread.startedAt;
    thread.restarts = lived > STABLE_MS ? 0 : thread.restarts + 1;
    const waitMs = restartWaitMs(thread.restarts);
    log().error(
      { err: error, code: 'SP_THREAD', threadIndex: thread.index, waitMs },
      'ingress thread ended; replacing it',
    );
    setTimeout(() => {
      if (!this.#stopping) this.#run(thread);
    }, waitMs);
  }

  /** The end of a task may overtake what the thread said before it: another port. */
  #lastWords(thread: Thread): void {
    const { control } = thread;
    if (control === null) return;
    for (let word = receiveMessageOnPort(control); word !== undefined; word = receiveMessageOnPort(control)) {
      this.#heard(thread, word.message as FromIngress);
    }
  }

  #awaitListening(thread: Thread): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = (from: Thread, message: FromIngress): void => {
        if (from !== thread || message.kind !== 'listening') return;
        this.#waiting.delete(waiting);
        thread.failStart = null;
        resolve();
      };
      thread.failStart = (error) => {
        this.#waiting.delete(waiting);
        reject(error);
      };
      this.#waiting.add(waiting);
    });
  }

  /**
   * Sends to all and waits for the word of those alive, those about to listen included: they were started with what
   * came before. One that dies meanwhile starts with the new state anyway.
   */
  #tellAll(message: ToIngress, answer: 'reloaded' | 'tls-applied' | 'patched', number: number): Promise<void> {
    const asked = new Set(this.#threads.filter((thread) => thread.control !== null));
    const errors: string[] = [];
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        if (errors.length === 0) resolve();
        else reject(new SallyportError('SP_CONFIG', [...new Set(errors)].join('; ')));
      };
      const check = (): void => {
        if (asked.size === 0) settle();
      };
      const forget = (thread: Thread) => (): void => {
        if (asked.delete(thread)) check();
      };
      const waiting = (from: Thread, said: FromIngress): void => {
        if (said.kind !== answer || said.number !== number || !asked.delete(from)) return;
        if (said.error !== null) errors.push(said.error);
        check();
      };
      const timer = setTimeout(() => {
        errors.push(`${asked.size} thread(s) did not answer within ${ANSWER_MS} ms`);
        settle();
      }, ANSWER_MS);
      this.#waiting.add(waiting);
      for (const thread of asked) {
        thread.ended.then(forget(thread), forget(thread));
        thread.control?.postMessage(message);
      }
      check();
    });
  }
}

export type ThreadPool = Piscina;

/** As many workers as tasks that never end. */
export function createThreadPool({ entry, count, log }: Pick<ThreadsOptions, 'entry' | 'count' | 'log'>): Piscina {
  const pool = new Piscina({
    filename: entry.href,
    minThreads: count,
    maxThreads: count,
    concurrentTasksPerWorker: 1,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    // Tasks never end: a worker that sleeps on Atomics between tasks would only hold its event loop.
    atomics: 'disabled',
    // What a dying worker still says must not end the process.
    trackUnmanagedFds: false,
  });
  pool.on('error', (error: unknown) => {
    log().error({ err: error, code: 'SP_THREAD' }, 'worker pool');
  });
  return pool;
}

/** @param restarts  Quick deaths in a row, this one included. */
export function restartWaitMs(restarts: number): number {
  return Math.min(RESTART_MS_MAX, RESTART_MS * 2 ** Math.max(0, restarts - 1));
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
