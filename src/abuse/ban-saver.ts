import type { BanFile } from './ban-file.ts';
import type { BanLog } from './ban-log.ts';

/**
 * Writes the file of bans when they change: the first change at once, then at most once per `everyMs`, and when writing
 * takes long, no more than a tenth of the time.
 *
 * Nothing is written before `open`: the file may hold what is not read yet.
 *
 * Threads: main.
 */
export class BanSaver {
  readonly #file: BanFile;
  readonly #lines: () => readonly string[];
  readonly #log: () => BanLog;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #isDirty = false;
  #isFailing = false;
  #isOpen = false;
  #stopped = false;
  #pauseUntilMs = 0;

  constructor(file: BanFile, lines: () => readonly string[], log: () => BanLog, everyMs: number) {
    this.#file = file;
    this.#lines = lines;
    this.#log = log;
    this.#everyMs = everyMs;
  }

  changed(): void {
    this.#isDirty = true;
    this.#schedule();
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
    const startedMs = performance.now();
    try {
      await this.#file.write(this.#lines());
      if (this.#isFailing) this.#log().info({ file: this.#file.path }, 'bans are saved again');
      this.#isFailing = false;
    } catch (error) {
      this.#isDirty = true;
      // Once, not every second for as long as a disk is full.
      if (!this.#isFailing) this.#log().error({ err: error, file: this.#file.path }, 'bans cannot be saved');
      this.#isFailing = true;
    }
    const tookMs = performance.now() - startedMs;
    this.#pauseUntilMs = startedMs + Math.max(this.#everyMs, tookMs * 10);
    this.#isWriting = false;
    if (this.#isDirty) this.#schedule();
  }
}
