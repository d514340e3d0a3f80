// hot path: synchronous, never throws
import { createHash } from 'node:crypto';

/** Longest text of a key that is kept as it is. The main thread holds one for each ban. */
export const KEY_LENGTH_MAX = 256;

/** Stands before the digest of a longer one. */
const DIGEST = 'sha256:';

/** The text that stands for a key in hashes, lists and files: itself, or its digest when it is too long. */
export function keyText(key: string): string {
  if (key.length <= KEY_LENGTH_MAX) return key;
  return DIGEST + createHash('sha256').update(key).digest('hex');
}
