import { isatty } from 'node:tty';
import { LOG_WRITER_BYTES_MAX } from '../limits.ts';
import { lostLine } from './line-batch.ts';
import { createPretty } from './log-pretty.ts';
import { type ByteOutput, openOutput } from './output.ts';

export interface LogWriterOptions {
  /** File descriptor to write to; 1 when absent. */
  readonly fd?: number;
  /** `log.format`: auto is pretty on a terminal. */
  readonly format: 'auto' | 'json' | 'pretty';
  /** Most bytes held; LOG_WRITER_BYTES_MAX when absent. */
  readonly bytesMax?: number;
}

interface Chunk {
  readonly lines: string;
  readonly done: () => void;
}

/** Most bytes given to one write: a pipe takes 64 KiB at once. */
const WRITE_BYTES = 65_536;

/** Longest wait for a reader at the end; a supervisor's patience is longer. */
const CLOSE_DEADLINE_MS = 2_000;

/**
 * Writes the log lines of all threads to standard output: in order, whole, one write at a time, never blocking the main
 * thread and never holding more than `bytesMax`. What does not fit is dropped in whole chunks, counted, and told in one
 * line once there is room again. A reader that has gone away (EPIPE) ends the writing, not the gateway.
 *
 * Threads: main only.
 */
export class LogWriter {
  /** Lines dropped so far. */
  lost = 0;
  #unreported = 0;
  #bytes = 0;
  #closed = false;
  /** What the running write holds; empty while none runs. */
  #writing: readonly Chunk[] = [];
  #idle: (() => void) | null = null;
  readonly #queue: Chunk[] = [];
  readonly #bytesMax: number;
  readonly #output: ByteOutput;
  readonly #render: (lines: string) => string;

  constructor({ fd = 1, format, bytesMax = LOG_WRITER_BYTES_MAX }: LogWriterOptions) {
    const terminal = isatty(fd);
    this.#bytesMax = bytesMax;
    this.#output = openOutput(fd);
    this.#render = format === 'pretty' || (format === 'auto' && terminal) ? renderer(terminal) : unchanged;
  }

  /** True once nobody reads any more. */
  get broken(): boolean {
    return this.#output.broken;
  }

  /**
   * Takes whole lines, each ended by LF.
   *
   * @param done  Called once they need no more room: written, or dropped.
   */
  write(lines: string, done: () => void = nothing): void {
    if (this.#closed || this.#output.broken || this.#bytes + lines.length > this.#bytesMax) {
      this.#lose(lines);
      done();
      return;
    }
    this.#queue.push({ lines, done });
    this.#bytes += lines.length;
    if (this.#writing.length === 0) this.#next();
  }

  /** One line without LF: the sink of the main thread's own log. */
  line(line: string): void {
    this.write(`${line}\n`);
  }

  /**
   * Writes what is left, then takes no more.
   *
   * @param deadlineMs  Longest wait for a reader that does not read; the rest is lost then.
   */
  async close(deadlineMs: number = CLOSE_DEADLINE_MS): Promise<void> {
    this.#closed = true;
    if (this.#writing.length > 0) {
      const timer = setTimeout(() => this.#giveUp(), deadlineMs);
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      clearTimeout(timer);
    }
    this.#output.stop();
  }

  #next(): void {
    const chunks: Chunk[] = [];
    const reported = this.#unreported;
    let lines = reported === 0 ? '' : `${lostLine(reported, -1)}\n`;
    while (this.#queue.length > 0 && lines.length < WRITE_BYTES) {
      const chunk = this.#queue.shift() as Chunk;
      chunks.push(chunk);
      lines += chunk.lines;
    }
    this.#writing = chunks;
    if (chunks.length === 0) {
      this.#idle?.();
      return;
    }
    this.#unreported = 0;
    this.#output.write(Buffer.from(this.#render(lines)), (whole) => {
      if (!whole) this.#unreported += reported;
      this.#release(chunks, !whole);
      if (this.#output.broken) this.#release(this.#queue.splice(0), true);
      this.#next();
    });
  }

  /** The deadline has passed: the reader is stuck. */
  #giveUp(): void {
    this.#output.stop();
    this.#release([...this.#writing, ...this.#queue.splice(0)], true);
    this.#idle?.();
  }

  #release(chunks: readonly Chunk[], areLost: boolean): void {
    for (const { lines, done } of chunks) {
      if (areLost) this.#lose(lines);
      this.#bytes -= lines.length;
      done();
    }
  }

  #lose(lines: string): void {
    const count = lines.split('\n').length - 1;
    this.lost += count;
    this.#unreported += count;
  }
}

function renderer(terminal: boolean): (lines: string) => string {
  // https://no-color.org: any non-empty value.
  const pretty = createPretty(terminal && (process.env.NO_COLOR ?? '') === '');
  return (lines) => lines.slice(0, -1).split('\n').map(pretty).join('');
}

function unchanged(lines: string): string {
  return lines;
}

function nothing(): void {
  // Nobody waits.
}
