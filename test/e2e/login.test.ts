import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { Sealer } from '../../src/login/seal.ts';
import { Sessions } from '../../src/login/session.ts';
import { load } from '../config/support.ts';
import { freePort, type Gateway, startGateway } from '../support/gateway.ts';
import { CLIENT_SECRET, makeKey, TestProvider, WEB } from '../support/oidc-provider.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';

const PAGE = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' };

/** A browser's cookies and nothing else of it. */
class Jar {
  readonly cookies = new Map<string, string>();
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  async ask(path: string, fields: Record<string, string> = PAGE, method = 'GET'): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await ask(new URL(path, this.#origin), method, { ...fields, ...(cookie === '' ? {} : { cookie }) });
    for (const line of answer.headers.getSetCookie()) {
      assert.match(line, /; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }
}

/** Not `fetch`, which says `sec-fetch-mode: cors` whatever it is told. */
async function ask(url: URL, method: string, headers: Record<string, string>): Promise<Response> {
  const request = httpRequest(url, { method, headers, agent: false }).end();
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  const body = await text(answer);
  const fields = new Headers();
  for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2) {
    fields.append(answer.rawHeaders[i] as string, answer.rawHeaders[i + 1] as string);
  }
  return new Response(body, { status: answer.statusCode ?? 0, headers: fields });
}

const codeOf = async (answer: Response): Promise<string> => ((await answer.json()) as { type: string }).type;
const locationOf = (answer: Response): URL => new URL(answer.headers.get('location') ?? assert.fail('no location'));

describe('browser login, step by step', () => {
  const ends: (() => unknown)[] = [];
  let provider: TestProvider;
  let upstream: RecordingUpstream;
  let gateway: Gateway;
  let origin = '';
  let callback = '';

  before(async () => {
    const ports = { http: await freePort(), https: 0 };
    origin = `http://127.0.0.1:${ports.http}`;
    callback = `${origin}/.sallyport/callback`;
    provider = await TestProvider.start(
      { after: (end) => ends.push(end as () => unknown) },
      { redirectUris: [callback] },
    );
    upstream = await startRecordingUpstream();
    const auth = { login: 'people' };
    gateway = await startGateway({
      ports,
      config: {
        threads: 1,
        upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
        logins: {
          people: {
            issuer: provider.issuer,
            clientId: WEB,
            clientSecret: CLIENT_SECRET,
            keys: ['a-secret-of-the-test-that-is-long-enough-1'],
            timeoutMs: 2_000,
          },
        },
        routes: [
          { name: 'open', paths: ['/open/*'], upstream: 'main' },
          { name: 'app', paths: ['/app/*'], upstream: 'main', policies: { auth } },
          {
            name: 'never',
            paths: ['/never/*'],
            upstream: 'main',
            policies: { auth: { ...auth, stepUp: { acr: ['urn:test:nobody-reaches-it'] } } },
          },
        ],
      },
    });
  });

  after(async () => {
    await gateway.stop();
    await upstream.close();
    for (const end of ends) await end();
  });

  /** From the page to the provider and back to the gateway's callback, which is not asked yet. */
  async function toCallback(jar: Jar, path: string, change: (url: URL) => void = () => {}): Promise<string> {
    const sent = await jar.ask(path);
    assert.equal(sent.status, 302);
    const url = locationOf(sent);
    change(url);
    const back = await provider.person('ann').walk(url.href, callback);
    return back.pathname + back.search;
  }

  async function loggedIn(path = '/app/x'): Promise<Jar> {
    const jar = new Jar(origin);
    const done = await jar.ask(await toCallback(jar, path));
    assert.equal(done.status, 303);
    assert.equal(locationOf(done).href, origin + path);
    return jar;
  }

  test('while the provider is down: 503, then it goes on by itself', async () => {
    await provider.close();
    const down = await new Jar(origin).ask('/app/x');
    assert.deepEqual([down.status, down.headers.get('retry-after')], [503, '5']);
    assert.deepEqual(down.headers.getSetCookie(), []);
    await provider.listen();
    await until('the login to begin', async () => (await new Jar(origin).ask('/app/x')).status === 302, 20_000);
    assert.ok(provider.requests('/.well-known/openid-configuration') <= 3);
  });

  test('pages are sent to log in, scripts are told', async () => {
    const sent = await new Jar(origin).ask('/app/x?y=1');
    assert.equal(sent.headers.get('cache-control'), 'no-store');
    const { searchParams: asked } = locationOf(sent);
    assert.equal(asked.get('code_challenge_method'), 'S256');
    assert.equal(asked.get('redirect_uri'), callback);
    for (const name of ['state', 'nonce', 'code_challenge']) assert.match(asked.get(name) ?? '', /^[\w-]{43}$/, name);
    for (const fields of [{ accept: 'application/json' }, { accept: 'text/html', 'sec-fetch-mode': 'cors' }]) {
      const told = await new Jar(origin).ask('/app/x', fields);
      assert.deepEqual([told.status, told.headers.get('www-authenticate')], [401, 'Cookie']);
    }
    assert.equal((await new Jar(origin).ask('/app/x', PAGE, 'POST')).status, 401);
  });

  test('a login ends where it began; the upstream never sees our cookies, on any route', async () => {
    const jar = await loggedIn('/app/x?y=1');
    assert.deepEqual([...jar.cookies.keys()], ['sallyport']);
    jar.cookies.set('own', 'kept');
    for (const path of ['/app/x', '/open/x']) {
      assert.equal((await jar.ask(path)).status, 200);
      const seen = upstream.requests.at(-1)?.fields.filter(([name]) => name === 'cookie');
      assert.deepEqual(seen, [['cookie', 'own=kept']], path);
    }
  });

  test('two tabs at once', async () => {
    const jar = new Jar(origin);
    const first = await toCallback(jar, '/app/first');
    const second = await toCallback(jar, '/app/second');
    assert.equal(locationOf(await jar.ask(first)).pathname, '/app/first');
    assert.equal(locationOf(await jar.ask(second)).pathname, '/app/second');
  });

  test('a callback counts in the browser that began it alone, and once', async () => {
    const jar = new Jar(origin);
    const path = await toCallback(jar, '/app/x');
    const stranger = new Jar(origin);
    await stranger.ask('/app/x');
    const kept = new Map(jar.cookies);
    for (const [who, target] of [
      [new Jar(origin), path],
      [stranger, path],
      [jar, path.replace(/state=./, 'state=!')],
      [jar, '/.sallyport/callback'],
      [jar, `${path}&state=x`],
    ] as const) {
      const refused = await who.ask(target);
      assert.equal(refused.status, 400);
      assert.match(await codeOf(refused), /:login-failed$/);
      assert.ok(!who.cookies.has('sallyport'));
    }
    assert.equal((await jar.ask(path)).status, 303);
    assert.equal((await jar.ask(path)).status, 400, 'the state is gone');
    const replayed = new Jar(origin);
    for (const [name, value] of kept) replayed.cookies.set(name, value);
    assert.equal((await replayed.ask(path)).status, 400, 'the provider takes a code once');
  });

  test('an ID token for another nonce, or a code of another login, is refused', async () => {
    const jar = new Jar(origin);
    const path = await toCallback(jar, '/app/x', (url) => url.searchParams.set('nonce', 'of-somebody-else'));
    assert.equal((await jar.ask(path)).status, 400);
    await gateway.line('the refusal', ({ reason }) => /^login: .*claim/.test(String(reason)));
    const other = new Jar(origin);
    const mine = new URL(await toCallback(other, '/app/x'), origin);
    const theirs = new URL(await toCallback(new Jar(origin), '/app/x'), origin);
    mine.searchParams.set('code', theirs.searchParams.get('code') ?? '');
    assert.equal((await other.ask(mine.pathname + mine.search)).status, 400, 'PKCE');
  });

  test('the provider changes its keys: nobody is refused for that, or once where a name stays', async () => {
    const statusOf = async () => {
      const jar = new Jar(origin);
      return (await jar.ask(await toCallback(jar, '/app/x'))).status;
    };
    assert.equal(await statusOf(), 303);
    const asked = provider.requests('/jwks');
    assert.equal(await statusOf(), 303);
    assert.equal(provider.requests('/jwks'), asked, 'keys are kept');
    provider.replaceKeys([makeKey('second')]);
    assert.equal(await statusOf(), 303);
    assert.equal(provider.requests('/jwks'), asked + 1);
    provider.replaceKeys([makeKey('second')]);
    assert.deepEqual([await statusOf(), await statusOf()], [400, 303]);
    provider.intercept((request, response) => {
      if (request.url !== '/jwks') return false;
      response.setHeader('content-type', 'application/json');
      response.end('{"keys":[]}');
      return true;
    });
    provider.replaceKeys([makeKey('third')]);
    assert.equal(await statusOf(), 400, 'an empty set');
    provider.intercept(null);
    assert.equal(await statusOf(), 303);
  });

  test('what changes anything must come from the site itself', async () => {
    const jar = await loggedIn();
    const post = async (fields: Record<string, string>) => (await jar.ask('/app/x', fields, 'POST')).status;
    assert.equal(await post({ 'sec-fetch-site': 'same-origin' }), 200);
    assert.equal(await post({ origin }), 200);
    for (const fields of [
      {},
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      assert.equal(await post(fields as Record<string, string>), 403, JSON.stringify(fields));
    }
  });

  test('so must WebSockets', async () => {
    const jar = await loggedIn();
    const upgrade = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    for (const from of ['https://evil.test', origin.replace('127.0.0.1', 'localhost')]) {
      assert.equal((await jar.ask('/app/x', { ...upgrade, origin: from })).status, 403, from);
    }
    const { status } = await jar.ask('/app/x', { ...upgrade, origin });
    assert.notEqual(status, 403, 'the upstream, which knows no WebSockets, is asked');
  });

  test('a level that nobody reaches ends in 401, not in a circle', async () => {
    const jar = await loggedIn('/never/x');
    const told = await jar.ask('/never/x');
    assert.equal(told.status, 401);
    assert.match(
      told.headers.get('www-authenticate') ?? '',
      /error="insufficient_user_authentication", acr_values="urn/,
    );
    assert.equal((await jar.ask('/app/x')).status, 200, 'the session is good for the rest');
  });

  test('a session is renewed beside the upstream’s answer, which no cache may keep then', async () => {
    const keys = ['a-secret-of-the-test-that-is-long-enough-1'];
    const text = `upstreams: { api: { targets: [{ url: "http://127.0.0.1:1" }] } }
logins: { people: { issuer: "${provider.issuer}", clientId: "${WEB}", keys: ["${keys[0]}"] } }
routes: [{ name: all, upstream: api, policies: { auth: { login: people } } }]`;
    const config = load(text).config.logins.people ?? assert.fail('no login');
    const sealer = new Sealer(keys, `session ${JSON.stringify(['people', provider.issuer, WEB])}`);
    const site = { origin, isSecure: false, cookieName: 'sallyport' };
    // More than half of the idle time ago.
    const begun = new Sessions('people', config, sealer).begin({ sub: 'ann' }, [], '', null, site, Date.now() - 2e6);
    const jar = new Jar(origin);
    jar.cookies.set('sallyport', /=([^;]*)/.exec(begun ?? '')?.[1] ?? assert.fail('no cookie'));
    const first = await jar.ask('/app/x');
    assert.deepEqual([first.status, first.headers.getSetCookie().length], [200, 1]);
    assert.equal(first.headers.get('cache-control'), 'private');
    const second = await jar.ask('/app/x');
    assert.deepEqual([second.status, second.headers.getSetCookie().length], [200, 0]);
    assert.equal(second.headers.get('cache-control'), null);
  });

  test('two session cookies are nobody’s, and no reason to log in', async () => {
    const jar = await loggedIn();
    const cookie = `sallyport=x; sallyport=${jar.cookies.get('sallyport')}`;
    const told = await new Jar(origin).ask('/app/x', { ...PAGE, cookie });
    assert.deepEqual([told.status, told.headers.getSetCookie()], [401, []]);
  });

  test('who is revoked logs in no more, and is not sent round in circles', async () => {
    const jar = await loggedIn();
    const operator = { 'x-sallyport-admin': '1' };
    const revocations = `http://127.0.0.1:${gateway.admin}/revocations`;
    const made = await fetch(revocations, {
      method: 'POST',
      headers: { ...operator, 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'subject', issuer: 'people', value: 'ann', seconds: 3_600 }),
    });
    assert.equal(made.status, 201, await made.clone().text());
    const { id } = (await made.json()) as { id: string };
    await until('the session to end', async () => (await jar.ask('/app/x', {})).status === 401);
    const refused = await jar.ask(await toCallback(jar, '/app/x'));
    assert.equal(refused.status, 400);
    assert.match(await codeOf(refused), /:login-failed$/);
    assert.equal((await fetch(`${revocations}/${id}`, { method: 'DELETE', headers: operator })).ok, true);
    await until('the revocation to be lifted', async () => (await jar.ask('/app/x')).status === 200);
  });

  test('sessions of a person are revoked under the name of the login, for as long as a session may live', async () => {
    const jar = await loggedIn();
    assert.equal((await jar.ask('/app/x')).status, 200);
    const admin = `http://127.0.0.1:${gateway.admin}/revocations`;
    const headers = { 'x-sallyport-admin': '1', 'content-type': 'application/json' };
    const body = JSON.stringify({ kind: 'subject', issuer: 'people', value: 'ann' });
    const made = await fetch(admin, { method: 'POST', headers, body });
    const revocation = (await made.json()) as { id: string; leftSeconds: number };
    assert.deepEqual([made.status, revocation.leftSeconds], [201, 43_200]);
    const refused = await jar.ask('/app/x', { accept: 'application/json' });
    assert.equal(refused.status, 401);
    await gateway.line('the refusal', ({ reason }) => /revoked/.test(String(reason)));
    const lifted = await fetch(`${admin}/${revocation.id}`, {
      method: 'DELETE',
      headers: { 'x-sallyport-admin': '1' },
    });
    assert.equal(lifted.status, 200);
  });

  test('logout is for the site itself, and ends the session', async () => {
    const jar = await loggedIn();
    assert.equal((await jar.ask('/.sallyport/logout', { ...PAGE, 'sec-fetch-site': 'cross-site' })).status, 403);
    assert.equal((await jar.ask('/.sallyport/logout', {})).status, 403);
    assert.ok(jar.cookies.has('sallyport'));
    const out = await jar.ask('/.sallyport/logout', { 'sec-fetch-site': 'same-origin' }, 'POST');
    assert.equal(out.status, 303);
    assert.equal(locationOf(out).searchParams.get('post_logout_redirect_uri'), `${origin}/`);
    assert.ok(!jar.cookies.has('sallyport'));
    assert.equal((await jar.ask('/app/x')).status, 302);
  });

  test('logout does not wait for a provider that is slow', async (t) => {
    const jar = await loggedIn();
    const ports = { http: await freePort(), https: 0 };
    const other = await startGateway({
      ports,
      config: {
        threads: 1,
        authentication: { waitMs: 200 },
        upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
        logins: {
          people: {
            issuer: provider.issuer,
            clientId: WEB,
            clientSecret: CLIENT_SECRET,
            keys: ['a-secret-of-the-test-that-is-long-enough-1'],
            timeoutMs: 60_000,
          },
        },
        routes: [{ name: 'app', upstream: 'main', policies: { auth: { login: 'people' } } }],
      },
    });
    t.after(() => other.stop());
    provider.intercept(() => true);
    t.after(() => provider.intercept(null));
    const there = new Jar(`http://127.0.0.1:${ports.http}`);
    there.cookies.set('sallyport', jar.cookies.get('sallyport') ?? assert.fail('no session'));
    assert.equal((await there.ask('/app/x')).status, 200, 'a session of another machine');
    const out = await there.ask('/.sallyport/logout', { 'sec-fetch-site': 'same-origin' });
    assert.deepEqual([out.status, locationOf(out).pathname, there.cookies.size], [303, '/', 0]);
  });
});
