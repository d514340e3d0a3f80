import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A key pair of a client that proves possession (RFC 9449). */
export interface DpopKey {
  readonly alg: 'ES256' | 'EdDSA' | 'RS256';
  readonly privateKey: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
  /** RFC 7638: what `cnf.jkt` of its tokens says. */
  readonly thumbprint: string;
}

export function makeDpopKey(alg: DpopKey['alg'] = 'ES256', bits = 2_048): DpopKey {
  const { privateKey, publicKey } = pairOf(alg, bits);
  const jwk = publicKey.export({ format: 'jwk' }) as Record<string, unknown>;
  const names = { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], RSA: ['e', 'kty', 'n'] }[jwk.kty as 'EC'];
  const members = Object.fromEntries(names.map((name) => [name, jwk[name]]));
  return { alg, privateKey, jwk, thumbprint: digest(JSON.stringify(members)) };
}

export interface DpopProofOptions {
  readonly key: DpopKey;
  readonly method: string;
  readonly url: string;
  readonly accessToken: string;
  readonly nowMs: number;
  readonly nonce?: string;
  /** Members that replace or join the right ones; undefined takes one out. */
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
}

let made = 0;

/** A proof as a client makes it, with a `jti` of its own. */
export function makeDpopProof({
  key,
  method,
  url,
  accessToken,
  nowMs,
  nonce,
  header,
  claims,
}: DpopProofOptions): string {
  made += 1;
  const head = { typ: 'dpop+jwt', alg: key.alg, jwk: key.jwk, ...header };
  const body = {
    jti: `proof-${made}-${digest(String(nowMs)).slice(0, 8)}`,
    htm: method,
    htu: url,
    iat: Math.floor(nowMs / 1_000),
    ath: digest(accessToken),
    ...(nonce === undefined ? {} : { nonce }),
    ...claims,
  };
  const input = [head, body].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const signature = sign(key.alg === 'EdDSA' ? null : 'sha256', Buffer.from(input), {
    key: key.privateKey,
    ...(key.alg === 'ES256' ? { dsaEncoding: 'ieee-p1363' as const } : {}),
  });
  return `${input}.${signature.toString('base64url')}`;
}

function pairOf(alg: DpopKey['alg'], bits: number) {
  if (alg === 'RS256') return generateKeyPairSync('rsa', { modulusLength: bits });
  return alg === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
