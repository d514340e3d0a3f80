// hot path: synchronous, never throws
import {
  COUNT_BITS,
  COUNT_MASK,
  COUNT_MAX,
  emptyWord,
  stateWord,
  stepsBetween,
  TURN_MASK,
  tagOf,
  tickOf,
} from './layout.ts';
import { LAG_MAX, type LimiterTable } from './table.ts';

/** A slot as one key has it: who took it over meanwhile has another id. */
export interface KeyedSlot {
  readonly slot: number;
  readonly high: number;
  readonly low: number;
  readonly windowMs: number;
}

/** What a slot has counted in window `number`. */
export function countIn(words: Int32Array, slot: number, number: number): number {
  const turn = number & TURN_MASK;
  const word = Atomics.load(words, stateWord(slot) + (turn & 1));
  return word >>> COUNT_BITS === tagOf(turn) ? word & COUNT_MASK : 0;
}

/** Number of the window that a slot counts in: `number`, or a later one that was begun before the clock went back. */
export function windowInUse(words: Int32Array, slot: number, number: number): number {
  const turn = number & TURN_MASK;
  const at = stateWord(slot) + (turn & 1);
  const ahead = stepsBetween(Atomics.load(words, at), tagOf(turn)) * 2;
  const aheadOther = stepsBetween(Atomics.load(words, at ^ 1), tagOf(turn - 1)) * 2 - 1;
  return number + Math.max(0, ahead, aheadOther);
}

/**
 * Adds what others counted in window `number` to a slot, as far as the count stays at `most` or below.
 *
 * @param clockMs   Shared clock that numbers the windows.
 * @param steadyMs  Steady clock at the same moment.
 * @returns  How much was added; -1 where the slot is no longer the key's, the window no longer matters, or this thread
 *           was held up since its clock was read.
 *
 * Threads: any. As a decision does it: the tick is moved first and the id read then, so nobody takes the slot between.
 */
export function addCount(
  table: LimiterTable,
  { slot, high, low, windowMs }: KeyedSlot,
  number: number,
  add: number,
  clockMs: number,
  steadyMs: number,
  most = COUNT_MAX,
): number {
  const { words } = table;
  const leftMs = (number + 2) * windowMs - clockMs;
  // A key that has passed may come back with the same words: those it has now are not to be revived.
  const tick = tickOf(steadyMs);
  if (leftMs <= 0 || !table.isLive(slot, tick)) return -1;
  table.extend(slot, tick, Math.min(leftMs, windowMs * 2));
  const turn = number & TURN_MASK;
  const tag = tagOf(turn);
  const at = stateWord(slot) + (turn & 1);
  for (;;) {
    const seen = Atomics.load(words, at);
    if (!table.holds(slot, high, low) || table.lag(tick) > LAG_MAX) return -1;
    const ahead = stepsBetween(seen, tag);
    if (ahead > 0) return -1;
    const count = ahead === 0 ? seen & COUNT_MASK : 0;
    const next = Math.min(most, COUNT_MAX, count + add);
    if (next <= count) return 0;
    if (Atomics.compareExchange(words, at, seen, emptyWord(turn) | next) === seen) return next - count;
  }
}
