// hot path: synchronous, never throws
import { type Known, type NotLetIn, refusal } from '../identity.ts';
import { TOKEN_DEPTH_MAX } from '../limits.ts';
import { type ClaimRules, checkClaims } from './claims.ts';
import type { IntrospectionSettings } from './introspection-settings.ts';
import { parseStrictObject } from './strict-json.ts';

/** Clock difference to the server that is forgiven in `nbf` and `iat`; none in `exp`, so that nothing outlives it. */
const LEEWAY_SECONDS = 30;

/** What answers of one server are held against. */
export interface AnswerRules extends ClaimRules {
  /** '' for any or none. */
  readonly issuer: string;
}

export interface Unusable {
  readonly kind: 'unusable';
  readonly detail: string;
}

/** Kinds of tokens that are no access tokens, as servers say them: `refresh_token`, `Refresh`, `ID`, `Offline`. */
const OTHER_TOKEN = /^(?:urn:ietf:params:oauth:token-type:)?(?:refresh|id|offline)(?:[_ -]?token)?$/i;

export function answerRules({ name, audiences, issuer, scopeClaim }: IntrospectionSettings): AnswerRules {
  return Object.freeze({
    settings: { name, scopeClaim, leewaySeconds: LEEWAY_SECONDS, lifetimeSecondsMax: 0 },
    audiences: new Set(audiences),
    issuer,
  });
}

/**
 * Judges an answer about a token (RFC 7662 2.2).
 *
 * @param bytes  Of any content.
 * @returns      Who, a refusal, or why the answer says nothing. Holds nothing of the token.
 */
export function readAnswer(bytes: Buffer, rules: AnswerRules, nowMs: number): Known | NotLetIn | Unusable {
  const members = parseStrictObject(bytes, TOKEN_DEPTH_MAX);
  if (typeof members === 'string') return { kind: 'unusable', detail: `the answer ${members}` };
  const { active, ...claims } = members;
  if (active === false) return INACTIVE;
  if (active !== true) return ACTIVE_TYPE;
  Object.setPrototypeOf(claims, null);
  const { iss, username, token_type, token_use, typ } = claims;
  if (iss !== undefined && typeof iss !== 'string') return TEXT_TYPE;
  if (username !== undefined && typeof username !== 'string') return TEXT_TYPE;
  if (rules.issuer !== '' && iss !== rules.issuer) return ISSUER;
  for (const type of [token_type, token_use, typ]) {
    if (type === undefined) continue;
    if (typeof type !== 'string') return TEXT_TYPE;
    if (OTHER_TOKEN.test(type)) return TYPE;
  }
  const sound = checkClaims(claims, rules, nowMs, 'opaque');
  if (sound.kind === 'refused') return sound;
  if (nowMs >= sound.identity.expiresAtMs) return EXPIRED;
  // RFC 9449 6.2. As a bearer token it would be worth more to a thief than its server meant.
  const isBound = typeof token_type === 'string' && token_type.toLowerCase() === 'dpop';
  if (isBound && sound.identity.keyThumbprint === '') return UNBOUND;
  return Object.freeze({ kind: 'known', identity: sound.identity });
}

const ACTIVE_TYPE: Unusable = Object.freeze({ kind: 'unusable', detail: 'active is not a boolean' });
const INACTIVE = refusal('inactive', 'the server says that the token is not active');
const TEXT_TYPE = refusal('claims', 'iss, username, token_type, token_use or typ is not a text');
const ISSUER = refusal('issuer', 'iss is not the issuer of the configuration');
const TYPE = refusal('type', 'the server says that it is no access token');
const UNBOUND = refusal('claims', 'token_type is DPoP, and cnf names no key');
const EXPIRED = refusal('expired', 'exp has passed');
