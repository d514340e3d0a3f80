import type { MessagePort } from 'node:worker_threads';
import { LOG_BYTES_IN_FLIGHT_MAX } from '../limits.ts';

/**
 * The wire for log lines between a thread and the main thread; both ends live here.
 *
 *     thread -> main   string: whole lines, each ended by LF
 *     main -> thread   number: characters of lines that need no more room (written, or given up)
 *
 * Lines are printable ASCII, so characters are bytes. The main thread acknowledges lines that have left the process:
 * a standard output that nobody reads stops the acknowledgements, and the threads drop lines instead of memory growing.
 */
export class LineSender {
  #bytesInFlight = 0;
  readonly #port: MessagePort;
  readonly #bytesMax: number;

  /**
   * The thread's end. It does not keep the thread alive.
   *
   * @param port      One end of a MessageChannel; nothing else may be sent over it.
   * @param bytesMax  Most bytes under way.
   */
  constructor(port: MessagePort, bytesMax: number = LOG_BYTES_IN_FLIGHT_MAX) {
    this.#port = port;
    this.#bytesMax = bytesMax;
    port.on('message', (bytes: unknown) => {
      if (typeof bytes === 'number') this.#bytesInFlight -= bytes;
    });
    port.unref();
  }

  /** Bytes posted and not yet acknowledged. */
  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  /** @returns false when the lines were not taken: too many are under way. Never throws. */
  send(lines: string): boolean {
    if (this.#bytesInFlight + lines.length > this.#bytesMax) return false;
    this.#bytesInFlight += lines.length;
    this.#port.postMessage(lines);
    return true;
  }
}

/** Where received lines go: the `LogWriter`. */
export interface LineTarget {
  /** @param done  Called once the lines need no more room. */
  write(lines: string, done: () => void): void;
}

/**
 * The main thread's end: hands lines to `target` and acknowledges what it is done with. Call it once per thread; the
 * subscription ends with the port.
 */
export function receiveLines(port: MessagePort, target: LineTarget): void {
  port.on('message', (lines: unknown) => {
    if (typeof lines === 'string') target.write(lines, () => port.postMessage(lines.length));
  });
  port.unref();
}
