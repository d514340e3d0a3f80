// hot path: synchronous, never throws
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Identity, type NotLetIn, refusal, type Waiting } from '../identity.ts';
import { DPOP_ID_LENGTH_MAX, DPOP_KEYS_REMEMBERED_MAX, DPOP_PROOF_BYTES_MAX } from '../limits.ts';
import { type Algorithm, isAlgorithm } from './algorithms.ts';
import type { DpopNonces } from './dpop-nonce.ts';
import { comparableUrl } from './dpop-url.ts';
import type { SlowSignatures } from './slow-signatures.ts';
import type { Members } from './strict-json.ts';
import { type CompactToken, mediaType, readCompact } from './token.ts';
import { keyOfJwk, type VerificationKey } from './verification-key.ts';
import { verifySignature } from './verify.ts';

/** A request that is judged. After a wait the same object is handed in again: what was found meanwhile is its own. */
export interface DpopAsked {
  /** Values of the `DPoP` fields, as they came. */
  readonly proofs: readonly string[];
  /** Scheme of the Authorization field. */
  readonly scheme: 'bearer' | 'dpop';
  readonly accessToken: string;
  readonly method: string;
  /** Scheme and authority that the client sees, `https://api.example.com`; used where `origins` has none. */
  readonly origin: string;
  /** Path of the target as it came, without query. */
  readonly path: string;
  readonly identity: Identity;
  /** Its issuer takes bound tokens alone. */
  readonly isRequired: boolean;
}

export interface DpopFine {
  readonly kind: 'ok';
}

export type DpopJudged = DpopFine | NotLetIn | Waiting;

/** Proofs seen on this machine: the table that all threads share. */
export interface ReplayClaims {
  claim(high: number, low: number, expiresAtMs: number, nowMs: number): 'new' | 'seen' | 'full';
  heldAlone(): void;
}

/** Proofs seen on other machines. Never throws. @param done  Called once, later. */
export type ReplayAsk = (name: string, lastsMs: number, done: (answer: 'new' | 'seen' | 'away') => void) => void;

export interface DpopOptions {
  readonly algorithms: readonly string[];
  readonly windowMs: number;
  readonly leewayMs: number;
  /** Origins that clients see; none for that of the request. */
  readonly origins: readonly string[];
  /** Null where none is asked for. */
  readonly nonces: DpopNonces | null;
  readonly replays: ReplayClaims;
  /** Null where there are no other machines. */
  readonly askOthers: ReplayAsk | null;
  /** Seeded alike in all threads. */
  readonly hash: { readonly high: number; readonly low: number; hash(text: string, salt: number): void };
  readonly salt: number;
  readonly slow: SlowSignatures;
  /** Longest verification that may run on an ingress loop, microseconds. */
  readonly offloadMicros: number;
}

const FINE: DpopFine = Object.freeze({ kind: 'ok' });
const invalid = (detail: string): NotLetIn => refusal('dpop-invalid', detail);

const DOWNGRADE = refusal('dpop-binding', 'a token bound to a key came as Bearer');
const UNBOUND = refusal('dpop-binding', 'a token that is bound to no key came as DPoP');
const REQUIRED = refusal('dpop-binding', 'the issuer takes tokens that are bound to a key, and this one is not');
const MISSING = refusal('dpop-missing', 'there is no proof');
const MANY = invalid('there is more than one proof');
const UNREADABLE = invalid('the proof is too long, or no compact JWS with JSON objects');
const TYPE = invalid('typ is not dpop+jwt');
const ALGORITHM = invalid('alg is none that is accepted for proofs');
const EXTENSION = invalid('the header has crit or b64');
const OTHER_KEYS = invalid('the header says where a key is, or has a certificate');
const NO_KEY = invalid('jwk is not a public RSA, EC or OKP key');
const PRIVATE = invalid('jwk has a private member');
const KEY_USE = invalid('jwk is for another use or algorithm');
const WEAK_KEY = invalid('jwk is no key that the algorithm can be verified with: weak, broken, or of another kind');
const OTHER_KEY = refusal('dpop-binding', 'the proof is by another key than the one that the token is bound to');
const METHOD = invalid('htm is not the method of the request');
const TARGET = invalid('htu is not the URL of the request');
const NO_TIME = invalid('iat is no time');
const OLD = invalid('iat is too long ago');
const EARLY = invalid('iat is in the future');
const TOKEN = invalid('ath is not the hash of the token');
const NO_ID = invalid('jti is missing, empty or too long');
const NO_NONCE = refusal('dpop-nonce', 'nonce is missing, or not one of ours that is still good');
const SIGNATURE = invalid('the signature is not by the key in jwk');
const REPLAYED = refusal('dpop-replayed', 'the proof came before');
const FULL = refusal('busy', 'no more proofs can be remembered');
const BUSY = refusal('busy', 'too many slow verifications are under way');

/** RFC 7638 3.2: members that make up a key, in the order of their names. */
const KEY_MEMBERS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['RSA', ['e', 'kty', 'n']],
  ['EC', ['crv', 'kty', 'x', 'y']],
  ['OKP', ['crv', 'kty', 'x']],
]);
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

interface Ahead {
  answer: 'new' | 'seen' | 'away' | null;
  readonly waiting: Waiting;
}

/**
 * Judges proofs of possession (RFC 9449 4.3, 7.1): whoever sends a token that is bound to a key has to sign each
 * request with it.
 *
 * What is cheap comes first; a stranger's key is never made, since its thumbprint is not the token's.
 *
 * Threads: an instance each, over the table of replays that they share.
 */
export class DpopJudge {
  readonly #o: DpopOptions;
  readonly #algorithms: ReadonlySet<string>;
  /** By thumbprint: clients come again. The one that was made first goes first. */
  readonly #keys = new Map<string, VerificationKey>();
  /** Claims that held here while other machines are asked. */
  readonly #ahead = new WeakMap<DpopAsked, Ahead>();

  constructor(options: DpopOptions) {
    this.#o = options;
    this.#algorithms = new Set(options.algorithms);
  }

  /** For `DPoP-Nonce`; '' where none is asked for. */
  nonce(nowMs: number): string {
    return this.#o.nonces?.current(nowMs) ?? '';
  }

  /**
   * @param asked  The identity is that of a token that was found good.
   * @param nowMs  Wall clock.
   * @returns      Refusals with `dpop-missing`, `dpop-invalid`, `dpop-binding`, `dpop-nonce` (the answer bears
   *               `nonce`), `dpop-replayed`, `busy`.
   */
  check(asked: DpopAsked, nowMs: number): DpopJudged {
    const { keyThumbprint } = asked.identity;
    if (keyThumbprint === '') {
      if (asked.scheme === 'dpop') return UNBOUND;
      return asked.isRequired ? REQUIRED : FINE;
    }
    if (asked.scheme !== 'dpop') return DOWNGRADE;
    const ahead = this.#ahead.get(asked);
    if (ahead !== undefined) return this.#told(asked, ahead);
    const [text] = asked.proofs;
    if (text === undefined) return MISSING;
    if (asked.proofs.length > 1) return MANY;
    const proof = readCompact(text, DPOP_PROOF_BYTES_MAX);
    if (proof.kind === 'refused') return UNREADABLE;
    const wrong = this.#wrongHeader(proof.header) ?? this.#wrongClaims(proof.payload, asked, nowMs);
    if (wrong !== null) return wrong;
    return this.#verify(text, proof, asked, nowMs);
  }

  #wrongHeader(header: Members): NotLetIn | null {
    const { typ, alg, jwk } = header;
    if (typeof typ !== 'string' || mediaType(typ) !== 'dpop+jwt') return TYPE;
    if (!isAlgorithm(alg) || !this.#algorithms.has(alg) || alg.startsWith('HS')) return ALGORITHM;
    if (header.crit !== undefined || header.b64 !== undefined) return EXTENSION;
    if (header.jku !== undefined || header.x5u !== undefined || header.x5c !== undefined) return OTHER_KEYS;
    return typeof jwk === 'object' && jwk !== null && !Array.isArray(jwk) ? null : NO_KEY;
  }

  #wrongClaims(claims: Members, asked: DpopAsked, nowMs: number): NotLetIn | null {
    const { windowMs, leewayMs, nonces } = this.#o;
    const { htm, htu, iat, jti, ath } = claims;
    if (htm !== asked.method) return METHOD;
    if (typeof htu !== 'string' || !this.#isTarget(htu, asked)) return TARGET;
    if (typeof iat !== 'number' || !Number.isFinite(iat)) return NO_TIME;
    if (iat * 1_000 > nowMs + leewayMs) return EARLY;
    if (iat * 1_000 + windowMs < nowMs) return OLD;
    if (ath !== createHash('sha256').update(asked.accessToken).digest('base64url')) return TOKEN;
    if (typeof jti !== 'string' || jti === '' || jti.length > DPOP_ID_LENGTH_MAX) return NO_ID;
    return nonces === null || nonces.isGood(claims.nonce, nowMs) ? null : NO_NONCE;
  }

  #isTarget(htu: string, { origin, path }: DpopAsked): boolean {
    const said = comparableUrl(htu);
    if (said === '') return false;
    const { origins } = this.#o;
    if (origins.length === 0) return said === comparableUrl(`${origin}${path}`);
    return origins.some((one) => said === comparableUrl(`${one.replace(/\/$/, '')}${path}`));
  }

  #verify(text: string, proof: CompactToken, asked: DpopAsked, nowMs: number): DpopJudged {
    const alg = proof.header.alg as Algorithm;
    const jwk = proof.header.jwk as Members;
    const names = KEY_MEMBERS.get(jwk.kty);
    if (names === undefined) return NO_KEY;
    for (const name of PRIVATE_MEMBERS) if (jwk[name] !== undefined) return PRIVATE;
    if ((jwk.alg !== undefined && jwk.alg !== alg) || (jwk.use !== undefined && jwk.use !== 'sig')) return KEY_USE;
    const thumbprint = thumbprintOf(jwk, names);
    if (!isSame(thumbprint, asked.identity.keyThumbprint)) return OTHER_KEY;
    const key = this.#keyOf(thumbprint, jwk, names);
    if (key === null || !key.algorithms.includes(alg)) return WEAK_KEY;
    const isRight = key.isSlow
      ? this.#o.slow.ask(key, alg, text, proof)
      : verifySignature(key, alg, proof.signingInput, proof.signature);
    if (isRight === null) return BUSY;
    if (isRight === false) return SIGNATURE;
    return isRight === true ? this.#claim(thumbprint, proof.payload, asked, nowMs) : isRight;
  }

  #keyOf(thumbprint: string, jwk: Members, names: readonly string[]): VerificationKey | null {
    const known = this.#keys.get(thumbprint);
    if (known !== undefined) return known;
    // Of the members that the thumbprint is of, and of no others: it may come with others next time.
    const made = keyOfJwk(Object.fromEntries(names.map((name) => [name, jwk[name]])), {
      offloadMicros: this.#o.offloadMicros,
    });
    if (made.kind !== 'key' || made.key.family === 'oct') return null;
    if (this.#keys.size >= DPOP_KEYS_REMEMBERED_MAX) {
      for (const oldest of this.#keys.keys()) {
        this.#keys.delete(oldest);
        break;
      }
    }
    this.#keys.set(thumbprint, made.key);
    return made.key;
  }

  #claim(thumbprint: string, { jti, iat }: Members, asked: DpopAsked, nowMs: number): DpopJudged {
    const { hash, salt, replays, windowMs, askOthers } = this.#o;
    const name = `${thumbprint} ${jti as string}`;
    // As long as it would be accepted.
    const expiresAtMs = (iat as number) * 1_000 + windowMs + 1_000;
    hash.hash(name, salt);
    const claimed = replays.claim(hash.high, hash.low, expiresAtMs, nowMs);
    if (claimed === 'seen') return REPLAYED;
    if (claimed === 'full') return FULL;
    if (askOthers === null) return FINE;
    const waiters: (() => void)[] = [];
    const ahead: Ahead = {
      answer: null,
      waiting: {
        kind: 'wait',
        wait: (again) => {
          if (ahead.answer === null) waiters.push(again);
          else setImmediate(again);
        },
      },
    };
    this.#ahead.set(asked, ahead);
    const digest = createHash('sha256').update(name).digest('base64url');
    askOthers(digest, Math.ceil(expiresAtMs - nowMs), (answer) => {
      ahead.answer = answer;
      for (const again of waiters) again();
    });
    return ahead.waiting;
  }

  #told(asked: DpopAsked, { answer, waiting }: Ahead): DpopJudged {
    if (answer === null) return waiting;
    this.#ahead.delete(asked);
    if (answer === 'seen') return REPLAYED;
    if (answer === 'away') this.#o.replays.heldAlone();
    return FINE;
  }
}

/** RFC 7638 3: what a key is, as base64url of a SHA-256. */
function thumbprintOf(jwk: Members, names: readonly string[]): string {
  const members = names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(jwk[name]) ?? 'null'}`);
  return createHash('sha256')
    .update(`{${members.join(',')}}`)
    .digest('base64url');
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
