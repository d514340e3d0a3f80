import { randomBytes } from 'node:crypto';
import type { RunScript } from '../base/run-script.ts';
import type { KeyBook } from './key-book.ts';
import { type KeyLog, type KeyStore, SAVED, type Saved } from './key-store.ts';
import { formatRecord, type KeyRecord, parseRecord } from './record.ts';
import { secretCheck } from './secret-check.ts';

export interface RedisStoreOptions {
  readonly run: RunScript;
  /** Begins every key; without braces. */
  readonly prefix: string;
  /** `apiKeys.secret`. */
  readonly secret: string;
  /** `apiKeys.keysMax`. */
  readonly keysMax: number;
  /** Time between rounds, milliseconds. */
  readonly everyMs: number;
  readonly book: KeyBook;
  readonly log: () => KeyLog;
}

/** Records in one answer: some 100 KB. */
const NEWS_MAX = 256;
/** Asked for everything so often: a Redis that took over from one that died may have lost what was told. */
const WHOLE_MS = 600_000;
/** Longest that a start waits for the first answer: without one the gateway serves what needs no key. */
const FIRST_MS = 500;

const OK = 1;
const CONFLICT = 2;
const FULL = 3;
const OTHER_SECRET = 4;

/** What an answer has in the place of a record that is not there. */
const GONE = 'gone';

/** Begins a run. Where the state alone was lost, numbers begin anew: without that none would come after those there. */
const BEGIN = `
if redis.call('HSETNX', KEYS[3], 'run', ARGV[1]) == 1 then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '+inf')) do
    redis.call('ZADD', KEYS[2], redis.call('HINCRBY', KEYS[3], 'number', 1), id)
  end
end
`;

/**
 * KEYS: records (id -> version, space, JSON), order (id by the number of its last change), state (`run`: random,
 * `number`, `secret`: which one).
 * ARGV: random for a new run, which secret, most keys, 1 to change one or 0 to repair, then id, version, JSON of each.
 *
 * A change follows the version before it, or nothing is done: two gateways that change one key cannot both win. What is
 * repaired takes the place of what is older.
 */
export const SAVE = `${BEGIN}
redis.call('HSETNX', KEYS[3], 'secret', ARGV[2])
if redis.call('HGET', KEYS[3], 'secret') ~= ARGV[2] then return ${OTHER_SECRET} end
for i = 5, #ARGV, 3 do
  local known = redis.call('HGET', KEYS[1], ARGV[i])
  local version = known and tonumber(string.match(known, '^(%d+) ')) or 0
  local new = tonumber(ARGV[i + 1])
  if ARGV[4] == '1' and version ~= new - 1 then return ${CONFLICT} end
  if ARGV[4] == '1' and not known and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return ${FULL} end
  if version < new then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2])
    redis.call('ZADD', KEYS[2], redis.call('HINCRBY', KEYS[3], 'number', 1), ARGV[i])
  end
end
return ${OK}
`;

/** ARGV: random for a new run, which secret, number after which, how many. @returns  run, number, then number, id and
 * text of each; for another secret its number alone. */
export const ASK = `${BEGIN}
redis.call('HSETNX', KEYS[3], 'secret', ARGV[2])
if redis.call('HGET', KEYS[3], 'secret') ~= ARGV[2] then return ${OTHER_SECRET} end
local answer = { redis.call('HGET', KEYS[3], 'run'), redis.call('HGET', KEYS[3], 'number') or '0' }
local rows = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[3], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[4])
for i = 1, #rows, 2 do
  answer[#answer + 1] = rows[i + 1]
  answer[#answer + 1] = rows[i]
  answer[#answer + 1] = redis.call('HGET', KEYS[1], rows[i]) or '${GONE}'
end
return answer
`;

/** ARGV: id and version of each. */
export const FORGET = `
for i = 1, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[1], ARGV[i])
  if known and string.match(known, '^(%d+) ') == ARGV[i + 1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('ZREM', KEYS[2], ARGV[i])
  end
end
return ${OK}
`;

interface News {
  /** The numbers of before count no longer: all must be asked for. */
  readonly isLost: boolean;
  readonly run: string;
  readonly number: number;
  readonly rows: readonly { readonly id: string; readonly text: string }[];
  readonly isMore: boolean;
}

/**
 * API keys in Redis, shared by all gateways: a hash of records, and the order of their changes, so that a gateway asks
 * only for what came since it asked last. Works on a cluster: the keys have one hash tag.
 *
 * Without Redis, keys known here go on working, and changes are refused. What Redis lost, in a failover or a flush, the
 * gateways that know it put back; a key that was revoked stays revoked, whatever else became of it.
 *
 * Threads: main.
 */
export class RedisStore implements KeyStore {
  heard = 0;
  readonly #o: RedisStoreOptions;
  readonly #keys: readonly string[];
  readonly #check: string;
  #timer: NodeJS.Timeout | null = null;
  #round: Promise<void> = Promise.resolve();
  #run: string | null = null;
  #number = 0;
  /** While everything is asked for: versions heard, to find what is missing there. */
  #all: Map<string, number> | null = new Map();
  #wholeAtMs = 0;
  #isUp = false;
  #hasFailed = false;
  /** Keys to put back. */
  readonly #repairs = new Map<string, KeyRecord>();
  readonly #unreadable = new Set<string>();
  #isStopped = false;

  constructor(options: RedisStoreOptions) {
    this.#o = options;
    this.#keys = ['records', 'order', 'state'].map((name) => `${options.prefix}{api-keys}:${name}`);
    this.#check = secretCheck(options.secret);
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Waits half a second for the keys, then goes on without them. Never rejects. */
  async start(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FIRST_MS);
    });
    this.#round = this.#rounds();
    await Promise.race([this.#round, patience]);
    clearTimeout(timer);
  }

  async save(record: KeyRecord): Promise<Saved> {
    // Before the first answer nobody knows what there is, nor with which secret it was made.
    if (this.#isStopped || !this.#o.book.isLoaded) return failed('the API keys have not been read from Redis yet');
    let answer: unknown;
    try {
      answer = await this.#save([record], true);
    } catch (error) {
      return failed(
        `Redis did not answer (${wordsOf(error)}); the change may have been made all the same: look before trying again`,
      );
    }
    switch (answer) {
      case OK:
        // It may have been heard already, and changed again.
        if ((this.#o.book.get(record.id)?.version ?? 0) < record.version) this.#o.book.apply([record]);
        return SAVED;
      case CONFLICT:
        return { kind: 'conflict' };
      case FULL:
        return { kind: 'full' };
      default:
        return failed(answer === OTHER_SECRET ? OTHER_SECRET_WORDS : 'Redis gave another answer than the script does');
    }
  }

  async forget(records: readonly KeyRecord[]): Promise<void> {
    for (let at = 0; at < records.length; at += NEWS_MAX) {
      const some = records.slice(at, at + NEWS_MAX);
      try {
        const args = some.flatMap(({ id, version }) => [id, version]);
        await this.#o.run(FORGET, this.#keys, args);
      } catch (error) {
        this.#o.log().warn({ err: error }, 'revoked API keys cannot be removed from Redis; trying again later');
        return;
      }
      this.#o.book.apply(
        [],
        some.map(({ id }) => id),
      );
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#round;
  }

  /** Never rejects: what failed is tried again in the next round. */
  async #rounds(): Promise<void> {
    try {
      await this.#hearAll();
      await this.#repair();
      if (this.#hasFailed) this.#o.log().info({}, 'API keys are read from Redis again');
      this.#isUp = true;
      this.#hasFailed = false;
    } catch (error) {
      // Once, not with every round.
      if (!this.#hasFailed) {
        const words = this.#o.book.isLoaded
          ? 'API keys cannot be read from Redis: those known here go on, changes are refused; trying again'
          : 'API keys cannot be read from Redis: requests with keys are refused until they are; trying again';
        this.#o.log().error({ err: error }, words);
      }
      this.#isUp = false;
      this.#hasFailed = true;
    }
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#round = this.#rounds();
    }, this.#o.everyMs);
  }

  async #hearAll(): Promise<void> {
    if (performance.now() >= this.#wholeAtMs) this.#askForAll();
    for (;;) {
      const news = await this.#ask();
      if (news.isLost) {
        this.#askForAll();
        continue;
      }
      this.#run = news.run;
      this.#number = news.number;
      this.#hear(news);
      // An answer that always has more must not keep this process from ending.
      if (this.#isStopped) return;
      if (!news.isMore) break;
    }
    this.#findMissing();
    this.#o.book.loaded();
  }

  #askForAll(): void {
    this.#run = null;
    this.#number = 0;
    this.#all = new Map();
    this.#wholeAtMs = performance.now() + WHOLE_MS;
  }

  #hear({ rows }: News): void {
    const { book } = this.#o;
    const set: KeyRecord[] = [];
    const drop: string[] = [];
    for (const { id, text } of rows) {
      const json = text.slice(text.indexOf(' ') + 1);
      const before = book.get(id);
      if (text === GONE) {
        // Redis lost the record, and not its place in the order.
        if (before !== undefined) this.#repairs.set(id, before);
        continue;
      }
      // As it is known here: nothing to read.
      const told = before !== undefined && json === book.lineOf(id) ? before : parseRecord(json);
      if (told === null || told.id !== id || !text.startsWith(`${told.version} `)) {
        // Whatever it was to say: nobody gets in by it.
        if (before !== undefined) drop.push(id);
        this.#unreadableKey(id, text);
        continue;
      }
      this.#unreadable.delete(id);
      this.#all?.set(id, told.version);
      if (before === undefined) set.push(told);
      else if (before.state === 'revoked' && told.state !== 'revoked') this.#revokeAgain(before, told);
      else if (told.version > before.version || (told.version === before.version && told !== before)) set.push(told);
      else if (told.version < before.version) this.#repairs.set(id, before);
    }
    this.heard += set.length + drop.length;
    book.apply(set, drop);
  }

  /** Redis lost the revocation, and somebody changed what was there. */
  #revokeAgain(before: KeyRecord, told: KeyRecord): void {
    const version = Math.max(before.version, told.version + 1);
    const record: KeyRecord = { ...before, version };
    if (version !== before.version) this.#o.book.apply([record]);
    this.#repairs.set(record.id, record);
  }

  #unreadableKey(id: string, text: string): void {
    this.#all?.set(id, Number.MAX_SAFE_INTEGER);
    if (this.#unreadable.has(id)) return;
    this.#unreadable.add(id);
    const words = 'Redis holds a record of an API key that cannot be read: that key does not work';
    this.#o.log().error({ id: id.slice(0, 64), length: text.length, records: this.#keys[0] }, words);
  }

  /** After everything was heard: what is known here and not there. */
  #findMissing(): void {
    const all = this.#all;
    if (all === null) return;
    this.#all = null;
    for (const record of this.#o.book.records()) {
      if ((all.get(record.id) ?? 0) < record.version) this.#repairs.set(record.id, record);
    }
  }

  async #repair(): Promise<void> {
    if (this.#repairs.size === 0) return;
    const count = this.#repairs.size;
    while (this.#repairs.size > 0 && !this.#isStopped) {
      const some = [...this.#repairs.values()].slice(0, NEWS_MAX);
      const answer = await this.#save(some, false);
      if (answer !== OK) throw new Error('Redis did not take keys that it had lost');
      for (const { id } of some) this.#repairs.delete(id);
    }
    this.#o.log().warn({ keys: count }, 'Redis had lost API keys, or changes of them: they are there again');
  }

  #save(records: readonly KeyRecord[], isChange: boolean): Promise<unknown> {
    const { run, keysMax } = this.#o;
    const rows = records.flatMap((record) => [record.id, record.version, formatRecord(record)]);
    return run(SAVE, this.#keys, [newRun(), this.#check, keysMax, isChange ? 1 : 0, ...rows]);
  }

  async #ask(): Promise<News> {
    const answer = await this.#o.run(ASK, this.#keys, [newRun(), this.#check, this.#number, NEWS_MAX]);
    if (answer === OTHER_SECRET) throw new Error(OTHER_SECRET_WORDS);
    return newsOf(answer, this.#run, this.#number);
  }
}

const OTHER_SECRET_WORDS =
  'the keys in Redis were made with another apiKeys.secret, so that none of them would work: give all gateways one secret';

function failed(words: string): Saved {
  return { kind: 'failed', words };
}

/** Tells a state from one that was made anew, after a flush. */
function newRun(): string {
  return randomBytes(8).toString('hex');
}

function newsOf(answer: unknown, runBefore: string | null, numberBefore: number): News {
  if (!Array.isArray(answer) || answer.length % 3 !== 2 || !answer.every((word) => typeof word === 'string')) {
    throw new Error('Redis gave another answer about API keys than the script does');
  }
  const [run = '', last, ...words] = answer as string[];
  const rows = [];
  let number = Number(last);
  for (let at = 0; at < words.length; at += 3) {
    number = Number(words[at]);
    rows.push({ id: words[at + 1] as string, text: words[at + 2] as string });
  }
  // What comes after a number has a higher one: else it would be asked for without end.
  if (!Number.isFinite(number) || (rows.length > 0 && number <= numberBefore)) {
    throw new Error('Redis gave numbers of API keys that do not grow');
  }
  const isLost = runBefore !== null && (run !== runBefore || Number(last) < numberBefore);
  return { isLost, run, number, rows, isMore: rows.length === NEWS_MAX };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
