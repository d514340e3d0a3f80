// hot path: synchronous, never throws
import { type Identity, type Judged, type NotLetIn, refusal, type Waiting } from '../identity.ts';
import { KEYS_TRIED_MAX } from '../limits.ts';
import type { Algorithm } from './algorithms.ts';
import { checkClaims } from './claims.ts';
import type { TrustedIssuer } from './issuer-settings.ts';
import { KnownHeaders } from './known-headers.ts';
import { type Remembered, RememberedTokens } from './remembered.ts';
import { SlowSignatures } from './slow-signatures.ts';
import { type CompactToken, readCompact, readHeader } from './token.ts';
import type { VerificationKey } from './verification-key.ts';
import { verifySignature } from './verify.ts';

export interface JudgeOptions {
  /** Most tokens that are remembered, and most bytes of memory for them. */
  readonly rememberedTokensMax: number;
  readonly rememberedBytesMax: number;
  /** Was it taken back? Asked at every request, remembered token or not. Synchronous, never throws. */
  readonly revoked: (identity: Identity, nowMs: number) => boolean;
}

/**
 * Judges access tokens that are JWTs (RFC 7519, 8725, 9068), for one thread and one generation of the configuration.
 *
 * A token that was good is remembered until it expires, and is good again without a look at its signature while its
 * key is among its issuer's, it is not revoked, and the route trusts that issuer.
 */
export class TokenJudge {
  readonly remembered: RememberedTokens;
  readonly #headers = new KnownHeaders();
  readonly #slow = new SlowSignatures();
  readonly #revoked: JudgeOptions['revoked'];
  #verifications = 0;

  constructor({ rememberedTokensMax, rememberedBytesMax, revoked }: JudgeOptions) {
    this.remembered = new RememberedTokens(rememberedTokensMax, rememberedBytesMax);
    this.#revoked = revoked;
  }

  /** Signatures looked at so far, slow ones among them. */
  get verifications(): number {
    return this.#verifications + this.#slow.started;
  }

  /** Slow verifications under way. */
  get underWay(): number {
    return this.#slow.underWay;
  }

  /**
   * @param token    As the client sent it, without the scheme. Any text.
   * @param allowed  Issuers of the route; the first whose `issuer` is the token's `iss` counts.
   * @param nowMs    Milliseconds since the epoch.
   * @returns        Who, a refusal, or how to wait before judging again.
   */
  judge(token: string, allowed: readonly TrustedIssuer[], nowMs: number): Judged {
    const found = this.remembered.find(token, allowed, nowMs);
    if (found === null) return this.#judgeAnew(token, allowed, nowMs);
    if (nowMs >= found.untilMs || nowMs < found.fromMs || !isKeyThere(found)) {
      this.remembered.forget(found);
      return this.#judgeAnew(token, allowed, nowMs);
    }
    return this.#revoked(found.known.identity, nowMs) ? REVOKED : found.known;
  }

  /** What costs least comes first: a token that says itself that it is not good here needs no look at its signature. */
  #judgeAnew(text: string, allowed: readonly TrustedIssuer[], nowMs: number): Judged {
    let bytesMax = 0;
    for (const { settings } of allowed) bytesMax = Math.max(bytesMax, settings.tokenBytesMax);
    const token = readCompact(text, bytesMax, this.#headers);
    if (token.kind === 'refused') return token;
    const header = readHeader(token.header);
    if (header.kind === 'refused') return header;
    const { iss } = token.payload;
    if (typeof iss !== 'string') return NO_ISSUER;
    const issuer = allowed.find(({ settings }) => settings.issuer === iss);
    if (issuer === undefined) return OTHER_ISSUER;
    if (text.length > issuer.settings.tokenBytesMax) return TOO_LARGE;
    if (!issuer.algorithms.has(header.alg)) return ALGORITHM;
    if (!issuer.types.has(header.type)) return TYPE;
    const claims = checkClaims(token.payload, issuer, nowMs);
    if (claims.kind === 'refused') return claims;
    const key = this.#findSigner(text, token, header.alg, header.kid, issuer, nowMs);
    if ('kind' in key) return key;
    if (this.#revoked(claims.identity, nowMs)) return REVOKED;
    if (!token.isHeaderKnown) {
      this.#headers.add(token.bytes.toString('latin1', 0, token.headerLength + 1), token.header);
    }
    const known = Object.freeze({ kind: 'known', identity: claims.identity });
    this.remembered.add({
      // The text at hand may be a piece of a larger one.
      token: token.bytes.toString('latin1', 0, token.length),
      issuer,
      key,
      kid: header.kid,
      known,
      fromMs: claims.fromMs,
      untilMs: claims.untilMs,
      keysVersion: issuer.keys.version,
      usedAtMs: nowMs,
    });
    return known;
  }

  /** The key that made the signature, or what is to be said instead. */
  #findSigner(
    text: string,
    token: CompactToken,
    alg: Algorithm,
    kid: string | undefined,
    { keys }: TrustedIssuer,
    nowMs: number,
  ): VerificationKey | NotLetIn | Waiting {
    if (keys.state !== 'ready') return keys.ask(kid, nowMs) ?? UNAVAILABLE;
    const candidates = keys.find(kid);
    let tried = 0;
    for (const key of candidates) {
      if (!key.algorithms.includes(alg)) continue;
      if (tried === KEYS_TRIED_MAX) break;
      tried += 1;
      if (key.isSlow) {
        const outcome = this.#slow.ask(key, alg, text, token);
        if (outcome === null) return BUSY;
        if (typeof outcome !== 'boolean') return outcome;
        if (outcome) return key;
      } else {
        this.#verifications += 1;
        if (verifySignature(key, alg, token.signingInput, token.signature)) return key;
      }
    }
    const newer = keys.ask(kid, nowMs);
    if (newer !== null) return newer;
    if (tried > 0) return SIGNATURE;
    return candidates.length > 0 ? KEY_ALGORITHM : UNKNOWN_KEY;
  }
}

/** Is the key that made this token's signature still one of its issuer's? */
function isKeyThere(found: Remembered): boolean {
  const { keys } = found.issuer;
  const { version } = keys;
  if (version === found.keysVersion) return true;
  if (keys.state !== 'ready' || !keys.find(found.kid).includes(found.key)) return false;
  found.keysVersion = version;
  return true;
}

const TOO_LARGE = refusal('too-large', 'the token is longer than its issuer allows');
const NO_ISSUER = refusal('claims', 'iss is not a text');
const OTHER_ISSUER = refusal('issuer', 'iss is none of the issuers of the route');
const ALGORITHM = refusal('algorithm', 'alg is not among the algorithms of the issuer');
const KEY_ALGORITHM = refusal('algorithm', 'alg does not fit the key that the token names');
const TYPE = refusal('type', 'typ is not one of the issuer');
const UNAVAILABLE = refusal('keys-unavailable', 'the keys of the issuer are not there');
const SIGNATURE = refusal('signature', 'the signature is wrong');
const UNKNOWN_KEY = refusal('unknown-key', 'the issuer has no such key');
const BUSY = refusal('busy', 'too many slow verifications are under way');
const REVOKED = refusal('revoked', 'the token was taken back');
