import { closeSync, openSync, readSync } from 'node:fs';

const BYTES_MAX = 4_096;

/**
 * Resident memory of this process. The file is opened once: `process.memoryUsage.rss` opens it for each look, and ends
 * the process when no descriptor is left.
 *
 * Threads: one.
 */
export class MemoryGauge {
  #descriptor: number | null = openSync('/proc/self/status', 'r');
  readonly #buffer = Buffer.alloc(BYTES_MAX);

  /** @returns  Bytes. @throws  The system's error. */
  read(): number {
    if (this.#descriptor === null) throw new Error('the gauge is closed');
    const count = readSync(this.#descriptor, this.#buffer, 0, BYTES_MAX, 0);
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(this.#buffer.toString('latin1', 0, count))?.[1];
    if (kilobytes === undefined) throw new Error('/proc/self/status has no VmRSS');
    return Number(kilobytes) * 1_024;
  }

  /** Once: the number may be somebody else's by the second time. */
  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}
