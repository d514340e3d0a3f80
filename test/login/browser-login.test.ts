import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Identity } from '../../src/identity.ts';
import { BrowserLogin } from '../../src/login/browser-login.ts';
import type { LoginDemand } from '../../src/login/provider.ts';
import { Provider } from '../../src/login/provider.ts';
import { Sealer } from '../../src/login/seal.ts';
import { Sessions } from '../../src/login/session.ts';
import { load } from '../config/support.ts';

const SECRET = 'a-secret-of-the-test-that-is-long-enough-1';
const ORIGIN = 'https://www.test';
const NOW = 1_800_000_000_000;

function loginOf(revoked: (identity: Identity, nowMs: number) => boolean = () => false, issuer = 'https://id.test') {
  const { logins } = load(`
upstreams: { api: { targets: [{ url: "http://127.0.0.1:1" }] } }
logins: { people: { issuer: "${issuer}", clientId: web, keys: ["${SECRET}"] } }
routes: [{ name: all, upstream: api, policies: { auth: { login: people } } }]
`).config;
  const config = logins.people ?? assert.fail('no login');
  const sessions = new Sessions('people', config, new Sealer([SECRET], `session ["people","${issuer}","web"]`));
  const site = { origin: ORIGIN, isSecure: true, cookieName: '__Host-sallyport' };
  const [cookie = ''] = (sessions.begin({ sub: 'ann' }, [], '', null, site, NOW) ?? '').split(';');
  return { login: new BrowserLogin('people', config, new Provider(config, []), revoked), cookie };
}

describe('the session of a request', () => {
  test('is its cookie’s, whatever comes beside it', () => {
    const { login, cookie } = loginOf();
    for (const cookies of [cookie, `a=1; ${cookie}`, `${cookie};b=2`]) {
      const found = login.session(cookies, ORIGIN, NOW);
      assert.ok(found?.kind === 'session');
      assert.deepEqual([found.identity.subject, found.renewal], ['ann', '']);
    }
    const again = login.session(cookie, ORIGIN, NOW);
    const first = login.session(cookie, ORIGIN, NOW);
    assert.ok(
      again?.kind === 'session' && first?.kind === 'session' && again.identity === first.identity,
      'remembered',
    );
  });

  test('is none without a cookie, over plain http, and of two cookies', () => {
    const { login, cookie } = loginOf();
    assert.equal(login.session('', ORIGIN, NOW), null);
    assert.equal(login.session('a=1', ORIGIN, NOW), null);
    assert.equal(login.session(cookie, 'http://www.test', NOW), null);
    const two = login.session(`${cookie}; __Host-sallyport=x`, ORIGIN, NOW);
    assert.ok(two?.kind === 'refused' && two.reason === 'malformed');
  });

  test('is none of another provider’s, with the same name and keys', () => {
    const { login } = loginOf();
    const { login: other, cookie } = loginOf(undefined, 'https://staging.test');
    assert.equal(other.session(cookie, ORIGIN, NOW)?.kind, 'session');
    const refused = login.session(cookie, ORIGIN, NOW);
    assert.ok(refused?.kind === 'refused' && refused.reason === 'signature');
  });

  test('ends when it is revoked, though it was remembered', () => {
    const gone = new Set<string>();
    const { login, cookie } = loginOf(({ subject }) => gone.has(subject));
    assert.equal(login.session(cookie, ORIGIN, NOW)?.kind, 'session');
    gone.add('ann');
    const revoked = login.session(cookie, ORIGIN, NOW);
    assert.ok(revoked?.kind === 'refused' && revoked.reason === 'revoked');
  });
});

describe('what the provider is asked for', () => {
  const { login: plain, cookie } = loginOf();
  const asked: (LoginDemand | null)[] = [];
  // Only what `begin` calls of a provider whose metadata are there.
  const provider = {
    isKnown: () => true,
    authorizationUrl: (_state: unknown, _uri: string, _challenge: string, demand: LoginDemand | null) => {
      asked.push(demand);
      return 'https://id.test/auth';
    },
  } as unknown as Provider;
  const login = new BrowserLogin('people', plain.config, provider, () => false);
  const request = { origin: ORIGIN, cookies: cookie, path: '/', query: '' };
  const demand = { acr: ['high'], amr: ['otp'], maxAgeSeconds: 60 };

  test('level and age at once; another login where methods are missing that no parameter names', () => {
    assert.equal(login.begin(request, null, false, NOW)?.kind, 'answer');
    login.begin(request, demand, false, NOW);
    login.begin(request, demand, true, NOW);
    login.begin(request, { ...demand, amr: [] }, true, NOW);
    const of = (again: boolean) => ({ acr: ['high'], maxAgeSeconds: 60, again });
    assert.deepEqual(asked, [null, of(false), of(true), of(false)]);
  });
});
