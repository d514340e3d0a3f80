import { hostname } from 'node:os';
import { banFile } from '../abuse/ban-file.ts';
import { BanKeeper } from '../abuse/ban-keeper.ts';
import { BanTable } from '../abuse/ban-table.ts';
import { createBanWords } from '../abuse/layout.ts';
import { redisBans } from '../abuse/redis-bans.ts';
import type { Config } from '../config/schema.ts';
import { saltOf } from '../limiter/decision.ts';
import { KeyHash } from '../limiter/key-hash.ts';
import { SEED_0, SEED_1 } from '../limiter/layout.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Log } from '../telemetry/log.ts';

/** Bans as the main thread has them. */
export interface Bans {
  /** For threads; see src/abuse/layout.ts. */
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly keeper: BanKeeper;
}

/**
 * @param limiterWords  Their seed is that of bans, too.
 * @param redis         Through which machines tell each other of bans; null where there is none.
 * @throws  SP_CONFIG for an exempt range that is none.
 *
 * Threads: main.
 */
export function createBans(config: Config, limiterWords: Int32Array, redis: RedisClient | null, log: () => Log): Bans {
  const { bansMax, file } = config.abuse;
  const words = createBanWords(bansMax);
  const keeper = new BanKeeper({
    table: new BanTable(words),
    hash: new KeyHash(limiterWords[SEED_0] as number, limiterWords[SEED_1] as number),
    saltOf,
    node: hostname(),
    log,
    file: file === '' ? null : banFile(file, bansMax),
    channel: redis === null ? null : redisBans((...call) => redis.runScript(...call), config.redis.prefix),
  });
  configureBans(keeper, config);
  return { words, keeper };
}

/** At start and after a reload. */
export function configureBans(keeper: BanKeeper, { abuse, limiter }: Config): void {
  keeper.configure({ abuse, ipv6PrefixBits: limiter.ipv6PrefixBits });
}
