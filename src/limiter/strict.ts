import { steadyNow } from '../base/steady-clock.ts';
import { type Call, type RedisClient, type Reply, script } from '../redis/client.ts';
import { COUNT_MAX, REDIS_UP, TURN_MASK, tickOf } from './layout.ts';
import { RedisName } from './redis-name.ts';
import { SharedClock } from './shared-clock.ts';
import { addCount, countIn } from './shared-counts.ts';
import { type LimiterTable, NO_ROOM } from './table.ts';
import type { WindowRule } from './window.ts';

/** Decisions on their way at once, per thread; past it this gateway decides by itself. */
const UNDER_WAY_MAX = 10_000;
/** After a failure Redis is not asked for so long, unless the exchange of the main thread says it is gone anyway. */
const REST_MS = 100;
/** A failure is told at most so often: what fails for one key can fail and succeed in turns. */
const TELL_MS = 60_000;
/** Arguments before those of windows, arguments and facts of each window. */
const FACTS = 6;

/**
 * A decision over several windows: all have room and it counts in all, or it counts in those that penalise alone. One
 * key per window holds the number of the window last counted in, its count and that of the one before. The arithmetic
 * is `SlidingWindow`'s, operation by operation: both use doubles.
 *
 * Each caller says what it knows to be counted: a Redis that came back empty, or older, goes on from there.
 *
 * ARGV: clock in milliseconds or 0 for Redis's own, cost; then per key limit, windowMs, 1 for penalise, and what the
 * caller knows: number of a window, its count, that of the one before. Answers per key: wait, remaining, left, number,
 * count, count of the window before.
 */
const DECIDE = script(`
local clock, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
if clock == 0 then
  local time = redis.call('TIME')
  clock = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function share(count, ms, divisor, rest)
  local product = count * ms
  if product < 4503599627370496 then return math.floor((product + rest) / divisor) end
  local upper = math.floor(count / 4096)
  local quotient = math.floor((upper * ms) / divisor)
  local left = upper * ms - quotient * divisor
  return quotient * 4096 + math.floor((left * 4096 + (count - upper * 4096) * ms + rest) / divisor)
end
local function judge(w)
  local free = w.limit - w.current - cost
  local inView = 0
  if w.before > 0 then inView = share(w.before, math.min(w.left, w.window), w.window, w.window - 1) end
  if inView <= free then return 0, free - inView end
  if cost > w.limit then return w.window, 0 end
  if free >= 0 then return w.left - share(free, w.window, w.before, 0), 0 end
  return w.left + w.window - share(w.limit - cost, w.window, w.current, 0), 0
end
local function merge(w, number, current, before)
  -- A clock that went back, as after a failover, stands still until it has caught up; not for longer than two windows.
  if number > w.number and number <= w.number + 2 then
    w.left = w.left + (number - w.number) * w.window
    w.before = number == w.number + 1 and w.current or 0
    w.number, w.current = number, 0
  end
  if number == w.number then
    w.current, w.before = math.max(w.current, current), math.max(w.before, before)
  elseif number == w.number - 1 then
    w.before = math.max(w.before, current)
  end
end
local function count(w, key)
  w.current = math.min(${COUNT_MAX}, w.current + cost)
  local text = string.format('%.0f %.0f %.0f', w.number, w.current, w.before)
  redis.call('SET', key, text, 'PX', string.format('%.0f', w.left + w.window))
end
local windows, admitted = {}, true
for i = 1, #KEYS do
  local at = ${FACTS} * i - 3
  local window = tonumber(ARGV[at + 1])
  local number = math.floor(clock / window)
  local w = { limit = tonumber(ARGV[at]), window = window, penalise = ARGV[at + 2] == '1', number = number }
  w.left, w.current, w.before = window - (clock - number * window), 0, 0
  local found = redis.call('GET', KEYS[i])
  if found then
    local foundNumber, current, before = string.match(found, '^(%d+) (%d+) (%d+)$')
    merge(w, tonumber(foundNumber), tonumber(current), tonumber(before))
  end
  merge(w, tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]))
  w.wait, w.remaining = judge(w)
  if w.wait > 0 then admitted = false end
  windows[i] = w
end
local facts = {}
for i = 1, #KEYS do
  local w = windows[i]
  if admitted then
    count(w, KEYS[i])
  elseif w.penalise then
    count(w, KEYS[i])
    w.wait, w.remaining = judge(w)
  end
  for _, fact in ipairs({ w.wait, w.remaining, w.left, w.number, w.current, w.before }) do facts[#facts + 1] = fact end
end
return facts`);

/** What is to be decided: a `Decision` before `decide` has this form. Read during the call only. */
export interface StrictRequest {
  readonly windows: number;
  readonly highs: Int32Array;
  readonly lows: Int32Array;
  windowAt(at: number): WindowRule;
  ruleAt(at: number): { readonly penalise: boolean };
}

/** Facts by window, in the order asked. All waits are 0 where it was admitted. */
export interface StrictOutcome {
  readonly waitsMs: readonly number[];
  readonly remaining: readonly number[];
  readonly leftsMs: readonly number[];
}

/** @param outcome  Null: Redis could not be asked, or did not answer. It may have counted all the same. */
export type StrictDone = (outcome: StrictOutcome | null) => void;

interface Waiting {
  readonly call: Call;
  readonly windows: readonly { readonly high: number; readonly low: number; readonly windowMs: number }[];
  done: StrictDone | null;
}

/**
 * Decides requests in Redis, one atomic step each, for policies whose limit must hold exactly over all machines.
 *
 * Decisions of one turn of the loop travel together. When one fails, all under way are given back with null, and
 * `available` says no for a while. Counts that Redis tells are remembered in the table of this process: without Redis
 * it goes on from there, and tells them back afterwards.
 *
 * All keys have one hash tag, since one decision spans several: in a cluster one master does all of them.
 *
 * Threads: an instance each.
 */
export class StrictLimiter {
  readonly #client: RedisClient;
  readonly #table: LimiterTable;
  readonly #clock: SharedClock;
  readonly #begin: string;
  readonly #name: RedisName;
  #queue: Waiting[] = [];
  readonly #underWay = new Set<Waiting>();
  readonly #warn: (context: object, message: string) => void;
  #restsUntilMs = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  /**
   * @param prefix  Begins every key.
   * @param warn    Told why Redis does not decide, where it answers and the exchange of the main thread may do well.
   */
  constructor(
    client: RedisClient,
    table: LimiterTable,
    prefix: string,
    warn: (context: object, message: string) => void,
  ) {
    this.#warn = warn;
    this.#client = client;
    this.#table = table;
    this.#clock = new SharedClock(table.words);
    this.#begin = `${prefix}{limits-strict}`;
    this.#name = new RedisName(table.words);
  }

  /** @returns  When there is a connection, or the first try has failed; never rejects. */
  connect(): Promise<void> {
    return this.#client.connect();
  }

  /** False: decide locally, or refuse. */
  get available(): boolean {
    return (
      Atomics.load(this.#table.words, REDIS_UP) === 1 &&
      this.#client.isConnected &&
      performance.now() >= this.#restsUntilMs &&
      this.#underWay.size + this.#queue.length < UNDER_WAY_MAX
    );
  }

  /**
   * @param cost     What the request counts for.
   * @param done     Called once, at most `redis.timeoutMs` later, never during this call.
   * @param clockMs  0 for Redis's own clock; others for tests.
   */
  decide(request: StrictRequest, cost: number, done: StrictDone, clockMs = 0): void {
    const keys: string[] = [];
    const args: number[] = [clockMs, cost];
    const windows: { high: number; low: number; windowMs: number }[] = [];
    const steadyMs = steadyNow();
    const nowMs = clockMs === 0 ? this.#clock.at(steadyMs) : clockMs;
    for (let at = 0; at < request.windows; at += 1) {
      const high = request.highs[at] as number;
      const low = request.lows[at] as number;
      const { limit, windowMs } = request.windowAt(at);
      const number = Math.floor(nowMs / windowMs);
      const slot = this.#table.peek(high, low, tickOf(steadyMs));
      const known = slot === NO_ROOM ? 0 : countIn(this.#table.words, slot, number);
      const knownBefore = slot === NO_ROOM ? 0 : countIn(this.#table.words, slot, number - 1);
      keys.push(`${this.#begin}:${this.#name.of(high, low)}:${windowMs}`);
      // What is known of a window that nobody has counted in must not open it: clocks differ by a round trip.
      const isOpen = known > 0;
      args.push(limit, windowMs, request.ruleAt(at).penalise ? 1 : 0);
      args.push(isOpen ? number : number - 1, isOpen ? known : knownBefore, isOpen ? knownBefore : 0);
      windows.push({ high, low, windowMs });
    }
    this.#queue.push({ call: { script: DECIDE, keys, args }, windows, done });
    if (this.#queue.length === 1) setImmediate(() => void this.#flush());
  }

  /** Gives back all that is under way, and ends the connection. */
  stop(): void {
    this.#isStopped = true;
    this.#client.stop();
    this.#giveBackAll();
  }

  async #flush(): Promise<void> {
    const batch = this.#queue;
    this.#queue = [];
    if (batch.length === 0) return;
    for (const waiting of batch) this.#underWay.add(waiting);
    let replies: readonly Reply[];
    try {
      replies = await this.#client.run(batch.map(({ call }) => call));
    } catch {
      // No connection, or no answer: the main thread's own exchange tells the log.
      this.#fail();
      return;
    }
    let failed: Reply | undefined;
    let isGood = true;
    for (const [index, waiting] of batch.entries()) {
      const facts = factsOf(replies[index], waiting);
      if (facts !== null) this.#conclude(waiting, facts);
      else {
        isGood = false;
        failed ??= replies[index];
      }
    }
    if (isGood) return;
    const other = new Error('Redis gave another answer than the script does');
    this.#tell(failed !== undefined && 'error' in failed ? failed.error : other);
    this.#fail();
  }

  #conclude(waiting: Waiting, facts: readonly number[]): void {
    const { done, windows } = waiting;
    this.#underWay.delete(waiting);
    if (done === null) return;
    waiting.done = null;
    const fact = (which: number): number[] => windows.map((_, at) => facts[at * FACTS + which] as number);
    this.#remember(waiting, fact(3), fact(4), fact(5));
    done({ waitsMs: fact(0), remaining: fact(1), leftsMs: fact(2) });
  }

  /** Brings the table of this process up to Redis's counts. What finds no room there is forgotten. */
  #remember({ windows }: Waiting, numbers: number[], currents: number[], befores: number[]): void {
    const table = this.#table;
    const steadyMs = steadyNow();
    const clockMs = this.#clock.at(steadyMs);
    for (const [at, { high, low, windowMs }] of windows.entries()) {
      const number = numbers[at] as number;
      const slot = table.slotOf(high, low, windowMs, tickOf(steadyMs), number & TURN_MASK);
      if (slot === NO_ROOM) continue;
      // Up to what Redis says: other threads do the same.
      const raise = (of: number, count: number): void => {
        if (count > 0) addCount(table, { slot, high, low, windowMs }, of, count, clockMs, steadyMs, count);
      };
      raise(number - 1, befores[at] as number);
      raise(number, currents[at] as number);
    }
  }

  #fail(): void {
    this.#restsUntilMs = performance.now() + REST_MS;
    this.#giveBackAll();
  }

  /** The main thread's exchange may do well where decisions do not. */
  #tell(cause: Error): void {
    const nowMs = performance.now();
    if (this.#isStopped || Atomics.load(this.#table.words, REDIS_UP) === 0 || nowMs - this.#toldMs < TELL_MS) return;
    this.#toldMs = nowMs;
    this.#warn(
      { err: cause },
      'Redis does not decide: strict policies with whenRedisFails: refuse refuse, others count here alone',
    );
  }

  #giveBackAll(): void {
    const waiting = [...this.#underWay, ...this.#queue];
    this.#underWay.clear();
    this.#queue = [];
    for (const one of waiting) {
      const { done } = one;
      one.done = null;
      if (!this.#isStopped) done?.(null);
    }
  }
}

function factsOf(reply: Reply | undefined, { windows }: Waiting): readonly number[] | null {
  if (reply === undefined || !('value' in reply) || !Array.isArray(reply.value)) return null;
  const isWhole = reply.value.length === windows.length * FACTS && reply.value.every(Number.isSafeInteger);
  return isWhole ? (reply.value as number[]) : null;
}
