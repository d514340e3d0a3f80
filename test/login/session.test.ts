import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LoginConfig } from '../../src/config/schema.ts';
import { cookieIn, withoutCookies } from '../../src/login/cookies.ts';
import { LoginStates, safePath } from '../../src/login/login-state.ts';
import { Sealer } from '../../src/login/seal.ts';
import { type Session, Sessions } from '../../src/login/session.ts';
import { cookieNames, type Site, Sites } from '../../src/login/site.ts';
import { load } from '../config/support.ts';

const OLD = 'an-older-secret-that-is-long-enough-0000001';
const NEW = 'a-newer-secret-that-is-long-enough-00000002';
const NOW = 1_800_000_000_000;
const SITE: Site = { origin: 'https://www.test', isSecure: true, cookieName: '__Host-s' };
const CLAIMS = {
  iss: 'https://id.test',
  sub: 'ann',
  acr: 'high',
  amr: ['pwd', 'otp'],
  auth_time: 1,
  email: 'a@b',
  at_hash: 'x',
};

function configOf(more: Partial<LoginConfig> = {}): LoginConfig {
  const text = `
upstreams: { api: { targets: [{ url: "http://127.0.0.1:1" }] } }
logins: { people: { issuer: "https://id.test", clientId: web, keys: ["${OLD}"], claims: [email] } }
routes: [{ name: all, upstream: api, policies: { auth: { login: people } } }]
`;
  return { ...(load(text).config.logins.people as LoginConfig), ...more };
}

const sessionsOf = (secrets = [OLD], more: Partial<LoginConfig> = {}, name = 'people') =>
  new Sessions(name, configOf(more), new Sealer(secrets, `session ${name}`));

/** The value in a `Set-Cookie`. */
const valueIn = (setCookie: string | null): string => /=([^;]*)/.exec(setCookie ?? '')?.[1] ?? assert.fail('no cookie');

function begun(sessions = sessionsOf(), tried = ''): string {
  return valueIn(sessions.begin(CLAIMS, ['openid'], tried, null, SITE, NOW));
}

function known(judged: ReturnType<Sessions['judge']>): Session {
  if ('kind' in judged) return assert.fail(`refused: ${judged.reason}`);
  return judged;
}

const reasonOf = (judged: ReturnType<Sessions['judge']>) => ('kind' in judged ? judged.reason : 'known');

describe('a session in a cookie', () => {
  test('says who logged in and how, on every thread with the keys', () => {
    const { identity } = known(sessionsOf().judge(begun(), SITE, NOW)).known;
    assert.deepEqual(
      [identity.kind, identity.issuer, identity.subject, identity.client],
      ['session', 'people', 'ann', 'web'],
    );
    assert.deepEqual(identity.scopes, ['openid']);
    const { acr, amr, auth_time: at, email } = identity.claims;
    assert.deepEqual([acr, amr, at, email], ['high', ['pwd', 'otp'], 1, 'a@b']);
    assert.equal(Object.hasOwn(identity.claims, 'at_hash'), false, 'not asked for, not kept');
    assert.match(identity.tokenId, /^[\w-]{22}$/);
    assert.equal(identity.expiresAtMs, NOW + 43_200_000);
  });

  test('is readable with an older key, encrypted with the newer one', () => {
    const rotated = sessionsOf([NEW, OLD]);
    assert.equal(reasonOf(rotated.judge(begun(), SITE, NOW)), 'known');
    assert.equal(reasonOf(sessionsOf([OLD]).judge(begun(rotated), SITE, NOW)), 'signature');
    assert.equal(reasonOf(sessionsOf([NEW]).judge(begun(rotated), SITE, NOW)), 'known');
    assert.equal(reasonOf(sessionsOf([NEW]).judge(begun(), SITE, NOW)), 'signature');
  });

  test('is refused with any character changed, cut off or added', () => {
    const cookie = begun();
    const sessions = sessionsOf();
    for (let at = 0; at < cookie.length; at += 1) {
      const changed = `${cookie.slice(0, at)}${cookie[at] === 'A' ? 'B' : 'A'}${cookie.slice(at + 1)}`;
      assert.equal(reasonOf(sessions.judge(changed, SITE, NOW)), 'signature', `changed at ${at}`);
      assert.equal(reasonOf(sessions.judge(cookie.slice(0, at), SITE, NOW)), 'signature', `cut at ${at}`);
    }
    for (const other of [`${cookie}A`, `${cookie}=`, ` ${cookie}`, 'A'.repeat(5_000), '%00', '{}']) {
      assert.equal(reasonOf(sessions.judge(other, SITE, NOW)), 'signature', other.slice(0, 9));
    }
  });

  test('is bound to its login, its cookie and its use', () => {
    const cookie = begun();
    assert.equal(reasonOf(sessionsOf([OLD], {}, 'others').judge(cookie, SITE, NOW)), 'signature');
    const sessions = sessionsOf();
    assert.equal(reasonOf(sessions.judge(cookie, SITE, NOW)), 'known');
    assert.equal(reasonOf(sessions.judge(cookie, { ...SITE, cookieName: 's' }, NOW)), 'signature', 'though remembered');
    const state = new Sealer([OLD], 'state people').seal('{"v":1}', SITE.cookieName);
    assert.equal(reasonOf(sessions.judge(state, SITE, NOW)), 'signature');
  });

  test('ends idle, goes on when renewed, and ends for good', () => {
    const sessions = sessionsOf([OLD], { idleSeconds: 100, lifetimeSeconds: 250 });
    const cookie = begun(sessions);
    const at = (seconds: number) => NOW + seconds * 1_000;
    assert.equal(reasonOf(sessions.judge(cookie, SITE, at(99))), 'known');
    assert.equal(reasonOf(sessions.judge(cookie, SITE, at(100))), 'expired');
    const session = known(sessions.judge(cookie, SITE, at(49)));
    assert.equal(sessions.renewed(session, SITE, at(49)), '');
    const second = sessions.renewed(session, SITE, at(90));
    assert.match(second, /; Max-Age=100; HttpOnly; SameSite=Lax; Secure$/);
    const renewed = known(sessions.judge(valueIn(second), SITE, at(180)));
    assert.equal(renewed.known.identity.tokenId, session.known.identity.tokenId, 'the same session');
    const third = sessions.renewed(renewed, SITE, at(180));
    assert.match(third, /; Max-Age=70;/, 'not past its end');
    assert.equal(reasonOf(sessions.judge(valueIn(third), SITE, at(249))), 'known');
    assert.equal(reasonOf(sessions.judge(valueIn(third), SITE, at(250))), 'expired');
    const shorter = sessionsOf([OLD], { idleSeconds: 100, lifetimeSeconds: 170 });
    assert.equal(reasonOf(shorter.judge(valueIn(second), SITE, at(180))), 'expired', 'a shorter life holds at once');
  });

  test('is not begun where browsers would drop it', () => {
    const sessions = sessionsOf();
    assert.equal(sessions.begin({ ...CLAIMS, email: 'x'.repeat(4_000) }, [], '', null, SITE, NOW), null);
    const longest = sessions.begin({ ...CLAIMS, email: 'x'.repeat(2_400) }, [], '', null, SITE, NOW);
    assert.ok(longest !== null && longest.split(';')[0] !== undefined && (longest.split(';')[0] ?? '').length <= 4_000);
  });

  test('knows what was tried, for a while', () => {
    const sessions = sessionsOf();
    const session = known(sessions.judge(begun(sessions, 'demand'), SITE, NOW));
    assert.equal(sessions.hasTried(session, 'demand', 0, NOW + 59_000), true);
    assert.equal(sessions.hasTried(session, 'other', 0, NOW), false);
    assert.equal(sessions.hasTried(session, 'demand', 0, NOW + 60_000), false);
    const next = valueIn(sessions.begin(CLAIMS, [], 'other', session, SITE, NOW));
    assert.equal(sessions.hasTried(known(sessions.judge(next, SITE, NOW)), 'demand', 0, NOW), true, 'both');
  });
});

test('a login that was young enough when it came back may be had again once it is not', () => {
  const sessions = sessionsOf();
  const at = (seconds: number) => NOW + seconds * 1_000;
  const sessionOf = (claims: object) =>
    known(sessions.judge(valueIn(sessions.begin({ ...CLAIMS, ...claims }, [], 'demand', null, SITE, NOW)), SITE, NOW));
  const young = sessionOf({ auth_time: NOW / 1_000 - 2 });
  assert.equal(sessions.hasTried(young, 'demand', 20, at(19)), true);
  assert.equal(sessions.hasTried(young, 'demand', 20, at(20)), false);
  assert.equal(sessions.hasTried(young, 'demand', 3_600, at(60)), false, 'never longer than for others');
  for (const claims of [{ auth_time: NOW / 1_000 - 21 }, { auth_time: 'now' }]) {
    const old = sessionOf(claims);
    assert.equal(sessions.hasTried(old, 'demand', 20, at(59)), true, 'the provider did not ask again');
    assert.equal(sessions.hasTried(old, 'demand', 20, at(60)), false);
  }
});

describe('a login under way', () => {
  const states = new LoginStates(new Sealer([OLD], 'state people'));
  const jar = (setCookies: readonly string[]) => setCookies.map((line) => line.split(';')[0]).join('; ');

  test('is found by its state in its own browser alone, until its time is over', () => {
    const a = states.begin('/a?b=1', '', '', SITE, NOW);
    const b = states.begin('/b', '', jar(a.cookies), SITE, NOW);
    const both = `${jar(a.cookies)}; ${jar(b.cookies)}`;
    assert.equal(states.find(a.state.state, both, SITE, NOW)?.back, '/a?b=1');
    assert.equal(states.find(b.state.state, both, SITE, NOW)?.back, '/b');
    assert.equal(states.find(a.state.state, jar(b.cookies), SITE, NOW), null, 'another tab’s cookie');
    assert.equal(states.find(a.state.state, '', SITE, NOW), null);
    assert.equal(states.find('', both, SITE, NOW), null);
    assert.equal(states.find(a.state.state, both, { ...SITE, origin: 'https://other.test' }, NOW), null);
    assert.equal(states.find(a.state.state, both, SITE, NOW + 600_000), null);
    const swapped = both.replace(jar(a.cookies).split('=')[1] ?? '', jar(b.cookies).split('=')[1] ?? '');
    assert.equal(states.find(a.state.state, swapped, SITE, NOW), null, 'one cookie under the name of another');
  });

  test('no more than five at once: the oldest goes', () => {
    let cookies = '';
    const made = [];
    for (let i = 0; i < 5; i += 1) {
      const one = states.begin(`/${i}`, '', cookies, SITE, NOW + i * 1_000);
      assert.equal(one.cookies.length, 1, `${i}`);
      made.push(one);
      cookies = [cookies, jar(one.cookies)].filter((text) => text !== '').join('; ');
    }
    const sixth = states.begin('/5', '', cookies, SITE, NOW + 6_000);
    assert.equal(sixth.cookies.length, 2);
    const first = jar(made[0]?.cookies ?? []).split('=')[0] ?? '';
    assert.match(sixth.cookies[1] ?? '', new RegExp(`^${first.replaceAll('.', '\\.')}=; Path=/; Max-Age=0;`));
  });

  test('tabs that are opened at once leave no more cookies than a request’s head takes', () => {
    const kept = new Map<string, string>();
    let last = states.begin('/', '', '', SITE, NOW);
    for (let i = 0; i < 300; i += 1) {
      last = states.begin(`/app/page-${i}`, '', '', SITE, NOW);
      for (const line of last.cookies) kept.set(...(line.split(';')[0]?.split('=', 2) as [string, string]));
    }
    const cookies = [...kept].map(([name, value]) => `${name}=${value}`).join('; ');
    assert.equal(kept.size, 16);
    assert.ok(cookies.length < 16_384 - 4_000, `${cookies.length} bytes`);
    assert.equal(states.find(last.state.state, cookies, SITE, NOW)?.back, '/app/page-299');
    const next = states.begin('/', '', cookies, SITE, NOW + 1_000);
    const names = next.cookies.map((line) => line.split('=')[0]);
    assert.equal(
      new Set(names).size,
      1 + 11,
      'the next answer takes one place, leaves four and makes room of the rest',
    );
    assert.equal(names.length, 1 + 11, 'and does not take its own cookie away');
  });

  test('returns to paths of the same origin alone', () => {
    for (const path of ['/', '/a/b?c=d', '/a//b', '/?next=https://x.test']) assert.equal(safePath(path), path);
    const others = [
      '//x.test',
      '/\\x.test',
      'https://x.test',
      '',
      'a',
      '/a\\b',
      '/a b',
      '/a\r\nb',
      `/${'a'.repeat(1_024)}`,
    ];
    for (const path of others) assert.equal(safePath(path), '/', path.slice(0, 20));
  });
});

describe('sites of a login', () => {
  test('without origins: https, and http on this machine', () => {
    const sites = new Sites([], '__Host-s');
    assert.deepEqual(sites.of('https://www.test:443'), {
      origin: 'https://www.test',
      isSecure: true,
      cookieName: '__Host-s',
    });
    assert.deepEqual(sites.of('http://127.0.0.1:80'), { origin: 'http://127.0.0.1', isSecure: false, cookieName: 's' });
    assert.equal(sites.of('http://www.test'), null);
    assert.equal(sites.of('http://'), null);
  });

  test('with origins: these alone, whatever a proxy says of the scheme', () => {
    const sites = new Sites(['https://www.test', 'https://b.test:8443'], '__Host-s');
    assert.equal(sites.of('http://www.test')?.origin, 'https://www.test');
    assert.equal(sites.of('https://b.test:8443')?.origin, 'https://b.test:8443');
    assert.equal(sites.of('https://b.test'), null);
    assert.equal(sites.of('https://evil.test'), null);
  });
});

describe('cookies of a request', () => {
  const isOurs = cookieNames('__Host-s');

  test('ours are taken off, others stay byte for byte', () => {
    const strip = (value: string) => withoutCookies(`a: 1\r\ncookie: ${value}\r\nb: 2\r\n`, isOurs);
    const left = (value: string) => `a: 1\r\ncookie: ${value}\r\nb: 2\r\n`;
    assert.equal(strip('x=1; y="2;3"; z'), left('x=1; y="2;3"; z'));
    assert.equal(strip('__Host-s=1; x=1;y=2'), left('x=1;y=2'));
    assert.equal(strip('x=1; s=1;  y=2;'), left('x=1;  y=2;'));
    assert.equal(strip('__Host-s.login.abc=1; sx=1'), left('sx=1'));
    assert.equal(strip('__Host-s=1; s.login.x=2'), 'a: 1\r\nb: 2\r\n');
  });

  // Browsers keep `__Host-` from other hosts, but not what begins with another character.
  test('a blank that is none to a browser makes another name', () => {
    for (const blank of ['\u00a0', '\u2000', '\u3000', '\ufeff', '\u2028', '\x0b']) {
      const shown = blank.charCodeAt(0).toString(16);
      assert.equal(cookieIn(`a=1; ${blank}__Host-s=evil`, '__Host-s'), '', shown);
      assert.equal(cookieIn(`__Host-s${blank}=evil`, '__Host-s'), '', shown);
      const rest = `${blank}__Host-app=evil`;
      assert.equal(withoutCookies(`cookie: __Host-s=1; ${rest}\r\n`, isOurs), `cookie: ${rest}\r\n`, shown);
      assert.equal(withoutCookies(`cookie: ${blank}__Host-s=1\r\n`, isOurs), '', 'a reader may take it for ours');
    }
    assert.equal(cookieIn('a=1;\t __Host-s = x ; b', '__Host-s'), 'x');
  });

  test('one name twice is nobody’s', () => {
    assert.equal(cookieIn('a=1; s=2; b=3', 's'), '2');
    assert.equal(cookieIn('a=1', 's'), '');
    assert.equal(cookieIn('s=1; s=2', 's'), null);
  });
});
