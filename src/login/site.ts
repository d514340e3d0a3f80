// hot path: synchronous, never throws
import { isLoopback } from '../config/address.ts';
import { HOSTS_REMEMBERED_MAX } from '../limits.ts';

const HOST_PREFIX = '__Host-';

/** Where a browser sees a login. */
export interface Site {
  /** `https://www.example.com`, as browsers write it. */
  readonly origin: string;
  readonly isSecure: boolean;
  readonly cookieName: string;
}

/**
 * Which site a request is for. Cookies with `__Host-` are for https alone; plain http is for tests on this machine.
 *
 * Threads: one, for its memory.
 */
export class Sites {
  readonly #configured: ReadonlyMap<string, string> | null;
  readonly #cookieName: string;
  #seen = new Map<string, Site | null>();

  /** @param origins  None: every origin that a request may have, plain http on loopback alone. */
  constructor(origins: readonly string[], cookieName: string) {
    this.#configured = origins.length === 0 ? null : new Map(origins.map((origin) => [new URL(origin).host, origin]));
    this.#cookieName = cookieName;
  }

  /** @param seen  Origin of the request as trusted proxies tell it. @returns  Null where there is no login. */
  of(seen: string): Site | null {
    const known = this.#seen.get(seen);
    if (known !== undefined) return known;
    const site = this.#judge(seen);
    // A stranger who makes up hosts may fill the memory, but not grow it.
    if (this.#seen.size >= HOSTS_REMEMBERED_MAX) this.#seen = new Map();
    this.#seen.set(seen, site);
    return site;
  }

  #judge(seen: string): Site | null {
    if (!URL.canParse(seen)) return null;
    const url = new URL(seen);
    // A proxy that ends TLS need not tell of it where the operator has.
    const origin = this.#configured === null ? url.origin : this.#configured.get(url.host);
    if (origin === undefined) return null;
    const isSecure = origin.startsWith('https:');
    if (!isSecure && !isLoopback(new URL(origin).hostname.replace(/^\[|\]$/g, ''))) return null;
    const bare = this.#cookieName.startsWith(HOST_PREFIX)
      ? this.#cookieName.slice(HOST_PREFIX.length)
      : this.#cookieName;
    return Object.freeze({ origin, isSecure, cookieName: isSecure ? this.#cookieName : bare });
  }
}

/** Is this one of the names that cookies of a login have, with or without `__Host-`? */
export function cookieNames(cookieName: string): (name: string) => boolean {
  const bare = cookieName.startsWith(HOST_PREFIX) ? cookieName.slice(HOST_PREFIX.length) : cookieName;
  return (name) => {
    const rest = name.startsWith(HOST_PREFIX) ? name.slice(HOST_PREFIX.length) : name;
    return rest === bare || rest.startsWith(`${bare}.login.`);
  };
}
