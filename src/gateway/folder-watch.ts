import { type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface FolderWatchOptions {
  readonly folder: string;
  /** Files elsewhere that belong to it. Asked for at each look. */
  readonly others: () => readonly string[];
  /** Something may be different. Called once at the start, too. */
  readonly onChange: () => void;
}

/** Longest time until a change is seen that nobody told of, milliseconds. */
const POLL_MS = 750;
/** A change counts when two looks so far apart see the same: whoever writes is left to finish. */
const SETTLE_MS = 100;

/**
 * Watches a folder: names in it, and what says that a file is another than before (device, inode, size, times, behind
 * symlinks). The system's own notice only makes it look at once, since network folders give none and symlinks that are
 * swapped (Kubernetes) change nothing in the folder that they lead to.
 *
 * Threads: one instance on its own thread, which never waits for the disk.
 */
export class FolderWatch {
  readonly #options: FolderWatchOptions;
  /** The state of the last look, and the last one that was told of. */
  #seen = '';
  #told = '';
  #isLooking = false;
  #isWaiting = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | null = null;
  #notice: FSWatcher | null = null;
  /** What the notice is about: the folder may be another one under the same name. */
  #noticed = '';

  constructor(options: FolderWatchOptions) {
    this.#options = options;
    this.#wait(SETTLE_MS);
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#listen('');
  }

  #wait(ms: number): void {
    if (this.#isStopped) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#isWaiting = ms === POLL_MS;
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    this.#timer = null;
    this.#isLooking = true;
    const { folder, others, onChange } = this.#options;
    const state = await stateOf(folder, others());
    this.#isLooking = false;
    if (this.#isStopped) return;
    this.#listen(state.folder);
    const isStable = state.text === this.#seen;
    this.#seen = state.text;
    if (state.text === this.#told) this.#wait(POLL_MS);
    else if (!isStable) this.#wait(SETTLE_MS);
    else {
      this.#told = state.text;
      this.#wait(POLL_MS);
      onChange();
    }
  }

  /** @param identity  Of the folder; '' where there is none. */
  #listen(identity: string): void {
    if (identity === this.#noticed) return;
    this.#notice?.close();
    this.#notice = null;
    this.#noticed = identity;
    if (identity === '') return;
    try {
      const notice = watch(this.#options.folder, { persistent: false }, () => this.#noticedNow());
      // The looks go on without it.
      notice.on('error', () => this.#listen(''));
      this.#notice = notice;
    } catch {
      // Too many watches in the system, or it has none for such a folder: the looks go on without.
    }
  }

  /** A second notice does not put the look off. */
  #noticedNow(): void {
    if (!this.#isLooking && this.#isWaiting) this.#wait(SETTLE_MS);
  }
}

interface FolderState {
  /** Which folder it is; '' for none. */
  readonly folder: string;
  /** The same for the same contents, as far as can be told without reading. */
  readonly text: string;
}

/** Never rejects: what cannot be read is a state, too. */
async function stateOf(folder: string, others: readonly string[]): Promise<FolderState> {
  const identity = await identityOf(folder);
  try {
    const names = (await readdir(folder)).sort();
    const paths = [...names.map((name) => join(folder, name)), ...others];
    const files = await Promise.all(paths.map(async (path) => `${path}\0${await stateOfFile(path)}`));
    return { folder: identity, text: files.join('\n') };
  } catch (error) {
    return { folder: identity, text: `cannot be read: ${codeOf(error)}` };
  }
}

async function identityOf(path: string): Promise<string> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    // Absent, or not ours to see: whoever reads it says so.
    return '';
  }
}

async function stateOfFile(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return codeOf(error);
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);
