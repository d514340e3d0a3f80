import { readdirSync, readFileSync } from 'node:fs';

/** Above this share of the limit no new connections are taken; below the lower one they are again. */
const STOP_SHARE = 0.85;
const RESUME_SHARE = 0.75;
/** Never fewer than this many kept free: upstream connections of requests that run, files, certificates. */
const RESERVE_MIN = 16;

/**
 * Watches how many file descriptors the process has open and closes the listening sockets before the last ones are
 * gone: what runs goes on, new connections are refused by the kernel at once instead of hanging. uWS accepts in its own
 * code and would spin on EMFILE.
 *
 * Threads: main only.
 */
export class DescriptorWatch {
  readonly limit: number;
  readonly #stopAt: number;
  readonly #resumeAt: number;
  readonly #onChange: (accepting: boolean, open: number) => void;
  #accepting = true;
  open = 0;

  /** @param onChange  Called when the listening sockets should be closed (false) or opened (true). */
  constructor(onChange: (accepting: boolean, open: number) => void, limit = softLimit()) {
    this.limit = limit;
    this.#stopAt = Math.min(Math.floor(limit * STOP_SHARE), limit - RESERVE_MIN);
    this.#resumeAt = Math.min(Math.floor(limit * RESUME_SHARE), this.#stopAt - 1);
    this.#onChange = onChange;
  }

  /** Looks once. Reading the folder needs a descriptor itself: failing to is an answer, too. */
  tick(): void {
    this.open = openDescriptors() ?? this.limit;
    const accepting = this.#accepting ? this.open < this.#stopAt : this.open < this.#resumeAt;
    if (accepting === this.#accepting) return;
    this.#accepting = accepting;
    this.#onChange(accepting, this.open);
  }
}

/** @returns  null when there are not even enough left to look. */
function openDescriptors(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EMFILE' || code === 'ENFILE') return null;
    throw error;
  }
}

/** Soft RLIMIT_NOFILE of this process; Infinity where it cannot be known (no /proc). */
function softLimit(): number {
  let limits: string;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return Number.POSITIVE_INFINITY;
  }
  const found = /^Max open files\s+(\d+)/m.exec(limits);
  return found?.[1] === undefined ? Number.POSITIVE_INFINITY : Number(found[1]);
}
