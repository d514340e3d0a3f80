import { randomBytes } from 'node:crypto';
import type { RunScript } from '../base/run-script.ts';
import type { RecordChanges, RecordChannel, RecordNews } from './record-channel.ts';

/** Records in one answer: some 100 KB. */
const NEWS_MAX = 256;

/** Begins a run. Where the state alone was lost, numbers begin anew: without that none would come after those there. */
const BEGIN = `
if redis.call('HSETNX', KEYS[3], 'run', ARGV[1]) == 1 then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '+inf')) do
    redis.call('ZADD', KEYS[2], redis.call('HINCRBY', KEYS[3], 'number', 1), id)
  end
end
`;

/**
 * KEYS: records (id -> text), order (id by the number of its last change), state (`run`: random, `number`).
 * ARGV: random for a new run, seconds to keep, how many are forgotten, id and text of each, then of each record.
 */
export const TELL = `${BEGIN}
local first = 4 + 2 * tonumber(ARGV[3])
for i = 4, first - 1, 2 do
  local known = redis.call('HGET', KEYS[1], ARGV[i])
  if not known or known == ARGV[i + 1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('ZREM', KEYS[2], ARGV[i])
  end
end
for i = first, #ARGV, 2 do
  local number = redis.call('HINCRBY', KEYS[3], 'number', 1)
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call('ZADD', KEYS[2], number, ARGV[i])
end
for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ARGV[2]) end
return 1
`;

/** ARGV: random for a new run, number after which, how many. @returns  run, number, then number and text of each. */
export const ASK = `${BEGIN}
local answer = { redis.call('HGET', KEYS[3], 'run'), redis.call('HGET', KEYS[3], 'number') or '0' }
local rows = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
for i = 1, #rows, 2 do
  answer[#answer + 1] = rows[i + 1]
  answer[#answer + 1] = redis.call('HGET', KEYS[1], rows[i]) or ''
end
return answer
`;

export interface RedisRecordsOptions {
  /** Begins every key; without braces. */
  readonly prefix: string;
  /** What the records are: their hash tag. */
  readonly things: string;
  /** Without a machine that writes for so long, all is gone: longer than any record is remembered. */
  readonly keptSeconds: number;
}

/**
 * Records shared through Redis: a hash of records, and the order of their changes, so that a machine asks only for what
 * came since it asked last. Works on a cluster too: the keys have one hash tag.
 */
export function redisRecords(run: RunScript, options: RedisRecordsOptions): RecordChannel {
  const { prefix, things, keptSeconds } = options;
  const keys = ['records', 'order', 'state'].map((name) => `${prefix}{${things}}:${name}`);
  return {
    async tell({ set, forget }: RecordChanges): Promise<void> {
      await run(TELL, keys, [newRun(), keptSeconds, forget.length, ...forget.flat(), ...set.flat()]);
    },
    async ask(cursor: string | null): Promise<RecordNews> {
      const [runBefore, numberBefore = '0'] = cursor?.split(' ') ?? [];
      return newsOf(await run(ASK, keys, [newRun(), numberBefore, NEWS_MAX]), runBefore, Number(numberBefore));
    },
  };
}

/** Tells a state from one that was made anew, after a flush. */
function newRun(): string {
  return randomBytes(8).toString('hex');
}

function newsOf(answer: unknown, runBefore: string | undefined, numberBefore: number): RecordNews {
  if (!Array.isArray(answer) || answer.length < 2 || !answer.every((word) => typeof word === 'string')) {
    throw new Error('Redis gave another answer about records than the script does');
  }
  const [run, last, ...rows] = answer as string[];
  const texts = rows.filter((word, index) => index % 2 === 1 && word !== '');
  const number = rows.length === 0 ? Number(last) : Number(rows[rows.length - 2]);
  // What comes after a number has a higher one: else it would be asked for without end.
  if (!Number.isFinite(number) || (rows.length > 0 && number <= numberBefore)) {
    throw new Error('Redis gave numbers of records that do not grow');
  }
  return {
    isLost: (runBefore !== undefined && run !== runBefore) || Number(last) < numberBefore,
    cursor: `${run} ${number}`,
    texts,
    isMore: rows.length / 2 === NEWS_MAX,
  };
}
