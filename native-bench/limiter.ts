import { RateLimiterMemory } from 'rate-limiter-flexible';
import { KeyHash } from '../src/limiter/key-hash.ts';
import { createLimiterWords } from '../src/limiter/layout.ts';
import { LimiterTable } from '../src/limiter/table.ts';
import { SlidingWindow } from '../src/limiter/window.ts';
import { type Bench, countRight, type Row, type Way } from './bench.ts';
import { BLOCK, LimiterTraffic, PASSES, WINDOW_MS } from './limiter-traffic.ts';

const SLOTS = 262_144;

/**
 * An operation is a decision: the hash of the key, then its count. Both get the same keys as new strings, the same
 * limits and windows; the requests admitted are known beforehand. rate-limiter-flexible counts in fixed windows and in
 * one thread, is called as its users call it (an answer is awaited, a refusal caught), and reads the clock for each
 * decision where ours goes by the request's, so it is measured once more with the request's clock in place of its own.
 * Windows and keys are new after every 100 passes.
 */
export const bench: Bench = {
  what: 'a rate limit decision in one thread: ours against rate-limiter-flexible in memory',
  *rows() {
    yield hashRow();
    for (const [keys, limit, how] of [
      [4_096, 100, 'all admitted'],
      [4_096, 50, 'half refused'],
      [102_400, 4, 'all admitted'],
      [102_400, 2, 'half refused'],
    ] as const) {
      yield row(new LimiterTraffic(keys), limit, `${keys} addresses, ${how}`);
    }
  },
};

function hashRow(): Row {
  const traffic = new LimiterTraffic(BLOCK);
  const hash = new KeyHash(1, 2);
  let keys: readonly string[] = [];
  const begin = (pass: number) => {
    keys = traffic.block(pass);
  };
  const once = (n: number) => {
    hash.hash(keys[n] as string, 1);
    return hash.low !== 0 || hash.high !== 0;
  };
  const ways = [{ name: 'ours', begin, run: () => countRight(BLOCK, once) }];
  return { name: 'hash of the key alone', operations: BLOCK, proof: BLOCK, ways };
}

function row(traffic: LimiterTraffic, limit: number, name: string): Row {
  return {
    name,
    operations: BLOCK,
    proof: (pass) => (traffic.sweepOf(pass) < limit ? BLOCK : 0),
    passes: PASSES,
    ways: [ours(traffic, limit), rival(traffic, limit, true), rival(traffic, limit, false)],
  };
}

function ours(traffic: LimiterTraffic, limit: number): Way {
  const hash = new KeyHash(0x1234_5678, 0x0bad_cafe);
  const counter = new SlidingWindow(new LimiterTable(createLimiterWords(SLOTS, 0)));
  const rule = { limit, windowMs: WINDOW_MS };
  let keys: readonly string[] = [];
  return {
    name: 'ours',
    begin: (pass) => {
      keys = traffic.block(pass);
    },
    run: (pass) => {
      const clockMs = traffic.clockMsAt(pass);
      const round = traffic.roundOf(pass);
      let admitted = 0;
      for (let n = 0; n < BLOCK; n += 1) {
        hash.hash(keys[n] as string, round);
        counter.at(clockMs, clockMs);
        if (counter.take(hash.high, hash.low, rule, 1, false) === 0) admitted += 1;
      }
      return admitted;
    },
  };
}

function rival(traffic: LimiterTraffic, limit: number, readsClock: boolean): Way {
  const systemNow = Date.now;
  const options = { points: limit, duration: WINDOW_MS / 1_000 };
  let limiter = new RateLimiterMemory(options);
  let keys: readonly string[] = [];
  return {
    name: `rate-limiter-flexible${readsClock ? '' : ', our clock'}`,
    begin: async (pass) => {
      if (pass > 0 && pass % PASSES === 0) {
        // It has a timer for each key: without this, those of all rounds before would be there.
        for (const key of traffic.all()) await limiter.delete(key);
        limiter = new RateLimiterMemory(options);
      }
      keys = traffic.block(pass);
    },
    run: async (pass) => {
      const clockMs = traffic.clockMsAt(pass);
      if (!readsClock) Date.now = () => clockMs;
      let admitted = 0;
      for (let n = 0; n < BLOCK; n += 1) {
        try {
          await limiter.consume(keys[n] as string);
          admitted += 1;
        } catch (refusal) {
          if (refusal instanceof Error) throw refusal;
        }
      }
      Date.now = systemNow;
      return admitted;
    },
  };
}
