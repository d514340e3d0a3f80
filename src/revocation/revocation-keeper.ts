import { newestFirst, pageOf } from '../records/page.ts';
import type { RecordChannel } from '../records/record-channel.ts';
import { RecordExchange } from '../records/record-exchange.ts';
import type { RecordFile } from '../records/record-file.ts';
import type { RecordLog } from '../records/record-log.ts';
import { RecordSaver } from '../records/record-saver.ts';
import { restore } from '../records/restore.ts';
import { saysMore } from '../records/says-more.ts';
import { type KeyHasher, REVOCATION_KINDS, revocationSalt } from './kinds.ts';
import type {
  RevocationAnswer,
  RevocationDesk,
  RevocationOrder,
  RevocationPage,
  RevocationQuery,
  RevocationView,
} from './orders.ts';
import {
  formatRecord,
  isLifted,
  mergeRecords,
  parseRecord,
  type RevocationRecord,
  revocationId,
  SECONDS_MAX,
} from './record.ts';
import type { RevocationWriter } from './revocation-writer.ts';

const JOINING = { merge: mergeRecords, format: formatRecord };

export interface RevocationKeeperOptions {
  /** Over the table that threads read. */
  readonly writer: RevocationWriter;
  /** Seeded as theirs. */
  readonly hash: KeyHasher;
  readonly saltOf: (text: string) => number;
  /** Revocations that operators may make here. */
  readonly revocationsMax: number;
  /** Name of this machine, for lists. */
  readonly node: string;
  readonly log: () => RecordLog;
  /** Null where none are kept. */
  readonly file: RecordFile<RevocationRecord> | null;
  /** Null where there are no other machines. */
  readonly channel: RecordChannel | null;
  /** Wall clock; the process's own when absent. */
  readonly nowMs?: () => number;
  /** Shortest time between two writings of the file. */
  readonly saveEveryMs?: number;
  /** Time between rounds with other machines. */
  readonly shareEveryMs?: number;
}

interface Entry {
  readonly id: string;
  readonly record: RevocationRecord;
  /** The record as text, made once: files and other machines get it as it is. */
  readonly line: string;
}

/** What a reload may change: longest life of tokens or sessions by the name of their issuer, ms; 0 for no bound. */
export type TokenLifetimes = ReadonlyMap<string, number>;

/** An operator waits for the disk: writings are not far apart. */
const SAVE_EVERY_MS = 100;
const SAVE_MS_MAX = 5_000;
/** A revocation is in force on other machines after two rounds at most, and some milliseconds. */
const SHARE_EVERY_MS = 250;
const SWEEP_MS = 1_000;
/** A table of the largest size is gone through in minutes: what is over hits nobody, it takes room alone. */
const SWEPT_MAX = 10_000;
/** Clocks of machines differ: what is over here may hold elsewhere for so long. */
const OVER_GRACE_MS = 60_000;
/** Names in one log line. */
const NAMED_MAX = 10;
/** Where nobody says how long tokens live. */
export const DEFAULT_MS = 86_400_000;

/**
 * The main thread's knowledge of revocations: for operators, over restarts, and for other machines. It alone writes the
 * table that threads read.
 *
 * Times are the wall clock's: tokens expire by it, too.
 *
 * Threads: main.
 */
export class RevocationKeeper implements RevocationDesk {
  /** Orders refused because as many hold as may. */
  refused = 0;
  readonly #o: RevocationKeeperOptions;
  readonly #nowMs: () => number;
  /** By id: those that hold, and lifted ones that another machine may still tell of. */
  readonly #entries = new Map<string, Entry>();
  readonly #saver: RecordSaver | null;
  readonly #exchange: RecordExchange | null;
  /** Ids of what other machines revoked and the table has no room for. */
  readonly #unenforced = new Set<string>();
  #lifetimes: TokenLifetimes = new Map();
  #timer: NodeJS.Timeout | null = null;
  #pass: Iterator<Entry> = [].values();

  constructor(options: RevocationKeeperOptions) {
    const { file, channel, log, saveEveryMs = SAVE_EVERY_MS, shareEveryMs = SHARE_EVERY_MS } = options;
    this.#o = options;
    this.#nowMs = options.nowMs ?? Date.now;
    const things = 'revocations';
    const lines = () => this.#lines();
    this.#saver = file === null ? null : new RecordSaver({ file, lines, things, log, everyMs: saveEveryMs });
    this.#exchange =
      channel === null
        ? null
        : new RecordExchange({
            channel,
            things,
            log,
            textOf: (id) => this.#entries.get(id)?.line ?? null,
            ids: () => [...this.#entries.keys()],
            apply: (text) => this.#hear(text),
            everyMs: shareEveryMs,
          });
  }

  get capacity(): number {
    return this.#o.revocationsMax;
  }

  /** Revocations that hold. */
  get inUse(): number {
    return this.#o.writer.inUse;
  }

  /** Revocations of other machines that do not hold here for want of room. */
  get unenforced(): number {
    return this.#unenforced.size;
  }

  /** Takes settings over, at start and after a reload; revocations stay. */
  configure(lifetimes: TokenLifetimes): void {
    this.#lifetimes = lifetimes;
    this.#warnOfLost();
  }

  /**
   * Restores what was kept, before any thread serves, and writes the file once to know that it can be.
   *
   * @throws  SP_CONFIG  The file is damaged, of something else, holds too much, or cannot be read or written.
   */
  async start(): Promise<void> {
    const { file, log } = this.#o;
    if (file !== null) {
      await restore({
        file,
        saver: this.#saver,
        things: 'revocations',
        log,
        nowMs: this.#nowMs(),
        learn: (records) => this.#restore(file, records),
        lines: () => this.#lines(),
      });
    }
    this.#saver?.open();
    this.#timer = setInterval(() => this.sweep(), SWEEP_MS);
    await this.#exchange?.start();
    this.#warnOfLost();
  }

  /** Saves what is not saved yet, and lets go of other machines. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#exchange?.stop();
    await this.#saver?.stop();
  }

  list({ limit, after, key }: RevocationQuery): RevocationPage {
    const nowMs = this.#nowMs();
    const holding = [...this.#entries.values()].filter(
      ({ record }) => holds(record, nowMs) && (key === null || record.value === key),
    );
    holding.sort(newestFirst);
    const { page, next } = pageOf(holding, limit, after);
    return { revocations: page.map(({ id, record }) => viewOf(id, record, nowMs)), total: holding.length, next };
  }

  /**
   * Revokes something, on all threads at once. What is revoked already is never made shorter, nor narrower.
   *
   * @returns  When it is on disk, or could not be written in five seconds.
   */
  async add(order: RevocationOrder, who: string): Promise<RevocationAnswer> {
    const nowMs = Math.round(this.#nowMs());
    const { kind, issuer, value, reason } = order;
    const untilMs = order.untilMs ?? this.#defaultEnd(order, nowMs);
    const wrong = this.#wrongWith(order, untilMs, nowMs);
    if (wrong !== null) return { ok: false, found: 'wrong', words: wrong };
    const id = revocationId(order);
    const before = this.#entries.get(id)?.record;
    const held = before !== undefined && holds(before, nowMs);
    const ordered: RevocationRecord = {
      kind,
      issuer,
      value,
      sinceMs: nowMs,
      untilMs: Math.round(untilMs as number),
      issuedUntilMs: order.issuedUntilMs === null ? 0 : Math.max(1, Math.round(order.issuedUntilMs)),
      reason,
      node: this.#o.node,
      changedMs: Math.max(nowMs, (before?.changedMs ?? 0) + 1, (before?.liftedMs ?? 0) + 1),
      liftedMs: before?.liftedMs ?? 0,
    };
    const record = held ? mergeRecords(before, ordered) : ordered;
    // What is over makes room first. Two passes: one may be under way.
    if (!held && this.inUse >= this.capacity) this.sweep(2 * this.#entries.size);
    if ((!held && this.inUse >= this.capacity) || !this.#enter(id, record)) {
      this.refused += 1;
      const words = `${this.inUse} revocations hold, as many as revocations.max allows: lift some, or raise it`;
      this.#o.log().error({ ...factsOf(ordered), by: who }, 'a revocation was refused: there is no room for it');
      return { ok: false, found: 'full', words };
    }
    this.#changed(id);
    this.#o.log().info({ ...factsOf(record), by: who }, 'revocation added by an operator');
    return { ok: true, revocation: viewOf(id, record, nowMs), saved: await this.#saved() };
  }

  async lift(id: string, who: string): Promise<RevocationAnswer> {
    const nowMs = Math.round(this.#nowMs());
    const before = this.#entries.get(id)?.record;
    if (before === undefined || !holds(before, nowMs)) {
      return { ok: false, found: 'absent', words: 'No revocation with this id holds.' };
    }
    const record: RevocationRecord = { ...before, liftedMs: Math.max(nowMs, before.changedMs, before.liftedMs) };
    this.#enter(id, record);
    this.#changed(id);
    this.#o.log().info({ ...factsOf(record), by: who }, 'revocation lifted by an operator');
    return { ok: true, revocation: viewOf(id, record, nowMs), saved: await this.#saved() };
  }

  /**
   * Lets go of what is over, and makes what had no room hold.
   *
   * @param most  Records looked at: a thousand take a fraction of a millisecond.
   */
  sweep(most: number = SWEPT_MAX): void {
    const nowMs = this.#nowMs();
    let isChanged = false;
    for (let left = Math.min(most, this.#entries.size); left > 0; left -= 1) {
      const next = this.#pass.next();
      if (next.done === true) {
        this.#pass = this.#entries.values();
        continue;
      }
      const { id, record, line } = next.value;
      if (record.untilMs > nowMs) continue;
      this.#removeFromTable(record);
      this.#entries.delete(id);
      this.#unenforced.delete(id);
      this.#exchange?.forgotten(id, line);
      isChanged = true;
    }
    if (isChanged) this.#saver?.changed();
    for (const id of this.#unenforced) {
      const record = this.#entries.get(id)?.record;
      if (record === undefined) {
        this.#unenforced.delete(id);
        continue;
      }
      if (!this.#enter(id, record)) return;
      if (this.#unenforced.size === 0) this.#o.log().info({}, 'all revocations of other machines hold here');
    }
  }

  /** Revocations hit by the issuer's name: under another one the tokens of that issuer are let in again. */
  #warnOfLost(): void {
    const nowMs = this.#nowMs();
    const issuers = new Set<string>();
    for (const { record } of this.#entries.values()) {
      const { kind, issuer } = record;
      if (kind !== 'key' && !this.#lifetimes.has(issuer) && holds(record, nowMs)) issuers.add(issuer);
    }
    if (issuers.size === 0) return;
    const facts = { issuers: [...issuers].slice(0, NAMED_MAX) };
    this.#o.log().warn(facts, 'revocations name issuers that the configuration does not have: they hit nobody');
  }

  #restore(file: RecordFile<RevocationRecord>, records: readonly RevocationRecord[]): void {
    const nowMs = this.#nowMs();
    const { room } = this.#o.writer;
    const holding = records.filter((record) => holds(record, nowMs));
    if (holding.length > room) {
      throw file.refused(`holds ${holding.length} revocations, more than there is room for: raise revocations.max`);
    }
    for (const record of records) this.#learn(record);
  }

  /** @returns  Milliseconds since 1970, or null where the order must say. */
  #defaultEnd({ kind, issuer }: RevocationOrder, nowMs: number): number | null {
    if (kind === 'token') return null;
    if (kind === 'key') return nowMs + SECONDS_MAX * 1_000;
    const lifetimeMs = this.#lifetimes.get(issuer) ?? 0;
    return nowMs + (lifetimeMs === 0 ? DEFAULT_MS : Math.min(lifetimeMs, SECONDS_MAX * 1_000));
  }

  /** @returns  What is wrong with an order, and what to do; null for nothing. */
  #wrongWith({ kind, issuer, issuedUntilMs }: RevocationOrder, untilMs: number | null, nowMs: number): string | null {
    if (kind === 'key') {
      if (issuer !== '') return 'a key has no issuer: leave it out';
      if (issuedUntilMs !== null) return 'a key is revoked as a whole: leave issuedUntil out';
    } else if (!this.#lifetimes.has(issuer)) {
      const names = [...this.#lifetimes.keys()];
      const known = names.length === 0 ? 'there is none' : `there are ${names.join(', ')}`;
      return `issuer must be a name under issuers, introspection or logins of the configuration: ${known}`;
    }
    if (kind === 'token' && issuedUntilMs !== null) return 'a token was issued once: leave issuedUntil out';
    if (untilMs === null) return 'say how long, at least until the token expires: seconds or until';
    if (untilMs <= nowMs) return 'until must be in the future';
    if (untilMs > nowMs + SECONDS_MAX * 1_000) return `until must be at most ${SECONDS_MAX} seconds ahead: a year`;
    if (issuedUntilMs !== null && issuedUntilMs > untilMs) return 'issuedUntil must not be later than the end';
    return null;
  }

  /** @returns  False for what no machine of ours wrote, true for all else. */
  #hear(text: string): boolean {
    const nowMs = this.#nowMs();
    const record = parseRecord(text, nowMs);
    if (record === null) return false;
    const id = revocationId(record);
    if (record.untilMs + OVER_GRACE_MS < nowMs) {
      // Nobody was there to remove it in time.
      if (!this.#entries.has(id)) this.#exchange?.forgotten(id, text);
      return true;
    }
    const isNews = this.#learn(record);
    this.#tellMore(id, record);
    if (!isNews) return true;
    this.#saver?.changed();
    const words = isLifted(record) ? 'revocation lifted by another machine' : 'revocation made by another machine';
    this.#o.log().debug(factsOf(record), words);
    return true;
  }

  /** Who knows more than is told of a revocation says it. */
  #tellMore(id: string, told: RevocationRecord): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.record.untilMs <= this.#nowMs()) return;
    if (saysMore(entry, told, JOINING)) this.#exchange?.changed(id);
  }

  /** A record from elsewhere. @returns  True when it brought news. */
  #learn(told: RevocationRecord): boolean {
    const id = revocationId(told);
    const before = this.#entries.get(id);
    const record = before === undefined ? told : mergeRecords(before.record, told);
    if (record.untilMs <= this.#nowMs() || formatRecord(record) === before?.line) return false;
    if (this.#enter(id, record)) return true;
    // Kept all the same: it comes to hold as soon as there is room. What does not fit there either is asked for again.
    if (this.#entries.size < this.#recordsMax) this.#keep(id, record);
    if (this.#unenforced.size === 0) {
      const words = 'revocations of other machines do not hold here, for want of room: raise revocations.max';
      this.#o.log().error({ ...factsOf(record), room: this.#o.writer.room }, words);
    }
    if (this.#unenforced.size < this.#recordsMax) this.#unenforced.add(id);
    return true;
  }

  /** Brings a record into the table and the lists. @returns  False when there is no room for it. */
  #enter(id: string, record: RevocationRecord): boolean {
    const { writer } = this.#o;
    if (isLifted(record)) {
      this.#removeFromTable(record);
    } else {
      const { high, low, kind } = this.#placeOf(record);
      const issuedUntilMs = record.issuedUntilMs === 0 ? Number.POSITIVE_INFINITY : record.issuedUntilMs;
      if (!writer.put(high, low, kind, record.untilMs, issuedUntilMs)) return false;
    }
    this.#unenforced.delete(id);
    this.#keep(id, record);
    return true;
  }

  #keep(id: string, record: RevocationRecord): void {
    this.#entries.set(id, { id, record, line: formatRecord(record) });
    this.#boundLifted();
  }

  /** Whoever revokes and lifts without end must not fill the memory: the lift that was kept longest is forgotten. */
  #boundLifted(): void {
    if (this.#entries.size <= this.#recordsMax) return;
    for (const { id, record } of this.#entries.values()) {
      if (!isLifted(record)) continue;
      this.#entries.delete(id);
      return;
    }
  }

  get #recordsMax(): number {
    return recordsMax(this.#o.writer.room);
  }

  #removeFromTable(record: RevocationRecord): void {
    const { high, low, kind } = this.#placeOf(record);
    this.#o.writer.remove(high, low, kind);
  }

  #placeOf({ kind, issuer, value }: RevocationRecord): { high: number; low: number; kind: number } {
    const { hash, saltOf } = this.#o;
    hash.hash(value, revocationSalt(kind, issuer, saltOf));
    return { high: hash.high, low: hash.low, kind: REVOCATION_KINDS.indexOf(kind) };
  }

  #changed(id: string): void {
    this.#saver?.changed();
    this.#exchange?.changed(id);
  }

  #saved(): Promise<boolean> {
    return this.#saver?.saved(SAVE_MS_MAX) ?? Promise.resolve(false);
  }

  #lines(): readonly string[] {
    return Array.from(this.#entries.values(), ({ line }) => line);
  }
}

/** @param room  Of the table. @returns  Records kept: those that hold, and lifted ones that are remembered. */
export function recordsMax(room: number): number {
  return 2 * room;
}

function holds(record: RevocationRecord, nowMs: number): boolean {
  return record.untilMs > nowMs && !isLifted(record);
}

function factsOf(record: RevocationRecord): object {
  const { kind, issuer, value, untilMs, issuedUntilMs, reason, node } = record;
  const until = new Date(untilMs).toISOString();
  const issuedUntil = issuedUntilMs === 0 ? null : new Date(issuedUntilMs).toISOString();
  return { id: revocationId(record), kind, issuer, value, until, issuedUntil, reason, node };
}

function viewOf(id: string, record: RevocationRecord, nowMs: number): RevocationView {
  const { kind, issuer, value, sinceMs, untilMs, issuedUntilMs, reason, node } = record;
  return {
    id,
    kind,
    issuer,
    value,
    since: new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    leftSeconds: isLifted(record) ? 0 : Math.max(0, Math.ceil((untilMs - nowMs) / 1_000)),
    issuedUntil: issuedUntilMs === 0 ? null : new Date(issuedUntilMs).toISOString(),
    reason,
    node,
  };
}
