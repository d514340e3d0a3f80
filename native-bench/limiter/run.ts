import { KeyHash } from '../../src/limiter/key-hash.ts';
import { LimiterTable } from '../../src/limiter/table.ts';
import { SlidingWindow } from '../../src/limiter/window.ts';

/** What one process, or one thread of it, is to measure. */
export interface Job {
  readonly name: 'hash' | 'alone' | 'threads' | 'heap';
  readonly threads: number;
  /** Addresses; a divisor of DECISIONS. */
  readonly keys: number;
  /** Per key and round. */
  readonly limit: number;
}

/** What was measured of one way to decide. */
export interface Measured {
  /** CPU time per decision: median over the rounds. */
  readonly ns: number;
  /** Decisions admitted in one round, over all threads; equal in every round. */
  readonly admitted: number;
}

export interface Answer {
  /** By way to decide. */
  readonly ways: Readonly<Record<string, Measured>>;
  /** Growth of the heap over a million decisions, without and with a collection behind them. */
  readonly allocatedBytes: number;
  readonly retainedBytes: number;
}

/** Of all threads, per round. */
export const DECISIONS = 409_600;
/** Decisions whose keys are made together. */
export const BLOCK = 4_096;
/** Measured, after WARM others. */
export const ROUNDS = 7;
export const WARM = 2;
/** No window ends within a round. */
export const WINDOW_MS = 60_000;
/** From round to round: by then all windows have passed, and the slots go to the keys of the next round. */
const ROUND_MS = 1_000_000;
export const SLOTS = 262_144;
const ADDRESS_BYTES = 16;

/** The request's clock at a decision of a round: whole milliseconds, since fractions of our own would be garbage. */
export function clockMsAt(round: number, decision: number): number {
  return round * ROUND_MS + (decision >> 13);
}

/**
 * Requests' addresses, each equally often, in random order. The text of a key is made anew for each decision, as the
 * front makes it for each request: flat, of Latin-1, not yet hashed by anybody.
 */
export class Traffic {
  readonly #bytes: Buffer;
  readonly #lengths: Uint8Array;
  readonly #order: Uint32Array;

  constructor(keys: number) {
    this.#bytes = Buffer.alloc(keys * ADDRESS_BYTES);
    this.#lengths = Uint8Array.from({ length: keys }, (_, i) => {
      const text = `${10 + (i % 7)}.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
      return this.#bytes.write(text, i * ADDRESS_BYTES, 'latin1');
    });
    const order = Uint32Array.from({ length: DECISIONS }, (_, i) => i % keys);
    let state = 12_345;
    for (let i = DECISIONS - 1; i > 0; i -= 1) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      const j = state % (i + 1);
      const swapped = order[i] as number;
      order[i] = order[j] as number;
      order[j] = swapped;
    }
    this.#order = order;
  }

  /** Makes the keys of BLOCK decisions. @param into  Gets them. */
  make(from: number, into: string[]): void {
    for (let i = 0; i < BLOCK; i += 1) {
      const key = this.#order[(from + i) % DECISIONS] as number;
      const at = key * ADDRESS_BYTES;
      into[i] = this.#bytes.toString('latin1', at, at + (this.#lengths[key] as number));
    }
  }
}

/** Ours, for one thread: what a request costs, without the gateway around it. */
export class Decider {
  readonly #hash = new KeyHash(0x1234_5678, 0x0bad_cafe);
  readonly #counter: SlidingWindow;
  readonly #rule: { readonly limit: number; readonly windowMs: number };

  constructor(words: Int32Array, limit: number) {
    this.#counter = new SlidingWindow(new LimiterTable(words));
    this.#rule = { limit, windowMs: WINDOW_MS };
  }

  /** Decides about a block. @param from  First decision of it in the round. @returns  How many were admitted. */
  decide(keys: readonly string[], from: number, round: number): number {
    const [hash, counter, rule] = [this.#hash, this.#counter, this.#rule];
    let admitted = 0;
    for (let i = 0; i < BLOCK; i += 1) {
      hash.hash(keys[i] as string, round);
      const clockMs = clockMsAt(round, from + i);
      counter.at(clockMs, clockMs);
      if (counter.take(hash.high, hash.low, rule, 1, false) === 0) admitted += 1;
    }
    return admitted;
  }
}
