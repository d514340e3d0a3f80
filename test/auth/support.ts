import {
  constants,
  createHmac,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign as nodeSign,
  randomBytes,
} from 'node:crypto';
import { ALGORITHM_ROWS, type Algorithm } from '../../src/auth/algorithms.ts';
import type { IssuerKeys } from '../../src/auth/issuer-keys.ts';
import { type IssuerSettings, type TrustedIssuer, trustedIssuer } from '../../src/auth/issuer-settings.ts';
import { TokenJudge } from '../../src/auth/token-judge.ts';
import { keyOfJwk, type MadeKey, type VerificationKey } from '../../src/auth/verification-key.ts';
import type { Identity, Waiting } from '../../src/identity.ts';

/** A wall clock that stands still, at a whole second. */
export const NOW_MS = 1_800_000_000_000;
export const NOW = NOW_MS / 1_000;

export const base64url = (value: string | Buffer): string => Buffer.from(value).toString('base64url');

/** A key to sign with, and what an issuer publishes of it. */
export interface Signer {
  readonly alg: Algorithm;
  readonly kid: string;
  readonly privateKey: KeyObject | Buffer;
  readonly jwk: JsonWebKey & { kid: string; alg?: string };
}

/** A new key for an algorithm. Its JWK has `kid`, and no `alg`. */
export function newSigner(alg: Algorithm, kid: string = alg, rsaBits = 2_048): Signer {
  const { family, hashBytes } = ALGORITHM_ROWS[alg];
  if (family === 'oct') {
    const secret = randomBytes(hashBytes);
    return { alg, kid, privateKey: secret, jwk: { kty: 'oct', k: base64url(secret), kid } };
  }
  const { publicKey, privateKey } =
    family === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: rsaBits })
      : family === 'Ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: family });
  return { alg, kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid } };
}

/** Signature bytes as JWS has them (RFC 7518 3). */
export function signBytes({ alg, privateKey }: Pick<Signer, 'alg' | 'privateKey'>, input: string): Buffer {
  const { family, hash, isPss } = ALGORITHM_ROWS[alg];
  if (family === 'oct') {
    return createHmac(hash as string, privateKey)
      .update(input)
      .digest();
  }
  const key = privateKey as KeyObject;
  if (isPss) {
    const options = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    return nodeSign(hash, Buffer.from(input), { key, ...options });
  }
  if (family === 'rsa' || family === 'Ed25519') return nodeSign(hash, Buffer.from(input), key);
  return nodeSign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
}

/** A token of any header and payload; text is taken as it is, anything else as JSON. */
export function signToken(signer: Signer, payload: unknown, header: unknown = { alg: signer.alg, kid: signer.kid }) {
  const text = (part: unknown): string => (typeof part === 'string' ? part : JSON.stringify(part));
  const input = `${base64url(text(header))}.${base64url(text(payload))}`;
  return `${input}.${base64url(signBytes(signer, input))}`;
}

export function made(result: MadeKey): VerificationKey {
  if (result.kind !== 'key') throw new Error(`${result.kind}: ${result.reason}`);
  return result.key;
}

export const keyFor = (signer: Signer, offloadMicros = Number.POSITIVE_INFINITY): VerificationKey =>
  made(keyOfJwk(signer.jwk, { offloadMicros }));

/** Keys that a test changes. */
export class FixedKeys implements IssuerKeys {
  version = 1;
  state: 'ready' | 'unavailable' = 'ready';
  asked: (string | undefined)[] = [];
  answer: Waiting | null = null;
  keys: readonly VerificationKey[];

  constructor(keys: readonly VerificationKey[]) {
    this.keys = keys;
  }

  find(kid: string | undefined): readonly VerificationKey[] {
    return kid === undefined ? this.keys : this.keys.filter((key) => key.kid === kid || key.kid === '');
  }

  ask(kid: string | undefined): Waiting | null {
    this.asked.push(kid);
    return this.answer;
  }

  replace(keys: readonly VerificationKey[]): void {
    this.keys = keys;
    this.version += 1;
  }
}

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'https://api.example';

export function settingsWith(changes: Partial<IssuerSettings> = {}): IssuerSettings {
  return {
    name: 'main',
    issuer: ISSUER,
    audiences: [AUDIENCE],
    algorithms: ['RS256'],
    types: [],
    leewaySeconds: 0,
    lifetimeSecondsMax: 0,
    tokenBytesMax: 16_384,
    scopeClaim: '',
    ...changes,
  };
}

export function issuerWith(
  keys: readonly VerificationKey[] | FixedKeys,
  changes: Partial<IssuerSettings> = {},
): TrustedIssuer & { readonly keys: FixedKeys } {
  const kept = keys instanceof FixedKeys ? keys : new FixedKeys(keys);
  return trustedIssuer(settingsWith(changes), kept) as TrustedIssuer & { readonly keys: FixedKeys };
}

export const newJudge = (
  revoked: (identity: Identity) => boolean = () => false,
  rememberedTokensMax = 256,
): TokenJudge => new TokenJudge({ rememberedTokensMax, rememberedBytesMax: 16_777_216, revoked });

/** Claims that are good now. */
export const goodClaims = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'alice',
  exp: NOW + 300,
  iat: NOW - 10,
  ...changes,
});
