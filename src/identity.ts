/** Who sent a request, and what an authenticator can say of one. */
import { EXCHANGE_FAILURES } from './base/http-exchange.ts';

/**
 * Why a request is not let in, for the log and the metrics; a client is told far less. A closed list: it is a metric
 * label.
 */
export const AUTH_REASONS = [
  'missing',
  'malformed',
  'too-large',
  'algorithm',
  'type',
  'critical',
  'embedded-key',
  'issuer',
  'audience',
  'unknown-key',
  'signature',
  'expired',
  'not-yet-valid',
  'issued-in-future',
  'lifetime',
  'claims',
  'keys-unavailable',
  'revoked',
  'inactive',
  'introspection-unavailable',
  'key-unknown',
  'key-disabled',
  'key-expired',
  'key-not-yet-valid',
  'key-address',
  'key-origin',
  'key-route',
  'keys-store-unavailable',
  'dpop-missing',
  'dpop-invalid',
  'dpop-replayed',
  'dpop-nonce',
  'dpop-binding',
  'scope',
  'claim-rule',
  'step-up',
  'login',
  'login-state',
  'login-unavailable',
  'cross-site',
  'busy',
] as const;

export type AuthReason = (typeof AUTH_REASONS)[number];

/** Ways to be known: a metric label, too. */
export const IDENTITY_KINDS = ['jwt', 'opaque', 'api-key', 'session'] as const;

export type IdentityKind = (typeof IDENTITY_KINDS)[number];

/**
 * What became of questions about opaque tokens: answered, `content` for an answer that says nothing, no answer, and not
 * asked: `late` waited for a connection in vain, `full` found no place to wait. A metric label, too.
 */
export const INTROSPECTION_RESULTS = ['active', 'refused', 'content', ...EXCHANGE_FAILURES, 'late', 'full'] as const;

export type IntrospectionResult = (typeof INTROSPECTION_RESULTS)[number];

/** Who sent a request, as authentication found it. Frozen: many requests share one. */
export interface Identity {
  readonly kind: IdentityKind;
  /** Name of the issuer, introspection or login in the configuration; '' for API keys. */
  readonly issuer: string;
  /** `sub`; the owner of an API key. */
  readonly subject: string;
  /** `client_id` or `azp`; the id of an API key; '' for none. */
  readonly client: string;
  /** `jti`; '' for none. */
  readonly tokenId: string;
  readonly scopes: readonly string[];
  /** Everything that was said about it, as plain data. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch; 0 where nobody said. */
  readonly issuedAtMs: number;
  /** Milliseconds since the epoch; Infinity for never. */
  readonly expiresAtMs: number;
  /** `cnf.jkt` (RFC 9449 6.1): the key that every request with this token must prove; '' for a bearer token. */
  readonly keyThumbprint: string;
  /** Name of the rate limit policy that an API key brings; '' for none. */
  readonly rateLimit: string;
}

/** What an authenticator says of a credential. */
export type Judged = Known | NotLetIn | Waiting;

export interface Known {
  readonly kind: 'known';
  readonly identity: Identity;
}

export interface NotLetIn {
  readonly kind: 'refused';
  readonly reason: AuthReason;
  /** For the log: what was found. Never a part of a credential. */
  readonly detail: string;
}

/** A refusal, made once at load: nothing of it varies with the request, so nothing of a credential can get into it. */
export function refusal(reason: AuthReason, detail: string): NotLetIn {
  return Object.freeze({ kind: 'refused', reason, detail });
}

/** An answer from outside is under way. */
export interface Waiting {
  readonly kind: 'wait';
  /** Calls back once, later and never at once, when judging again may say more. */
  readonly wait: (again: () => void) => void;
}

/** A claim as text: texts, numbers and booleans have one; null for lists and objects, and for none at all. */
export function claimText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/**
 * The value of a claim. A name with dots leads into objects where no claim bears it whole: `realm_access.roles`.
 *
 * @returns  Undefined where there is none; own members only.
 */
export function claimAt(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  if (!name.includes('.')) return undefined;
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, part)) {
      return undefined;
    }
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}
