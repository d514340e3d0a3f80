/**
 * The judge against `jose`: what ours lets in, jose lets in with the same claims; what only ours refuses, it refuses
 * for being stricter by rule.
 *
 * SALLYPORT_FUZZ_RUNS   tokens, default 20,000.
 * SALLYPORT_FUZZ_SEED   seed of a run to repeat; each run prints its own.
 */
import assert from 'node:assert/strict';
import { type KeyObject, sign as nodeSign } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { importJWK, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { ALGORITHMS } from '../../src/auth/algorithms.ts';
import type { AuthReason } from '../../src/identity.ts';
import { fuzzRun } from '../support/fuzz.ts';
import {
  AUDIENCE,
  base64url,
  goodClaims,
  ISSUER,
  issuerWith,
  keyFor,
  NOW,
  NOW_MS,
  newJudge,
  newSigner,
  type Signer,
  signBytes,
} from './support.ts';

/** Algorithms that are quick to sign with; RS256 comes less often. */
const signers = (['HS256', 'ES256', 'EdDSA', 'HS512', 'RS256'] as const).map((alg) => newSigner(alg));
const strangers = signers.map(({ alg }) => newSigner(alg));
const algorithms = ['HS256', 'HS512', 'ES256', 'EdDSA', 'RS256', 'PS256', 'ES384'] as const;
const issuer = issuerWith(
  signers.map((signer) => keyFor(signer)),
  { algorithms, leewaySeconds: 5 },
);

/** Why ours may refuse what jose lets in. Keys, signatures, issuers, audiences and `exp` are not among them. */
const STRICTER: ReadonlySet<AuthReason> = new Set<AuthReason>([
  'malformed',
  'critical',
  'embedded-key',
  'type',
  'claims',
  'issued-in-future',
  'too-large',
]);

/** jose with the same keys: by name, or each when the token names none. */
async function joses(token: string): Promise<JWTPayload | null> {
  const options = {
    algorithms: [...algorithms],
    issuer: ISSUER,
    audience: AUDIENCE,
    clockTolerance: 5,
    currentDate: new Date(NOW_MS),
    requiredClaims: ['exp'],
  };
  for (const signer of signers) {
    const keyOf: JWTVerifyGetKey = (header) => {
      if (header.kid !== undefined && header.kid !== signer.kid) throw new Error('another key');
      return importJWK(signer.jwk, header.alg);
    };
    try {
      return (await jwtVerify(token, keyOf, options)).payload;
    } catch {
      // Refused, with this key.
    }
  }
  return null;
}

// ------------------------------------------------------------------------------------------------ generators

const VALUES: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  1,
  -1,
  0.5,
  '',
  'x',
  [],
  ['x'],
  {},
  { a: 1 },
  ISSUER,
  `${ISSUER}/`,
  [ISSUER],
  AUDIENCE,
  [AUDIENCE],
  [AUDIENCE, 'x'],
  ['x', AUDIENCE],
  [AUDIENCE, 1],
  NOW,
  NOW + 4,
  NOW + 5,
  NOW + 6,
  NOW - 4,
  NOW - 5,
  NOW - 6,
  `${NOW + 300}`,
  NOW_MS,
  1e300,
  'JWT',
  'at+jwt',
  'dpop+jwt',
  'read write',
  ['exp'],
  ['b64'],
  'none',
  ...ALGORITHMS,
];
const CLAIMS = ['iss', 'aud', 'exp', 'nbf', 'iat', 'sub', 'jti', 'client_id', 'azp', 'scope', 'scp', 'cnf', 'x'];
const HEADERS = ['alg', 'alg', 'kid', 'kid', 'typ', 'crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'zip', 'cty', 'x'];
const TEXT_EDITS: readonly ((json: string) => string)[] = [
  (json) => ` ${json}`,
  (json) => `${json}\n`,
  (json) => `\ufeff${json}`,
  (json) => json.replaceAll(',', ' ,\t'),
  (json) => json.replace('{', '{"a":1,"a":2,'),
  (json) => json.replace('}', ',"sub":"root","sub":"alice"}'),
  (json) => json.replace('"a', '"\\u0061'),
  (json) => json.slice(0, -1),
  (json) => `${json}}`,
  (json) => `[${json}]`,
  (json) => json.replace('}', ',"__proto__":{"iss":"x"}}'),
  (json) => json.replace('}', ',"é":"☃\\ud83d\\ude00"}'),
  (json) => json.replace('}', `,"deep":${'['.repeat(40)}${']'.repeat(40)}}`),
  (json) => json.replace('}', `,"deep":${'['.repeat(9)}${']'.repeat(9)}}`),
  (json) => json.replace(/:(\d+)/, ':$1.0'),
  (json) => json.replace(/:(\d+)/, ':$1e0'),
  (json) => json.replace(/:(\d+)/, ':1e999'),
  (json) => json.replace(/:(\d+)/, ':-$1'),
];

const member = fc.tuple(fc.constantFrom(...CLAIMS), fc.constantFrom(...VALUES));
const parameter = fc.tuple(
  fc.constantFrom(...HEADERS),
  fc.oneof(fc.constantFrom(...VALUES), fc.constantFrom(...signers.map(({ kid }) => kid))),
);
const edit = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: of });

/** The last touch, after signing. */
const touch = fc.record({
  kind: fc.constantFrom(
    ...(['none', 'none', 'none', 'none', 'flip', 'insert', 'cut', 'swap', 'double', 'spare', 'pad', 'der'] as const),
  ),
  at: fc.nat(),
  character: fc.constantFrom(...'ABZabz019-_+/=. \n\u0141\0'),
});

const sample = fc.record({
  signer: fc.constantFrom(0, 0, 1, 1, 2, 2, 3, 4),
  /** Who signs: the key that the header names, most often. */
  by: fc.constantFrom(...(['own', 'own', 'own', 'own', 'own', 'own', 'stranger', 'other'] as const)),
  claims: fc.array(member, { maxLength: 2 }),
  parameters: fc.array(parameter, { maxLength: 1 }),
  headerText: edit(fc.nat(TEXT_EDITS.length - 1)),
  payloadText: edit(fc.nat(TEXT_EDITS.length - 1)),
  touch,
});
type Sample = typeof sample extends fc.Arbitrary<infer T> ? T : never;

function tokenOf(parts: Sample): string {
  const own = signers[parts.signer] as Signer;
  const header: Record<string, unknown> = { alg: own.alg, kid: own.kid, typ: 'JWT' };
  for (const [name, value] of parts.parameters) header[name] = value;
  const claims = goodClaims();
  for (const [name, value] of parts.claims) claims[name] = value;
  const text = (value: unknown, which: number | null): string =>
    which === null ? JSON.stringify(value) : (TEXT_EDITS[which] as (json: string) => string)(JSON.stringify(value));
  const input = `${base64url(text(header, parts.headerText))}.${base64url(text(claims, parts.payloadText))}`;
  const other = signers[(parts.signer + 1) % signers.length] as Signer;
  const by = parts.by === 'own' ? own : parts.by === 'other' ? other : (strangers[parts.signer] as Signer);
  return touched(input, signBytes(by, input), by, parts.touch);
}

function touched(input: string, signature: Buffer, by: Signer, { kind, at, character }: Sample['touch']): string {
  const token = `${input}.${base64url(signature)}`;
  const i = at % token.length;
  const pieces = token.split('.');
  const which = at % 3;
  switch (kind) {
    case 'flip':
      return token.slice(0, i) + character + token.slice(i + 1);
    case 'insert':
      return token.slice(0, i) + character + token.slice(i);
    case 'cut':
      return token.slice(0, i);
    case 'swap':
      [pieces[which], pieces[(which + 1) % 3]] = [pieces[(which + 1) % 3] ?? '', pieces[which] ?? ''];
      return pieces.join('.');
    case 'double':
      return [...pieces.slice(0, which), pieces[which], ...pieces.slice(which)].join('.');
    case 'spare':
      // The next digit: where the last one has bits to spare, a text of the same bytes.
      return token.replace(/.$/, (digit) => String.fromCharCode(digit.charCodeAt(0) + 1));
    case 'pad':
      pieces[which] += '='.repeat(1 + (at % 2));
      return pieces.join('.');
    case 'der':
      return by.alg === 'ES256'
        ? `${input}.${base64url(nodeSign('sha256', Buffer.from(input), by.privateKey as KeyObject))}`
        : token;
    default:
      return token;
  }
}

test('judges as jose does, or refuses', { timeout: 300_000 }, async (t) => {
  const run = fuzzRun(t, 20_000);
  const judge = newJudge();
  const counts = { tokens: 0, known: 0, refused: 0, stricter: 0 };
  const stricter = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(sample, async (parts) => {
      const token = tokenOf(parts);
      const judged = judge.judge(token, [issuer], NOW_MS);
      const payload = await joses(token);
      counts.tokens += 1;
      assert.notEqual(judged.kind, 'wait');
      if (judged.kind === 'known') {
        assert.notEqual(payload, null, 'ours lets in what jose refuses');
        assert.deepEqual(JSON.parse(JSON.stringify(judged.identity.claims)), JSON.parse(JSON.stringify(payload)));
        counts.known += 1;
      } else if (judged.kind === 'refused' && payload !== null) {
        assert.ok(STRICTER.has(judged.reason), `only ours refuses: ${judged.reason} (${judged.detail})`);
        counts.stricter += 1;
        stricter.set(judged.detail, (stricter.get(judged.detail) ?? 0) + 1);
      } else {
        counts.refused += 1;
      }
    }),
    run,
  );
  t.diagnostic(JSON.stringify(counts));
  t.diagnostic(JSON.stringify(Object.fromEntries(stricter)));
  assert.ok(counts.tokens >= run.numRuns);
  // The generator is worth its time only while all ends keep coming.
  for (const end of ['known', 'refused', 'stricter'] as const) assert.ok(counts[end] > run.numRuns / 40, end);
});

test('never throws, whatever the text', (t) => {
  const judge = newJudge();
  const json = fc.oneof(fc.json(), fc.json({ maxDepth: 8 }), fc.string({ unit: 'binary' }));
  const piece = fc.oneof(
    json.map((value) => base64url(value)),
    fc.constantFrom('', 'e30', base64url(JSON.stringify({ alg: 'HS256' }))),
    fc.base64String(),
    fc.string({ unit: 'binary' }),
  );
  const text = fc.oneof(
    fc.array(piece, { maxLength: 5 }).map((list) => list.join('.')),
    fc.string({ unit: 'binary', maxLength: 200 }),
    // Objects of any members under a right signature.
    fc
      .tuple(fc.object({ maxDepth: 4 }), fc.array(member, { maxLength: 6 }), fc.nat(3))
      .map(([extra, members, which]) => {
        const signer = signers[which] as Signer;
        const claims = { ...goodClaims(), ...extra, ...Object.fromEntries(members) };
        const input = `${base64url(JSON.stringify({ alg: signer.alg, kid: signer.kid }))}.${base64url(JSON.stringify(claims))}`;
        return `${input}.${base64url(signBytes(signer, input))}`;
      }),
  );
  const kinds = { known: 0, refused: 0, wait: 0 };
  fc.assert(
    fc.property(text, fc.double(), (token, nowMs) => {
      for (const now of [NOW_MS, nowMs]) kinds[judge.judge(token, [issuer], now).kind] += 1;
    }),
    fuzzRun(t, 6_000),
  );
  t.diagnostic(JSON.stringify(kinds));
  assert.ok(kinds.refused > 1_000);
  assert.ok(kinds.known > 50);
  assert.equal(kinds.wait, 0);
});
