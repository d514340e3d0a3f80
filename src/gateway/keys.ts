import { FileStore } from '../api-keys/file-store.ts';
import { KeyBook } from '../api-keys/key-book.ts';
import { KeyKeeper } from '../api-keys/key-keeper.ts';
import type { KeyStore } from '../api-keys/key-store.ts';
import { RedisStore } from '../api-keys/redis-store.ts';
import type { Config } from '../config/schema.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Log } from '../telemetry/log.ts';

/** API keys as the main thread has them. */
export interface Keys {
  /** For threads: what they begin with, and what changes after. */
  readonly book: KeyBook;
  readonly keeper: KeyKeeper;
}

/**
 * @param redis  Null where there is none; `apiKeys.store: redis` needs one, and the configuration is checked for it.
 * @returns  Null where `apiKeys.store` is off.
 *
 * Threads: main.
 */
export function createKeys(config: Config, redis: RedisClient | null, log: () => Log): Keys | null {
  const { store, environment, secret, keysMax } = config.apiKeys;
  if (store === 'off') return null;
  const book = new KeyBook();
  const keeper = new KeyKeeper({
    book,
    store: storeOf(config, book, redis, log),
    environment,
    secret,
    keysMax,
    log,
  });
  configureKeys(keeper, config);
  return { book, keeper };
}

/** At start and after a reload. */
export function configureKeys(keeper: KeyKeeper, { rateLimits, routes }: Config): void {
  keeper.configure({ rateLimits: Object.keys(rateLimits), routes: routes.map(({ name }) => name) });
}

function storeOf({ apiKeys, redis }: Config, book: KeyBook, client: RedisClient | null, log: () => Log): KeyStore {
  const { file, secret, keysMax, exchangeMs } = apiKeys;
  if (client === null || apiKeys.store === 'file') return new FileStore(file, secret, book, log);
  return new RedisStore({
    run: (...call) => client.runScript(...call),
    prefix: redis.prefix,
    secret,
    keysMax,
    everyMs: exchangeMs,
    book,
    log,
  });
}
