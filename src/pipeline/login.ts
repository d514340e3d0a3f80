// hot path: synchronous, never throws
import type { NotLetIn } from '../identity.ts';
import type { BrowserLogin, LoginAnswer, LoginTask, SessionFound, StepUpDemand } from '../login/browser-login.ts';
import { compileOrigin } from '../message/forwarding.ts';
import type { Route, Transaction } from '../transaction.ts';
import { refuse, type Verdict } from '../verdict.ts';
import type { PhaseContext } from './context.ts';
import { noteRefused } from './refused-caller.ts';

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const UNAVAILABLE = refuse('SP_IDENTITY_UNAVAILABLE', undefined, Object.freeze(['retry-after', '1']));
const CROSS_SITE = refuse('SP_CROSS_SITE');

/** The login of a route, as phases use it. */
export class LoginGate {
  readonly #context: PhaseContext;
  readonly #login: BrowserLogin;
  readonly #demand: StepUpDemand | null;
  readonly #originOf: (tx: Transaction) => string;
  readonly #acceptAt: number;
  readonly #originAt: number;
  readonly #modeAt: number;
  readonly #siteAt: number;

  /** @returns  Null where the route has no login. */
  static of(context: PhaseContext, route: Route): LoginGate | null {
    const { login } = route.config.policies.auth;
    return login === '' ? null : new LoginGate(context, route, context.auth.login(login));
  }

  private constructor(context: PhaseContext, route: Route, login: BrowserLogin) {
    const { stepUp } = route.config.policies.auth;
    const { captured } = context;
    this.#context = context;
    this.#login = login;
    this.#demand = stepUp.acr.length > 0 || stepUp.amr.length > 0 || stepUp.maxAgeSeconds > 0 ? stepUp : null;
    this.#originOf = compileOrigin(context.clientAddresses);
    this.#acceptAt = captured.indexOf('accept');
    this.#originAt = captured.indexOf('origin');
    this.#modeAt = captured.indexOf('sec-fetch-mode');
    this.#siteAt = captured.indexOf('sec-fetch-site');
  }

  /** Paths that the gateway answers itself. */
  owns(path: string): boolean {
    const { callbackPath, logoutPath } = this.#login.config;
    return path === callbackPath || path === logoutPath;
  }

  /** Answers such a path. */
  serve(tx: Transaction, nowMs: number): Verdict {
    if (tx.path === this.#login.config.callbackPath) {
      if (tx.method !== 'GET') return refuse('SP_ROUTE_METHOD', undefined, ['allow', 'GET']);
      return this.#settle(tx, this.#login.callback(this.#requestOf(tx), nowMs));
    }
    if (tx.method !== 'GET' && tx.method !== 'POST')
      return refuse('SP_ROUTE_METHOD', undefined, ['allow', 'GET, POST']);
    // A link of the site itself, of a sibling, or typed by the person; nobody else logs people out.
    if (!this.#isOwnSite(tx) && tx.captured?.[this.#siteAt] !== 'same-site') {
      noteRefused(tx, this.#context.metrics, 'cross-site', 'a logout from another site');
      return CROSS_SITE;
    }
    return this.#settle(tx, this.#login.logout(this.#requestOf(tx), nowMs));
  }

  session(tx: Transaction, nowMs: number): SessionFound | NotLetIn | null {
    return this.#login.session(tx.cookie, this.#originOf(tx), nowMs);
  }

  /**
   * Browsers send the cookie with what other sites make them send, as far as SameSite=Lax lets them. What changes
   * anything, and WebSockets, must come from the site itself.
   *
   * @returns  Null for a request that may go on.
   */
  crossSite(tx: Transaction): Verdict | null {
    if ((READING.has(tx.method) && tx.webSocket === null) || this.#isOwnSite(tx)) return null;
    noteRefused(
      tx,
      this.#context.metrics,
      'cross-site',
      'a session with a request of another site, or of none that is named',
    );
    return CROSS_SITE;
  }

  /**
   * Sends a person to log in, if that is what asks.
   *
   * @param isSecondTry  There is a session, which does not do.
   * @returns  Null where it is no navigation, or would lead round in circles: then 401 is the answer.
   */
  begin(tx: Transaction, isSecondTry: boolean, nowMs: number): Verdict | null {
    if (!this.#isNavigation(tx)) return null;
    const begun = this.#login.begin(this.#requestOf(tx), this.#demand, isSecondTry, nowMs);
    return begun === null ? null : this.#settle(tx, begun);
  }

  #settle(tx: Transaction, step: LoginAnswer | LoginTask): Verdict {
    if (step.kind === 'answer') return this.#tell(tx, step);
    const { waits } = this.#context.auth;
    const { waitingMax, waitMs } = this.#context.config.authentication;
    if (waits.count >= waitingMax) return this.#tell(tx, step.late);
    return waits.hold<LoginAnswer>(
      tx,
      step,
      waitMs,
      () => step.answer ?? step,
      (answer) => this.#tell(tx, answer ?? step.late),
    );
  }

  #tell(tx: Transaction, answer: LoginAnswer | null): Verdict {
    if (answer === null) {
      noteRefused(tx, this.#context.metrics, 'busy', 'no answer of the provider in time, or too many wait for one');
      return UNAVAILABLE;
    }
    if (answer.reason !== null) noteRefused(tx, this.#context.metrics, answer.reason, answer.detail);
    return answer.refusal;
  }

  #requestOf(tx: Transaction) {
    return { origin: this.#originOf(tx), cookies: tx.cookie, path: tx.path, query: tx.query };
  }

  #isOwnSite(tx: Transaction): boolean {
    const site = tx.captured?.[this.#siteAt];
    if (site === 'same-origin' || site === 'none') return true;
    return this.#login.isSameOrigin(tx.captured?.[this.#originAt] ?? '', this.#originOf(tx));
  }

  /** Scripts are told, not sent: they would follow to a page that they cannot read. */
  #isNavigation(tx: Transaction): boolean {
    if ((tx.method !== 'GET' && tx.method !== 'HEAD') || tx.webSocket !== null) return false;
    const mode = tx.captured?.[this.#modeAt];
    if (mode !== undefined && mode !== '') return mode === 'navigate';
    return (tx.captured?.[this.#acceptAt] ?? '').toLowerCase().includes('text/html');
  }
}
