import { type AddressSet, compileAddressSet } from '../base/address-set.ts';
import { formatAddress, parseAddress } from '../base/ip-address.ts';
import { ClientPrefix } from '../base/ip-prefix.ts';
import { steadyNow } from '../base/steady-clock.ts';
import { compileRanges } from '../config/address-ranges.ts';
import { newestFirst, pageOf } from '../records/page.ts';
import type { RecordChannel } from '../records/record-channel.ts';
import { RecordExchange } from '../records/record-exchange.ts';
import type { RecordFile } from '../records/record-file.ts';
import type { RecordLog } from '../records/record-log.ts';
import { RecordSaver } from '../records/record-saver.ts';
import { restore } from '../records/restore.ts';
import { saysMore } from '../records/says-more.ts';
import type { KeyHasher } from './ban-judge.ts';
import type { BanAnswer, BanDesk, BanOrder, BanPage, BanQuery, BanView } from './ban-orders.ts';
import { type BanTable, rememberedAfterMs } from './ban-table.ts';
import { keyText } from './key-text.ts';
import { type BanRecord, banId, formatRecord, isLifted, mergeRecords, parseRecord, shownKey } from './record.ts';
import { type AbuseSettings, BY_ADDRESS, banSalt, MANUAL } from './rules.ts';
import type { BanMade } from './wire.ts';

const JOINING = { merge: mergeRecords, format: formatRecord };

export interface BanKeeperOptions {
  /** Over the table that threads use. */
  readonly table: BanTable;
  /** Seeded as theirs. */
  readonly hash: KeyHasher;
  readonly saltOf: (text: string) => number;
  /** Name of this machine, for lists. */
  readonly node: string;
  readonly log: () => RecordLog;
  /** Null where none are kept. */
  readonly file: RecordFile<BanRecord> | null;
  /** Null where there are no other machines. */
  readonly channel: RecordChannel | null;
  /** The process's own when absent. */
  readonly clocks?: BanClocks;
  /** Shortest time between two writings of the file. */
  readonly saveEveryMs?: number;
  /** Time between rounds with other machines. */
  readonly shareEveryMs?: number;
}

export interface BanClocks {
  readonly wallMs: () => number;
  readonly steadyMs: () => number;
}

/** What a reload may change. */
export interface BanSettings {
  readonly abuse: AbuseSettings;
  readonly ipv6PrefixBits: number;
}

interface Entry {
  readonly id: string;
  readonly record: BanRecord;
  /** The record as text, made once: files and other machines get it as it is. */
  readonly line: string;
  readonly hashKey: string;
}

const PROCESS_CLOCKS: BanClocks = { wallMs: Date.now, steadyMs: steadyNow };
const SAVE_EVERY_MS = 1_000;
/** A whole pass over table and records takes so many sweeps. */
const SWEEP_MS = 1_000;
const SWEEPS_PER_PASS = 10;
/** Clocks of machines differ: what is forgotten here may be remembered elsewhere for so long. */
const FORGET_GRACE_MS = 60_000;
/** The wall clock was set when it is so far from where it should be; small corrections come to this in the end, too. */
const CLOCK_STEP_MS = 1_000;

/**
 * The main thread's knowledge of bans: what the shared table cannot hold (whose key, why, where), for operators, over
 * restarts, and for other machines. The table says who is banned; a record without its place there is dropped.
 *
 * Threads: main.
 */
export class BanKeeper implements BanDesk {
  /** Bans that threads of this process made. */
  made = 0;
  readonly #o: BanKeeperOptions;
  readonly #table: BanTable;
  readonly #clocks: BanClocks;
  /** By id. */
  readonly #entries = new Map<string, Entry>();
  /** Hash -> id. */
  readonly #ids = new Map<string, string>();
  readonly #saver: RecordSaver | null;
  readonly #exchange: RecordExchange | null;
  #rules: AbuseSettings['rules'] = {};
  #prefix = new ClientPrefix(64);
  #exempt: AddressSet = compileAddressSet([]);
  #timer: NodeJS.Timeout | null = null;
  #slot = 0;
  /** `made`, at the sweep before. */
  #madeBefore = 0;
  /** Wall clock less steady clock, as the times of records have it. */
  #offsetMs: number;
  #pass: Iterator<Entry> = [].values();

  constructor(options: BanKeeperOptions) {
    const { table, file, channel, log, saveEveryMs = SAVE_EVERY_MS } = options;
    this.#o = options;
    this.#table = table;
    this.#clocks = options.clocks ?? PROCESS_CLOCKS;
    this.#offsetMs = this.#clocks.wallMs() - this.#clocks.steadyMs();
    this.#saver =
      file === null
        ? null
        : new RecordSaver({ file, lines: () => this.#lines(), things: 'bans', log, everyMs: saveEveryMs });
    this.#exchange =
      channel === null
        ? null
        : new RecordExchange({
            channel,
            things: 'bans',
            log,
            textOf: (id) => this.#entries.get(id)?.line ?? null,
            ids: () => [...this.#entries.keys()],
            apply: (text) => this.#hear(text),
            ...(options.shareEveryMs === undefined ? {} : { everyMs: options.shareEveryMs }),
          });
  }

  /** Bans that run and ended ones whose strikes are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** Places in the shared table. */
  get capacity(): number {
    return this.#table.capacity;
  }

  get inUse(): number {
    return this.#table.inUse;
  }

  /** Running bans that were given up for want of room. */
  get evicted(): number {
    return this.#table.evicted;
  }

  /** Times that the table was taken from a thread that died while it wrote. */
  get takenLocks(): number {
    return this.#table.takenLocks;
  }

  get untold(): number {
    return this.#table.untold;
  }

  /** Takes settings over, at start and after a reload; running bans stay. @throws  SP_CONFIG for what is no range. */
  configure({ abuse, ipv6PrefixBits }: BanSettings): void {
    this.#exempt = compileRanges(abuse.exempt, 'abuse.exempt');
    this.#rules = abuse.rules;
    this.#prefix = new ClientPrefix(ipv6PrefixBits);
  }

  /**
   * Restores what was kept, before any thread serves, and writes the file once to know that it can be. Orders that come
   * before are kept, too.
   *
   * @throws  SP_CONFIG  The file is of something else, or cannot be read or written.
   */
  async start(): Promise<void> {
    const { file, log } = this.#o;
    if (file !== null) {
      await restore({
        file,
        saver: this.#saver,
        things: 'bans',
        log,
        nowMs: this.#clocks.wallMs(),
        learn: (records) => {
          for (const record of records) this.#learn(record);
        },
        lines: () => this.#lines(),
      });
    }
    this.#saver?.open();
    this.#timer = setInterval(() => this.sweep(), SWEEP_MS);
    await this.#exchange?.start();
  }

  /** Saves what is not saved yet, and lets go of other machines. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#exchange?.stop();
    await this.#saver?.stop();
  }

  /** A thread made a ban. */
  receive(made: BanMade): void {
    this.#followClock();
    this.made += 1;
    this.#table.heard();
    if (made.madeRoom !== null) this.#dropIfGone(hashKeyOf(made.madeRoom[0], made.madeRoom[1]));
    const table = this.#table;
    // Lifted, or given up for another, before this message came.
    if (!table.read(made.high, made.low, this.#clocks.steadyMs()) || table.strikes === 0) return;
    const nowMs = Math.round(this.#clocks.wallMs());
    const before = this.#entries.get(banId({ ...made, kind: made.keyKind }))?.record;
    const record: BanRecord = {
      rule: made.rule,
      kind: made.keyKind,
      value: made.value,
      sinceMs: nowMs,
      untilMs: nowMs + Math.ceil(table.leftForMs),
      rememberedMs: nowMs + Math.ceil(table.rememberedForMs),
      strikes: table.strikes,
      reason: made.reason,
      node: this.#o.node,
      changedMs: Math.max(nowMs, after(before)),
      liftedMs: before?.liftedMs ?? 0,
    };
    this.#keep(record, hashKeyOf(made.high, made.low));
    this.#o.log().info(this.#facts(record), 'banned');
  }

  list({ limit, after: cursor, key }: BanQuery): BanPage {
    this.#followClock();
    const nowMs = this.#clocks.wallMs();
    const meant = key === null ? null : this.#valuesOf(key);
    const running = [...this.#entries.values()].filter(
      ({ record }) => runs(record, nowMs) && (meant === null || meant.has(record.value) || shownKey(record) === key),
    );
    running.sort(newestFirst);
    const { page, next } = pageOf(running, limit, cursor);
    return {
      bans: page.map((entry) => viewOf(entry.id, entry.record, nowMs)),
      total: running.length,
      next,
    };
  }

  add(order: BanOrder, who: string): BanAnswer {
    const { rule, seconds, reason } = order;
    const wrong = (words: string): BanAnswer => ({ ok: false, found: 'wrong', words });
    const settings = Object.hasOwn(this.#rules, rule) ? this.#rules[rule] : undefined;
    if (rule !== MANUAL && settings?.key.join('+') !== BY_ADDRESS) {
      return wrong(`rule must be ${MANUAL}, or the name of a rule whose key is the address alone`);
    }
    const words = parseAddress(order.value.replace(/\/[0-9]{1,3}$/, ''));
    const value = words === null ? '' : this.#prefix.of(formatAddress(words));
    if (words === null || (order.value.includes('/') && order.value !== value)) {
      return wrong('value must be one IPv4 or IPv6 address; ranges belong in access.deny of the configuration');
    }
    if (this.#exempt.has(words)) return wrong('value is in abuse.exempt: take it out there first');
    this.#followClock();
    const nowMs = Math.round(this.#clocks.wallMs());
    const before = this.#entries.get(banId({ rule, kind: BY_ADDRESS, value }))?.record;
    const untilMs = nowMs + seconds * 1_000;
    const record: BanRecord = {
      rule,
      kind: BY_ADDRESS,
      value,
      sinceMs: nowMs,
      untilMs,
      rememberedMs: untilMs + (settings === undefined ? 1_000 : rememberedAfterMs(settings)),
      strikes: Math.max(1, before?.strikes ?? 1),
      reason,
      node: this.#o.node,
      // A ban of before does not hold any more, were it longer.
      changedMs: Math.max(nowMs, after(before)) + 1,
      liftedMs: before === undefined ? 0 : Math.max(nowMs, after(before)),
    };
    const entry = this.#enter(record);
    this.#changed(entry.id);
    this.#o.log().info({ ...this.#facts(record), by: who, seconds }, 'ban added by an operator');
    return { ok: true, ban: viewOf(entry.id, record, nowMs) };
  }

  lift(id: string, who: string): BanAnswer {
    this.#followClock();
    const before = this.#entries.get(id)?.record;
    const nowMs = Math.round(this.#clocks.wallMs());
    if (before === undefined || !runs(before, nowMs)) {
      return { ok: false, found: 'absent', words: 'No ban with this id runs.' };
    }
    const record: BanRecord = { ...before, strikes: 0, liftedMs: Math.max(nowMs, before.changedMs, before.liftedMs) };
    this.#enter(record);
    this.#changed(id);
    this.#o.log().info({ ...this.#facts(record), by: who }, 'ban lifted by an operator');
    return { ok: true, ban: viewOf(id, record, nowMs) };
  }

  /** Frees what is forgotten: a tenth of the table and of the records each time. */
  sweep(): void {
    this.#followClock();
    const table = this.#table;
    const steadyMs = this.#clocks.steadyMs();
    if (this.made === this.#madeBefore) table.giveUpWaiting();
    this.#madeBefore = this.made;
    this.#slot = table.sweep(this.#slot, Math.ceil(table.capacity / SWEEPS_PER_PASS), steadyMs);
    for (let left = Math.ceil(this.#entries.size / SWEEPS_PER_PASS); left > 0; left -= 1) {
      const next = this.#pass.next();
      if (next.done === true) {
        this.#pass = this.#entries.values();
        return;
      }
      this.#dropIfGone(next.value.hashKey);
    }
  }

  /** @returns  False for what no machine of ours wrote, true for all else. */
  #hear(text: string): boolean {
    const record = parseRecord(text, this.#clocks.wallMs());
    if (record === null) return false;
    if (record.rememberedMs + FORGET_GRACE_MS < this.#clocks.wallMs()) {
      const id = banId(record);
      // Nobody was there to remove it in time.
      if (!this.#entries.has(id)) this.#exchange?.forgotten(id, text);
      return true;
    }
    const isNews = this.#learn(record);
    this.#tellMore(record);
    if (!isNews) return true;
    this.#saver?.changed();
    const facts = this.#facts(record);
    this.#o.log().debug(facts, isLifted(record) ? 'ban lifted by another machine' : 'banned by another machine');
    return true;
  }

  /** Who knows more than is told of a ban says it. */
  #tellMore(told: BanRecord): void {
    const entry = this.#entries.get(banId(told));
    if (entry === undefined || entry.record.rememberedMs <= this.#clocks.wallMs()) return;
    if (saysMore(entry, told, JOINING)) this.#exchange?.changed(entry.id);
  }

  /** A record from elsewhere. @returns  True when it brought news. */
  #learn(told: BanRecord): boolean {
    const nowMs = this.#clocks.wallMs();
    const id = banId(told);
    const before = this.#entries.get(id);
    const record = before === undefined ? told : mergeRecords(before.record, told);
    if (record.rememberedMs <= nowMs || formatRecord(record) === before?.line) return false;
    this.#enter(record);
    return true;
  }

  /** Brings a record into the table and the lists. */
  #enter(record: BanRecord): Entry {
    const { hash, saltOf } = this.#o;
    const table = this.#table;
    const nowMs = this.#clocks.wallMs();
    const steadyMs = this.#clocks.steadyMs();
    hash.hash(record.value, banSalt(record.rule, record.kind, saltOf));
    const { high, low } = hash;
    const leftMs = isLifted(record) ? Math.min(0, record.untilMs - nowMs) : record.untilMs - nowMs;
    table.set(high, low, leftMs, Math.max(1, record.rememberedMs - nowMs), record.strikes, steadyMs);
    if (table.madeRoom) this.#dropIfGone(hashKeyOf(table.madeRoomHigh, table.madeRoomLow));
    return this.#put(record, hashKeyOf(high, low));
  }

  /** A ban of this machine, in the table already. */
  #keep(record: BanRecord, hashKey: string): void {
    this.#changed(this.#put(record, hashKey).id);
  }

  #put(record: BanRecord, hashKey: string): Entry {
    const id = banId(record);
    const entry = { id, record, line: formatRecord(record), hashKey };
    this.#entries.set(id, entry);
    this.#ids.set(hashKey, id);
    return entry;
  }

  #changed(id: string): void {
    this.#saver?.changed();
    this.#exchange?.changed(id);
  }

  #dropIfGone(hashKey: string): void {
    const id = this.#ids.get(hashKey);
    if (id === undefined) return;
    const [high, low] = hashKey.split(':').map(Number) as [number, number];
    // Banned again by another thread, whose message is on its way.
    if (this.#table.read(high, low, this.#clocks.steadyMs())) return;
    const line = this.#entries.get(id)?.line ?? '';
    this.#ids.delete(hashKey);
    this.#entries.delete(id);
    this.#saver?.changed();
    this.#exchange?.forgotten(id, line);
  }

  /**
   * Records tell time by the wall clock, the table by the steady one: where somebody set the former, records follow.
   * When each was changed stays as it is: that says what came after what.
   */
  #followClock(): void {
    const { wallMs, steadyMs } = this.#clocks;
    const offsetMs = wallMs() - steadyMs();
    const stepMs = Math.round(offsetMs - this.#offsetMs);
    if (Math.abs(stepMs) < CLOCK_STEP_MS) return;
    this.#offsetMs = offsetMs;
    const moved = (timeMs: number) => Math.max(0, timeMs + stepMs);
    for (const { record, hashKey } of this.#entries.values()) {
      const { sinceMs, untilMs, rememberedMs } = record;
      const times = { sinceMs: moved(sinceMs), untilMs: moved(untilMs), rememberedMs: moved(rememberedMs) };
      this.#put({ ...record, ...times }, hashKey);
    }
    this.#saver?.changed();
  }

  /** Values of bans that somebody may mean: an address stands in many forms, and may lie in a prefix. */
  #valuesOf(key: string): ReadonlySet<string> {
    const words = parseAddress(key);
    return new Set([key, words === null ? keyText(key) : this.#prefix.of(formatAddress(words))]);
  }

  #lines(): readonly string[] {
    return Array.from(this.#entries.values(), ({ line }) => line);
  }

  #facts(record: BanRecord): object {
    const { rule, kind, strikes, reason, node, sinceMs, untilMs } = record;
    const seconds = Math.round((untilMs - sinceMs) / 1_000);
    const id = banId(record);
    return { id, rule, kind, value: shownKey(record), seconds, strikes, reason, node };
  }
}

/** A high half of 0 is 1 in the table. */
function hashKeyOf(high: number, low: number): string {
  return `${high === 0 ? 1 : high}:${low}`;
}

function runs(record: BanRecord, nowMs: number): boolean {
  return record.untilMs > nowMs && !isLifted(record);
}

/** The first moment behind all that is known of a key: clocks of machines differ. */
function after(before: BanRecord | undefined): number {
  return before === undefined ? 0 : Math.max(before.changedMs, before.liftedMs) + 1;
}

function viewOf(id: string, record: BanRecord, nowMs: number): BanView {
  const { rule, kind, sinceMs, untilMs, strikes, reason, node } = record;
  return {
    id,
    rule,
    kind,
    value: shownKey(record),
    since: new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    leftSeconds: isLifted(record) ? 0 : Math.max(0, Math.ceil((untilMs - nowMs) / 1_000)),
    strikes,
    reason,
    node,
  };
}
