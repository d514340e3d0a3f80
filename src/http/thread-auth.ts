import { InternalTokens } from '../auth/internal-token.ts';
import { type TrustedIssuer, trustedIssuer } from '../auth/issuer-settings.ts';
import type { ThreadKeys } from '../auth/key-ring.ts';
import { TokenJudge } from '../auth/token-judge.ts';
import type { Config } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import type { Identity } from '../identity.ts';
import { REMEMBERED_TOKENS_BYTES_MAX } from '../limits.ts';
import { BrowserLogin } from '../login/browser-login.ts';
import { Provider } from '../login/provider.ts';
import type { KeyJudge, OpaqueJudge, ProofJudge, ThreadAuth } from '../pipeline/context.ts';
import { WaitingCallers } from '../pipeline/waiting-caller.ts';

/** What an ingress thread has, over all generations, to tell callers apart. */
export interface AuthParts {
  readonly apiKeys: KeyJudge | null;
  introspector(name: string): OpaqueJudge | null;
  /** For one configuration. */
  proofs(config: Config): ProofJudge;
  readonly revoked: (identity: Identity, nowMs: number) => boolean;
}

/**
 * Tells callers apart on one ingress thread.
 *
 * Threads: one instance each.
 */
export class ThreadCallers {
  readonly #parts: AuthParts;
  readonly #waits = new WaitingCallers();
  #providers: ReadonlyMap<string, Provider> = new Map();

  constructor(parts: AuthParts) {
    this.#parts = parts;
  }

  /**
   * What the phases of a configuration use.
   *
   * @param keys      Of the issuers of this configuration.
   * @param tokenKey  PEM of `identity.token.key`; '' for none.
   * @param loginAuthorities  PEM certificates of `logins.NAME.ca`, by the name of the login.
   * @throws          SallyportError SP_CONFIG for a key that is none.
   */
  compile(
    config: Config,
    keys: ThreadKeys,
    tokenKey: string,
    loginAuthorities: Readonly<Record<string, readonly string[]>>,
  ): ThreadAuth {
    const parts = this.#parts;
    const { apiKeys, revoked } = parts;
    const issuers = new Map<string, TrustedIssuer>();
    for (const [name, issuer] of Object.entries(config.issuers)) {
      issuers.set(name, trustedIssuer({ name, ...issuer }, keys.of(name)));
    }
    const logins = this.#loginsOf(config, loginAuthorities);
    return {
      tokens: new TokenJudge({
        rememberedTokensMax: config.authentication.rememberedMax,
        rememberedBytesMax: REMEMBERED_TOKENS_BYTES_MAX,
        revoked,
      }),
      issuer: (name) => {
        const issuer = issuers.get(name);
        if (issuer === undefined) throw new SallyportError('SP_CONFIG', `no issuer ${name}`);
        return issuer;
      },
      introspector: (name) => parts.introspector(name),
      login: (name) => {
        const login = logins.get(name);
        if (login === undefined) throw new SallyportError('SP_CONFIG', `no login ${name}`);
        return login;
      },
      apiKeys: config.apiKeys.store === 'off' ? null : apiKeys,
      proofs: parts.proofs(config),
      revoked,
      mustProve: ({ kind, issuer }) => {
        const source = kind === 'jwt' ? config.issuers[issuer] : config.introspection[issuer];
        return source?.requireDpop === true;
      },
      internalTokens: config.identity.token.field === '' ? null : new InternalTokens(tokenKey, config.identity.token),
      waits: this.#waits,
    };
  }

  /** A provider whose settings stay is kept over reloads, with what it told of itself. */
  #loginsOf(
    config: Config,
    authorities: Readonly<Record<string, readonly string[]>>,
  ): ReadonlyMap<string, BrowserLogin> {
    const logins = new Map<string, BrowserLogin>();
    const providers = new Map<string, Provider>();
    for (const [name, login] of Object.entries(config.logins)) {
      const own = authorities[name] ?? [];
      const settings = JSON.stringify([
        login.issuer,
        login.clientId,
        login.clientSecret,
        login.scopes,
        login.timeoutMs,
        own,
      ]);
      const provider = this.#providers.get(settings) ?? providers.get(settings) ?? new Provider(login, own);
      providers.set(settings, provider);
      logins.set(name, new BrowserLogin(name, login, provider, this.#parts.revoked));
    }
    this.#providers = providers;
    return logins;
  }
}

/** Nobody is known. */
export const NO_PARTS: AuthParts = Object.freeze({
  apiKeys: null,
  introspector: () => null,
  proofs: () => ({
    check: () => ({ kind: 'refused' as const, reason: 'dpop-invalid' as const, detail: 'no proof is looked at' }),
    nonce: () => '',
  }),
  revoked: () => false,
});
