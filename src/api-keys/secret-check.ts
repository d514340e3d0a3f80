import { createHmac } from 'node:crypto';

/**
 * Tells a store that was made under another `apiKeys.secret`, where all keys would be unknown. As hard to turn back as
 * the digests beside it.
 */
export function secretCheck(secret: string): string {
  return createHmac('sha256', secret).update('sallyport api-keys: which secret').digest('hex').slice(0, 32);
}
