import { randomBytes } from 'node:crypto';
import { steadyNow } from '../base/steady-clock.ts';
import { type Call, type RedisClient, type Reply, script } from '../redis/client.ts';
import { ID_HIGH, ID_LOW, stateWord, tickOf, WINDOW_MS } from './layout.ts';
import { RedisName } from './redis-name.ts';
import type { RedisState } from './redis-state.ts';
import { SHIFT_MS_MAX, type SharedClock } from './shared-clock.ts';
import { addCount, countIn, type KeyedSlot, windowInUse } from './shared-counts.ts';
import type { LimiterTable } from './table.ts';

/** Counts in one call: about a millisecond of Redis, which serves nobody else meanwhile. */
const COUNTS_PER_CALL = 250;
/** Slots in one exchange, some 5 ms here and there; with more, the next one follows at once. */
const SLOTS_MAX = 1_000;
/** Groups of keys that may lie on different masters of a cluster. */
const SHARDS = 64;
/** The one whose master gives the time: masters need not agree on it. */
const CLOCK_SHARD = 0;
/** The clock is set anew where it is off by so much beyond what a round trip leaves open. */
const CLOCK_SLACK_MS = 3;
/** And from here on it is news. */
const CLOCK_STEP_MS = 1_000;
/** The window before is exchanged for so long after its end: by then every gateway has sent what it counted in it. */
const SETTLE_MS = 1_000;
/** Records of windows that are over are dropped this often. */
const FORGET_MS = 10_000;
/** How long Redis keeps a count beyond the two windows it matters in, and what it knows of a shard. */
const EXPIRE_SLACK_MS = 10_000;
const SHARD_EXPIRE_MS = 86_400_000;

/**
 * Exchanges counts of one shard. Each gateway has a field of its own in the hash of a window, and writes into it all
 * that it counted there: to send it again changes nothing. The field `t` is the sum over all fields.
 *
 * KEYS: the shard's own, then one per window. ARGV: this gateway, a random text, milliseconds to keep the shard's own;
 * then per window what this gateway counted and milliseconds to keep it. Answers: time of Redis in milliseconds; a text
 * that changes when Redis lost its data; a number that grows; then per window what the others counted.
 */
const EXCHANGE = script(`
local me = ARGV[1]
redis.call('HSETNX', KEYS[1], 'run', ARGV[2])
local run = redis.call('HGET', KEYS[1], 'run')
local number = redis.call('HINCRBY', KEYS[1], 'number', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local time = redis.call('TIME')
local answer = { time[1] * 1000 + math.floor(time[2] / 1000), run, number }
for i = 2, #KEYS do
  local found = redis.call('HMGET', KEYS[i], me, 't')
  local before, total = tonumber(found[1] or 0), tonumber(found[2] or 0)
  local mine = tonumber(ARGV[2 * i])
  if mine ~= before then
    total = total + mine - before
    redis.call('HSET', KEYS[i], me, ARGV[2 * i], 't', string.format('%.0f', total))
    redis.call('PEXPIRE', KEYS[i], ARGV[2 * i + 1])
  end
  answer[i + 2] = total - mine
end
return answer`);

interface WindowRecord {
  number: number;
  /** What the others counted, as far as it has been added here: the rest of the word is our own. */
  others: number;
  /** What Redis has of our own; -1 for unknown. */
  sent: number;
  /** It was exchanged when nobody could count in it any more. */
  isSettled: boolean;
}

interface SlotRecord extends KeyedSlot {
  /** In Redis. */
  readonly name: string;
  readonly even: WindowRecord;
  readonly odd: WindowRecord;
}

/** One window of one slot on its way. */
interface Sent {
  readonly record: SlotRecord;
  readonly window: WindowRecord;
  readonly number: number;
  readonly own: number;
  /** Nobody counts in it any more. */
  readonly isSettled: boolean;
}

/** What is known of the state of the Redis that has a shard. */
interface ShardState {
  run: string;
  number: number;
}

interface Batch {
  readonly shard: number;
  readonly sent: readonly Sent[];
}

export interface ExchangeOptions {
  readonly table: LimiterTable;
  readonly clock: SharedClock;
  readonly client: RedisClient;
  readonly state: RedisState;
  /** Between the starts of two exchanges, milliseconds. */
  readonly everyMs: number;
  /** Begins every key. */
  readonly prefix: string;
  /** Where steps of the clock are told. */
  readonly warn: (context: object, message: string) => void;
}

/**
 * Exchanges counts with other machines: says what this process has counted in the windows that changed, and adds what
 * the others did to the words in which threads count. So decisions know of others without looking anywhere else.
 *
 * One exchange at a time. What fails is sent with the next one, and an answer that is lost does no harm. A Redis that
 * comes back empty, or as it was some time ago, is told everything again.
 *
 * Also keeps the shared clock at Redis's time.
 *
 * Threads: main only; others count on in the same words.
 */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #me = randomBytes(8).toString('base64url');
  readonly #name: RedisName;
  readonly #records = new Map<number, SlotRecord>();
  readonly #shards = new Map<number, ShardState>();
  /** Asked each time until they answer: others doing well must not pass for all doing well. */
  readonly #failing = new Set<number>();
  #timer: NodeJS.Timeout | null = null;
  #isStopped = true;
  /** Where the look for marks goes on, and whether the last one did not get around. */
  #word = 0;
  #isMore = false;
  #turn = 0;
  #runs = 0;
  #startMs = 0;
  /** Start of the last good exchange that got around all marks. */
  #wholeMs = Number.NaN;
  #underWay: Promise<void> = Promise.resolve();
  #forgotMs = 0;
  #clockIsSet = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#name = new RedisName(options.table.words);
  }

  start(): void {
    this.#isStopped = false;
    this.#next();
  }

  /** Stops after a last exchange, which takes `redis.timeoutMs` at most. The client is the caller's to stop. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#underWay;
    await this.exchange();
  }

  /** One exchange; not to be called during another. Resolves when it is over, failed or not. */
  async exchange(): Promise<void> {
    const { client, state, table } = this.#options;
    const startMs = steadyNow();
    this.#startMs = startMs;
    if (Number.isNaN(this.#wholeMs)) this.#wholeMs = startMs;
    const slots = client.isConnected ? this.#takeMarks() : [];
    const batches = this.#batches(slots.flatMap((slot) => this.#windowsOf(slot, startMs)));
    let replies: readonly Reply[];
    try {
      replies = await client.run(batches.map((batch) => this.#call(batch)));
    } catch (error) {
      for (const slot of slots) table.mark(slot);
      this.#isMore = false;
      state.down(error);
      return;
    }
    const endMs = steadyNow();
    let wrong: Error | null = null;
    const good = new Set<number>();
    const bad = new Set<number>();
    for (const [index, batch] of batches.entries()) {
      const fault = this.#conclude(batch, replies[index], startMs, endMs);
      if (fault === null) {
        good.add(batch.shard);
        continue;
      }
      this.#failing.add(batch.shard);
      bad.add(batch.shard);
      wrong ??= fault;
      for (const { record } of batch.sent) table.mark(record.slot);
    }
    for (const shard of good) if (!bad.has(shard)) this.#failing.delete(shard);
    if (wrong === null) {
      const counts = batches.reduce((sum, { sent }) => sum + sent.length, 0);
      state.up(endMs - startMs, steadyNow() - this.#wholeMs, counts, endMs);
      // What is counted from now on is surely sent by the next one that gets around.
      if (!this.#isMore) this.#wholeMs = startMs;
    } else {
      this.#isMore = false;
      state.down(wrong);
    }
    if (endMs - this.#forgotMs > FORGET_MS) this.#forget(endMs);
  }

  #next(): void {
    if (this.#isStopped) return;
    const waitMs = this.#isMore ? 0 : Math.max(0, this.#startMs + this.#options.everyMs - steadyNow());
    this.#timer = setTimeout(() => {
      this.#underWay = this.exchange().finally(() => this.#next());
    }, waitMs);
  }

  #takeMarks(): number[] {
    const { table } = this.#options;
    const words = table.markWords;
    const slots: number[] = [];
    let looked = 0;
    for (; looked < words && slots.length < SLOTS_MAX; looked += 1) {
      table.takeMarks(this.#word, slots);
      this.#word = (this.#word + 1) % words;
    }
    this.#isMore = looked < words;
    return slots;
  }

  #windowsOf(slot: number, steadyMs: number): Sent[] {
    const { table, clock } = this.#options;
    if (!table.isLive(slot, tickOf(steadyMs))) return [];
    const record = this.#recordOf(slot);
    const clockMs = clock.at(steadyMs);
    const number = windowInUse(table.words, slot, Math.floor(Math.floor(clockMs) / record.windowMs));
    const now = this.#windowOf(record, number, false);
    // What others counted in the one before matters here even where nothing was.
    const before = this.#windowOf(record, number - 1, clockMs - number * record.windowMs > SETTLE_MS);
    // What was read is the key's only if the slot still is.
    if (!table.holds(slot, record.high, record.low)) return [];
    return before.window.isSettled && before.own === before.window.sent ? [now] : [now, before];
  }

  #recordOf(slot: number): SlotRecord {
    const { words } = this.#options.table;
    const high = Atomics.load(words, slot + ID_HIGH);
    const low = Atomics.load(words, slot + ID_LOW);
    const windowMs = Atomics.load(words, stateWord(slot) + WINDOW_MS) >>> 0;
    const known = this.#records.get(slot);
    if (known !== undefined && known.high === high && known.low === low && known.windowMs === windowMs) return known;
    const name = this.#name.of(high, low);
    const record = { slot, high, low, windowMs, name, even: freshWindow(), odd: freshWindow() };
    this.#records.set(slot, record);
    return record;
  }

  #windowOf(record: SlotRecord, number: number, isSettled: boolean): Sent {
    const window = number % 2 === 1 ? record.odd : record.even;
    const count = countIn(this.#options.table.words, record.slot, number);
    // Less than what was added: the words were begun anew after a pause.
    if (window.number !== number || count < window.others) Object.assign(window, freshWindow(), { number });
    return { record, window, number, own: count - window.others, isSettled };
  }

  /** By shard. The clock's shard is always asked, and another one in turn, so that none dies unseen. */
  #batches(sent: readonly Sent[]): Batch[] {
    const shards = new Map<number, Sent[]>([[CLOCK_SHARD, []]]);
    if (this.#options.client.isCluster) {
      this.#turn = (this.#turn + 1) % SHARDS;
      shards.set(this.#turn, []);
      for (const shard of this.#failing) shards.set(shard, []);
    }
    for (const one of sent) {
      const shard = this.#shardOf(one.record);
      const group = shards.get(shard);
      if (group === undefined) shards.set(shard, [one]);
      else group.push(one);
    }
    return [...shards].flatMap(([shard, group]) =>
      Array.from({ length: Math.max(1, Math.ceil(group.length / COUNTS_PER_CALL)) }, (_, index) => ({
        shard,
        sent: group.slice(index * COUNTS_PER_CALL, (index + 1) * COUNTS_PER_CALL),
      })),
    );
  }

  #call({ shard, sent }: Batch): Call {
    const begin = `${this.#options.prefix}{limits-${shard}}`;
    this.#runs += 1;
    return {
      script: EXCHANGE,
      keys: [
        `${begin}:state`,
        ...sent.map(({ record: { name, windowMs }, number }) => `${begin}:${name}:${windowMs}:${number}`),
      ],
      args: [
        this.#me,
        `${this.#me}${this.#runs}`,
        SHARD_EXPIRE_MS,
        ...sent.flatMap(({ record, own }) => [own, record.windowMs * 2 + EXPIRE_SLACK_MS]),
      ],
    };
  }

  /** @returns  What is wrong with the answer, or null. */
  #conclude({ shard, sent }: Batch, reply: Reply | undefined, startMs: number, endMs: number): Error | null {
    if (reply === undefined) return new Error('Redis gave no answer');
    if ('error' in reply) return reply.error;
    const answer = reply.value;
    if (!isAnswer(answer, sent.length)) return new Error('Redis gave another answer than the script does');
    const [redisMs, run, number, ...others] = answer;
    if (shard === CLOCK_SHARD && !this.#setClock(redisMs, startMs, endMs)) {
      return new Error(`the clock of Redis is more than ${SHIFT_MS_MAX} ms from this machine's`);
    }
    // Before what came back is noted as sent.
    this.#noteState(shard, run, number);
    const { table, clock } = this.#options;
    for (const [index, { record, window, number: windowNumber, own, isSettled }] of sent.entries()) {
      window.sent = own;
      window.isSettled = isSettled;
      const news = (others[index] as number) - window.others;
      if (news <= 0) continue;
      const nowMs = steadyNow();
      const added = addCount(table, record, windowNumber, news, clock.at(nowMs), nowMs);
      if (added === -1) table.mark(record.slot);
      else window.others += added;
    }
    return null;
  }

  /** A Redis that lost what it knew is told everything again. */
  #noteState(shard: number, run: string, number: number): void {
    const known = this.#shards.get(shard);
    if (known === undefined) {
      this.#shards.set(shard, { run, number });
      return;
    }
    const isLost = run !== known.run || number < known.number;
    known.run = run;
    known.number = number;
    if (!isLost) return;
    for (const record of this.#records.values()) {
      if (this.#shardOf(record) !== shard) continue;
      record.even.sent = -1;
      record.odd.sent = -1;
      this.#options.table.mark(record.slot);
    }
  }

  /**
   * Between asking and answer the clock showed `redisMs`: set anew only where that proves it wrong.
   *
   * @returns  False when it cannot be set so far.
   */
  #setClock(redisMs: number, startMs: number, endMs: number): boolean {
    const { clock, state, warn } = this.#options;
    const middleMs = (startMs + endMs) / 2;
    const offMs = redisMs - clock.at(middleMs);
    if (Math.abs(offMs) <= (endMs - startMs) / 2 + CLOCK_SLACK_MS) {
      this.#clockIsSet = true;
      return true;
    }
    if (!clock.set(redisMs, middleMs)) return false;
    if (this.#clockIsSet && Math.abs(offMs) > CLOCK_STEP_MS) {
      state.clockSteps += 1;
      warn({ stepMs: Math.round(offMs) }, 'the clock of Redis was set: counts of synced policies may begin anew once');
    }
    this.#clockIsSet = true;
    return true;
  }

  #shardOf({ name }: SlotRecord): number {
    return this.#options.client.isCluster ? Number.parseInt(name.slice(-2), 16) % SHARDS : CLOCK_SHARD;
  }

  #forget(steadyMs: number): void {
    this.#forgotMs = steadyMs;
    for (const slot of this.#records.keys()) {
      if (!this.#options.table.isLive(slot, tickOf(steadyMs))) this.#records.delete(slot);
    }
  }
}

function freshWindow(): WindowRecord {
  return { number: -1, others: 0, sent: -1, isSettled: false };
}

type Answer = readonly [redisMs: number, run: string, number: number, ...others: number[]];

function isAnswer(value: unknown, windows: number): value is Answer {
  return (
    Array.isArray(value) &&
    value.length === windows + 3 &&
    typeof value[1] === 'string' &&
    value.every((word, index) => index === 1 || Number.isSafeInteger(word))
  );
}
