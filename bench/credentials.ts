import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeyedDigest } from '../src/api-keys/digest.ts';
import { headerOf, lineOf } from '../src/api-keys/key-file.ts';
import { KeyForm, randomDigits } from '../src/api-keys/key-text.ts';
import { formatRecord } from '../src/api-keys/record.ts';
import { secretCheck } from '../src/api-keys/secret-check.ts';
import { list } from './random.ts';

export const ISSUER = 'https://id.example';
export const AUDIENCE = 'https://api.example';
export const KEY_HEADER = 'x-api-key';
/** Callers with a token, and with a key. */
const CALLERS = 100;
const LIFETIME_SECONDS = 86_400;

/** What the load process needs to know: it can make as many tokens as it wants. */
export interface Credentials {
  /** PEM, PKCS #8, P-256. */
  readonly signingKey: string;
  readonly tokens: readonly string[];
  readonly apiKeys: readonly string[];
}

/** What proxies are told. */
export interface CredentialFiles extends Credentials {
  /** PEM of the public key. */
  readonly publicKeyFile: string;
  /** Keys, one a line. */
  readonly apiKeysFile: string;
  /** Sallyport's store of the same keys: its text, and the secret of its digests. */
  readonly apiKeyStore: string;
  readonly apiKeySecret: string;
}

/** A new key pair, tokens and API keys, with files in `folder`. */
export function createCredentials(folder: string): CredentialFiles {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signingKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const publicKeyFile = join(folder, 'issuer.pem');
  writeFileSync(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  const apiKeys = list(CALLERS, apiKey);
  const apiKeysFile = join(folder, 'api-keys.txt');
  writeFileSync(apiKeysFile, `${apiKeys.join('\n')}\n`);
  const apiKeySecret = randomBytes(32).toString('base64url');
  const tokens = list(CALLERS, (caller) => tokenOf(signingKey, `caller-${caller}`));
  return {
    signingKey,
    tokens,
    apiKeys,
    publicKeyFile,
    apiKeysFile,
    apiKeyStore: storeOf(apiKeys, apiKeySecret),
    apiKeySecret,
  };
}

/**
 * A signed token (ES256), with the claims of an ordinary access token: 370 bytes.
 *
 * @param secondsFromNow  To its expiry; less than 0 for one that is over.
 */
export function tokenOf(signingKey: string, subject: string, secondsFromNow = LIFETIME_SECONDS): string {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: subject,
    jti: randomBytes(8).toString('hex'),
    iat: nowSeconds + Math.min(0, secondsFromNow - 1),
    exp: nowSeconds + secondsFromNow,
    scope: 'orders:read orders:write',
  };
  const text = [{ alg: 'ES256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign('sha256', Buffer.from(text), { key: signingKey, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

export function apiKey(): string {
  for (;;) {
    const digits = randomDigits(randomBytes(64));
    if (digits !== null) return new KeyForm('live').text(digits);
  }
}

function storeOf(keys: readonly string[], secret: string): string {
  const digest = new KeyedDigest(secret, new KeyForm('live').length);
  const nowMs = Date.now();
  const records = keys.map((key, index) =>
    formatRecord({
      id: randomBytes(12).toString('hex'),
      version: 1,
      name: `caller-${index}`,
      owner: 'bench',
      scopes: [],
      rateLimit: '',
      cidrs: [],
      origins: [],
      routes: [],
      notBeforeMs: 0,
      expiresAtMs: 0,
      state: 'active',
      createdAtMs: nowMs,
      changedAtMs: nowMs,
      digest: Buffer.from(digest.of(key), 'latin1').toString('base64url'),
      previous: null,
    }),
  );
  return `${headerOf(secretCheck(secret), 1)}${lineOf(records)}`;
}
