import type { Config } from '../config/schema.ts';
import { Exchange } from '../limiter/exchange.ts';
import { RedisState, type StateLog } from '../limiter/redis-state.ts';
import { SharedClock } from '../limiter/shared-clock.ts';
import type { LimiterTable } from '../limiter/table.ts';
import { RedisClient } from '../redis/client.ts';
import { readRedisAuthorities } from '../tls/authorities.ts';

/** Longest that a start waits for a first connection: without one the gateway serves all the same. */
const FIRST_MS = 500;

/**
 * The process's connection to Redis, and what is exchanged over it.
 *
 * Threads: main only.
 */
export class RedisKeeper {
  readonly client: RedisClient;
  /** PEM certificates of `redis.tls.ca`, as they were read at start: threads that begin later trust the same. */
  readonly authorities: readonly string[];
  readonly state: RedisState;
  readonly #exchange: Exchange;

  /**
   * @returns  Null where `redis.mode` is off.
   * @throws   SallyportError SP_CONFIG for authorities that cannot be read.
   */
  static open(config: Config, table: LimiterTable, log: StateLog): RedisKeeper | null {
    return config.redis.mode === 'off' ? null : new RedisKeeper(config, table, log);
  }

  private constructor(config: Config, table: LimiterTable, log: StateLog) {
    const { redis, limiter } = config;
    this.authorities = readRedisAuthorities(config);
    this.client = new RedisClient(redis, this.authorities);
    this.state = new RedisState(table.words, log);
    this.#exchange = new Exchange({
      table,
      clock: new SharedClock(table.words),
      client: this.client,
      state: this.state,
      everyMs: limiter.exchangeMs,
      prefix: redis.prefix,
      warn: log.warn,
    });
  }

  /** Connects, and goes on without a connection after half a second. Never rejects. */
  async start(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FIRST_MS);
    });
    await Promise.race([this.client.connect(), patience]);
    clearTimeout(timer);
    await this.#exchange.exchange();
    this.#exchange.start();
  }

  /** Tells the others what was counted last, then ends the connection. */
  async stop(): Promise<void> {
    await this.#exchange.stop();
    this.client.stop();
  }
}
