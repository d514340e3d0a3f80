// hot path: synchronous, never throws
import type { KeyHash } from './key-hash.ts';
import { REDIS_UP } from './layout.ts';
import { SharedClock } from './shared-clock.ts';
import { type LimiterTable, NO_ROOM } from './table.ts';
import { FULL, SlidingWindow, type WindowRule } from './window.ts';

/** A rate limit policy as decisions need it: see `RateLimitConfig` for the meanings. */
export interface LimitRule {
  /** Distinguishes keys of one text under different policies. */
  readonly salt: number;
  readonly windows: readonly WindowRule[];
  readonly penalise: boolean;
  /** Windows are those of the clock that machines share; by default of this machine's steady clock. */
  readonly onSharedClock?: boolean;
  /** What is counted goes to other machines. */
  readonly isExchanged?: boolean;
}

/** Most windows of all policies that one request meets: 16 policies of 4 windows. */
export const WINDOWS_MAX = 64;

/**
 * Decides about a request under several policies with several windows each: all must have room, and then it counts in
 * all. Where one has none it counts in no other one, but for those that penalise.
 *
 * Fill it with `begin` and `add`, then `decide`. The facts are left in fields: an object for them would be garbage on
 * every request.
 *
 * Threads: one instance each.
 */
export class Decision {
  /** Milliseconds until this request would be admitted by all, if no other came; 0 when admitted. */
  waitMs = 0;
  /** Position (policy, window) of what refused, or of what has least room left; -1 for none. */
  policy = -1;
  window = -1;
  /** Of that window. */
  remaining = 0;
  leftMs = 0;
  /** Position of the first policy whose key found no slot in the table; -1 for none. */
  fullPolicy = -1;
  /** Policies and windows added since `begin`. */
  policies = 0;
  windows = 0;
  readonly highs = new Int32Array(WINDOWS_MAX);
  readonly lows = new Int32Array(WINDOWS_MAX);
  readonly rules: LimitRule[] = [];
  /** By policy: 1 where a key found no slot. Good where `fullPolicy` is not -1. */
  readonly full = new Uint8Array(WINDOWS_MAX);
  readonly #policyOf = new Uint8Array(WINDOWS_MAX);
  readonly #windowOf = new Uint8Array(WINDOWS_MAX);
  readonly #hash: KeyHash;
  readonly #table: LimiterTable;
  readonly #counter: SlidingWindow;
  readonly #clock: SharedClock;
  #cost = 1;

  constructor(table: LimiterTable, hash: KeyHash) {
    this.#table = table;
    this.#counter = new SlidingWindow(table);
    this.#clock = new SharedClock(table.words);
    this.#hash = hash;
  }

  /** Counts of shared policies reach other machines: see `RedisState`. */
  get reachesOthers(): boolean {
    return Atomics.load(this.#table.words, REDIS_UP) === 1;
  }

  /** Starts anew. @param cost  What the request counts for. @param steadyMs  Steady clock, whole milliseconds. */
  begin(cost: number, steadyMs: number): void {
    this.policies = 0;
    this.windows = 0;
    this.#cost = cost;
    this.#counter.at(steadyMs, steadyMs);
  }

  /** Adds a policy. @returns  False when there are too many windows: the configuration's check refuses that many. */
  add(rule: LimitRule, key: string): boolean {
    const { windows } = rule;
    if (this.windows + windows.length > WINDOWS_MAX) return false;
    this.#hash.hash(key, rule.salt);
    const { high, low } = this.#hash;
    this.rules[this.policies] = rule;
    for (let i = 0; i < windows.length; i += 1) {
      const mixed = Math.imul((windows[i] as WindowRule).windowMs | 0, 0x9e3779b1);
      const at = this.windows;
      this.highs[at] = high ^ mixed;
      this.lows[at] = low + ((mixed << 16) | (mixed >>> 16));
      this.#policyOf[at] = this.policies;
      this.#windowOf[at] = i;
      this.windows += 1;
    }
    this.policies += 1;
    return true;
  }

  /**
   * Counts the request, or says why not: see the fields.
   *
   * @param admitsFull  A window whose key finds no slot is passed over, and all others hold. Else nothing is counted
   *                    then, and `waitMs` is 0: `fullPolicy` tells.
   */
  decide(admitsFull: boolean): void {
    this.#forget();
    this.fullPolicy = -1;
    // A single window needs no look before.
    if (this.windows > 1 && !this.#lookAtAll()) {
      this.#penalise();
      return;
    }
    for (let at = 0; at < this.windows; at += 1) {
      const waitMs = this.#take(at, false);
      if (waitMs === 0) {
        this.#noteRoom(at);
        continue;
      }
      if (waitMs === FULL) {
        this.#noteFull(at);
        if (admitsFull) continue;
      }
      for (let before = 0; before < at; before += 1) this.#giveBack(before);
      this.#forget();
      if (waitMs === FULL) return;
      this.#noteWait(at, waitMs);
      // The others may have the longer wait.
      if (this.windows > 1) this.#lookAtAll();
      this.#penalise();
      return;
    }
  }

  /** As `decide`, but counts nothing where all have room. @returns  False when one has none: see the fields. */
  hasRoom(): boolean {
    this.#forget();
    this.fullPolicy = -1;
    if (this.#lookAtAll()) return true;
    this.#penalise();
    return false;
  }

  ruleAt(at: number): LimitRule {
    return this.rules[this.#policyOf[at] as number] as LimitRule;
  }

  windowAt(at: number): WindowRule {
    return this.ruleAt(at).windows[this.#windowOf[at] as number] as WindowRule;
  }

  #forget(): void {
    this.waitMs = 0;
    this.policy = -1;
    this.window = -1;
    this.remaining = Number.POSITIVE_INFINITY;
    this.leftMs = 0;
  }

  /** @returns  False when one has no room; then the longest wait is noted. */
  #lookAtAll(): boolean {
    for (let at = 0; at < this.windows; at += 1) {
      this.#setClock(at);
      const waitMs = this.#counter.look(
        this.highs[at] as number,
        this.lows[at] as number,
        this.windowAt(at),
        this.#cost,
      );
      if (waitMs > 0) this.#noteWait(at, waitMs);
    }
    return this.waitMs === 0;
  }

  /** Refused: counts all the same where the policy says so, in each of its windows. */
  #penalise(): void {
    let isPenalised = false;
    for (let at = 0; at < this.windows; at += 1) {
      if (!this.ruleAt(at).penalise) continue;
      const waitMs = this.#take(at, true);
      if (waitMs > 0) this.#noteWait(at, waitMs);
      else isPenalised = true;
    }
    // What had room for this request may have none for the next one.
    if (isPenalised) this.#lookAtAll();
  }

  #take(at: number, penalise: boolean): number {
    this.#setClock(at);
    const waitMs = this.#counter.take(
      this.highs[at] as number,
      this.lows[at] as number,
      this.windowAt(at),
      this.#cost,
      penalise,
    );
    if (waitMs === 0 || penalise) this.#mark(at);
    return waitMs;
  }

  #giveBack(at: number): void {
    this.#setClock(at);
    this.#counter.giveBack(this.highs[at] as number, this.lows[at] as number, this.windowAt(at), this.#cost);
    this.#mark(at);
  }

  #setClock(at: number): void {
    this.#counter.shiftMs = this.ruleAt(at).onSharedClock === true ? this.#clock.shiftMs : 0;
  }

  /** What has just been counted goes to other machines with the next exchange. */
  #mark(at: number): void {
    const { slot } = this.#counter;
    if (slot !== NO_ROOM && this.ruleAt(at).isExchanged === true) this.#table.mark(slot);
  }

  #noteFull(at: number): void {
    if (this.fullPolicy === -1) this.full.fill(0, 0, this.policies);
    const policy = this.#policyOf[at] as number;
    this.full[policy] = 1;
    if (this.fullPolicy === -1) this.fullPolicy = policy;
  }

  #noteRoom(at: number): void {
    const { remaining, leftMs } = this.#counter;
    if (remaining >= this.remaining) return;
    this.policy = this.#policyOf[at] as number;
    this.window = this.#windowOf[at] as number;
    this.remaining = remaining;
    this.leftMs = leftMs;
  }

  #noteWait(at: number, waitMs: number): void {
    if (waitMs <= this.waitMs) return;
    this.waitMs = waitMs;
    this.policy = this.#policyOf[at] as number;
    this.window = this.#windowOf[at] as number;
    this.remaining = 0;
    this.leftMs = this.#counter.leftMs;
  }
}

/** FNV-1a over UTF-16 code units: tells policies apart; the keyed hash after it is what is hard to aim at. */
export function saltOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash | 0;
}
