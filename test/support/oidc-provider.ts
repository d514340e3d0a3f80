import { generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import {
  type Adapter,
  type AdapterPayload,
  type Configuration,
  interactionPolicy,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider';
import { freePort } from './gateway.ts';
import { ONE_TIME_CODE, PASSWORD, Person, WEB } from './oidc-person.ts';

export { ONE_TIME_CODE, PASSWORD, WEB } from './oidc-person.ts';

/** Levels of a login at the test provider: the first with a password, the second with a code as well. */
export const PASSWORD_ACR = 'urn:test:password';
export const CODE_ACR = 'urn:test:code';

/** A client that is there without being named, as `WEB` is; both with `CLIENT_SECRET`. */
export const MACHINE = 'machine';
export const CLIENT_SECRET = 'a-secret-of-the-test-client-0123456789';

export const SIGNING_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** A private key as JWK with `kid`, `alg` and `use`. */
export type SigningKey = JsonWebKey & { readonly kid: string; readonly alg: SigningAlgorithm };

export interface TestProviderOptions {
  /** The first one with the algorithm that a token needs signs it; one ES256 key named `first` by default. */
  readonly keys?: readonly SigningKey[];
  /** Of access tokens (JWT) for `audience`; that of the first key by default. */
  readonly algorithm?: SigningAlgorithm;
  /** Resource whose tokens are JWTs (RFC 9068); `https://api.test` by default. */
  readonly audience?: string;
  /** Resource whose tokens are opaque; `https://opaque.test` by default. */
  readonly opaqueAudience?: string;
  /** Scopes of both resources, words in a text; `read write admin` by default. */
  readonly scopes?: string;
  readonly accessTokenSeconds?: number;
  /** Of the client `web`; a login ends there. `http://127.0.0.1/callback` by default. */
  readonly redirectUris?: readonly string[];
  readonly postLogoutRedirectUris?: readonly string[];
  /** Path of the issuer, such as /tenant; '' by default. */
  readonly path?: string;
  /** Anything else of oidc-provider, laid over the rest by section. */
  readonly more?: Partial<Configuration>;
}

export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope?: string;
  readonly id_token?: string;
  readonly refresh_token?: string;
}

/**
 * A real OpenID provider (npm `oidc-provider`) on a loopback port: discovery, JWK set, token, introspection, revocation
 * and logout endpoints, logins of people with two levels (`acr`), DPoP. It ends with the test.
 *
 * Any name and the password `PASSWORD` log in at `PASSWORD_ACR`; with `ONE_TIME_CODE` as well, at `CODE_ACR`, which is
 * asked for where the request names it in `acr_values`. Nobody is asked for consent. The form has the fields `login`,
 * `password` and, where needed, `code`.
 */
export class TestProvider {
  readonly issuer: string;
  readonly port: number;
  readonly audience: string;
  readonly opaqueAudience: string;
  readonly scopes: string;
  readonly redirectUri: string;
  readonly #options: TestProviderOptions;
  readonly #memory = new Map<string, AdapterPayload>();
  readonly #cookieKey = randomBytes(32).toString('hex');
  readonly #requests = new Map<string, number>();
  #handle: RequestListener = () => undefined;
  #server: Server | null = null;
  #provider!: Provider;
  /** Answers in the place of the provider, where it answers; see `intercept`. */
  #intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | null = null;

  private constructor(port: number, options: TestProviderOptions) {
    const { path = '', audience, opaqueAudience, scopes, redirectUris } = options;
    this.port = port;
    this.issuer = `http://127.0.0.1:${port}${path}`;
    this.audience = audience ?? 'https://api.test';
    this.opaqueAudience = opaqueAudience ?? 'https://opaque.test';
    this.scopes = scopes ?? 'read write admin';
    this.redirectUri = redirectUris?.[0] ?? 'http://127.0.0.1/callback';
    this.#options = options;
    this.replaceKeys(options.keys ?? [makeKey('first', options.algorithm ?? 'ES256')]);
  }

  static async start(t: Pick<TestContext, 'after'>, options: TestProviderOptions = {}): Promise<TestProvider> {
    const provider = new TestProvider(await freePort(), options);
    t.after(() => provider.close());
    await provider.listen();
    return provider;
  }

  /** The provider itself, for what has no method here. Another one after `replaceKeys`. */
  get provider(): Provider {
    return this.#provider;
  }

  get introspectionUrl(): string {
    return `${this.issuer}/token/introspection`;
  }

  /** Requests for a path below the issuer, such as `/jwks`, `/.well-known/openid-configuration`, `/token`. */
  requests(path: string): number {
    return this.#requests.get(path) ?? 0;
  }

  /** Rotation: signs with these from now on and publishes their public halves alone. Sessions and tokens stay. */
  replaceKeys(keys: readonly SigningKey[]): void {
    this.#provider = new Provider(this.issuer, this.#configuration(keys));
    const callback = this.#provider.callback();
    this.#handle = (request, response) => void this.#serve(callback, request, response);
  }

  /** Sees every request first. @param answers  True when it answered, or will. Null for nobody. */
  intercept(answers: ((request: IncomingMessage, response: ServerResponse) => boolean) | null): void {
    this.#intercept = answers;
  }

  /** Again on the same port after `close`. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => this.#handle(request, response));
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  /** Down: connections are refused. What it knows stays. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  /** Access token (JWT, at+jwt) by client_credentials for `audience`. @param more  Further form fields. */
  async machineToken(scope = this.scopes, more: Readonly<Record<string, string>> = {}): Promise<string> {
    const form = { grant_type: 'client_credentials', scope, resource: this.audience, ...more };
    return (await this.token(MACHINE, form)).access_token;
  }

  /** Opaque access token by client_credentials for `opaqueAudience`. */
  machineOpaqueToken(scope = this.scopes): Promise<string> {
    return this.machineToken(scope, { resource: this.opaqueAudience });
  }

  /** Asks the token endpoint as a client with `CLIENT_SECRET`. @throws  Error with its words when it refuses. */
  async token(
    client: string,
    form: Readonly<Record<string, string>>,
    fields: Readonly<Record<string, string>> = {},
  ): Promise<TokenAnswer> {
    const answer = await this.#post('/token', client, form, fields);
    if (!answer.ok) throw new Error(`token endpoint: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as TokenAnswer;
  }

  /** Revokes at the provider (RFC 7009): opaque tokens alone, since JWTs are not kept. */
  async revoke(token: string, client = MACHINE): Promise<void> {
    const answer = await this.#post('/token/revocation', client, { token });
    if (!answer.ok) throw new Error(`revocation endpoint: ${answer.status} ${await answer.text()}`);
  }

  /** Somebody with a browser of their own, without one: follows redirects, keeps cookies, fills in the form. */
  person(login: string): Person {
    return new Person(this, login);
  }

  #post(
    path: string,
    client: string,
    form: Readonly<Record<string, string>>,
    fields: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const authorization = `Basic ${Buffer.from(`${client}:${CLIENT_SECRET}`).toString('base64')}`;
    return fetch(`${this.issuer}${path}`, {
      method: 'POST',
      // One that is kept open would fail when the provider was down meanwhile.
      headers: { authorization, connection: 'close', ...fields },
      body: new URLSearchParams(form),
    });
  }

  async #serve(callback: RequestListener, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [whole = ''] = (request.url ?? '').split('?', 1);
    const { path = '' } = this.#options;
    const below = whole.startsWith(path) ? whole.slice(path.length) : whole;
    this.#requests.set(below, (this.#requests.get(below) ?? 0) + 1);
    if (this.#intercept?.(request, response) === true) return;
    try {
      if (below.startsWith('/interaction/')) {
        await this.#interact(request, response);
        return;
      }
      // Below a path the provider is mounted, as in a framework.
      request.url = (request.url ?? '').slice(whole.startsWith(path) ? path.length : 0);
      Object.assign(request, { originalUrl: `${path}${request.url}`, baseUrl: path });
      callback(request, response);
    } catch (error) {
      response.writeHead(500, { 'Content-Type': 'text/plain' }).end(String(error));
    }
  }

  /** The page of a login. */
  async #interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { params } = await this.#provider.interactionDetails(request, response);
    const needsCode = wantsCode(params.acr_values);
    if (request.method !== 'POST') {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
      response.end(loginPage(needsCode, ''));
      return;
    }
    const form = new URLSearchParams(await bodyOf(request));
    const accountId = form.get('login') ?? '';
    const hasCode = form.get('code') === ONE_TIME_CODE;
    if (accountId === '' || form.get('password') !== PASSWORD || (needsCode && !hasCode)) {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
      response.end(loginPage(needsCode, 'Wrong password or code.'));
      return;
    }
    const login = { accountId, acr: hasCode ? CODE_ACR : PASSWORD_ACR, amr: hasCode ? ['pwd', 'otp'] : ['pwd'] };
    await this.#provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
  }

  #configuration(keys: readonly SigningKey[]): Configuration {
    const { algorithm = keys[0]?.alg ?? 'ES256', accessTokenSeconds = 600, redirectUris, more } = this.#options;
    const scopes = this.scopes;
    const base = interactionPolicy.base();
    const { Check } = interactionPolicy;
    base.get('login')?.checks.add(
      // RFC 9470 5: `acr_values` is a wish in OpenID Connect; here it is met or asked for.
      new Check('acr_wanted', 'a higher level of login is asked for', 'login_required', ({ oidc }) => {
        const isMet = !wantsCode(oidc.params?.acr_values) || oidc.acr === CODE_ACR;
        return isMet ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
      }),
    );
    const client = { client_secret: CLIENT_SECRET, id_token_signed_response_alg: algorithm };
    const features = {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      dPoP: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => this.audience,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => ({
          scope: scopes,
          audience: resource,
          accessTokenTTL: accessTokenSeconds,
          accessTokenFormat: resource === this.opaqueAudience ? 'opaque' : 'jwt',
          jwt: { sign: { alg: algorithm } },
        }),
      },
    } satisfies Configuration['features'];
    return {
      adapter: (name: string) => new MemoryAdapter(this.#memory, name),
      jwks: { keys: keys.map((key) => ({ ...key })) as never },
      cookies: { keys: [this.#cookieKey] },
      clients: [
        { client_id: MACHINE, ...client, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
        {
          client_id: WEB,
          ...client,
          grant_types: ['authorization_code', 'refresh_token'],
          redirect_uris: [...(redirectUris ?? [this.redirectUri])],
          post_logout_redirect_uris: [...(this.#options.postLogoutRedirectUris ?? [])],
          response_types: ['code'],
        },
      ],
      enabledJWA: { idTokenSigningAlgValues: [...SIGNING_ALGORITHMS] },
      acrValues: [PASSWORD_ACR, CODE_ACR],
      scopes: ['openid', 'offline_access', 'email', ...scopes.split(' ')],
      claims: { openid: ['sub', 'acr', 'amr', 'auth_time'], email: ['email'] },
      conformIdTokenClaims: false,
      findAccount: (_context, accountId) => ({
        accountId,
        claims: () => ({ sub: accountId, email: `${accountId}@people.test` }),
      }),
      interactions: { policy: base, url: (_context, { uid }) => `${this.#options.path ?? ''}/interaction/${uid}` },
      loadExistingGrant,
      rotateRefreshToken: true,
      ttl: {
        AccessToken: accessTokenSeconds,
        ClientCredentials: accessTokenSeconds,
        IdToken: 600,
        Session: 3_600,
        Grant: 3_600,
        Interaction: 600,
      },
      extraTokenClaims: ({ oidc }) => {
        const source = oidc.entities.AuthorizationCode ?? oidc.entities.RefreshToken;
        if (source === undefined) return undefined;
        // RFC 9068 2.2.1
        return { acr: source.acr, amr: source.amr, auth_time: source.authTime };
      },
      ...more,
      features: { ...features, ...more?.features } as NonNullable<Configuration['features']>,
    };
  }
}

/** A new private key. @param kid  Its name; two keys of one name tell whether a changed key is noticed. */
export function makeKey(kid: string, alg: SigningAlgorithm = 'ES256', rsaBits = 2_048): SigningKey {
  const { privateKey } = generate(alg, rsaBits);
  return { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

/** What may be published of a key. */
export function publicHalf({ d, p, q, dp, dq, qi, ...rest }: SigningKey): JsonWebKey & { kid: string; alg: string } {
  return rest;
}

function generate(alg: SigningAlgorithm, modulusLength: number) {
  switch (alg) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'ES384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'ES512':
      return generateKeyPairSync('ec', { namedCurve: 'P-521' });
    case 'EdDSA':
      return generateKeyPairSync('ed25519');
    default:
      return generateKeyPairSync('rsa', { modulusLength });
  }
}

/** Everything that was asked for is granted. */
async function loadExistingGrant({ oidc }: KoaContextWithOIDC) {
  const { client, session, params, provider, resourceServers } = oidc;
  if (client === undefined || session?.accountId === undefined) return undefined;
  const known = session.grantIdFor(client.clientId);
  const found = known === undefined ? undefined : await provider.Grant.find(known);
  const grant = found ?? new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(String(params?.scope ?? 'openid'));
  for (const [resource, { scope }] of Object.entries(resourceServers ?? {})) {
    if (scope) grant.addResourceScope(resource, scope);
  }
  await grant.save();
  return grant;
}

function wantsCode(acrValues: unknown): boolean {
  return typeof acrValues === 'string' && acrValues.split(' ')[0] === CODE_ACR;
}

function loginPage(needsCode: boolean, problem: string): string {
  const code = needsCode ? '<label>Code <input name="code" autocomplete="off"></label>' : '';
  return `<!doctype html><html lang="en"><head><title>Log in</title></head><body><h1>Log in</h1>
<p id="problem">${problem}</p>
<form method="post"><label>Name <input name="login"></label>
<label>Password <input name="password" type="password"></label>${code}<button type="submit">Log in</button></form>
</body></html>`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** What a provider keeps, shared by all that follow each other on one port. */
class MemoryAdapter implements Adapter {
  readonly #memory: Map<string, AdapterPayload>;
  readonly #name: string;

  constructor(memory: Map<string, AdapterPayload>, name: string) {
    this.#memory = memory;
    this.#name = name;
  }

  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    this.#memory.set(this.#key(id), payload);
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#memory.get(this.#key(id));
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#first((payload) => payload.uid === uid);
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.#first((payload) => payload.userCode === userCode);
  }

  async consume(id: string): Promise<void> {
    const payload = this.#memory.get(this.#key(id));
    if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1_000);
  }

  async destroy(id: string): Promise<void> {
    this.#memory.delete(this.#key(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, payload] of this.#memory) if (payload.grantId === grantId) this.#memory.delete(key);
  }

  #key(id: string): string {
    return `${this.#name}:${id}`;
  }

  #first(is: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    for (const [key, payload] of this.#memory) if (key.startsWith(`${this.#name}:`) && is(payload)) return payload;
    return undefined;
  }
}
