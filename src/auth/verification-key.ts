import { createHash, createPublicKey, createSecretKey, type KeyObject, X509Certificate } from 'node:crypto';
import { bytesOfBase64Url } from '../base/base64url.ts';
import { KEY_ID_LENGTH_MAX, RSA_BITS_MAX, RSA_BITS_MIN, SECRET_BYTES_MAX } from '../limits.ts';
import { ALGORITHM_ROWS, ALGORITHMS, type Algorithm, isAlgorithm, type KeyFamily } from './algorithms.ts';
import { verificationMicros } from './verification-cost.ts';

/** A key that signatures of an issuer are verified with. Frozen; the same object is the same key for ever. */
export interface VerificationKey {
  /** '' for none. */
  readonly kid: string;
  readonly family: KeyFamily;
  /** Those that this key may verify, never empty. Of one family: no public key is ever used as a secret. */
  readonly algorithms: readonly Algorithm[];
  readonly keyObject: KeyObject;
  /** Length of every signature by this key, bytes; 0 for `oct`, where the algorithm decides. */
  readonly signatureBytes: number;
  /** Verifying takes longer than an ingress loop should stand still. Never so for `oct`. */
  readonly isSlow: boolean;
  /** Number of this key in this thread. */
  readonly serial: number;
}

/** What comes of a description of a key. */
export type MadeKey =
  | { readonly kind: 'key'; readonly key: VerificationKey }
  /** Sound, but for something else than signatures we verify; a set of keys may hold such (RFC 7517 5). */
  | { readonly kind: 'skipped'; readonly reason: string }
  /** Weak or broken. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface KeyOptions {
  /** Longest verification that may run on an ingress loop, microseconds; 0 for none, Infinity for all. */
  readonly offloadMicros: number;
  /** Name of a key that has none of its own; it replaces none that is there. */
  readonly kid?: string;
  /** Algorithms of the issuer: the key is held to these, and skipped when it can do none of them. */
  readonly algorithms?: readonly Algorithm[];
}

interface OwnOptions extends KeyOptions {
  /** What the key says of itself. */
  readonly alg?: Algorithm;
}

/**
 * Makes a key from a JSON Web Key (RFC 7517, 7518 6, 8037 2).
 *
 * @param jwk  As parsed: anything. Public RSA, EC (P-256, P-384, P-521) and OKP (Ed25519) keys, and `oct`.
 * @returns    The key, or why there is none. Reasons name members, never their values.
 * @throws     Never.
 *
 * Threads: each makes its own, since `isSlow` and `serial` are of a thread.
 */
export function keyOfJwk(jwk: unknown, options: KeyOptions): MadeKey {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return refused('is not a JSON object');
  const members: Members = { __proto__: null, ...jwk };
  const { kty, use, kid, alg } = members;
  if (typeof kty !== 'string') return refused('kty is missing');
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP' && kty !== 'oct') return skipped('kty is unknown');
  if (use !== undefined && use !== 'sig') return skipped('use is not sig');
  if (members.key_ops !== undefined) {
    if (!Array.isArray(members.key_ops)) return refused('key_ops is not an array');
    if (!members.key_ops.includes('verify')) return skipped('key_ops has no verify');
  }
  if (alg !== undefined && typeof alg !== 'string') return refused('alg is not a string');
  if (alg !== undefined && !isAlgorithm(alg)) return skipped('alg is not one that is verified here');
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) return refused('kid is not a text');
  const own: OwnOptions = {
    ...options,
    ...(typeof kid === 'string' ? { kid } : {}),
    ...(alg === undefined ? {} : { alg }),
  };
  if (kty === 'oct') {
    const secret = bytes(members.k);
    return secret === null ? refused('k is not base64url') : keyOfBytes(secret, own);
  }
  // An issuer that publishes its private key has none: anybody can sign.
  for (const name of PRIVATE_MEMBERS) if (members[name] !== undefined) return refused(`holds ${name}: it is private`);
  const parts = publicParts(kty, members);
  if (typeof parts === 'string') return parts === OTHER_CURVE ? skipped(parts) : refused(parts);
  return keyOfPublic(() => createPublicKey({ key: parts, format: 'jwk' }), own);
}

/**
 * Makes a key from PEM text: `PUBLIC KEY` (RFC 5280), `RSA PUBLIC KEY` (PKCS #1) or the first `CERTIFICATE`, of which
 * the key alone counts. A private key is refused: what verifies needs none.
 *
 * @throws  Never.
 */
export function keyOfPem(pem: string, options: KeyOptions): MadeKey {
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1];
  if (label === undefined) return refused('is not PEM');
  if (label.endsWith('PRIVATE KEY')) return refused('holds a private key: give the public one');
  switch (label) {
    case 'CERTIFICATE':
      return keyOfPublic(() => new X509Certificate(pem).publicKey, options);
    case 'PUBLIC KEY':
    case 'RSA PUBLIC KEY':
      return keyOfPublic(() => createPublicKey(pem), options);
    default:
      return refused('is neither a public key nor a certificate');
  }
}

/**
 * Makes a key from a secret shared with the issuer, for HS256, HS384 and HS512: those whose hash is not longer than it
 * (RFC 7518 3.2).
 *
 * @param secret  Text, whose UTF-8 bytes are the secret, or the bytes themselves. What is a published key is refused:
 *                anybody could sign with it.
 * @throws        Never.
 */
export function keyOfSecret(secret: string | Buffer, options: KeyOptions): MadeKey {
  return keyOfBytes(typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret, options);
}

type Members = Record<string, unknown>;

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;
const OTHER_CURVE = 'crv is not one that is verified here';

/** Bytes of a coordinate (RFC 7518 6.2.1.2) or of a public key (RFC 8037 2). */
const CURVES: Readonly<Record<string, { readonly kty: string; readonly bytes: number }>> = {
  __proto__: null as never,
  'P-256': { kty: 'EC', bytes: 32 },
  'P-384': { kty: 'EC', bytes: 48 },
  'P-521': { kty: 'EC', bytes: 66 },
  Ed25519: { kty: 'OKP', bytes: 32 },
};

const CURVE_NAMES: Readonly<Record<string, KeyFamily>> = {
  __proto__: null as never,
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

const SIGNATURE_BYTES: Readonly<Partial<Record<KeyFamily, number>>> = {
  'P-256': 64,
  'P-384': 96,
  'P-521': 132,
  Ed25519: 64,
};

/**
 * Public keys of Ed25519 whose points have a small order, the top bit cleared: signatures by them can be had without
 * a secret. Order 4 (0), 1 (1), 8 (two), 2 (p - 1), and the texts p and p + 1 of the first two.
 * Source: RFC 8032 5.1, "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko), table 1.
 */
const SMALL_ORDER_KEYS: ReadonlySet<string> = new Set([
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

let serials = 0;

/** Members that make up a public key and nothing else; the reason when they do not. */
function publicParts(kty: string, { n, e, crv, x, y }: Members): Record<string, string> | string {
  if (kty === 'RSA') {
    if (bytes(n) === null || bytes(e) === null) return 'n or e is not base64url';
    return { kty, n: n as string, e: e as string };
  }
  if (typeof crv !== 'string') return 'crv is missing';
  const curve = CURVES[crv];
  if (curve === undefined || curve.kty !== kty) return OTHER_CURVE;
  if (bytes(x)?.length !== curve.bytes) return `x has not the ${curve.bytes} bytes of ${crv}`;
  if (kty === 'OKP') return { kty, crv, x: x as string };
  if (bytes(y)?.length !== curve.bytes) return `y has not the ${curve.bytes} bytes of ${crv}`;
  return { kty, crv, x: x as string, y: y as string };
}

function keyOfPublic(make: () => KeyObject, options: OwnOptions): MadeKey {
  let keyObject: KeyObject;
  try {
    keyObject = make();
  } catch {
    // What OpenSSL says of it names no member and differs by version.
    return refused('is not a key: broken, or its point is not on its curve');
  }
  const type = keyObject.asymmetricKeyType;
  const details = keyObject.asymmetricKeyDetails ?? {};
  if (type === 'rsa' || type === 'rsa-pss') {
    const bits = details.modulusLength ?? 0;
    if (bits < RSA_BITS_MIN) return refused(`RSA of ${bits} bits is weak: ${RSA_BITS_MIN} are the least`);
    if (bits > RSA_BITS_MAX) return refused(`RSA of ${bits} bits is too slow: ${RSA_BITS_MAX} are the most`);
    // FIPS 186-5 A.1.1 has 2^16 < e, odd; a long one makes verification as slow as signing.
    const exponent = details.publicExponent ?? 0n;
    if (exponent < 65_537n || exponent >= 1n << 32n || exponent % 2n === 0n) {
      return refused('the RSA exponent is not an odd number from 65537 to 2^32');
    }
    const possible = ALGORITHMS.filter((name) => {
      const { family, isPss, hash, hashBytes } = ALGORITHM_ROWS[name];
      if (family !== 'rsa' || type === 'rsa') return family === 'rsa';
      if (!isPss) return false;
      if (details.hashAlgorithm === undefined) return true;
      return (
        details.hashAlgorithm === hash && details.mgf1HashAlgorithm === hash && (details.saltLength ?? 0) <= hashBytes
      );
    });
    return keyFor('rsa', possible, keyObject, bits, options);
  }
  if (type === 'ec') {
    const family = CURVE_NAMES[details.namedCurve ?? ''];
    return family === undefined ? skipped(OTHER_CURVE) : keyFor(family, ofFamily(family), keyObject, 0, options);
  }
  if (type === 'ed25519') {
    const point = Buffer.from(keyObject.export({ format: 'jwk' }).x ?? '', 'base64url');
    point[31] = (point[31] ?? 0) & 0x7f;
    if (SMALL_ORDER_KEYS.has(point.toString('hex'))) return refused('the point has a small order: anybody can sign');
    return keyFor('Ed25519', ofFamily('Ed25519'), keyObject, 0, options);
  }
  return skipped('is of a kind that is not verified here');
}

function keyOfBytes(secret: Buffer, options: OwnOptions): MadeKey {
  if (secret.length > SECRET_BYTES_MAX) return refused(`the secret has over ${SECRET_BYTES_MAX} bytes`);
  if (looksPublished(secret)) return refused('the secret is a published key or certificate: anybody could sign');
  const possible = ofFamily('oct').filter((name) => secret.length >= ALGORITHM_ROWS[name].hashBytes);
  if (possible.length === 0) return refused('the secret is shorter than the 32 bytes of HS256');
  return keyFor('oct', possible, () => createSecretKey(secret), secret.length * 8, options);
}

/** PEM text, a JSON Web Key, or DER of a key or a certificate: a mistake that makes a secret of what everybody has. */
function looksPublished(secret: Buffer): boolean {
  const text = secret.toString('latin1');
  if (text.includes('-----BEGIN ')) return true;
  if (/^\s*\{[\s\S]*"kty"/.test(text)) return true;
  if (secret[0] !== 0x30) return false;
  const readers = [
    () => createPublicKey({ key: secret, format: 'der', type: 'spki' }),
    () => createPublicKey({ key: secret, format: 'der', type: 'pkcs1' }),
    () => new X509Certificate(secret).publicKey,
  ];
  return readers.some((read) => {
    try {
      read();
      return true;
    } catch {
      return false;
    }
  });
}

function keyFor(
  family: KeyFamily,
  possible: readonly Algorithm[],
  keyObject: KeyObject | (() => KeyObject),
  bits: number,
  { offloadMicros, kid = '', alg, algorithms }: OwnOptions,
): MadeKey {
  if (kid.length > KEY_ID_LENGTH_MAX) return refused(`kid has over ${KEY_ID_LENGTH_MAX} characters`);
  const fitting = alg === undefined ? possible : possible.filter((name) => name === alg);
  if (fitting.length === 0) return refused(`this key cannot verify its alg, ${alg}: its kind, or its size`);
  const allowed = fitting.filter((name) => algorithms === undefined || algorithms.includes(name));
  if (allowed.length === 0) return skipped('the key verifies none of the algorithms of the issuer');
  serials += 1;
  const key: VerificationKey = Object.freeze({
    kid,
    family,
    algorithms: Object.freeze(allowed),
    keyObject: typeof keyObject === 'function' ? keyObject() : keyObject,
    signatureBytes: family === 'rsa' ? Math.ceil(bits / 8) : (SIGNATURE_BYTES[family] ?? 0),
    isSlow: family !== 'oct' && verificationMicros(family, bits) > offloadMicros,
    serial: serials,
  });
  return { kind: 'key', key };
}

/**
 * A name that is the same for the same key material, for comparing a set of keys with a former one.
 *
 * @returns  SHA-256 in hexadecimal of the public key, or of the secret; never logged for the latter.
 */
export function keyFingerprint({ keyObject }: VerificationKey): string {
  const der = keyObject.type === 'secret' ? keyObject.export() : keyObject.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(der).digest('hex');
}

const ofFamily = (family: KeyFamily): Algorithm[] =>
  ALGORITHMS.filter((name) => ALGORITHM_ROWS[name].family === family);

const bytes = (member: unknown): Buffer | null =>
  typeof member === 'string' && member !== '' ? bytesOfBase64Url(member) : null;

const refused = (reason: string): MadeKey => ({ kind: 'refused', reason });
const skipped = (reason: string): MadeKey => ({ kind: 'skipped', reason });
