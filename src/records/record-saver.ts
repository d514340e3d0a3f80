import type { RecordFile } from './record-file.ts';
import type { RecordLog } from './record-log.ts';

export interface RecordSaverOptions {
  readonly file: Pick<RecordFile<unknown>, 'path' | 'write'>;
  readonly lines: () => readonly string[];
  /** What the records are, in the plural. */
  readonly things: string;
  readonly log: () => RecordLog;
  /** Shortest time between two writings, milliseconds. */
  readonly everyMs: number;
}

/**
 * Writes a file of records when they change: the first change at once, then at most once per `everyMs`, and when
 * writing takes long, no more than a tenth of the time.
 *
 * Nothing is written before `open`: the file may hold what is not read yet.
 *
 * Threads: main.
 */
export class RecordSaver {
  readonly #o: RecordSaverOptions;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #isDirty = false;
  #isFailing = false;
  #isOpen = false;
  #stopped = false;
  #pauseUntilMs = 0;
  /** Who waits for what is changed now, and who for what is being written. */
  #waiting: ((isSaved: boolean) => void)[] = [];

  constructor(options: RecordSaverOptions) {
    this.#o = options;
  }

  changed(): void {
    this.#isDirty = true;
    this.#schedule();
  }

  /**
   * Waits until what has changed by now is on disk.
   *
   * @param longestMs  How long at most.
   * @returns  False when it is not: it could not be written, or not in time. It is tried again either way.
   */
  saved(longestMs: number): Promise<boolean> {
    if (!this.#isDirty && !this.#isWriting) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), longestMs);
      this.#waiting.push((isSaved) => {
        clearTimeout(timer);
        resolve(isSaved);
      });
    });
  }

  /** From here on changes are written; those of before, too. */
  open(): void {
    this.#isOpen = true;
    if (this.#isDirty) this.#schedule();
  }

  /** Writes what is not written yet. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#writing;
    if (this.#isDirty && this.#isOpen) await this.#write();
  }

  #schedule(): void {
    if (this.#timer !== null || this.#isWriting || this.#stopped || !this.#isOpen) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#writing = this.#write();
      },
      Math.max(0, this.#pauseUntilMs - performance.now()),
    );
  }

  /** Never rejects: a failure is logged, and tried again. */
  async #write(): Promise<void> {
    this.#isWriting = true;
    this.#isDirty = false;
    const { file, lines, things, log, everyMs } = this.#o;
    const startedMs = performance.now();
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      await file.write(lines());
      if (this.#isFailing) log().info({ file: file.path }, `${things} are saved again`);
      this.#isFailing = false;
    } catch (error) {
      this.#isDirty = true;
      // Once, not every second for as long as a disk is full.
      if (!this.#isFailing) log().error({ err: error, file: file.path }, `${things} cannot be saved`);
      this.#isFailing = true;
    }
    for (const told of waiting) told(!this.#isFailing);
    const tookMs = performance.now() - startedMs;
    this.#pauseUntilMs = startedMs + Math.max(everyMs, tookMs * 10);
    this.#isWriting = false;
    if (this.#isDirty) this.#schedule();
  }
}
