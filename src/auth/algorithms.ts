/** Signature algorithms of RFC 7518 3.1, RFC 8037 and RFC 9864, and what a key must be to be used with each. */

export interface AlgorithmRow {
  /** What a key is; it alone decides which algorithms are possible at all. */
  readonly family: KeyFamily;
  /** Digest by node's name; null where the algorithm has its own. */
  readonly hash: string | null;
  readonly hashBytes: number;
  readonly isPss: boolean;
}

/** `oct`: a shared secret. `rsa-pss`: an RSA key whose own parameters bind it to PSS (RFC 4055). */
export type KeyFamily = 'oct' | 'rsa' | 'P-256' | 'P-384' | 'P-521' | 'Ed25519';

export const ALGORITHM_ROWS = {
  HS256: { family: 'oct', hash: 'sha256', hashBytes: 32, isPss: false },
  HS384: { family: 'oct', hash: 'sha384', hashBytes: 48, isPss: false },
  HS512: { family: 'oct', hash: 'sha512', hashBytes: 64, isPss: false },
  RS256: { family: 'rsa', hash: 'sha256', hashBytes: 32, isPss: false },
  RS384: { family: 'rsa', hash: 'sha384', hashBytes: 48, isPss: false },
  RS512: { family: 'rsa', hash: 'sha512', hashBytes: 64, isPss: false },
  PS256: { family: 'rsa', hash: 'sha256', hashBytes: 32, isPss: true },
  PS384: { family: 'rsa', hash: 'sha384', hashBytes: 48, isPss: true },
  PS512: { family: 'rsa', hash: 'sha512', hashBytes: 64, isPss: true },
  ES256: { family: 'P-256', hash: 'sha256', hashBytes: 32, isPss: false },
  ES384: { family: 'P-384', hash: 'sha384', hashBytes: 48, isPss: false },
  ES512: { family: 'P-521', hash: 'sha512', hashBytes: 64, isPss: false },
  EdDSA: { family: 'Ed25519', hash: null, hashBytes: 64, isPss: false },
  Ed25519: { family: 'Ed25519', hash: null, hashBytes: 64, isPss: false },
} as const satisfies Record<string, AlgorithmRow>;

export type Algorithm = keyof typeof ALGORITHM_ROWS;

/** All of them, in the order of the table. `none` is not one. */
export const ALGORITHMS = Object.freeze(Object.keys(ALGORITHM_ROWS)) as readonly Algorithm[];

/** Is this the name of one, letter for letter? */
export function isAlgorithm(name: unknown): name is Algorithm {
  return typeof name === 'string' && Object.hasOwn(ALGORITHM_ROWS, name);
}
