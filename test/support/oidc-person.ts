import { createHash, randomBytes } from 'node:crypto';
import type { TestProvider, TokenAnswer } from './oidc-provider.ts';

/** What everybody types at the test provider. */
export const PASSWORD = 'password';
export const ONE_TIME_CODE = '123456';
/** Client of the test provider that people log in through. */
export const WEB = 'web';

export interface LoginOptions {
  /** Words of `acr_values`, as a challenge names them (RFC 9470 3). */
  readonly acrValues?: string;
  readonly maxAge?: number;
  readonly scope?: string;
  readonly resource?: string;
  /** False: a person without the second factor. */
  readonly hasCode?: boolean;
}

/** Somebody at a browser: keeps cookies, follows redirects, fills in the form of the provider. */
export class Person {
  readonly login: string;
  /** Times that the form had to be filled in. */
  forms = 0;
  readonly #provider: TestProvider;
  readonly #cookies = new Map<string, string>();

  constructor(provider: TestProvider, login: string) {
    this.#provider = provider;
    this.login = login;
  }

  /**
   * Authorisation code flow with PKCE as the client `web`, from the first redirect to the tokens.
   *
   * @throws  Error when the provider does not let the person in.
   */
  async tokens(options: LoginOptions = {}): Promise<TokenAnswer> {
    const provider = this.#provider;
    const verifier = randomBytes(32).toString('base64url');
    const resource = options.resource ?? provider.audience;
    const query = new URLSearchParams({
      client_id: WEB,
      response_type: 'code',
      redirect_uri: provider.redirectUri,
      scope: options.scope ?? `openid ${provider.scopes}`,
      resource,
      state: randomBytes(8).toString('hex'),
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...(options.acrValues === undefined ? {} : { acr_values: options.acrValues }),
      ...(options.maxAge === undefined ? {} : { max_age: String(options.maxAge) }),
    });
    const end = await this.walk(`${provider.issuer}/auth?${query}`, provider.redirectUri, options.hasCode ?? true);
    const code = end.searchParams.get('code');
    if (code === null) throw new Error(`no code: ${end.search}`);
    return provider.token(WEB, {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: provider.redirectUri,
      resource,
    });
  }

  /**
   * Goes from page to page until it is sent to `target`.
   *
   * @returns  Where it was sent, with the query.
   * @throws   Error with what stands on a page that it knows no way past.
   */
  async walk(start: string, target: string, hasCode = true): Promise<URL> {
    let url = new URL(start);
    for (let pages = 0; pages < 20; pages += 1) {
      const page = await this.#ask(url, 'GET');
      const location = page.headers.get('location');
      if (location === null) {
        const text = await page.text();
        if (!text.includes('<form method="post">')) throw new Error(`${page.status} ${url.pathname}: ${text}`);
        this.forms += 1;
        const answer = await this.#ask(url, 'POST', {
          login: this.login,
          password: PASSWORD,
          ...(hasCode && text.includes('name="code"') ? { code: ONE_TIME_CODE } : {}),
        });
        const next = answer.headers.get('location');
        if (next === null) throw new Error(`not let in: ${/<p id="problem">(.*)<\/p>/.exec(await answer.text())?.[1]}`);
        url = new URL(next, url);
      } else {
        url = new URL(location, url);
      }
      if (url.href.startsWith(target)) return url;
    }
    throw new Error(`redirects without end, at last to ${url.href}`);
  }

  async #ask(url: URL, method: 'GET' | 'POST', form: Readonly<Record<string, string>> = {}): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: { ...(cookie === '' ? {} : { cookie }) },
      ...(method === 'POST' ? { body: new URLSearchParams(form) } : {}),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';', 1);
      const at = pair.indexOf('=');
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return response;
  }
}
