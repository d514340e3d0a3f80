import { closeSync, openSync, readSync } from 'node:fs';

/** Reads what is added to a file, line by line. */
export class LogTail {
  readonly #path: string;
  readonly #buffer = Buffer.alloc(1 << 20);
  #position = 0;
  #rest = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** Whole lines since the last call, as latin1: what is logged of a request need not be UTF-8. */
  lines(): string[] {
    const pieces = [this.#rest];
    const file = openSync(this.#path, 'r');
    for (;;) {
      const bytes = readSync(file, this.#buffer, 0, this.#buffer.length, this.#position);
      if (bytes === 0) break;
      this.#position += bytes;
      pieces.push(this.#buffer.toString('latin1', 0, bytes));
    }
    closeSync(file);
    const lines = pieces.join('').split('\n');
    this.#rest = lines.pop() ?? '';
    return lines;
  }
}
