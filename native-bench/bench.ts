/** One way to do the work of a row. */
export interface Way {
  readonly name: string;
  /** Before each pass; not timed. @param pass  Counts from 0, for each way by itself. */
  readonly begin?: (pass: number) => void | Promise<void>;
  /** Does all operations of the row once. @returns  What proves that it did: the row's `proof`. */
  readonly run: (pass: number) => number | Promise<number>;
  /** CPU microseconds so far of whoever does the work; without it this process, all its threads included. */
  readonly cpuUs?: () => number;
}

/** Work, and the ways to do it: all of them with the same input, and with the same proof. */
export interface Row {
  readonly name: string;
  /** In one pass: enough for tenths of a millisecond, since clocks are read once a pass. */
  readonly operations: number;
  readonly proof: number | ((pass: number) => number);
  /** Passes of a turn, where one is unlike the next; otherwise as many as the time of a turn holds. */
  readonly passes?: number;
  /** The first is what others are compared with: ours, where there is one. */
  readonly ways: readonly Way[];
}

/** A module of this folder: what it measures. */
export interface Bench {
  /** A sentence for the reader of the results. */
  readonly what: string;
  /** Rows, made when their turn comes, so that the data of one are gone when the next is measured. */
  readonly rows: () => Iterable<Row> | AsyncIterable<Row>;
}

/** Counts for which of `count` operations the answer was right. */
export function countRight(count: number, once: (n: number) => boolean): number {
  let right = 0;
  for (let n = 0; n < count; n += 1) if (once(n)) right += 1;
  return right;
}

/** A text of its own, as a request brings it: one piece of one-byte characters, whose hash nobody knows. */
export function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
