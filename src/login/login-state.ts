import { randomBytes, randomInt } from 'node:crypto';
import {
  LOGIN_COOKIE_BYTES_MAX,
  LOGIN_UNDER_WAY_SECONDS,
  LOGINS_UNDER_WAY_MAX,
  RETURN_PATH_LENGTH_MAX,
} from '../limits.ts';
import { pairsOf, setCookie } from './cookies.ts';
import type { Sealer } from './seal.ts';
import type { Site } from './site.ts';

/** A login under way, as its cookie holds it. */
export interface LoginState {
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636). */
  readonly verifier: string;
  /** Path and query that the person wanted. */
  readonly back: string;
  readonly origin: string;
  /** What the login is to meet; '' for nothing. See `Sessions.hasTried`. */
  readonly tried: string;
  /** Seconds since the epoch. */
  readonly until: number;
}

const STATE = /^[A-Za-z0-9_-]{43}$/;
/**
 * First characters of states, which name their cookies. Tabs that a browser opens at once know nothing of each other's
 * cookies: with names at random their number had no bound, and heads that are too long are refused before we see them.
 */
const SLOTS = 'abcdefghijklmnop';

/** Logins under way, each in a cookie of its own: several tabs at once do not disturb each other. Stateless. */
export class LoginStates {
  readonly #sealer: Sealer;

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  /** @returns  A new one and its `Set-Cookie` fields, among them those that make room. */
  begin(
    back: string,
    tried: string,
    cookies: string,
    site: Site,
    nowMs: number,
  ): { readonly state: LoginState; readonly cookies: readonly string[] } {
    const text = () => randomBytes(32).toString('base64url');
    const until = Math.floor(nowMs / 1_000) + LOGIN_UNDER_WAY_SECONDS;
    const state = {
      state: this.#slot(cookies, site) + text().slice(1),
      nonce: text(),
      verifier: text(),
      back: safePath(back),
      origin: site.origin,
      tried,
      until,
    };
    const name = nameOf(state.state, site);
    const made = setCookie(
      name,
      this.#sealer.seal(JSON.stringify(state), name),
      LOGIN_UNDER_WAY_SECONDS,
      site.isSecure,
    );
    return { state, cookies: [made, ...this.#superfluous(cookies, name, site, nowMs)] };
  }

  /** @returns  The login that a callback belongs to; null where this browser has begun none with this state. */
  find(state: string, cookies: string, site: Site, nowMs: number): LoginState | null {
    if (!STATE.test(state)) return null;
    const name = nameOf(state, site);
    for (const [other, value] of pairsOf(cookies)) {
      const found = other === name ? this.#open(name, value) : null;
      if (found === null || found.state !== state || found.origin !== site.origin) continue;
      if (nowMs < found.until * 1_000) return found;
    }
    return null;
  }

  /** Takes the cookie of a login away: it is over. */
  ended(state: string, site: Site): string {
    return setCookie(nameOf(state, site), '', 0, site.isSecure);
  }

  /** One that is free, or else any. */
  #slot(cookies: string, site: Site): string {
    const taken = new Set(pairsOf(cookies).map(([name]) => name));
    const free = [...SLOTS].filter((slot) => !taken.has(nameOf(slot, site)));
    const slots = free.length === 0 ? SLOTS : free;
    return slots[randomInt(slots.length)] as string;
  }

  /** Those that are of no use, and the oldest ones above the bound. */
  #superfluous(cookies: string, made: string, site: Site, nowMs: number): string[] {
    const prefix = nameOf('', site);
    const found = pairsOf(cookies)
      .filter(([name]) => name.startsWith(prefix) && name !== made)
      // A browser has no more of ours; a stranger's are not worth the work.
      .slice(0, SLOTS.length)
      .map(([name, value]) => ({ name, until: this.#open(name, value)?.until ?? 0 }))
      .sort((a, b) => b.until - a.until);
    return found
      .filter(({ until }, at) => at >= LOGINS_UNDER_WAY_MAX - 1 || until * 1_000 <= nowMs)
      .map(({ name }) => setCookie(name, '', 0, site.isSecure));
  }

  #open(name: string, value: string): LoginState | null {
    if (value.length > LOGIN_COOKIE_BYTES_MAX) return null;
    const text = this.#sealer.open(value, name);
    return text === null ? null : (JSON.parse(text) as LoginState);
  }
}

function nameOf(state: string, { cookieName }: Site): string {
  return `${cookieName}.login.${state.slice(0, 1)}`;
}

/** A path of the same origin, whatever a browser makes of it; `/` for anything else. */
export function safePath(path: string): string {
  const isSafe = path.length <= RETURN_PATH_LENGTH_MAX && /^\/(?![/\\])[!-[\]-~]*$/.test(path);
  return isSafe ? path : '/';
}
