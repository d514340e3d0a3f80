import * as client from 'openid-client';
import type { LoginConfig } from '../config/schema.ts';
import { PROVIDER_AGAIN_MS, PROVIDER_METADATA_MS } from '../limits.ts';
import type { LoginState } from './login-state.ts';
import { askProvider, type ProviderRequest } from './provider-fetch.ts';

/** openid-client does not ask for keys again that are younger. */
const KEYS_SETTLE_SECONDS = 60;

/** What a route asks of a login. */
export interface LoginDemand {
  readonly acr: readonly string[];
  readonly maxAgeSeconds: number;
  /** The provider is to ask the person again, whatever it remembers. */
  readonly again: boolean;
}

/** Who logged in, as the provider says. */
export interface LoggedIn {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly scopes: readonly string[];
}

/** The provider said no, or something that cannot be believed; asking again brings nothing. */
export class LoginRefused extends Error {}

/**
 * An OpenID provider, asked through openid-client. Its metadata are fetched when first needed, by one request however
 * many wait, kept while newer ones cannot be had, and asked for anew after a failure only after a pause.
 *
 * Threads: one.
 */
export class Provider {
  readonly #config: LoginConfig;
  readonly #authorities: readonly string[];
  readonly #allowed: Set<string>;
  #metadata: client.Configuration | null = null;
  /** Of the ID tokens that were good. */
  #keys: client.ExportedJWKSCache | null = null;
  #fetchedAtMs = 0;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #discovery: Promise<void> | null = null;

  constructor(config: LoginConfig, authorities: readonly string[]) {
    this.#config = config;
    this.#authorities = authorities;
    this.#allowed = new Set([new URL(config.issuer).origin]);
  }

  /** Can a login begin without asking the provider first? Old metadata are renewed beside it. */
  isKnown(nowMs: number): boolean {
    if (this.#metadata === null) return false;
    if (nowMs - this.#fetchedAtMs > PROVIDER_METADATA_MS && nowMs - this.#failedAtMs > PROVIDER_AGAIN_MS) {
      this.prepare(nowMs).catch(() => {
        // Noted by `#discover`: those of before go on.
      });
    }
    return true;
  }

  /** @throws  Error when the provider cannot be asked. */
  prepare(nowMs: number): Promise<void> {
    if (this.#discovery !== null) return this.#discovery;
    if (nowMs - this.#failedAtMs < PROVIDER_AGAIN_MS) return Promise.reject(new Error('the provider did not answer'));
    this.#discovery = this.#discover().finally(() => {
      this.#discovery = null;
    });
    return this.#discovery;
  }

  /** Where a person is sent to log in. Only where `isKnown`. */
  authorizationUrl(state: LoginState, redirectUri: string, challenge: string, demand: LoginDemand | null): string {
    const { scopes } = this.#config;
    return client.buildAuthorizationUrl(this.#known(), {
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: scopes.join(' '),
      state: state.state,
      nonce: state.nonce,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...(demand === null || demand.acr.length === 0 ? {} : { acr_values: demand.acr.join(' ') }),
      ...(demand === null || demand.maxAgeSeconds === 0 ? {} : { max_age: String(demand.maxAgeSeconds) }),
      ...(demand?.again === true ? { prompt: 'login' } : {}),
    }).href;
  }

  /**
   * Code for tokens. The ID token's signature is verified with the provider's keys, though it comes from the provider
   * itself. The age of the login is not looked at here: routes ask for it with each request.
   *
   * @throws  LoginRefused, or another Error where the provider could not be asked.
   */
  async exchange(callback: URL, state: LoginState): Promise<LoggedIn> {
    let answer: Awaited<ReturnType<typeof client.authorizationCodeGrant>>;
    const { asked, givenAt } = this.#withKeys();
    try {
      answer = await client.authorizationCodeGrant(asked, callback, {
        expectedState: state.state,
        expectedNonce: state.nonce,
        pkceCodeVerifier: state.verifier,
        idTokenExpected: true,
      });
    } catch (error) {
      if (isOutage(error)) throw error;
      // Another key under the same name, or a set that is no good.
      if (!(error instanceof client.AuthorizationResponseError)) this.#keys = null;
      throw new LoginRefused(wordsOf(error), { cause: error });
    }
    const keys = client.getJwksCache(asked);
    if (keys !== undefined && keys.uat !== givenAt) this.#keys = { jwks: keys.jwks, uat: keys.uat };
    const claims = answer.claims();
    if (claims === undefined) throw new LoginRefused('there is no ID token');
    const scopes = (answer.scope ?? this.#config.scopes.join(' ')).split(' ').filter((scope) => scope !== '');
    return { claims: { ...claims }, scopes };
  }

  /** Where the provider ends its own session (OpenID Connect RP-Initiated Logout); '' for nowhere, or not known. */
  endSessionUrl(afterLogout: string): string {
    if (this.#metadata === null || this.#metadata.serverMetadata().end_session_endpoint === undefined) return '';
    return client.buildEndSessionUrl(this.#metadata, { post_logout_redirect_uri: afterLogout }).href;
  }

  #known(): client.Configuration {
    if (this.#metadata === null) throw new Error('the metadata of the provider are not known');
    return this.#metadata;
  }

  /**
   * For one exchange: openid-client asks for the keys again where one is unknown, unless they came within a minute; a
   * provider that just changed its keys would not be believed. So it is told that they are older.
   */
  #withKeys(): { readonly asked: client.Configuration; readonly givenAt: number } {
    const { clientId, issuer } = this.#config;
    const asked = new client.Configuration(this.#known().serverMetadata(), clientId, undefined, this.#proof());
    asked[client.customFetch] = this.#fetch;
    asked.timeout = this.#timeoutSeconds;
    if (issuer.startsWith('http:')) client.allowInsecureRequests(asked);
    client.enableNonRepudiationChecks(asked);
    if (this.#keys === null) return { asked, givenAt: 0 };
    const { jwks, uat } = this.#keys;
    const givenAt = Math.min(uat, Math.floor(Date.now() / 1_000) - KEYS_SETTLE_SECONDS);
    client.setJwksCache(asked, { jwks, uat: givenAt });
    return { asked, givenAt };
  }

  #proof(): client.ClientAuth {
    const { clientSecret } = this.#config;
    return clientSecret === '' ? client.None() : client.ClientSecretBasic(clientSecret);
  }

  get #timeoutSeconds(): number {
    return Math.ceil(this.#config.timeoutMs / 1_000);
  }

  readonly #fetch: client.CustomFetch = (url, { method, headers, body }) => this.#ask(url, { method, headers, body });

  async #discover(): Promise<void> {
    const { issuer, clientId } = this.#config;
    const isPlain = issuer.startsWith('http:');
    const options: client.DiscoveryRequestOptions = {
      [client.customFetch]: this.#fetch,
      timeout: this.#timeoutSeconds,
      execute: isPlain ? [client.allowInsecureRequests] : [],
    };
    try {
      const found = await client.discovery(new URL(issuer), clientId, undefined, this.#proof(), options);
      const metadata = found.serverMetadata();
      const {
        authorization_endpoint: login,
        token_endpoint: token,
        jwks_uri: keys,
        end_session_endpoint: end,
      } = metadata;
      for (const [name, url] of Object.entries({
        authorization_endpoint: login,
        token_endpoint: token,
        jwks_uri: keys,
      })) {
        if (url === undefined) throw new Error(`the metadata of the provider lack ${name}`);
      }
      for (const url of [login, token, keys, end]) {
        if (url === undefined) continue;
        const { protocol, origin } = new URL(url);
        if (protocol !== 'https:' && !(isPlain && protocol === 'http:')) throw new Error(`${url} is not https`);
        if (url === token || url === keys) this.#allowed.add(origin);
      }
      this.#metadata = found;
      this.#fetchedAtMs = Date.now();
    } catch (error) {
      this.#failedAtMs = Date.now();
      throw error;
    }
  }

  #ask(url: string, request: ProviderRequest): Promise<Response> {
    return askProvider(url, request, this.#allowed, this.#authorities, this.#config.timeoutMs);
  }
}

/** Answers that are none of a token endpoint or key set: HTML, a 5xx, nothing in time. */
const NO_ANSWERS: ReadonlySet<string> = new Set([
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
]);

/** Errors of openid-client for what the provider said, or what its answer held; everything else is an outage. */
function isOutage(error: unknown): boolean {
  if (error instanceof client.AuthorizationResponseError) return false;
  if (error instanceof client.ResponseBodyError) return error.status >= 500;
  // Without a code it was the connection.
  return !(error instanceof client.ClientError) || error.code === undefined || NO_ANSWERS.has(error.code);
}

/** For the log: no part of a token. */
function wordsOf(error: unknown): string {
  if (error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError) {
    return `the provider says ${printable(error.error)}`;
  }
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  return `${error instanceof Error ? error.message : String(error)}${code}`;
}

function printable(text: string): string {
  return text.replace(/[^ -~]/g, '?').slice(0, 64);
}
