import { hostname } from 'node:os';
import type { Config } from '../config/schema.ts';
import { saltOf } from '../limiter/decision.ts';
import { KeyHash } from '../limiter/key-hash.ts';
import { SEED_0, SEED_1 } from '../limiter/layout.ts';
import type { RedisClient } from '../redis/client.ts';
import { createRevocationWords } from '../revocation/layout.ts';
import { redisRevocations } from '../revocation/redis-revocations.ts';
import { revocationFile } from '../revocation/revocation-file.ts';
import { DEFAULT_MS, RevocationKeeper, recordsMax } from '../revocation/revocation-keeper.ts';
import { RevocationWriter } from '../revocation/revocation-writer.ts';
import type { Log } from '../telemetry/log.ts';

/** Revocations as the main thread has them. */
export interface Revocations {
  /** For threads; see src/revocation/layout.ts. */
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly keeper: RevocationKeeper;
}

/**
 * @param limiterWords  Their seed is that of revocations, too.
 * @param redis         Through which machines tell each other of revocations; null where there is none.
 *
 * Threads: main.
 */
export function createRevocations(
  config: Config,
  limiterWords: Int32Array,
  redis: RedisClient | null,
  log: () => Log,
): Revocations {
  const { max, file } = config.revocations;
  const words = createRevocationWords(max);
  const writer = new RevocationWriter(words);
  const keeper = new RevocationKeeper({
    writer,
    hash: new KeyHash(limiterWords[SEED_0] as number, limiterWords[SEED_1] as number),
    saltOf,
    revocationsMax: max,
    node: hostname(),
    log,
    file: file === '' ? null : revocationFile(file, recordsMax(writer.room)),
    channel: redis === null ? null : redisRevocations((...call) => redis.runScript(...call), config.redis.prefix),
  });
  configureRevocations(keeper, config);
  return { words, keeper };
}

/** At start and after a reload. Tokens bear the name of their issuer or introspection, sessions that of their login. */
export function configureRevocations(keeper: RevocationKeeper, { issuers, introspection, logins }: Config): void {
  const lifetimes = new Map<string, number>();
  const learn = (name: string, lifetimeMs: number): void => {
    const before = lifetimes.get(name);
    // Of two that bear one name, neither may outlive the revocation.
    lifetimes.set(name, before === undefined ? lifetimeMs : Math.max(before || DEFAULT_MS, lifetimeMs || DEFAULT_MS));
  };
  for (const name of Object.keys(introspection)) learn(name, 0);
  for (const [name, { lifetimeSecondsMax, leewaySeconds }] of Object.entries(issuers)) {
    // A token may have been issued by a clock that is ahead, and be taken by one that is behind.
    learn(name, lifetimeSecondsMax === 0 ? 0 : (lifetimeSecondsMax + 2 * leewaySeconds) * 1_000);
  }
  for (const [name, { lifetimeSeconds }] of Object.entries(logins)) learn(name, lifetimeSeconds * 1_000);
  keeper.configure(lifetimes);
}
