import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import type { IdentityForwardingConfig } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import { claimAt, type Identity } from '../identity.ts';

type Settings = IdentityForwardingConfig['token'];

interface Made {
  readonly token: string;
  /** Milliseconds since the epoch: until then it is handed out again. */
  readonly untilMs: number;
}

/**
 * Short-lived tokens (RFC 7519) that tell upstreams who calls, signed by the gateway. A signature costs some 30
 * microseconds: one is handed out again for the same caller and audience until half of its time has passed.
 *
 * Threads: one instance each.
 */
export class InternalTokens {
  readonly #settings: Settings;
  readonly #key: KeyObject;
  readonly #digest: 'sha256' | null;
  readonly #header: string;
  readonly #made = new WeakMap<Identity, Map<string, Made>>();

  /**
   * @param pem  Private key: Ed25519 (EdDSA, RFC 8037) or P-256 (ES256, RFC 7518 3.4).
   * @throws     SallyportError SP_CONFIG for anything else.
   */
  constructor(pem: string, settings: Settings) {
    this.#settings = settings;
    this.#key = privateKeyOf(pem);
    const isEdwards = this.#key.asymmetricKeyType === 'ed25519';
    this.#digest = isEdwards ? null : 'sha256';
    this.#header = encode({ alg: isEdwards ? 'EdDSA' : 'ES256', typ: 'JWT', kid: settings.keyId });
  }

  /**
   * @param audience  Name of the upstream; `identity.token.audience` comes first.
   * @param nowMs     Milliseconds since the epoch.
   */
  of(identity: Identity, audience: string, nowMs: number): string {
    let made = this.#made.get(identity);
    if (made === undefined) {
      made = new Map();
      this.#made.set(identity, made);
    }
    const known = made.get(audience);
    if (known !== undefined && nowMs < known.untilMs) return known.token;
    const fresh = this.#make(identity, audience, nowMs);
    made.set(audience, fresh);
    return fresh.token;
  }

  #make(identity: Identity, audience: string, nowMs: number): Made {
    const { issuer, audience: fixed, seconds, claims } = this.#settings;
    const iat = Math.floor(nowMs / 1_000);
    // Never good for longer than what it rests on.
    const exp = Math.min(iat + seconds, Math.floor(identity.expiresAtMs / 1_000));
    const repeated = claims
      .filter((name) => !RESERVED.has(name))
      .map((name): [string, unknown] => [name, claimAt(identity.claims, name)])
      .filter(([, value]) => value !== undefined);
    const payload = {
      ...Object.fromEntries(repeated),
      iss: issuer,
      aud: fixed === '' ? audience : fixed,
      sub: identity.subject,
      ...(identity.client === '' ? {} : { client_id: identity.client }),
      scope: identity.scopes.join(' '),
      iat,
      exp,
    };
    const input = `${this.#header}.${encode(payload)}`;
    const signature = sign(this.#digest, Buffer.from(input, 'latin1'), {
      key: this.#key,
      dsaEncoding: 'ieee-p1363',
    });
    const halfMs = Math.min((seconds * 1_000) / 2, (exp * 1_000 - nowMs) / 2);
    return { token: `${input}.${signature.toString('base64url')}`, untilMs: nowMs + halfMs };
  }
}

/** What the gateway says itself. */
const RESERVED: ReadonlySet<string> = new Set([
  'iss',
  'aud',
  'sub',
  'client_id',
  'scope',
  'iat',
  'exp',
  'nbf',
  '__proto__',
]);

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}

function privateKeyOf(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    throw new SallyportError('SP_CONFIG', 'identity.token.key is not a private key in PEM', {}, { cause: error });
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519' || (type === 'ec' && details?.namedCurve === 'prime256v1')) return key;
  throw new SallyportError('SP_CONFIG', 'identity.token.key must be an Ed25519 or a P-256 key');
}
