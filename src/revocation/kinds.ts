// hot path: synchronous, never throws

/** What can be revoked; the order is that of the table's counts. */
export const REVOCATION_KINDS = ['token', 'subject', 'client', 'key'] as const;

/** By issuer and `jti`; by issuer and `sub`; by issuer and client id; an API key by its id. */
export type RevocationKind = (typeof REVOCATION_KINDS)[number];

/**
 * Tells kinds and issuers apart in hashes of one text. Issuers' names hold no blank.
 *
 * @param saltOf  32 bits of a text: the limiter's.
 */
export function revocationSalt(kind: RevocationKind, issuer: string, saltOf: (text: string) => number): number {
  return saltOf(`revoked ${kind} ${issuer}`);
}

/** A keyed hash of a text into two halves of 32 bits, left in fields. */
export interface KeyHasher {
  readonly high: number;
  readonly low: number;
  hash(text: string, salt: number): void;
}
