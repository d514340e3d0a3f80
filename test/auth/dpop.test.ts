import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DpopAsked, DpopJudge, type DpopJudged, type DpopOptions } from '../../src/auth/dpop.ts';
import { DpopNonces } from '../../src/auth/dpop-nonce.ts';
import { comparableUrl } from '../../src/auth/dpop-url.ts';
import { SlowSignatures } from '../../src/auth/slow-signatures.ts';
import type { Identity } from '../../src/identity.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { createReplayWords } from '../../src/replay/layout.ts';
import { ReplayTable } from '../../src/replay/replay-table.ts';
import { type DpopProofOptions, makeDpopKey, makeDpopProof } from '../support/dpop.ts';

const NOW = 1_800_000_000_000;
const TOKEN = 'access-token';
const ORIGIN = 'https://api.example.com';
const key = makeDpopKey();
const stranger = makeDpopKey();

function judgeOf(options: Partial<DpopOptions> = {}) {
  const table = new ReplayTable(createReplayWords(1_024));
  const judge = new DpopJudge({
    algorithms: ['ES256', 'EdDSA', 'RS256'],
    windowMs: 60_000,
    leewayMs: 5_000,
    origins: [],
    nonces: null,
    replays: table,
    askOthers: null,
    hash: new KeyHash(1, 2),
    salt: 3,
    slow: new SlowSignatures(),
    offloadMicros: Number.POSITIVE_INFINITY,
    ...options,
  });
  return { judge, table };
}

const identityOf = (keyThumbprint: string): Identity => ({
  kind: 'jwt',
  issuer: 'main',
  subject: 'ann',
  client: 'app',
  tokenId: '',
  scopes: [],
  claims: {},
  issuedAtMs: NOW,
  expiresAtMs: NOW + 60_000,
  keyThumbprint,
  rateLimit: '',
});

const askedOf = (proofs: readonly string[], over: Partial<DpopAsked> = {}): DpopAsked => ({
  proofs,
  scheme: 'dpop',
  accessToken: TOKEN,
  method: 'GET',
  origin: ORIGIN,
  path: '/orders/7',
  identity: identityOf(key.thumbprint),
  isRequired: false,
  ...over,
});

const proofOf = (over: Partial<DpopProofOptions> = {}): string =>
  makeDpopProof({ key, method: 'GET', url: `${ORIGIN}/orders/7`, accessToken: TOKEN, nowMs: NOW, ...over });

const saidOf = (judged: DpopJudged): string => (judged.kind === 'refused' ? judged.reason : judged.kind);

test('the request of RFC 9449 7.1 is let in, and again it is a replay', () => {
  // RFC 9449 section 7.1, figure 13; thumbprint of its key: section 6.1, figure 8.
  const proof = [
    'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo',
    'RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJ',
    'qdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXN',
    'vdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yR',
    'qzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA',
  ].join('');
  const asked = askedOf([proof], {
    accessToken: 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU',
    origin: 'https://resource.example.org',
    path: '/protectedresource',
    identity: identityOf('0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'),
  });
  const { judge } = judgeOf();
  assert.equal(saidOf(judge.check(asked, 1_562_262_618_000)), 'ok');
  assert.equal(saidOf(judge.check(asked, 1_562_262_619_000)), 'dpop-replayed');
  // Section 4.1, figure 2: for the token endpoint, so it has no ath.
  const forToken = [
    'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo',
    'RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJ',
    'qdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0Ijo',
    'xNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg',
  ].join('');
  const atServer = {
    ...asked,
    proofs: [forToken],
    method: 'POST',
    origin: 'https://server.example.com',
    path: '/token',
  };
  const judged = judge.check(atServer, 1_562_262_616_000);
  assert.deepEqual(judged.kind === 'refused' && judged.detail, 'ath is not the hash of the token');
});

test('proofs by keys of each kind are good, once', () => {
  for (const alg of ['ES256', 'EdDSA', 'RS256'] as const) {
    const own = makeDpopKey(alg);
    const asked = askedOf([proofOf({ key: own })], { identity: identityOf(own.thumbprint) });
    const { judge } = judgeOf();
    assert.equal(saidOf(judge.check(asked, NOW)), 'ok', alg);
    assert.equal(saidOf(judge.check(asked, NOW + 59_000)), 'dpop-replayed', alg);
  }
});

test('each attack is refused, with its reason', () => {
  const good = proofOf();
  const [head, body, signature] = good.split('.') as [string, string, string];
  const weak = makeDpopKey('RS256', 1_024);
  const { jwk } = key;
  const cases: readonly [string, string, DpopAsked][] = [
    ['a bound token as Bearer', 'dpop-binding', askedOf([good], { scheme: 'bearer' })],
    ['an unbound token as DPoP', 'dpop-binding', askedOf([good], { identity: identityOf('') })],
    [
      'an unbound token where bound ones are asked for',
      'dpop-binding',
      askedOf([], { identity: identityOf(''), scheme: 'bearer', isRequired: true }),
    ],
    ['no proof', 'dpop-missing', askedOf([])],
    ['two proofs', 'dpop-invalid', askedOf([good, proofOf()])],
    ['the same proof twice', 'dpop-invalid', askedOf([good, good])],
    ['two proofs in one field', 'dpop-invalid', askedOf([`${good}, ${good}`])],
    ['an empty field', 'dpop-invalid', askedOf([''])],
    ['no JWS', 'dpop-invalid', askedOf(['x.y'])],
    ['one of 9,000 bytes', 'dpop-invalid', askedOf([proofOf({ claims: { pad: 'x'.repeat(9_000) } })])],
    ['typ JWT', 'dpop-invalid', askedOf([proofOf({ header: { typ: 'JWT' } })])],
    ['no typ', 'dpop-invalid', askedOf([proofOf({ header: { typ: undefined } })])],
    ['alg none', 'dpop-invalid', askedOf([proofOf({ header: { alg: 'none' } })])],
    ['alg HS256', 'dpop-invalid', askedOf([proofOf({ header: { alg: 'HS256' } })])],
    ['an alg that is not accepted', 'dpop-invalid', askedOf([proofOf({ header: { alg: 'ES384' } })])],
    ['an alg of another kind', 'dpop-invalid', askedOf([proofOf({ header: { alg: 'RS256' } })])],
    ['crit', 'dpop-invalid', askedOf([proofOf({ header: { crit: ['exp'] } })])],
    ['b64', 'dpop-invalid', askedOf([proofOf({ header: { b64: false } })])],
    ['jku', 'dpop-invalid', askedOf([proofOf({ header: { jku: 'https://evil.example/keys' } })])],
    ['x5c', 'dpop-invalid', askedOf([proofOf({ header: { x5c: ['x'] } })])],
    ['no jwk', 'dpop-invalid', askedOf([proofOf({ header: { jwk: undefined } })])],
    ['jwk a list', 'dpop-invalid', askedOf([proofOf({ header: { jwk: [jwk] } })])],
    ['a private jwk', 'dpop-invalid', askedOf([proofOf({ header: { jwk: { ...jwk, d: 'AAAA' } } })])],
    ['a shared secret', 'dpop-invalid', askedOf([proofOf({ header: { jwk: { kty: 'oct', k: 'AAAA' } } })])],
    ['a jwk for encryption', 'dpop-invalid', askedOf([proofOf({ header: { jwk: { ...jwk, use: 'enc' } } })])],
    ['a jwk for another alg', 'dpop-invalid', askedOf([proofOf({ header: { jwk: { ...jwk, alg: 'ES384' } } })])],
    ['another curve by name', 'dpop-binding', askedOf([proofOf({ header: { jwk: { ...jwk, crv: 'P-384' } } })])],
    ['another key', 'dpop-binding', askedOf([proofOf({ key: stranger })])],
    ['a weak RSA key', 'dpop-invalid', askedOf([proofOf({ key: weak })], { identity: identityOf(weak.thumbprint) })],
    ['the right jwk, signed by another', 'dpop-invalid', askedOf([proofOf({ key: stranger, header: { jwk } })])],
    ['another method', 'dpop-invalid', askedOf([good], { method: 'POST' })],
    ['the method in small letters', 'dpop-invalid', askedOf([proofOf({ method: 'get' })])],
    ['another host', 'dpop-invalid', askedOf([proofOf({ url: 'https://evil.example/orders/7' })])],
    ['another path', 'dpop-invalid', askedOf([proofOf({ url: `${ORIGIN}/orders/8` })])],
    ['another port', 'dpop-invalid', askedOf([proofOf({ url: 'https://api.example.com:8443/orders/7' })])],
    ['http', 'dpop-invalid', askedOf([proofOf({ url: 'http://api.example.com/orders/7' })])],
    ['a URL with a user', 'dpop-invalid', askedOf([proofOf({ url: 'https://a@api.example.com/orders/7' })])],
    ['no htu', 'dpop-invalid', askedOf([proofOf({ claims: { htu: undefined } })])],
    ['too old', 'dpop-invalid', askedOf([proofOf({ nowMs: NOW - 61_000 })])],
    ['from the future', 'dpop-invalid', askedOf([proofOf({ nowMs: NOW + 6_000 })])],
    ['iat a text', 'dpop-invalid', askedOf([proofOf({ claims: { iat: '1800000000' } })])],
    ['no iat', 'dpop-invalid', askedOf([proofOf({ claims: { iat: undefined } })])],
    ['for another token', 'dpop-invalid', askedOf([good], { accessToken: 'another' })],
    ['no ath', 'dpop-invalid', askedOf([proofOf({ claims: { ath: undefined } })])],
    ['no jti', 'dpop-invalid', askedOf([proofOf({ claims: { jti: undefined } })])],
    ['an empty jti', 'dpop-invalid', askedOf([proofOf({ claims: { jti: '' } })])],
    ['a jti of 257', 'dpop-invalid', askedOf([proofOf({ claims: { jti: 'x'.repeat(257) } })])],
    ['an empty signature', 'dpop-invalid', askedOf([`${head}.${body}.`])],
    ['another signature', 'dpop-invalid', askedOf([`${head}.${body}.A${signature.slice(1).replace(/.$/, 'A')}`])],
    ['a proof of another request', 'dpop-invalid', askedOf([`${head}.${proofOf().split('.')[1]}.${signature}`])],
  ];
  const { judge, table } = judgeOf();
  for (const [name, reason, asked] of cases) assert.equal(saidOf(judge.check(asked, NOW)), reason, name);
  assert.equal(cases.length, 50);
  assert.equal(table.inUse, 0, 'none was remembered');
  assert.equal(saidOf(judge.check(askedOf([good]), NOW)), 'ok', 'the good one is good still');
  const bearer = askedOf([], { identity: identityOf(''), scheme: 'bearer' });
  assert.equal(saidOf(judge.check(bearer, NOW)), 'ok');
});

test('URLs that mean the same are the same', () => {
  for (const [one, other] of [
    ['HTTPS://API.Example.COM:443/a/%7Eb?x=1#y', 'https://api.example.com/a/~b'],
    ['https://api.example.com', 'https://api.example.com/'],
    ['http://api.example.com:80/%c3%a9', 'http://api.example.com/%C3%A9'],
    ['https://api.example.com/a/./b/../c', 'https://api.example.com/a/c'],
  ] as const) {
    assert.equal(comparableUrl(one), comparableUrl(other));
    assert.notEqual(comparableUrl(one), '');
  }
  assert.notEqual(comparableUrl('https://a.example/a%2Fb'), comparableUrl('https://a.example/a/b'));
  for (const none of [
    '',
    '/a',
    'ftp://a.example/',
    'https://a.example\\b',
    'https://a.example/ b',
    'https://u@a.example/',
  ])
    assert.equal(comparableUrl(none), '', none);
  const { judge } = judgeOf({ origins: ['https://shop.example.com'] });
  const url = 'https://shop.example.com/orders/7';
  assert.equal(saidOf(judge.check(askedOf([proofOf({ url })], { origin: 'http://10.0.0.1:8080' }), NOW)), 'ok');
  assert.equal(saidOf(judge.check(askedOf([proofOf()]), NOW)), 'dpop-invalid', 'the Host field does not count then');
});

test('where a nonce is asked for, ours is good in its slot and the next', () => {
  const secret = Buffer.alloc(32, 7);
  const { judge } = judgeOf({ nonces: new DpopNonces(secret, 120_000) });
  assert.equal(saidOf(judge.check(askedOf([proofOf()]), NOW)), 'dpop-nonce');
  assert.equal(saidOf(judge.check(askedOf([proofOf({ nonce: 'made-up' })]), NOW)), 'dpop-nonce');
  const nonce = judge.nonce(NOW);
  assert.match(nonce, /^[\w-]{22}$/);
  assert.equal(saidOf(judge.check(askedOf([proofOf({ nonce })]), NOW)), 'ok');
  const later = NOW + 120_000;
  assert.equal(saidOf(judge.check(askedOf([proofOf({ nonce, nowMs: later })]), later)), 'ok');
  const tooLate = NOW + 240_000;
  assert.equal(saidOf(judge.check(askedOf([proofOf({ nonce, nowMs: tooLate })]), tooLate)), 'dpop-nonce');
  assert.equal(new DpopNonces(secret, 120_000).current(NOW), nonce, 'another thread has the same');
});

test('other machines are asked once for each proof, and a machine alone goes on', async () => {
  const asks: ((answer: 'new' | 'seen' | 'away') => void)[] = [];
  const { judge, table } = judgeOf({ askOthers: (_name, _lastsMs, done) => void asks.push(done) });
  for (const [answer, said, alone] of [
    ['new', 'ok', 0],
    ['seen', 'dpop-replayed', 0],
    ['away', 'ok', 1],
  ] as const) {
    const asked = askedOf([proofOf()]);
    const first = judge.check(asked, NOW);
    assert.equal(first.kind, 'wait');
    assert.equal(saidOf(judge.check({ ...asked }, NOW)), 'dpop-replayed', 'another request with the same proof');
    const told = new Promise<void>((resolve) => first.kind === 'wait' && first.wait(resolve));
    asks.pop()?.(answer);
    await told;
    assert.equal(saidOf(judge.check(asked, NOW)), said);
    assert.equal(table.alone, alone);
  }
  assert.equal(asks.length, 0);
});

test('a full table refuses', () => {
  const { judge } = judgeOf({ replays: { claim: () => 'full', heldAlone: () => undefined } });
  assert.equal(saidOf(judge.check(askedOf([proofOf()]), NOW)), 'busy');
});
