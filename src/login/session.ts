// hot path: synchronous, never throws
import { randomBytes } from 'node:crypto';
import type { LoginConfig } from '../config/schema.ts';
import { claimAt, type Identity, type Judged, type NotLetIn, refusal } from '../identity.ts';
import { LOGIN_COOKIE_BYTES_MAX, REMEMBERED_SESSIONS_MAX, STEP_UP_AGAIN_SECONDS } from '../limits.ts';
import { setCookie } from './cookies.ts';
import type { Sealer } from './seal.ts';
import type { Site } from './site.ts';

/** What a session cookie holds. Times in seconds since the epoch. */
interface SessionText {
  readonly v: 1;
  /** Random, so that one session can be revoked. */
  readonly id: string;
  readonly sub: string;
  readonly scopes: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
  readonly from: number;
  readonly until: number;
  /** When the cookie was made or renewed. */
  readonly seen: number;
  /** Demands of step-up that a login was to meet, and when: so that nobody is sent round in circles. */
  readonly tried: readonly (readonly [demand: string, at: number])[];
}

/** A session as a thread remembers it. */
export interface Session {
  readonly text: SessionText;
  readonly cookieName: string;
  readonly known: Judged & { readonly kind: 'known' };
}

/** Claims that every session keeps of an ID token. */
const KEPT = ['iss', 'sub', 'acr', 'amr', 'auth_time', 'sid'];
const TRIED_MAX = 4;

/** Sessions of one login, in cookies: every thread and every machine with the same keys reads them. Threads: one. */
export class Sessions {
  readonly #name: string;
  readonly #config: LoginConfig;
  readonly #sealer: Sealer;
  readonly #read = new Map<string, Session>();

  constructor(name: string, config: LoginConfig, sealer: Sealer) {
    this.#name = name;
    this.#config = config;
    this.#sealer = sealer;
  }

  /** @returns  A session that has not ended, or why there is none. */
  judge(cookie: string, site: Site, nowMs: number): Session | NotLetIn {
    const found = this.#read.get(cookie);
    // The name is part of what was sealed.
    const remembered = found?.cookieName === site.cookieName ? found : undefined;
    const session = remembered ?? this.#open(cookie, site.cookieName);
    if (session === null) return UNREADABLE;
    const { until, seen, from } = session.text;
    if (nowMs >= until * 1_000 || nowMs >= (seen + this.#config.idleSeconds) * 1_000) return ENDED;
    // After a change of the configuration: what is shorter now holds for sessions of before.
    if (nowMs >= (from + this.#config.lifetimeSeconds) * 1_000) return ENDED;
    if (remembered === undefined) {
      if (this.#read.size >= REMEMBERED_SESSIONS_MAX) this.#read.delete(this.#read.keys().next().value as string);
      this.#read.set(cookie, session);
    }
    return session;
  }

  /** The cookie anew, once half of the idle time has passed; '' before. */
  renewed({ text }: Session, site: Site, nowMs: number): string {
    if (nowMs < (text.seen + this.#config.idleSeconds / 2) * 1_000) return '';
    return this.#cookie({ ...text, seen: Math.floor(nowMs / 1_000) }, site, nowMs) ?? '';
  }

  /**
   * Did a login that was to meet this demand just come back?
   *
   * @param maxAgeSeconds  That it asks for; 0 for none. A login that was that young when it came back has grown old
   *                       since, which another one mends.
   */
  hasTried({ text }: Session, demand: string, maxAgeSeconds: number, nowMs: number): boolean {
    const { auth_time: since } = text.claims;
    return text.tried.some(([other, at]) => {
      const wasYoung = maxAgeSeconds > 0 && typeof since === 'number' && at - since <= maxAgeSeconds;
      const seconds = wasYoung ? Math.min(maxAgeSeconds, STEP_UP_AGAIN_SECONDS) : STEP_UP_AGAIN_SECONDS;
      return other === demand && nowMs < (at + seconds) * 1_000;
    });
  }

  /**
   * A new session.
   *
   * @param claims  Of the ID token, which was validated.
   * @param tried   The demand that this login was to meet; '' for none.
   * @param before  Session of the same browser.
   * @returns       `Set-Cookie`; null where it would be longer than browsers take.
   */
  begin(
    claims: Readonly<Record<string, unknown>>,
    scopes: readonly string[],
    tried: string,
    before: Session | null,
    site: Site,
    nowMs: number,
  ): string | null {
    const now = Math.floor(nowMs / 1_000);
    const kept = Object.fromEntries(
      [...KEPT, ...this.#config.claims].flatMap((name) => {
        const value = Object.hasOwn(claims, name) ? claims[name] : claimAt(claims, name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
    const old = before?.text.tried.filter(([demand, at]) => demand !== tried && at + STEP_UP_AGAIN_SECONDS > now) ?? [];
    const text: SessionText = {
      v: 1,
      id: randomBytes(16).toString('base64url'),
      sub: String(claims.sub),
      scopes,
      claims: kept,
      from: now,
      until: now + this.#config.lifetimeSeconds,
      seen: now,
      tried: (tried === '' ? old : [...old, [tried, now] as const]).slice(-TRIED_MAX),
    };
    return this.#cookie(text, site, nowMs);
  }

  ended(site: Site): string {
    return setCookie(site.cookieName, '', 0, site.isSecure);
  }

  #cookie(text: SessionText, site: Site, nowMs: number): string | null {
    const sealed = this.#sealer.seal(JSON.stringify(text), site.cookieName);
    if (site.cookieName.length + 1 + sealed.length > LOGIN_COOKIE_BYTES_MAX) return null;
    const left = Math.min(this.#config.idleSeconds, text.until - Math.floor(nowMs / 1_000));
    return setCookie(site.cookieName, sealed, Math.max(1, left), site.isSecure);
  }

  #open(cookie: string, cookieName: string): Session | null {
    if (cookie.length > LOGIN_COOKIE_BYTES_MAX) return null;
    const opened = this.#sealer.open(cookie, cookieName);
    if (opened === null) return null;
    // Ours, since nobody else has the key: only another release may have written another form.
    const text = JSON.parse(opened) as SessionText;
    if (text.v !== 1) return null;
    const identity: Identity = Object.freeze({
      kind: 'session' as const,
      issuer: this.#name,
      subject: text.sub,
      client: this.#config.clientId,
      tokenId: text.id,
      scopes: Object.freeze([...text.scopes]),
      claims: Object.freeze({ ...text.claims, exp: text.until }),
      issuedAtMs: text.from * 1_000,
      expiresAtMs: text.until * 1_000,
      keyThumbprint: '',
      rateLimit: '',
    });
    return { text, cookieName, known: Object.freeze({ kind: 'known' as const, identity }) };
  }
}

const UNREADABLE = refusal('signature', 'the session cookie was not made with our keys, or for something else');
const ENDED = refusal('expired', 'the session has ended');
