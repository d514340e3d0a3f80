// hot path: synchronous, never throws
import { claimAt, type Identity, type NotLetIn, refusal } from '../identity.ts';
import { KNOWN_SCOPES_LENGTH_MAX, KNOWN_SCOPES_MAX } from '../limits.ts';
import type { IssuerSettings } from './issuer-settings.ts';
import type { Members } from './strict-json.ts';

/** Latest time that a clock can show, seconds (ECMAScript's time range). */
const SECONDS_MAX = 8.64e12;

/** Lengths of a SHA-256 in base64url (RFC 7638). */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

const NO_SCOPES: readonly string[] = Object.freeze([]);

/**
 * Texts of scopes and their words: clients of a kind have the same ones, and their tokens share them. Whoever floods it
 * with others makes it as slow as it would be without.
 */
const KNOWN_SCOPES = new Map<string, readonly string[]>();

/** What claims are held against: a trusted issuer, or what is asked of answers about opaque tokens. */
export interface ClaimRules {
  readonly settings: Pick<IssuerSettings, 'name' | 'leewaySeconds' | 'lifetimeSecondsMax' | 'scopeClaim'>;
  readonly audiences: ReadonlySet<string>;
}

/** Claims that are as they should be, of a token whose signature may still be wrong. */
export interface SoundClaims {
  readonly kind: 'sound';
  readonly identity: Identity;
  /** Milliseconds since the epoch from which, and until which, this holds; leeway is in both. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * Checks the registered claims (RFC 7519 4.1, RFC 9068 2.2) but `iss`, by which the issuer was chosen, and says who the
 * token is about.
 *
 * @param claims  As `parseStrictObject` gives them.
 * @param nowMs   Milliseconds since the epoch.
 * @param kind    `opaque`: its server vouches for it; `exp` may be missing, and `aud` where none is asked for.
 * @returns       Who, or a refusal: `claims` (a wrong type, a missing `exp`), `audience`, `expired`, `not-yet-valid`,
 *                `issued-in-future`, `lifetime`.
 */
export function checkClaims(
  claims: Members,
  rules: ClaimRules,
  nowMs: number,
  kind: 'jwt' | 'opaque' = 'jwt',
): SoundClaims | NotLetIn {
  const { leewaySeconds, lifetimeSecondsMax, scopeClaim, name } = rules.settings;
  const anyAudience = kind === 'opaque' && rules.audiences.size === 0;
  const { sub, jti, client_id, azp, aud, exp, nbf, iat, cnf } = claims;
  if (!isText(sub) || !isText(jti) || !isText(client_id) || !isText(azp)) return TEXT_TYPE;
  if (!isTime(exp) || !isTime(nbf) || !isTime(iat)) return TIME_TYPE;
  if (exp === undefined && kind === 'jwt') return NO_EXPIRY;

  if (typeof aud === 'string') {
    if (!anyAudience && !rules.audiences.has(aud)) return AUDIENCE;
  } else if (Array.isArray(aud)) {
    if (!aud.every((one) => typeof one === 'string')) return AUDIENCE_TYPE;
    if (!anyAudience && !aud.some((one) => rules.audiences.has(one))) return AUDIENCE;
  } else if (aud !== undefined || !anyAudience) {
    return aud === undefined ? AUDIENCE : AUDIENCE_TYPE;
  }

  const untilMs = exp === undefined ? Number.POSITIVE_INFINITY : (exp + leewaySeconds) * 1_000;
  if (nowMs >= untilMs) return EXPIRED;
  const nbfMs = nbf === undefined ? Number.NEGATIVE_INFINITY : (nbf - leewaySeconds) * 1_000;
  if (nowMs < nbfMs) return NOT_YET_VALID;
  const iatMs = iat === undefined ? Number.NEGATIVE_INFINITY : (iat - leewaySeconds) * 1_000;
  if (nowMs < iatMs) return ISSUED_IN_FUTURE;
  if (lifetimeSecondsMax > 0) {
    if (iat === undefined || exp === undefined) return LIFETIME_UNKNOWN;
    if (exp - iat > lifetimeSecondsMax) return LIFETIME;
  }

  const scopes = scopesOf(
    scopeClaim === '' ? (claims.scope === undefined ? claims.scp : claims.scope) : claimAt(claims, scopeClaim),
  );
  if (scopes === null) return SCOPE_TYPE;
  const keyThumbprint = thumbprintOf(cnf);
  if (keyThumbprint === null) return BOUND_OTHERWISE;

  const identity: Identity = Object.freeze({
    kind,
    issuer: name,
    subject: sub ?? '',
    client: client_id ?? azp ?? '',
    tokenId: jti ?? '',
    scopes,
    claims,
    issuedAtMs: iat === undefined ? 0 : iat * 1_000,
    expiresAtMs: exp === undefined ? Number.POSITIVE_INFINITY : exp * 1_000,
    keyThumbprint,
    rateLimit: '',
  });
  return { kind: 'sound', identity, fromMs: Math.max(nbfMs, iatMs), untilMs };
}

function isText(claim: unknown): claim is string | undefined {
  return claim === undefined || typeof claim === 'string';
}

/** A NumericDate (RFC 7519 2): seconds, a fraction allowed. `1e999` is JSON, and Infinity to `JSON.parse`. */
function isTime(claim: unknown): claim is number | undefined {
  return claim === undefined || (typeof claim === 'number' && Math.abs(claim) <= SECONDS_MAX);
}

/**
 * @param claim  Words with spaces between them (RFC 8693 4.2), or an array of words.
 * @returns      The words, frozen; null for anything else. A word is of the characters of RFC 6749 3.3: one with a
 *               space in it would be two to the next reader.
 */
function scopesOf(claim: unknown): readonly string[] | null {
  if (claim === undefined) return NO_SCOPES;
  if (typeof claim === 'string') {
    const known = KNOWN_SCOPES.get(claim);
    if (known !== undefined) return known;
    if (!/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(claim)) return null;
    const words = Object.freeze(claim.split(' ').filter((word) => word !== ''));
    if (claim.length <= KNOWN_SCOPES_LENGTH_MAX) {
      if (KNOWN_SCOPES.size >= KNOWN_SCOPES_MAX) KNOWN_SCOPES.clear();
      KNOWN_SCOPES.set(claim, words);
    }
    return words;
  }
  if (!Array.isArray(claim)) return null;
  for (const word of claim) if (typeof word !== 'string' || !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(word)) return null;
  return Object.freeze(claim.slice());
}

/**
 * @returns  `cnf.jkt`; '' for a bearer token; null for a token bound to what cannot be checked here (a certificate, RFC
 *           8705, say): taken as a bearer token it would be worth more to a thief than its issuer meant.
 */
function thumbprintOf(cnf: unknown): string | null {
  if (cnf === undefined) return '';
  if (typeof cnf !== 'object' || cnf === null) return null;
  const { jkt } = cnf as Members;
  return typeof jkt === 'string' && THUMBPRINT.test(jkt) && Object.keys(cnf).length === 1 ? jkt : null;
}

const TEXT_TYPE = refusal('claims', 'sub, jti, client_id or azp is not a text');
const TIME_TYPE = refusal('claims', 'exp, nbf or iat is not a number of seconds');
const NO_EXPIRY = refusal('claims', 'exp is missing');
const AUDIENCE_TYPE = refusal('claims', 'aud is neither a text nor an array of texts');
const SCOPE_TYPE = refusal('claims', 'the scopes are neither a text of words nor an array of words');
const BOUND_OTHERWISE = refusal('claims', 'cnf binds the token to something that is not checked here');
const AUDIENCE = refusal('audience', 'aud names none of the audiences of the issuer');
const EXPIRED = refusal('expired', 'exp has passed');
const NOT_YET_VALID = refusal('not-yet-valid', 'nbf has not come');
const ISSUED_IN_FUTURE = refusal('issued-in-future', 'iat has not come');
const LIFETIME = refusal('lifetime', 'the time from iat to exp is longer than allowed');
const LIFETIME_UNKNOWN = refusal('lifetime', 'iat or exp is missing, so its lifetime is unknown');
