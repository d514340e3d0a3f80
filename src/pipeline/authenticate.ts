// hot path: synchronous, never throws
import type { DpopAsked } from '../auth/dpop.ts';
import type { TrustedIssuer } from '../auth/issuer-settings.ts';
import type { RouteAuthConfig } from '../config/schema.ts';
import { type AuthReason, type Judged, refusal, type Waiting } from '../identity.ts';
import { withoutCookies } from '../login/cookies.ts';
import { protectFields } from '../message/fields.ts';
import { compileOrigin } from '../message/forwarding.ts';
import type { Route, Transaction } from '../transaction.ts';
import { PASS, type Verdict } from '../verdict.ts';
import { type Challenges, compileChallenges } from './challenge.ts';
import type { PhaseContext, ThreadAuth } from './context.ts';
import { BEARER, NO_TOKEN, queryValue, type TokenScheme, tokenIn, tokenScheme } from './credential.ts';
import { LoginGate } from './login.ts';
import { noteRefused } from './refused-caller.ts';

/**
 * Phase authenticate: who calls, where a route asks. A token, or an API key; two of them are one too many, since the
 * one that was looked at need not be the one that somebody behind us goes by.
 *
 * @returns  A phase that refuses with 401 or 503 and is pending while somebody is asked; null where no route asks.
 */
export function compileAuthenticate(context: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  const asking = new Map<Route, RouteDoor>();
  for (const route of context.routes) {
    const { auth } = route.config.policies;
    if (asksWho(auth)) {
      asking.set(route, new RouteDoor(context, route));
    }
  }
  const hide = compileHide(context);
  if (asking.size === 0 && hide === null) return null;
  protectFields([context.config.apiKeys.header.toLowerCase()]);
  return (tx, nowMs) => {
    hide?.(tx);
    const door = tx.route === null ? undefined : asking.get(tx.route);
    return door === undefined ? PASS : door.look(tx, nowMs);
  };
}

/** Does a route ask who calls? */
export function asksWho({ issuers, introspection, apiKeys, login }: RouteAuthConfig): boolean {
  return issuers.length > 0 || introspection !== '' || apiKeys || login !== '';
}

/** Takes cookies of logins off what goes upstream, on every route: whoever has one is that person. */
function compileHide({ config, auth }: PhaseContext): ((tx: Transaction) => void) | null {
  const logins = Object.keys(config.logins).map((name) => auth.login(name));
  if (logins.length === 0) return null;
  const isOurs = (name: string) => logins.some((login) => login.isOurs(name));
  return (tx) => {
    if (tx.cookie !== '') tx.forwardFields = withoutCookies(tx.forwardFields, isOurs);
  };
}

/** One look at a token: after a wait it goes on where it was. */
interface Attempt {
  readonly scheme: TokenScheme;
  readonly token: string;
  /** What was asked about its proof. */
  asked: DpopAsked | null;
}

/** Who may come in on one route. */
class RouteDoor {
  readonly #auth: ThreadAuth;
  readonly #context: PhaseContext;
  readonly #route: Route;
  readonly #issuers: readonly TrustedIssuer[];
  readonly #introspector: ReturnType<ThreadAuth['introspector']>;
  readonly #challenges: Challenges;
  readonly #keyAt: number;
  readonly #originAt: number;
  readonly #proofAt: number;
  readonly #login: LoginGate | null;
  readonly #originOf: (tx: Transaction) => string;
  readonly #takesTokens: boolean;
  readonly #takesKeys: boolean;

  constructor(context: PhaseContext, route: Route) {
    const { config, auth, captured } = context;
    const asked = route.config.policies.auth;
    this.#auth = auth;
    this.#context = context;
    this.#route = route;
    this.#issuers = asked.issuers.map((name) => auth.issuer(name));
    this.#introspector = asked.introspection === '' ? null : auth.introspector(asked.introspection);
    this.#challenges = compileChallenges(config, asked);
    this.#keyAt = captured.indexOf(config.apiKeys.header.toLowerCase());
    this.#originAt = captured.indexOf('origin');
    this.#proofAt = captured.indexOf('dpop');
    this.#login = LoginGate.of(context, route);
    this.#originOf = compileOrigin(context.clientAddresses);
    this.#takesKeys = asked.apiKeys;
    this.#takesTokens = asked.issuers.length > 0 || asked.introspection !== '';
  }

  look(tx: Transaction, nowMs: number): Verdict {
    if (this.#login?.owns(tx.path)) return this.#login.serve(tx, nowMs);
    const scheme = this.#takesTokens ? tokenScheme(tx.authorization) : NO_TOKEN;
    const key = this.#takesKeys ? this.#keyIn(tx) : '';
    if (key === null || (scheme !== NO_TOKEN && key !== '')) return this.#conclude(tx, TWO_CREDENTIALS);
    if (scheme === NO_TOKEN) {
      if (key !== '') return this.#conclude(tx, this.#judgeKey(tx, key, nowMs));
      return this.#login === null ? this.#nobody(tx) : this.#person(tx, this.#login, nowMs);
    }
    const attempt: Attempt = { scheme, token: tokenIn(tx.authorization, scheme), asked: null };
    const judged = this.#judgeToken(tx, attempt, nowMs);
    return judged.kind === 'wait' ? this.#hold(tx, judged, attempt) : this.#conclude(tx, judged);
  }

  #hold(tx: Transaction, waiting: Waiting, attempt: Attempt): Verdict {
    const { waits } = this.#auth;
    const { waitingMax, waitMs } = this.#context.config.authentication;
    if (waits.count >= waitingMax) return this.#conclude(tx, BUSY);
    return waits.hold(
      tx,
      waiting,
      waitMs,
      () => this.#judgeToken(tx, attempt, Date.now()),
      (last) => this.#conclude(tx, last ?? TOO_LATE),
    );
  }

  /** @returns  '' for none, null for two. */
  #keyIn(tx: Transaction): string | null {
    const { query } = this.#context.config.apiKeys;
    const inField = tx.captured?.[this.#keyAt] ?? '';
    if (query === '' || tx.query === '') return inField;
    const inQuery = queryValue(tx.query, query);
    if (inQuery === null || (inQuery !== '' && inField !== '')) return null;
    return inField === '' ? inQuery : inField;
  }

  #judgeKey(tx: Transaction, key: string, nowMs: number): Judged {
    const { apiKeys } = this.#auth;
    if (apiKeys === null) return NO_KEYS;
    const origin = tx.captured?.[this.#originAt] ?? null;
    const judged = apiKeys.judge(key, { address: tx.client, origin, route: this.#route.name, nowMs });
    return judged.kind === 'known' && this.#auth.revoked(judged.identity, nowMs) ? REVOKED : judged;
  }

  /** The token, and its proof where it must have one. */
  #judgeToken(tx: Transaction, attempt: Attempt, nowMs: number): Judged {
    const { scheme, token } = attempt;
    const judged = this.#judgeText(token, nowMs);
    if (judged.kind !== 'known') return judged;
    const { identity } = judged;
    const isRequired = this.#auth.mustProve(identity);
    if (scheme === BEARER && identity.keyThumbprint === '' && !isRequired) return judged;
    const proof = tx.captured?.[this.#proofAt] ?? '';
    attempt.asked ??= {
      proofs: proof === '' ? [] : [proof],
      scheme: scheme === BEARER ? 'bearer' : 'dpop',
      accessToken: token,
      method: tx.method,
      origin: this.#originOf(tx),
      path: tx.rawPath,
      identity,
      isRequired,
    };
    const found = this.#auth.proofs.check(attempt.asked, nowMs);
    return found.kind === 'ok' ? judged : found;
  }

  /** A token that is none of our issuers' may still be one that a server knows. */
  #judgeText(token: string, nowMs: number): Judged {
    const introspector = this.#introspector;
    if (introspector === null) return this.#auth.tokens.judge(token, this.#issuers, nowMs);
    if (this.#issuers.length === 0) return introspector.judge(token, nowMs);
    const judged = this.#auth.tokens.judge(token, this.#issuers, nowMs);
    const isOther = judged.kind === 'refused' && (judged.reason === 'malformed' || judged.reason === 'issuer');
    return isOther ? introspector.judge(token, nowMs) : judged;
  }

  /** Somebody with a browser, or nobody. */
  #person(tx: Transaction, login: LoginGate, nowMs: number): Verdict {
    const found = login.session(tx, nowMs);
    if (found?.kind === 'session') {
      const refused = login.crossSite(tx);
      if (refused !== null) return refused;
      tx.identity = found.identity;
      // A cache between us and the person that kept this answer would hand the session to the next one.
      if (found.renewal !== '') tx.cookieText = `\r\nset-cookie: ${found.renewal}\r\ncache-control: private`;
      this.#context.metrics.authKnown('session');
      return PASS;
    }
    // A session that ended is none, to a page that is for everybody.
    const isNobody = found === null || found.reason === 'expired';
    if (isNobody && this.#route.config.policies.auth.optional) return PASS;
    // Another login would not take the second cookie away, which is somebody else's: it would lead round in circles.
    const begun = found?.reason === 'malformed' ? null : login.begin(tx, false, nowMs);
    if (begun !== null) return begun;
    return found === null ? this.#nobody(tx) : this.#conclude(tx, found);
  }

  #nobody(tx: Transaction): Verdict {
    const { auth } = this.#route.config.policies;
    if (auth.optional) return PASS;
    tx.authReason = 'missing';
    this.#context.metrics.authRefused('missing');
    return this.#challenges.missing;
  }

  #conclude(tx: Transaction, judged: Judged): Verdict {
    if (judged.kind === 'known') {
      tx.identity = judged.identity;
      this.#context.metrics.authKnown(judged.identity.kind);
      return PASS;
    }
    // A request that still waits when it may not any more is one that nobody could judge.
    const { reason, detail } = judged.kind === 'wait' ? TOO_LATE : judged;
    noteRefused(tx, this.#context.metrics, reason, detail);
    if (UNAVAILABLE.has(reason)) return this.#challenges.unavailable;
    if (PROOF.has(reason)) return this.#challenges.proof(reason, this.#auth.proofs.nonce(tx.startedAtMs));
    return reason === 'key-route' ? this.#challenges.forbidden([]) : this.#challenges.invalid;
  }
}

const TWO_CREDENTIALS = refusal('malformed', 'two credentials in one request');
const NO_KEYS = refusal('keys-store-unavailable', 'there are no API keys');
const BUSY = refusal('busy', 'too many requests wait for an answer about their caller');
const TOO_LATE = refusal('busy', 'no answer about the caller came in time');
const REVOKED = refusal('revoked', 'the API key was taken back');

/** Nobody is at fault who calls. */
const UNAVAILABLE: ReadonlySet<AuthReason> = new Set([
  'keys-unavailable',
  'introspection-unavailable',
  'keys-store-unavailable',
  'busy',
] as const);
/** What a client can mend with another proof. */
const PROOF: ReadonlySet<AuthReason> = new Set([
  'dpop-missing',
  'dpop-invalid',
  'dpop-replayed',
  'dpop-nonce',
] as const);
