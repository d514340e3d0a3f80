import { createHmac, randomBytes } from 'node:crypto';

/**
 * What nonces of proofs of possession are made with.
 *
 * @param keySecret  `redis.keySecret`: machines that share it take each other's nonces. '' for a secret of this start.
 */
export function nonceSecret(keySecret: string): Uint8Array {
  return keySecret === '' ? randomBytes(32) : createHmac('sha256', keySecret).update('dpop nonces').digest();
}
