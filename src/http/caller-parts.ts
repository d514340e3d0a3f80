import { KeyRing as ApiKeyRing } from '../api-keys/key-ring.ts';
import type { KeyNews } from '../api-keys/wire.ts';
import { DpopJudge } from '../auth/dpop.ts';
import { DpopNonces } from '../auth/dpop-nonce.ts';
import { Introspectors } from '../auth/introspectors.ts';
import { KeyRing, type ThreadKeys } from '../auth/key-ring.ts';
import { SlowSignatures } from '../auth/slow-signatures.ts';
import type { Config } from '../config/schema.ts';
import type { Identity } from '../identity.ts';
import type { IssuerKeysNews, KeysWanted } from '../issuer-wire.ts';
import { saltOf } from '../limiter/decision.ts';
import type { KeyHash } from '../limiter/key-hash.ts';
import type { OpaqueJudge, ProofJudge } from '../pipeline/context.ts';
import { RedisClient } from '../redis/client.ts';
import { RedisReplays } from '../replay/redis-replays.ts';
import { ReplayTable } from '../replay/replay-table.ts';
import { RevocationJudge } from '../revocation/revocation-judge.ts';
import { RevocationTable } from '../revocation/revocation-table.ts';
import type { Log } from '../telemetry/log.ts';
import type { ThreadMetrics } from '../telemetry/metrics.ts';
import type { Generation, IngressTask } from './ingress-wire.ts';
import type { AuthParts } from './thread-auth.ts';

export interface CallerPartsOptions {
  readonly task: IngressTask;
  /** Seeded like those of all threads. */
  readonly newHash: () => KeyHash;
  /** Tells the main thread. */
  readonly say: (wanted: KeysWanted) => void;
  /** Looked up each time: a reload replaces the log. */
  readonly log: () => Log;
  readonly metrics: ThreadMetrics;
}

/**
 * What an ingress thread has to tell callers apart, over all generations: keys of issuers, API keys, servers that are
 * asked, revocations, proofs.
 *
 * Threads: one instance each.
 */
export class CallerParts implements AuthParts {
  /** Null where there are no API keys; its settings do not change. */
  readonly apiKeys: ApiKeyRing | null;
  readonly #keys: KeyRing;
  readonly #introspectors: Introspectors;
  readonly #revocations: RevocationJudge;
  readonly #replays: ReplayTable;
  readonly #slow = new SlowSignatures();
  readonly #options: CallerPartsOptions;
  #redis: RedisClient | null = null;

  constructor(options: CallerPartsOptions) {
    const { task, newHash, say, log, metrics } = options;
    this.#options = options;
    this.#keys = new KeyRing(say);
    this.apiKeys = task.keys === null ? null : new ApiKeyRing(task.generation.config.apiKeys, task.keys);
    this.#revocations = new RevocationJudge(new RevocationTable(task.revocationWords), newHash(), saltOf);
    this.#replays = new ReplayTable(task.replayWords);
    this.#introspectors = new Introspectors({
      revoked: this.revoked,
      warn: (context, message) => log().warn(context, message),
      count: (result) => metrics.introspected(result),
      nowMs: Date.now,
    });
  }

  readonly revoked = (identity: Identity, nowMs: number): boolean => this.#revocations.revoked(identity, nowMs);

  introspector(name: string): OpaqueJudge | null {
    return this.#introspectors.find(name);
  }

  /** @param news  Keys of issuers, as the main thread has them. @returns  Those of this configuration. */
  use({ config, introspectionAuthorities }: Generation, news: readonly IssuerKeysNews[]): ThreadKeys {
    this.#introspectors.use(config.introspection, introspectionAuthorities);
    return this.#keys.use(config, news, Date.now());
  }

  /** A configuration is in force. */
  settle(config: Config): void {
    this.#keys.settle(config);
  }

  receive(news: IssuerKeysNews | KeyNews): void {
    if (news.kind === 'keys') this.apiKeys?.change(news);
    else this.#keys.receive(news, Date.now());
  }

  proofs({ dpop, authentication, redis, issuers, introspection }: Config): ProofJudge {
    const { task, newHash } = this.#options;
    const takesTokens = Object.keys(issuers).length > 0 || Object.keys(introspection).length > 0;
    // Without tokens there are no proofs to tell of: no thread needs a connection for them.
    const others = redis.mode === 'off' || !takesTokens ? null : this.#othersFor(redis);
    return new DpopJudge({
      algorithms: dpop.algorithms,
      windowMs: dpop.windowSeconds * 1_000,
      leewayMs: dpop.leewaySeconds * 1_000,
      origins: dpop.origins,
      nonces: dpop.nonce === 'off' ? null : new DpopNonces(task.dpopSecret, dpop.nonceSeconds * 1_000),
      replays: this.#replays,
      askOthers: others === null ? null : (name, lastsMs, done) => others.claim(name, lastsMs, done),
      hash: newHash(),
      salt: saltOf('dpop'),
      slow: this.#slow,
      offloadMicros: authentication.offloadMicros,
    });
  }

  /** Settings of Redis do not change while a thread runs. */
  #othersFor(redis: Config['redis']): RedisReplays {
    const { task, log } = this.#options;
    if (this.#redis === null) {
      this.#redis = new RedisClient(redis, task.redisAuthorities);
      // Where it fails, proofs are checked on this machine alone, which is said when the first one is.
      void this.#redis.connect();
    }
    const client = this.#redis;
    return new RedisReplays({ run: (...call) => client.runScript(...call), prefix: redis.prefix, log });
  }

  /** Tells the metrics what changes without an event; called now and then. */
  measure(): void {
    const { active, others } = this.#introspectors.kept;
    this.#options.metrics.answersKept(active, others);
  }

  /** The thread ends: whoever waits is called back. */
  close(): void {
    this.#keys.close();
    this.#introspectors.close();
    this.#redis?.stop();
  }
}
