/** One line on a terminal, written over and over; without a terminal, a line when a case begins. */
export class Progress {
  readonly #cases: number;
  readonly #startMs = performance.now();
  #begun = 0;
  #name = '';

  constructor(cases: number) {
    this.#cases = cases;
  }

  begin(name: string): void {
    this.#begun += 1;
    this.#name = name;
    if (!process.stderr.isTTY) process.stderr.write(`${this.#head()}\n`);
  }

  readonly say = (words: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${this.#head()}: ${words}`);
  };

  /** Makes room for what is printed. */
  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }

  #head(): string {
    const seconds = Math.round((performance.now() - this.#startMs) / 1_000);
    return `[${seconds} s] ${this.#name}, case ${this.#begun} of ${this.#cases}`;
  }
}
