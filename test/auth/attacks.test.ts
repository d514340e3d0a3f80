import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject, sign as nodeSign } from 'node:crypto';
import { describe, test } from 'node:test';
import { ALGORITHM_ROWS, ALGORITHMS, type Algorithm } from '../../src/auth/algorithms.ts';
import type { TrustedIssuer } from '../../src/auth/issuer-settings.ts';
import { keyOfJwk } from '../../src/auth/verification-key.ts';
import type { AuthReason } from '../../src/identity.ts';
import {
  AUDIENCE,
  base64url,
  goodClaims,
  ISSUER,
  issuerWith,
  keyFor,
  made,
  NOW,
  NOW_MS,
  newJudge,
  newSigner,
  type Signer,
  signBytes,
  signToken,
} from './support.ts';

// Every attack on a token that we know of, and the reason it is refused for. The number of cases is written down.

interface Attack {
  readonly name: string;
  readonly token: string;
  readonly reason: AuthReason | readonly AuthReason[];
  readonly issuers?: readonly TrustedIssuer[];
}

const rsa = newSigner('RS256');
const stranger = newSigner('RS256');
const es = newSigner('ES256');
const ed = newSigner('EdDSA');
const hs = newSigner('HS256');
const keys = [rsa, es, ed, hs].map((signer) => keyFor(signer));
const main = issuerWith(keys, { algorithms: ['RS256', 'ES256', 'EdDSA', 'HS256'] });
const header = (changes: object = {}): object => ({ alg: 'RS256', kid: 'RS256', ...changes });
const good = (changes: object = {}, claims: object = {}): string =>
  signToken(rsa, goodClaims({ ...claims }), header(changes));
const whole = good();
const [wholeHeader = '', wholePayload = '', wholeSignature = ''] = whole.split('.');

/** Judges each by a judge of its own, and again by one that has a good token remembered. */
function refusesAll(attacks: readonly Attack[], count: number): void {
  const shared = newJudge();
  assert.equal(shared.judge(whole, [main], NOW_MS).kind, 'known');
  for (const { name, token, reason, issuers = [main] } of attacks) {
    for (const judge of [newJudge(), shared]) {
      const judged = judge.judge(token, issuers, NOW_MS);
      assert.equal(judged.kind, 'refused', `${name}: ${judged.kind}`);
      assert.ok(judged.kind === 'refused');
      assert.ok([reason].flat().includes(judged.reason), `${name}: ${judged.reason} (${judged.detail})`);
    }
  }
  assert.equal(attacks.length, count, 'cases');
}

const signers = new Map(ALGORITHMS.map((alg) => [alg, newSigner(alg, 'one')]));
const strangers = new Map(ALGORITHMS.map((alg) => [alg, newSigner(alg, 'one')]));

describe('attacks are refused, each with its reason', () => {
  test('alg none, in all spellings', () => {
    const spellings = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((bits) =>
      [...'none'].map((letter, i) => ((bits >> i) & 1 ? letter.toUpperCase() : letter)).join(''),
    );
    const others = ['', ' none', 'none ', 'none\u0000', 'nonе', 'null', 'undefined', 'NULL'];
    const cases = [...spellings, ...others].flatMap((alg): Attack[] => [
      {
        name: `${alg} unsigned`,
        token: `${base64url(JSON.stringify({ alg }))}.${wholePayload}.`,
        reason: 'malformed',
      },
      { name: `${alg} with a signature`, token: good({ alg }), reason: 'algorithm' },
      {
        name: `${alg} with an odd one`,
        token: `${base64url(JSON.stringify({ alg }))}.${wholePayload}.AA`,
        reason: 'algorithm',
      },
    ]);
    refusesAll(cases, 72);
  });

  test('alg that is not one, or has another type', () => {
    const names = ['rs256', 'RS257', 'HS1', 'ES256K', 'RSA-OAEP', 'A128GCM', 'toString', '__proto__', 'constructor'];
    const types = [undefined, null, 1, true, [], ['RS256'], {}, { alg: 'RS256' }];
    const cases = [
      ...names.map((alg): Attack => ({ name: alg, token: good({ alg }), reason: 'algorithm' })),
      ...types.map((alg): Attack => ({ name: JSON.stringify(alg) ?? '-', token: good({ alg }), reason: 'malformed' })),
    ];
    refusesAll(cases, 17);
  });

  test('algorithm confusion over every pair of algorithms', () => {
    const cases: Attack[] = [];
    for (const alg of ALGORITHMS) {
      const signer = signers.get(alg) as Signer;
      const pinned = made(keyOfJwk({ ...signer.jwk, alg }, { offloadMicros: Number.POSITIVE_INFINITY }));
      for (const other of ALGORITHMS) {
        if (other === alg) continue;
        const issuers = [
          // The issuer signs with one algorithm, the key could do more.
          issuerWith([keyFor(signer)], { algorithms: [alg] }),
          // The issuer signs with both, the key is for one.
          issuerWith([pinned], { algorithms: [alg, other] }),
        ];
        const forged = forgeries(other, strangers.get(other) as Signer, signer).map((forger) =>
          signToken(forger, goodClaims(), { alg: other, kid: 'one' }),
        );
        // The header alone is changed, the signature is the issuer's.
        const input = `${base64url(JSON.stringify({ alg: other, kid: 'one' }))}.${wholePayload}`;
        forged.push(`${input}.${base64url(signBytes(signer, input))}`);
        for (const token of forged) {
          for (const issuer of issuers) {
            cases.push({ name: `${alg} as ${other}`, token, reason: 'algorithm', issuers: [issuer] });
          }
        }
      }
    }
    refusesAll(cases, 1_256);
  });

  test('a key without alg is for its own kind only, whatever the issuer signs with', () => {
    const cases: Attack[] = [];
    for (const alg of ALGORITHMS) {
      const signer = signers.get(alg) as Signer;
      const issuer = issuerWith([keyFor(signer)], { algorithms: ALGORITHMS });
      for (const other of ALGORITHMS) {
        if (ALGORITHM_ROWS[alg].family === ALGORITHM_ROWS[other].family) continue;
        for (const forger of forgeries(other, strangers.get(other) as Signer, signer)) {
          const token = signToken(forger, goodClaims(), { alg: other, kid: 'one' });
          cases.push({ name: `${alg} as ${other}`, token, reason: 'algorithm', issuers: [issuer] });
        }
      }
    }
    refusesAll(cases, 408);
  });

  test('kid injection', () => {
    const names = [
      '../../../dev/null',
      '/dev/null',
      'file:///etc/passwd',
      "x' UNION SELECT 'secret' --",
      "'; DROP TABLE keys; --",
      '$(id)',
      '`id`',
      '| id',
      'https://evil.example/jwks.json',
      '__proto__',
      'constructor',
      'toString',
      'RS256\u0000',
      ' RS256',
      'rs256',
      '\ud800',
      'x'.repeat(256),
    ];
    const wrong = [0, 1, null, true, [], ['RS256'], {}, { kid: 'RS256' }, 'x'.repeat(257), 'x'.repeat(8_000)];
    const cases = [
      ...names.map((kid): Attack => ({ name: kid, token: good({ kid }), reason: 'unknown-key' })),
      ...wrong.map((kid): Attack => ({ name: JSON.stringify(kid), token: good({ kid }), reason: 'malformed' })),
      { name: 'the secret of /dev/null', token: forgedSecret(''), reason: 'unknown-key' } as const,
    ];
    refusesAll(cases, 28);
  });

  test('a key that comes with the token', () => {
    const certificate = base64url('a certificate');
    const brought: readonly object[] = [
      { jwk: stranger.jwk },
      { jwk: { ...stranger.jwk, kid: 'RS256' } },
      { jwk: null },
      { jwk: {} },
      { jwk: 'text' },
      { jku: 'https://evil.example/jwks.json' },
      { jku: `${ISSUER}/jwks.json` },
      { jku: `${ISSUER}@evil.example/jwks.json` },
      { jku: null },
      { x5u: 'https://evil.example/chain.pem' },
      { x5u: '' },
      { x5c: [certificate] },
      { x5c: [] },
      { x5c: certificate, jwk: stranger.jwk },
    ];
    const cases = brought.flatMap((changes): Attack[] => [
      {
        name: `${JSON.stringify(changes)} by a stranger`,
        token: signToken(stranger, goodClaims(), header(changes)),
        reason: 'embedded-key',
      },
      { name: `${JSON.stringify(changes)} by the issuer`, token: good(changes), reason: 'embedded-key' },
    ]);
    refusesAll(cases, 28);
  });

  test('extensions that must be understood', () => {
    const extensions: readonly object[] = [
      { crit: ['exp'] },
      { crit: ['b64'], b64: false },
      { crit: ['b64'], b64: true },
      { crit: ['x'], x: 1 },
      { crit: [] },
      { crit: null },
      { crit: 'exp' },
      { b64: false },
      { b64: true },
    ];
    const cases = extensions.map(
      (changes): Attack => ({ name: JSON.stringify(changes), token: good(changes), reason: 'critical' }),
    );
    // Unencoded payload (RFC 7797).
    const unencoded = `${base64url(JSON.stringify({ alg: 'RS256', b64: false, crit: ['b64'] }))}.{"iss":1}`;
    const token = `${unencoded}.${base64url(signBytes(rsa, unencoded))}`;
    refusesAll([...cases, { name: 'unencoded', token, reason: 'malformed' }], 10);
  });

  test('wrong times', () => {
    const cases = (
      [
        [{ exp: NOW }, 'expired'],
        [{ exp: NOW - 1 }, 'expired'],
        [{ exp: 0 }, 'expired'],
        [{ exp: -1 }, 'expired'],
        [{ exp: 1 }, 'expired'],
        [{ exp: NOW - 0.001 }, 'expired'],
        [{ exp: undefined }, 'claims'],
        [{ nbf: NOW + 1 }, 'not-yet-valid'],
        [{ nbf: NOW + 0.5 }, 'not-yet-valid'],
        [{ nbf: NOW * 1_000 }, 'not-yet-valid'],
        [{ iat: NOW + 1 }, 'issued-in-future'],
        [{ iat: NOW * 1_000 }, 'issued-in-future'],
      ] as const
    ).map(
      ([changes, reason]): Attack => ({
        name: JSON.stringify(changes),
        token: good({}, changes),
        reason,
      }),
    );
    const short = issuerWith(keys, { lifetimeSecondsMax: 300, leewaySeconds: 60 });
    const lifetimes: readonly Attack[] = [
      { exp: NOW + 301, iat: NOW },
      { exp: NOW + 10, iat: NOW - 291 },
      { exp: NOW + 10, iat: undefined },
    ].map((claims) => ({
      name: JSON.stringify(claims),
      token: good({}, claims),
      reason: 'lifetime',
      issuers: [short],
    }));
    const beyond: readonly Attack[] = [
      { name: 'exp', token: good({}, { exp: NOW - 60 }), reason: 'expired', issuers: [short] },
      { name: 'nbf', token: good({}, { nbf: NOW + 61 }), reason: 'not-yet-valid', issuers: [short] },
      { name: 'iat', token: good({}, { iat: NOW + 61 }), reason: 'issued-in-future', issuers: [short] },
    ];
    refusesAll([...cases, ...lifetimes, ...beyond], 18);
    const within = [{ exp: NOW - 59, iat: NOW - 100 }, { exp: NOW + 90, nbf: NOW + 60 }, { iat: NOW + 60 }];
    for (const claims of within) assert.equal(newJudge().judge(good({}, claims), [short], NOW_MS).kind, 'known');
  });

  test('wrong aud, iss and typ', () => {
    const audiences = [
      undefined,
      [],
      '',
      'https://other.example',
      ['https://other.example'],
      `${AUDIENCE}/`,
      AUDIENCE.toUpperCase(),
      ` ${AUDIENCE}`,
      AUDIENCE.slice(0, -1),
      `${AUDIENCE} https://other.example`,
    ];
    const issuers = [`${ISSUER}/`, ISSUER.toUpperCase(), `${ISSUER}\u0000`, '', 'https://evil.example', '__proto__'];
    const types = [
      'dpop+jwt',
      'logout+jwt',
      'secevent+jwt',
      'application/dpop+jwt',
      'at+jwt/x',
      'application/application/at+jwt',
      '',
      ' JWT',
      'J\u0000WT',
      'x'.repeat(129),
      1,
      null,
      ['JWT'],
      {},
    ];
    const cases = [
      ...audiences.map((aud): Attack => ({ name: `aud ${aud}`, token: good({}, { aud }), reason: 'audience' })),
      ...issuers.map((iss): Attack => ({ name: `iss ${iss}`, token: good({}, { iss }), reason: 'issuer' })),
      ...types.map((typ): Attack => ({ name: `typ ${typ}`, token: good({ typ }), reason: 'type' })),
    ];
    const strict = issuerWith(keys, { types: ['application/at+JWT'] });
    for (const typ of [undefined, 'JWT', 'at+jwt2', 'application/jwt']) {
      cases.push({ name: `typ ${typ}`, token: good({ typ }), reason: 'type', issuers: [strict] });
    }
    const other = issuerWith(keys, { name: 'other', issuer: 'https://other.example' });
    cases.push({ name: 'an issuer of another route', token: whole, reason: 'issuer', issuers: [other] });
    cases.push({ name: 'a route without issuers', token: whole, reason: 'too-large', issuers: [] });
    cases.push({
      name: 'another issuer says to be the first',
      token: signToken(stranger, goodClaims()),
      reason: 'signature',
      issuers: [main, issuerWith([keyFor(stranger)], { issuer: 'https://other.example' })],
    });
    refusesAll(cases, 37);
    const usual = [undefined, 'JWT', 'jwt', 'at+jwt', 'application/at+jwt', 'Application/AT+JWT'];
    for (const typ of usual) assert.equal(newJudge().judge(good({ typ }), [main], NOW_MS).kind, 'known', typ);
    for (const typ of ['at+jwt', 'application/at+jwt', 'AT+JWT']) {
      assert.equal(newJudge().judge(good({ typ }), [strict], NOW_MS).kind, 'known', typ);
    }
  });

  test('a token cut at every byte, from either end', () => {
    const cases: Attack[] = [];
    for (let cut = 0; cut < whole.length; cut += 1) {
      const inSignature = cut > whole.lastIndexOf('.') + 1;
      const reason: readonly AuthReason[] = inSignature ? ['signature', 'malformed'] : ['malformed'];
      cases.push({ name: `first ${cut}`, token: whole.slice(0, cut), reason });
      if (cut > 0) {
        cases.push({
          name: `last ${whole.length - cut}`,
          token: whole.slice(cut),
          reason: ['malformed'],
        });
      }
    }
    refusesAll(cases, 2 * whole.length - 1);
    assert.equal(whole.length, 527);
  });

  test('a bit flipped at every byte', () => {
    const reasons: readonly AuthReason[] = ['malformed', 'signature', 'algorithm', 'unknown-key', 'issuer', 'audience'];
    const cases = Array.from({ length: whole.length }, (_, i): Attack => {
      const flipped = whole.charCodeAt(i) ^ (1 << (i % 7));
      const token = whole.slice(0, i) + String.fromCharCode(flipped) + whole.slice(i + 1);
      return { name: `byte ${i}`, token, reason: [...reasons, 'claims', 'expired', 'issued-in-future'] };
    });
    refusesAll(cases, 527);
  });

  test('signed by others, and signatures moved about', () => {
    const other = good({}, { sub: 'mallory' });
    const [, otherPayload = '', otherSignature = ''] = other.split('.');
    const cases: readonly Attack[] = [
      { name: 'another key', token: signToken({ ...stranger, kid: 'RS256' }, goodClaims()), reason: 'signature' },
      { name: 'another key, no kid', token: signToken(stranger, goodClaims(), { alg: 'RS256' }), reason: 'signature' },
      { name: 'payload of another', token: `${wholeHeader}.${otherPayload}.${wholeSignature}`, reason: 'signature' },
      { name: 'signature of another', token: `${wholeHeader}.${wholePayload}.${otherSignature}`, reason: 'signature' },
      { name: 'parts swapped', token: `${wholePayload}.${wholeHeader}.${wholeSignature}`, reason: 'malformed' },
      { name: 'another hash', token: resigned('RS512'), reason: 'signature' },
      { name: 'PSS as PKCS #1', token: resigned('PS256'), reason: 'signature' },
      {
        name: 'header of another key',
        token: `${encodedHeader('ES256')}.${wholePayload}.${wholeSignature}`,
        reason: 'signature',
      },
      { name: 'signature twice', token: `${whole}${wholeSignature}`, reason: ['signature', 'malformed'] },
      { name: 'payload as a text', token: signToken(rsa, '"x"', header()), reason: 'malformed' },
      { name: 'a token in a token', token: signToken(rsa, whole, header({ cty: 'JWT' })), reason: 'malformed' },
    ];
    refusesAll(cases, 11);
  });

  test('signatures of nothing, and of wrong length', () => {
    const esInput = `${base64url(JSON.stringify({ alg: 'ES256', kid: 'ES256' }))}.${wholePayload}`;
    const edInput = `${base64url(JSON.stringify({ alg: 'EdDSA', kid: 'EdDSA' }))}.${wholePayload}`;
    const rsaInput = `${wholeHeader}.${wholePayload}`;
    const hsInput = `${base64url(JSON.stringify({ alg: 'HS256', kid: 'HS256' }))}.${wholePayload}`;
    const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
    const zero = Buffer.alloc(32);
    const one = Buffer.alloc(32);
    one[31] = 1;
    const right = signBytes(es, esInput);
    const ecdsa: readonly (readonly [string, Buffer])[] = [
      ['r = s = 0', Buffer.concat([zero, zero])],
      ['r = 0', Buffer.concat([zero, right.subarray(32)])],
      ['s = 0', Buffer.concat([right.subarray(0, 32), zero])],
      ['r = s = order', Buffer.concat([order, order])],
      ['r = 1, s = 0', Buffer.concat([one, zero])],
      ['r = s = 1', Buffer.concat([one, one])],
      ['DER', nodeSign('sha256', Buffer.from(esInput), es.privateKey as KeyObject)],
      ['a zero before', Buffer.concat([zero.subarray(0, 1), right])],
      ['a zero behind', Buffer.concat([right, zero.subarray(0, 1)])],
      ['twice', Buffer.concat([right, right])],
      ['one half', right.subarray(0, 32)],
      [
        'as P-384 has them',
        Buffer.concat([zero.subarray(0, 16), right.subarray(0, 32), zero.subarray(0, 16), right.subarray(32)]),
      ],
    ];
    const edwards: readonly (readonly [string, Buffer])[] = [
      ['zeros', Buffer.alloc(64)],
      ['identity', Buffer.concat([one.reverse(), zero])],
      ['short', signBytes(ed, edInput).subarray(0, 63)],
      ['long', Buffer.concat([signBytes(ed, edInput), zero.subarray(0, 1)])],
    ];
    const pkcs1: readonly (readonly [string, Buffer])[] = [
      ['zeros', Buffer.alloc(256)],
      ['one', Buffer.concat([Buffer.alloc(255), Buffer.from([1])])],
      ['all ones', Buffer.alloc(256, 0xff)],
      ['the digest itself', Buffer.concat([Buffer.alloc(224), createHash('sha256').update(rsaInput).digest()])],
      ['a zero before', Buffer.concat([Buffer.alloc(1), signBytes(rsa, rsaInput)])],
      ['short', signBytes(rsa, rsaInput).subarray(1)],
    ];
    const mac = signBytes(hs, hsInput);
    const hmac: readonly (readonly [string, Buffer])[] = [
      ['zeros', Buffer.alloc(32)],
      ['one byte', mac.subarray(0, 1)],
      ['half', mac.subarray(0, 16)],
      ['long', Buffer.concat([mac, mac.subarray(0, 1)])],
      ['digest without key', createHash('sha256').update(hsInput).digest()],
    ];
    const of = (input: string, list: readonly (readonly [string, Buffer])[]): Attack[] =>
      list.map(([name, signature]) => ({ name, token: `${input}.${base64url(signature)}`, reason: 'signature' }));
    refusesAll([...of(esInput, ecdsa), ...of(edInput, edwards), ...of(rsaInput, pkcs1), ...of(hsInput, hmac)], 27);
    assert.equal(newJudge().judge(`${esInput}.${base64url(right)}`, [main], NOW_MS).kind, 'known');
  });

  test('base64url that another reader would take', () => {
    const cases = [0, 1, 2].flatMap((which) => {
      const change = (name: string, edit: (part: string) => string): Attack => {
        const parts = whole.split('.');
        parts[which] = edit(parts[which] ?? '');
        return { name: `${name} in part ${which}`, token: parts.join('.'), reason: 'malformed' };
      };
      return [
        change('padding', (part) => `${part}=`),
        change('double padding', (part) => `${part}==`),
        change('space before', (part) => ` ${part}`),
        change('space behind', (part) => `${part} `),
        change('a line break', (part) => `${part.slice(0, 8)}\n${part.slice(8)}`),
        change('a tab', (part) => `${part.slice(0, 8)}\t${part.slice(8)}`),
        change('NUL', (part) => `${part}\u0000`),
        change('plus', (part) => `${part.slice(0, -1)}+`),
        change('slash', (part) => `${part.slice(0, -1)}/`),
        change('a letter that folds to another', (part) => `${part.slice(0, -1)}\u0141`),
        change('a wide letter', (part) => `${part.slice(0, 4)}\uff21${part.slice(5)}`),
        change('a lone surrogate', (part) => `${part}\ud800`),
        change('nothing', () => ''),
      ];
    });
    // The last digit of the signature has four bits that mean nothing: only zero will do.
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = digits.indexOf(wholeSignature.at(-1) ?? '');
    for (let spare = 1; spare < 16; spare += 1) {
      cases.push({
        name: `spare bits ${spare}`,
        token: whole.slice(0, -1) + digits[last + spare],
        reason: 'malformed',
      });
    }
    cases.push({ name: 'a space before all', token: ` ${whole}`, reason: 'malformed' });
    cases.push({ name: 'Bearer', token: `Bearer ${whole}`, reason: 'malformed' });
    refusesAll(cases, 56);
  });

  test('a number of parts that is not three', () => {
    const jwe = ['eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0', '', 'AAAA', 'AAAA', 'AAAA'].join('.');
    const tokens = ['', '.', '..', '...', '....', 'a', 'a.b', 'a.b.c.d', jwe, `${whole}.`, `.${whole}`, `${whole}..`];
    const flattened = JSON.stringify({ protected: wholeHeader, payload: wholePayload, signature: wholeSignature });
    const cases = [...tokens, flattened, '.'.repeat(10_000), 'a'.repeat(10_000)].map(
      (token): Attack => ({ name: token.slice(0, 20), token, reason: 'malformed' }),
    );
    refusesAll(cases, 15);
  });

  test('members named twice', () => {
    const claims = JSON.stringify(goodClaims());
    const twice = (json: string, member: string): string => `${json.slice(0, -1)},${member}}`;
    const payloads = [
      twice(claims, '"exp":9999999999'),
      twice(claims, '"sub":"root"'),
      twice(claims, '"iss":"https://issuer.example"'),
      twice(claims, '"\\u0069ss":"https://evil.example"'),
      twice(claims, '"s\\u0075b":"root"'),
      twice(claims, '"__proto__":{},"__proto__":{}'),
      twice(claims, '"a":1,"a":1'),
      twice(claims, '"":1,"":2'),
      twice(claims, '"1":1,"1":2'),
    ];
    const head = JSON.stringify(header());
    const headers = [
      twice(head, '"alg":"RS256"'),
      twice(head, '"alg":"none"'),
      twice(head, '"\\u0061lg":"none"'),
      twice(head, '"kid":"x"'),
      twice(head, '"x":1,"x":1'),
    ];
    const cases = [
      ...payloads.map((text): Attack => ({ name: text, token: signToken(rsa, text, header()), reason: 'malformed' })),
      ...headers.map(
        (text): Attack => ({ name: text, token: signToken(rsa, goodClaims(), text), reason: 'malformed' }),
      ),
    ];
    refusesAll(cases, 14);
    // Commas, braces and names within values are no members.
    const busy = goodClaims({ note: '","sub":"root"', list: [{ sub: 'a' }, { sub: 'b' }, ',', '"'], tail: '\\' });
    assert.equal(newJudge().judge(signToken(rsa, busy), [main], NOW_MS).kind, 'known');
  });

  test('JSON that is none, or too deep, and bytes that are no UTF-8', () => {
    const claims = JSON.stringify(goodClaims());
    const nested = (depth: number, open: string, close: string): string =>
      `${claims.slice(0, -1)},"deep":${open.repeat(depth)}${close.repeat(depth)}}`;
    const texts = [
      '',
      'null',
      '[]',
      '1',
      'true',
      '"x"',
      '{',
      '}',
      '{}{}',
      `${claims} x`,
      ` ${claims}`,
      `\ufeff${claims}`,
      claims.slice(0, -1),
      claims.replaceAll('"', "'"),
      claims.replace('{', '{,'),
      `${claims.slice(0, -1)},}`,
      `${claims.slice(0, -1)},"x":NaN}`,
      `${claims.slice(0, -1)},"x":0x10}`,
      `${claims.slice(0, -1)},"x":"\u0001"}`,
      `${claims.slice(0, -1)},"x":undefined}`,
      `${claims.slice(0, -1)}/*,"x":1*/}`,
      nested(32, '[', ']'),
      nested(2_000, '[', ']'),
      nested(4_000, '[', ''),
      nested(1_000, '{"a":', '}').replace('{"a":}', '{"a":1}'),
    ];
    const bytes = ['ff', 'c080', 'eda080', 'f4908080', 'e28028c3', '80'].map((hex) =>
      Buffer.concat([Buffer.from(`${claims.slice(0, -1)},"x":"`), Buffer.from(hex, 'hex'), Buffer.from('"}')]),
    );
    const cases = [
      ...texts.map((text): Attack => ({ name: text.slice(0, 40), token: signRaw(text), reason: 'malformed' })),
      ...bytes.map((raw): Attack => ({ name: raw.toString('hex'), token: signRaw(raw), reason: 'malformed' })),
      {
        name: 'a deep header',
        token: signToken(rsa, claims, `{"alg":"RS256","x":${'['.repeat(40)}${']'.repeat(40)}}`),
        reason: 'malformed',
      } as const,
    ];
    refusesAll(cases, 32);
    for (const text of [nested(31, '[', ']'), claims.replace('alice', 'älicé ☃'), `${claims}\n`]) {
      assert.equal(newJudge().judge(signRaw(text), [main], NOW_MS).kind, 'known', text);
    }
  });

  test('tokens of a megabyte', () => {
    const long = 'x'.repeat(1_048_576);
    const cases: readonly Attack[] = [
      { name: 'a long claim', token: good({}, { note: long }), reason: 'too-large' },
      { name: 'a long header', token: good({ note: long }), reason: 'too-large' },
      { name: 'a long signature', token: `${wholeHeader}.${wholePayload}.${long}`, reason: 'too-large' },
      { name: 'one part', token: long, reason: 'too-large' },
      { name: 'dots', token: '.'.repeat(1_048_576), reason: 'too-large' },
      {
        name: 'over the bound of its issuer, under that of another',
        token: good({}, { note: 'x'.repeat(20_000) }),
        reason: 'too-large',
        issuers: [main, issuerWith(keys, { issuer: 'https://other.example', tokenBytesMax: 65_536 })],
      },
    ];
    refusesAll(cases, 6);
  });

  test('claims of wrong types', () => {
    const wrong: Record<string, readonly unknown[]> = {
      iss: [undefined, null, 1, true, [ISSUER], { iss: ISSUER }],
      sub: [null, 1, true, ['alice'], { sub: 'alice' }],
      jti: [null, 1, ['x'], {}],
      client_id: [null, 1, ['x'], {}],
      azp: [null, 1, ['x'], {}],
      exp: [null, `${NOW + 300}`, true, [NOW + 300], {}, 1e300, -1e300],
      nbf: [null, `${NOW}`, false, [NOW], {}, 1e300],
      iat: [null, `${NOW}`, false, [NOW], {}, -1e300],
      aud: [null, 1, true, {}, [1], [AUDIENCE, 1], [[AUDIENCE]], { 0: AUDIENCE }],
      scope: [null, 1, true, {}, [1], ['read write'], [''], ['read', null], 'read\twrite', 'read\nwrite', 'é', '"'],
      scp: [null, 1, {}, [[]]],
      cnf: [null, 1, 'x', [], {}, { jkt: 1 }, { jkt: 'x' }, { 'x5t#S256': 'x'.repeat(43) }],
    };
    const cases = Object.entries(wrong).flatMap(([name, values]) =>
      values.map((value): Attack => {
        return { name: `${name} ${JSON.stringify(value)}`, token: good({}, { [name]: value }), reason: 'claims' };
      }),
    );
    const claims = JSON.stringify(goodClaims());
    for (const text of ['"exp":1e999', '"exp":-1e999']) {
      const token = signRaw(claims.replace(/"exp":\d+/, text));
      cases.push({ name: text, token, reason: 'claims' });
    }
    refusesAll(cases, 76);
  });
});

test('a claim that would change a prototype changes none', () => {
  const claims = JSON.stringify(goodClaims());
  const proto = `${claims.slice(0, -1)},"__proto__":{"admin":true,"sub":"root"},"constructor":{"prototype":{"x":1}}}`;
  const judged = newJudge().judge(signRaw(proto), [main], NOW_MS);
  assert.ok(judged.kind === 'known');
  const { claims: seen, subject } = judged.identity;
  assert.equal(subject, 'alice');
  assert.equal(seen.admin, undefined);
  assert.equal(Object.getPrototypeOf(seen), null);
  assert.deepEqual(Object.assign({}, Reflect.get(seen, '__proto__')), { admin: true, sub: 'root' });
  assert.equal(Object.getPrototypeOf(seen.constructor), null);
  assert.equal(Reflect.get({}, 'admin'), undefined);
  assert.equal(seen.toString, undefined);
  assert.equal(seen.hasOwnProperty, undefined);
});

/** Who could sign as `other` to be taken for `victim`: a key of one's own, and what everybody knows as a secret. */
function forgeries(other: Algorithm, own: Signer, victim: Signer): Signer[] {
  if (ALGORITHM_ROWS[other].family !== 'oct' || ALGORITHM_ROWS[victim.alg].family === 'oct') return [own];
  const key = keyFor(victim).keyObject;
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  const der = key.export({ type: 'spki', format: 'der' });
  const { kid: _, ...jwk } = victim.jwk;
  const known: (string | Buffer)[] = [pem, pem.trimEnd(), pem.replaceAll('\n', '\r\n'), der, der.toString('base64')];
  known.push(JSON.stringify(jwk), JSON.stringify(victim.jwk), Buffer.from(jwk.n ?? jwk.x ?? '', 'base64url'));
  return [own, ...known.map((secret) => ({ ...own, privateKey: Buffer.from(secret) }))];
}

function forgedSecret(secret: string): string {
  const input = `${base64url(JSON.stringify({ alg: 'HS256', kid: '/dev/null' }))}.${wholePayload}`;
  return `${input}.${base64url(signBytes({ alg: 'HS256', privateKey: Buffer.from(secret) }, input))}`;
}

/** The good token with a signature by the right key, of another algorithm than its header says. */
function resigned(alg: Algorithm): string {
  const input = `${wholeHeader}.${wholePayload}`;
  return `${input}.${base64url(signBytes({ ...rsa, alg }, input))}`;
}

const encodedHeader = (alg: Algorithm): string => base64url(JSON.stringify({ alg, kid: alg }));

function signRaw(payload: string | Buffer): string {
  const input = `${base64url(JSON.stringify(header()))}.${base64url(payload)}`;
  return `${input}.${base64url(signBytes(rsa, input))}`;
}

test('an issuer that is named right and signs with a small key is one without keys', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  const result = keyOfJwk(publicKey.export({ format: 'jwk' }), { offloadMicros: 0 });
  assert.deepEqual(result, { kind: 'refused', reason: 'RSA of 1024 bits is weak: 2048 are the least' });
});
