import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { TestAuthority } from '../support/certificates.ts';
import { configOf, IssuerStage, RawProvider } from '../support/issuers.ts';
import { makeKey, publicHalf, type SigningKey } from '../support/oidc-provider.ts';
import { until } from '../support/wait.ts';

const setOf = (...keys: object[]): string => JSON.stringify({ keys });
const GOOD = makeKey('good');

/** Answers that must never take the place of good keys, and how they are counted. */
const EVIL: readonly (readonly [what: string, result: string, answer: (provider: RawProvider) => void])[] = [
  ['a page of HTML', 'type', (p) => p.says('<html>oops</html>', 'text/html')],
  ['HTML that says it is JSON', 'content', (p) => p.says('<html>oops</html>')],
  ['keys of a wrong content type', 'type', (p) => p.says(setOf(publicHalf(makeKey('x'))), 'text/plain')],
  ['a failure', 'status', (p) => p.says(setOf(publicHalf(makeKey('x'))), 'application/json', 503)],
  ['a redirect', 'redirect', (p) => p.says('', 'application/json', 302, { Location: '/elsewhere' })],
  ['an empty body', 'content', (p) => p.says('')],
  ['an empty set', 'keys', (p) => p.says(setOf())],
  ['an array', 'content', (p) => p.says('[]')],
  ['keys that are none', 'keys', (p) => p.says('{"keys":[1,null,"x",[],{"kty":7},{}]}')],
  ['a set without keys', 'content', (p) => p.says('{"keys":{"a":1}}')],
  ['private keys', 'keys', (p) => p.says(setOf(makeKey('x'), makeKey('y', 'RS256')))],
  ['shared secrets', 'keys', (p) => p.says(setOf({ kty: 'oct', k: 'c2VjcmV0'.repeat(8), kid: 'x' }))],
  ['weak keys', 'keys', (p) => p.says(setOf(publicHalf(makeKey('x', 'RS256', 1_024))))],
  ['keys for encryption', 'keys', (p) => p.says(setOf({ ...publicHalf(makeKey('x')), use: 'enc' }))],
  ['keys of algorithms that the issuer has not', 'keys', (p) => p.says(setOf(publicHalf(makeKey('x', 'ES384'))))],
  ['bytes that are no text', 'content', (p) => p.says(Buffer.from([0x7b, 0xff, 0x7d]))],
  ['deep nesting', 'content', (p) => p.says('['.repeat(200_000))],
  ['a compressed answer', 'type', (p) => p.says('x', 'application/json', 200, { 'Content-Encoding': 'gzip' })],
  ['a length beyond all bounds', 'size', (p) => p.says('x'.repeat(1_100_000))],
  [
    'a body without end',
    'size',
    (p) => {
      p.answer = (_request, response) => {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        const more = (): void => {
          while (!response.destroyed && response.write(' '.repeat(65_536)));
          if (!response.destroyed) response.once('drain', more);
        };
        more();
      };
    },
  ],
  ['silence', 'timeout', (p) => (p.answer = () => undefined)],
  [
    'a body that stops',
    'timeout',
    (p) => {
      p.answer = (_request, response) => {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        response.write('{"keys":[');
      };
    },
  ],
  [
    'a body that is cut off',
    'connection',
    (p) => {
      p.answer = (_request, response) => {
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' });
        response.write('{"keys":[', () => response.destroy());
      };
    },
  ],
  ['a closed connection', 'connection', (p) => (p.answer = (request) => request.socket.destroy())],
];

describe('what a provider may answer instead of keys', { concurrency: 8 }, () => {
  assert.equal(EVIL.length, 24);
  for (const [what, result, answer] of EVIL) {
    it(`${what}: the keys of before stay, and it counts as ${result}`, async (t) => {
      const provider = await RawProvider.start(t);
      provider.says(setOf(publicHalf(GOOD)));
      const keys = { source: 'jwks', url: `${provider.url}/jwks`, refreshMs: 1_000, timeoutMs: 500 };
      const stage = await IssuerStage.start(t, {}, keys);
      const key = stage.keys().find('good')[0];
      assert.ok(key !== undefined);
      answer(provider);
      await until('a failed fetch', () => stage.fetches(result) > 0);
      assert.deepEqual([stage.state(), stage.keys().state, stage.keys().find('good')[0]], ['stale', 'ready', key]);
      // Further tries say nothing more.
      await until('a second one', () => stage.fetches(result) > 1);
      assert.equal(stage.lines.filter(({ level }) => level !== 'info').length, 1);
      provider.says(setOf(publicHalf(GOOD)));
      await until('good keys', () => stage.state() === 'ready');
      assert.equal(stage.keys().find('good')[0], key, 'the same key is the same object');
    });
  }
});

describe('a set of keys', () => {
  it('of 1,000 is used as far as its bound, and told of once', async (t) => {
    const provider = await RawProvider.start(t);
    const keys = Array.from({ length: 1_000 }, (_, at) => publicHalf(makeKey(`k${at}`)));
    provider.says(setOf(...keys));
    const stage = await IssuerStage.start(t, {}, { source: 'jwks', url: `${provider.url}/jwks`, refreshMs: 1_000 });
    await until('keys', () => stage.keys().state === 'ready');
    assert.equal(stage.names().length, 100);
    await until('another fetch', () => stage.fetches('done') > 1);
    const warnings = stage.lines.filter(({ level }) => level === 'warn');
    assert.equal(warnings.length, 1);
  });

  it('with bad ones among good ones loses the bad ones alone', async (t) => {
    const provider = await RawProvider.start(t);
    const twin = publicHalf(makeKey('twin'));
    const set = [
      makeKey('private'),
      { kty: 'oct', k: 'YWJj', kid: 's' },
      null,
      twin,
      twin,
      publicHalf(makeKey('twin')),
    ];
    provider.says(setOf(...(set as object[]), { ...publicHalf(GOOD), x5c: ['x'], note: 'n' }));
    const stage = await IssuerStage.start(t, {}, { source: 'jwks', url: `${provider.url}/jwks` });
    // One name may have several keys; the same key counts once.
    assert.deepEqual(stage.names(), ['twin', 'twin', 'good']);
    assert.equal(stage.keys().find('twin').length, 2);
    const news = JSON.stringify(stage.keeper.news());
    assert.doesNotMatch(news, /"d"|"k"|x5c|note/, 'what describes a public key alone goes on to threads');
    assert.equal(stage.lines.filter(({ level }) => level === 'warn').length, 1);
  });
});

describe('a discovery document', () => {
  const document = (provider: RawProvider, more: object): string =>
    JSON.stringify({ issuer: provider.url, jwks_uri: `${provider.url}/jwks`, ...more });

  async function problemWith(t: Parameters<typeof RawProvider.start>[0], make: (p: RawProvider) => object, keys = {}) {
    const provider = await RawProvider.start(t);
    provider.answer = (request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(request.url === '/jwks' ? setOf(publicHalf(GOOD)) : document(provider, make(provider)));
    };
    const stage = await IssuerStage.start(t, { issuer: provider.url }, { coolDownMs: 60_000, ...keys });
    return { problem: stage.keeper.status()[0]?.problem ?? '', requests: provider.requests, state: stage.state() };
  }

  it('of another issuer is refused, be the difference one slash', async (t) => {
    for (const make of [(p: RawProvider) => ({ issuer: `${p.url}/` }), () => ({ issuer: undefined })]) {
      const { problem, requests, state } = await problemWith(t, make);
      assert.match(problem, /of another issuer/);
      assert.deepEqual([state, requests], ['unavailable', ['/.well-known/openid-configuration']]);
    }
  });

  it('leads nowhere but to its own host and port, and to those allowed', async (t) => {
    const other = await RawProvider.start(t);
    other.says(setOf(publicHalf(GOOD)));
    const make = () => ({ jwks_uri: `${other.url}/jwks` });
    const refused = await problemWith(t, make);
    assert.match(refused.problem, /add it to keys.hosts/);
    assert.deepEqual(other.requests, []);
    const allowed = await problemWith(t, make, { hosts: [new URL(other.url).host] });
    assert.deepEqual([allowed.state, allowed.problem, other.requests], ['ready', '', ['/jwks']]);
  });

  it('with a jwks_uri that is none, or names a user, is refused', async (t) => {
    for (const uri of [undefined, 7, '', 'jwks', 'file:///etc/passwd', 'http://a:b@127.0.0.1/']) {
      const { problem, state } = await problemWith(t, () => ({ jwks_uri: uri }));
      assert.match(problem, /jwks_uri/, String(uri));
      assert.equal(state, 'unavailable');
    }
  });
});

describe('keys in files', () => {
  function folderOf(t: { after(run: () => void): void }): string {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-keys-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  it('are read as PEM, certificate, JWK and set, and a change is taken without a reload', async (t) => {
    const folder = folderOf(t);
    const authority = new TestAuthority();
    t.after(() => authority.remove());
    const { certificatePem } = authority.issue({ names: ['a.test'] });
    const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
    const contents = {
      'a.pem': pem,
      // Of a chain the first one alone signs.
      'b.pem': `${certificatePem}\n${authority.root.certificatePem}`,
      'c.json': JSON.stringify(publicHalf(makeKey('c'))),
      'd.json': setOf(publicHalf(makeKey('d1')), publicHalf(makeKey('d2', 'RS256'))),
    };
    const files = Object.keys(contents).map((name) => join(folder, name));
    for (const [at, text] of Object.values(contents).entries()) writeFileSync(files[at] ?? '', text);
    const stage = await IssuerStage.start(t, {}, { source: 'files', files });
    assert.deepEqual(stage.names(), ['', '', 'c', 'd1', 'd2']);
    assert.equal(stage.keys().ask('other', Date.now()), null, 'files do not change by asking');
    writeFileSync(files[2] ?? '', JSON.stringify(publicHalf(makeKey('new'))));
    await until('the new key', () => stage.names().includes('new'));
    writeFileSync(files[2] ?? '', 'not a key');
    await until('a warning', () => stage.lines.some(({ level }) => level === 'warn'));
    assert.deepEqual(stage.names(), ['', '', 'new', 'd1', 'd2'], 'what is no good changes nothing');
  });

  it('without a key that can be used stop the boot, and say which', async (t) => {
    const file = join(folderOf(t), 'keys');
    const secret: SigningKey = makeKey('s');
    const privatePem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const text of ['', 'nonsense', '{}', setOf(), JSON.stringify(secret), privatePem]) {
      writeFileSync(file, text);
      const config = configOf({}, { source: 'files', files: [file] });
      const stage = await IssuerStage.start(t, {}, { source: 'jwks', url: 'http://127.0.0.1:1/jwks' });
      await assert.rejects(stage.use(config), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'SP_CONFIG');
        assert.ok(error.message.includes(`issuers.main.keys.files: ${file}`), error.message);
        return true;
      });
      assert.equal(stage.keeper.news().length, 1, 'nothing has changed');
    }
  });
});
