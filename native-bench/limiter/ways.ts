import { RateLimiterMemory } from 'rate-limiter-flexible';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { createLimiterWords } from '../../src/limiter/layout.ts';
import { BLOCK, clockMsAt, Decider, SLOTS, WINDOW_MS } from './run.ts';

/** A way to decide about blocks of keys. */
export interface Way {
  /** Not measured. */
  begin(round: number): void;
  /** Measured. @returns  How many were admitted. */
  decide(keys: readonly string[], from: number, round: number): number | Promise<number>;
  /** Not measured. */
  end(keys: Iterable<string>): Promise<void>;
}

/** The hash of the key alone; admits all. */
export function hashing(): Way {
  const hash = new KeyHash(1, 2);
  return {
    begin: () => undefined,
    decide: (keys, _from, round) => {
      let sum = 0;
      for (let i = 0; i < BLOCK; i += 1) {
        hash.hash(keys[i] as string, round);
        sum |= hash.low;
      }
      return sum === 0 ? 0 : BLOCK;
    },
    end: async () => undefined,
  };
}

export function ours(limit: number): Way {
  const decider = new Decider(createLimiterWords(SLOTS, 0), limit);
  return {
    begin: () => undefined,
    decide: (keys, from, round) => decider.decide(keys, from, round),
    end: async () => undefined,
  };
}

/**
 * rate-limiter-flexible as its users call it: an answer is awaited, a refusal caught.
 *
 * @param readsClock  As it comes. Else its clock, which it reads for each decision, is the request's, as ours is: it
 *                    then does the same work with the clock as ours.
 */
export function rival(limit: number, readsClock: boolean): Way {
  const systemNow = Date.now;
  let limiter = new RateLimiterMemory({ points: limit, duration: WINDOW_MS / 1_000 });
  let nowMs = 0;
  const requestNow = (): number => nowMs;
  return {
    begin: () => {
      limiter = new RateLimiterMemory({ points: limit, duration: WINDOW_MS / 1_000 });
      if (!readsClock) Date.now = requestNow;
    },
    decide: async (keys, from, round) => {
      let admitted = 0;
      for (let i = 0; i < BLOCK; i += 1) {
        nowMs = clockMsAt(round, from + i);
        try {
          await limiter.consume(keys[i] as string);
          admitted += 1;
        } catch (refusal) {
          if (refusal instanceof Error) throw refusal;
        }
      }
      return admitted;
    },
    // It has a timer for each key: without this, those of all rounds before would be there.
    end: async (keys) => {
      Date.now = systemNow;
      for (const key of keys) await limiter.delete(key);
    },
  };
}
