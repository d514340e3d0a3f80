// hot path: synchronous, never throws
import { createHash } from 'node:crypto';
import type { LoginConfig } from '../config/schema.ts';
import { type AuthReason, type Identity, type NotLetIn, refusal, type Waiting } from '../identity.ts';
import { type Refusal, refuse } from '../verdict.ts';
import { cookieIn } from './cookies.ts';
import { LoginStates } from './login-state.ts';
import { type LoggedIn, type LoginDemand, LoginRefused, type Provider } from './provider.ts';
import { Sealer } from './seal.ts';
import { type Session, Sessions } from './session.ts';
import { cookieNames, type Site, Sites } from './site.ts';

/** What a login has to say to a request, as an answer of the gateway. */
export interface LoginAnswer {
  readonly kind: 'answer';
  readonly refusal: Refusal;
  /** Null where all went well. */
  readonly reason: AuthReason | null;
  /** For the log. */
  readonly detail: string;
}

/** The same, once the provider has answered. */
export interface LoginTask extends Waiting {
  readonly answer: LoginAnswer | null;
  /** For a request that cannot wait, or no longer; null for the usual refusal. */
  readonly late: LoginAnswer | null;
}

/** A request, as far as a login looks at it. */
export interface LoginRequest {
  /** Scheme, host and port as browsers see them. */
  readonly origin: string;
  readonly cookies: string;
  readonly path: string;
  /** With `?`, or ''. */
  readonly query: string;
}

/** What a session cookie says of a request. */
export interface SessionFound {
  readonly kind: 'session';
  readonly identity: Identity;
  /** `Set-Cookie` for the answer; '' for none. */
  readonly renewal: string;
}

/** What a route asks of how people logged in. */
export interface StepUpDemand {
  readonly acr: readonly string[];
  readonly amr: readonly string[];
  readonly maxAgeSeconds: number;
}

/**
 * One login of people with browsers (OpenID Connect code flow with PKCE), on one thread: sessions in cookies, the way
 * to the provider and back, logout.
 *
 * Threads: one.
 */
export class BrowserLogin {
  readonly config: LoginConfig;
  readonly isOurs: (cookieName: string) => boolean;
  readonly #sites: Sites;
  readonly #sessions: Sessions;
  readonly #states: LoginStates;
  readonly #provider: Provider;
  readonly #revoked: (identity: Identity, nowMs: number) => boolean;

  constructor(
    name: string,
    config: LoginConfig,
    provider: Provider,
    revoked: (identity: Identity, nowMs: number) => boolean,
  ) {
    this.config = config;
    this.isOurs = cookieNames(config.cookieName);
    this.#sites = new Sites(config.origins, config.cookieName);
    // What one provider said of a person is nothing that another did, nor one of another gateway with the same keys.
    const use = JSON.stringify([name, config.issuer, config.clientId]);
    this.#sessions = new Sessions(name, config, new Sealer(config.keys, `session ${use}`));
    this.#states = new LoginStates(new Sealer(config.keys, `state ${use}`));
    this.#provider = provider;
    this.#revoked = revoked;
  }

  /** @returns  Null where there is no session cookie. */
  session(cookies: string, origin: string, nowMs: number): SessionFound | NotLetIn | null {
    if (cookies === '') return null;
    const site = this.#sites.of(origin);
    if (site === null) return null;
    const session = this.#find(cookies, site, nowMs);
    if (session === null || 'kind' in session) return session;
    const renewal = this.#sessions.renewed(session, site, nowMs);
    return { kind: 'session', identity: session.known.identity, renewal };
  }

  /** Is this the origin that a browser names for pages of the site itself? */
  isSameOrigin(origin: string, seen: string): boolean {
    return origin !== '' && this.#sites.of(seen)?.origin === origin;
  }

  /**
   * Sends a person to the provider.
   *
   * @param demand  Of the route; null for none.
   * @param isSecondTry  There is a session, which does not meet the demand.
   * @returns  Null where a login to meet the demand just came back without it: another would, too.
   */
  begin(
    request: LoginRequest,
    demand: StepUpDemand | null,
    isSecondTry: boolean,
    nowMs: number,
  ): LoginAnswer | LoginTask | null {
    const site = this.#sites.of(request.origin);
    if (site === null) return NO_SITE;
    const mark = demand === null ? '' : markOf(demand);
    if (isSecondTry) {
      const session = this.#find(request.cookies, site, nowMs);
      const maxAgeSeconds = demand?.maxAgeSeconds ?? 0;
      if (session !== null && !('kind' in session) && this.#sessions.hasTried(session, mark, maxAgeSeconds, nowMs)) {
        return null;
      }
    }
    // No parameter asks for methods: another login may bring them, the one that the provider remembers does not.
    const again = isSecondTry && demand !== null && demand.amr.length > 0;
    const isWhole = demand !== null && (isSecondTry || demand.amr.length === 0);
    const go = (now: number): LoginAnswer => {
      const { state, cookies } = this.#states.begin(
        request.path + request.query,
        isWhole ? mark : '',
        request.cookies,
        site,
        now,
      );
      const challenge = createHash('sha256').update(state.verifier).digest('base64url');
      const wanted: LoginDemand | null =
        demand === null ? null : { acr: demand.acr, maxAgeSeconds: demand.maxAgeSeconds, again };
      const redirectUri = site.origin + this.config.callbackPath;
      const location = this.#provider.authorizationUrl(state, redirectUri, challenge, wanted);
      return answerOf('SP_LOGIN_REQUIRED', location, cookies);
    };
    if (this.#provider.isKnown(nowMs)) return go(nowMs);
    return task(this.#provider.prepare(nowMs).then(() => go(Date.now())));
  }

  /** A person comes back from the provider. */
  callback(request: LoginRequest, nowMs: number): LoginAnswer | LoginTask {
    const site = this.#sites.of(request.origin);
    if (site === null) return NO_SITE;
    const parameters = new URLSearchParams(request.query);
    const [given, ...more] = parameters.getAll('state');
    const state =
      given === undefined || more.length > 0 ? null : this.#states.find(given, request.cookies, site, nowMs);
    if (state === null) return NO_STATE;
    const ended = this.#states.ended(state.state, site);
    const url = new URL(site.origin + this.config.callbackPath + request.query);
    const conclude = ({ claims, scopes }: LoggedIn): LoginAnswer => {
      const now = Date.now();
      const found = this.#find(request.cookies, site, now);
      const before = found === null || 'kind' in found ? null : found;
      const cookie = this.#sessions.begin(claims, scopes, state.tried, before, site, now);
      if (cookie === null) return failed('the session is larger than a cookie may be', TOO_LARGE, ended);
      // With one that is revoked already the page would lead to the provider again, and that back here.
      const made = this.#find(cookie.slice(0, cookie.indexOf(';')), site, now);
      if (made === REVOKED) return failed(REVOKED.detail, NOT_ALLOWED, ended);
      return answerOf('SP_LOGIN_DONE', site.origin + state.back, [cookie, ended]);
    };
    const known = this.#provider.isKnown(nowMs) ? Promise.resolve() : this.#provider.prepare(nowMs);
    const work = known
      .then(() => this.#provider.exchange(url, state))
      .then(conclude)
      .catch((error: unknown) => {
        if (error instanceof LoginRefused) return failed(error.message, undefined, ended);
        return unavailable(error);
      });
    return task(work);
  }

  /** Ends the session in the browser, and at the provider where that takes part. */
  logout(request: LoginRequest, nowMs: number): LoginAnswer | LoginTask {
    const site = this.#sites.of(request.origin);
    if (site === null) return NO_SITE;
    const after = site.origin + this.config.afterLogout;
    const to = (location: string): LoginAnswer => answerOf('SP_LOGGED_OUT', location, [this.#sessions.ended(site)]);
    const go = (): LoginAnswer => to(this.#provider.endSessionUrl(after) || after);
    if (this.#provider.isKnown(nowMs)) return go();
    // Nobody stays logged in here because the provider is down or slow.
    return task(this.#provider.prepare(nowMs).then(go, go), to(after));
  }

  #find(cookies: string, site: Site, nowMs: number): Session | NotLetIn | null {
    const cookie = cookieIn(cookies, site.cookieName);
    if (cookie === null) return TWO_SESSIONS;
    if (cookie === '') return null;
    const session = this.#sessions.judge(cookie, site, nowMs);
    if ('kind' in session) return session;
    return this.#revoked(session.known.identity, nowMs) ? REVOKED : session;
  }
}

function markOf({ acr, amr, maxAgeSeconds }: StepUpDemand): string {
  const text = JSON.stringify([acr, amr, maxAgeSeconds]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

function answerOf(code: Refusal['code'], location: string, cookies: readonly string[]): LoginAnswer {
  const fields = ['location', location, ...cookies.flatMap((cookie) => ['set-cookie', cookie])];
  const reason = code === 'SP_LOGIN_REQUIRED' ? 'missing' : null;
  return { kind: 'answer', refusal: refuse(code, undefined, fields), reason, detail: 'sent to log in' };
}

const NOT_ALLOWED = 'Your access was taken back by the operator of this site.';
const TOO_LARGE =
  'The login holds more than fits into a session cookie. The operator of this site can keep less of it.';

function failed(detail: string, words: string | undefined, ended: string): LoginAnswer {
  return { kind: 'answer', refusal: refuse('SP_LOGIN_FAILED', words, ['set-cookie', ended]), reason: 'login', detail };
}

function unavailable(error: unknown): LoginAnswer {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  const detail = error instanceof Error ? error.message + cause : String(error);
  return { kind: 'answer', refusal: UNAVAILABLE, reason: 'login-unavailable', detail };
}

const UNAVAILABLE = refuse('SP_IDENTITY_UNAVAILABLE', undefined, Object.freeze(['retry-after', '5']));

const NO_SITE: LoginAnswer = Object.freeze({
  kind: 'answer',
  refusal: refuse('SP_LOGIN_FAILED', 'There is no login under this address.'),
  reason: 'login',
  detail: 'the origin is none of the login’s, or plain http',
});
const NO_STATE: LoginAnswer = Object.freeze({
  kind: 'answer',
  refusal: refuse('SP_LOGIN_FAILED'),
  reason: 'login-state',
  detail: 'this browser has begun no login with this state, or too long ago',
});

const TWO_SESSIONS = refusal('malformed', 'two session cookies in one request');
const REVOKED = refusal('revoked', 'the session is revoked');

function task(work: Promise<LoginAnswer>, late: LoginAnswer | null = null): LoginTask {
  let answer: LoginAnswer | null = null;
  const done = work.catch(unavailable).then((result) => {
    answer = result;
  });
  return {
    kind: 'wait',
    get answer() {
      return answer;
    },
    late,
    wait: (again) => void done.then(again),
  };
}
