import { createHmac, randomBytes } from 'node:crypto';
import { steadyNow } from '../base/steady-clock.ts';
import type { Config } from '../config/schema.ts';
import { BUCKETS, createLimiterWords, NAME_SEED_0, NAME_SEED_1, SEED_0, SEED_1 } from '../limiter/layout.ts';
import { SharedClock } from '../limiter/shared-clock.ts';
import { LimiterTable } from '../limiter/table.ts';

/** A whole pass over the table takes this long; whoever needs a slot takes passed ones back by itself, too. */
const PASS_MS = 10_000;
const SWEEP_MS = 250;

/**
 * The rate limiter's table on the main thread: made here, swept here.
 *
 * Threads: main only.
 */
export class LimiterKeeper {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly table: LimiterTable;
  #timer: NodeJS.Timeout | null = null;
  #bucket = 0;

  constructor({ limiter, redis }: Config) {
    this.words = createLimiterWords(limiter.slots, steadyNow());
    // Gateways that share counts must hash alike; else nobody needs to know the seed, not even the one after a restart.
    const seed = redis.keySecret === '' ? randomBytes(16) : seedOf(redis.keySecret);
    this.words[SEED_0] = seed.readInt32LE(0);
    this.words[SEED_1] = seed.readInt32LE(4);
    this.words[NAME_SEED_0] = seed.readInt32LE(8);
    this.words[NAME_SEED_1] = seed.readInt32LE(12);
    SharedClock.start(this.words, Date.now(), steadyNow());
    this.table = new LimiterTable(this.words);
  }

  start(): void {
    const buckets = this.words[BUCKETS] as number;
    const share = Math.ceil((buckets * SWEEP_MS) / PASS_MS);
    this.#timer = setInterval(() => {
      this.#bucket = this.table.sweep(this.#bucket, share, steadyNow());
    }, SWEEP_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }
}

function seedOf(secret: string): Buffer {
  return createHmac('sha256', secret).update('keys of rate limits').digest();
}
