// hot path: synchronous, never throws
import { createHash } from 'node:crypto';
import { KeyHash } from '../limiter/key-hash.ts';

/** Tells this use of an address apart from others. */
const SALT = 0x63616e61;
const TWO_TO_32 = 4_294_967_296;

/** Draws clients. @param seed  `waf.canarySeed`. */
export function canaryHash(seed: string): KeyHash {
  const digest = createHash('sha256').update(`waf canary ${seed}`).digest();
  return new KeyHash(digest.readInt32LE(0), digest.readInt32LE(4));
}

/**
 * Where a client stands among a hundred: a rule that acts for so many percent acts for those below. The same client has
 * the same share on every thread and gateway with the same seed, whatever was restarted.
 *
 * @returns  0 <= share < 100.
 */
export function canaryShare(hash: KeyHash, address: string): number {
  hash.hash(address, SALT);
  return ((hash.high >>> 0) / TWO_TO_32) * 100;
}
