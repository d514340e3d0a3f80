// hot path: synchronous, never throws
import type { Transaction } from '../transaction.ts';
import type { Candidates, Strategy } from './candidates.ts';
import type { Target } from './targets.ts';

/** Primes. One byte per entry holds 256 targets, the most an upstream may have; 16 or 64 KB stay in a core's cache. */
const ENTRIES_FEW = 16_381;
const ENTRIES_MANY = 65_537;
const FEW_TARGETS = 64;
/** Other places a key may go to when its own target does not fit: 8 fail together once in 256 with half of them out. */
const PLACES_MAX = 8;
const GOLDEN = 0x9e37_79b9;

/**
 * Sends equal keys to the same target, from every thread and every gateway, and few elsewhere when targets come or go.
 *
 * When a target does not fit, only its own keys move, spread over the others, each always to the same one. When a
 * target leaves the configuration, its 1/n of the keys move, and a few per cent of the others.
 *
 * The hash has no secret: gateways must agree. A client that chooses its own key can thereby choose its target, as it
 * could by sending one key over and over; hash by address where that matters.
 *
 * Threads: one. Cost: one read of a table and a pass over the key, 60 to 100 ns for an address.
 * Source: D. E. Eisenbud et al., Maglev: A Fast and Reliable Software Network Load Balancer (NSDI 2016), section 3.4,
 *         with weights as turns earned.
 */
export class ConsistentHash implements Strategy {
  readonly #table: Uint8Array;
  readonly #byAddress: boolean;
  readonly #keyless: Strategy;

  /** @param keyless  Who chooses for a transaction without a key: all of those on one target would be a trap. */
  constructor(targets: readonly Target[], byAddress: boolean, keyless: Strategy) {
    this.#table = buildTable(targets);
    this.#byAddress = byAddress;
    this.#keyless = keyless;
  }

  choose(tx: Transaction, asked: Candidates): number {
    const key = this.#byAddress ? tx.client : tx.hashField;
    if (key === '') return this.#keyless.choose(tx, asked);
    const table = this.#table;
    const start = hashText(key, 0);
    let hash = start;
    for (let place = 1; place <= PLACES_MAX; place += 1) {
      const index = table[(hash >>> 0) % table.length] as number;
      if (asked.fits(index)) return index;
      hash = mix(start + Math.imul(place, GOLDEN));
    }
    const first = (hash >>> 0) % asked.size;
    for (let step = 0; step < asked.size; step += 1) {
      const index = (first + step) % asked.size;
      if (asked.fits(index)) return index;
    }
    return -1;
  }
}

/**
 * Each target walks its own permutation of the table and takes the next free entry whenever it is its turn; a target of
 * half the largest weight has every second turn, but each has the first. The order of turns follows the targets' names
 * and not their places in the file, so that sorting the file moves no key.
 */
function buildTable(targets: readonly Target[]): Uint8Array {
  const size = targets.length <= FEW_TARGETS ? ENTRIES_FEW : ENTRIES_MANY;
  const heaviest = targets.reduce((most, { weight }) => Math.max(most, weight), 1);
  const walkers = targets
    .map(({ url, index, weight }) => ({
      url,
      index,
      earns: weight / heaviest,
      credit: 1 - weight / heaviest,
      at: (hashText(url, 1) >>> 0) % size,
      step: ((hashText(url, 2) >>> 0) % (size - 1)) + 1,
    }))
    .sort((a, b) => (a.url < b.url ? -1 : 1));
  const table = new Uint8Array(size);
  const taken = new Uint8Array(size);
  for (let filled = 0; filled < size; ) {
    for (const walker of walkers) {
      walker.credit += walker.earns;
      if (walker.credit < 1 || filled === size) continue;
      walker.credit -= 1;
      while (taken[walker.at] === 1) walker.at = (walker.at + walker.step) % size;
      taken[walker.at] = 1;
      table[walker.at] = walker.index;
      filled += 1;
    }
  }
  return table;
}

/** FNV-1a over UTF-16 code units, then mixed: FNV alone leaves the last characters in the low bits. */
function hashText(text: string, seed: number): number {
  let hash = 0x811c_9dc5 ^ Math.imul(seed, GOLDEN);
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
  return mix(hash);
}

/** Finalizer of MurmurHash3 (A. Appleby): every bit of the input reaches every bit of the output. */
function mix(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return mixed ^ (mixed >>> 16);
}
