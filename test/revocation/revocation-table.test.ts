import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Identity } from '../../src/identity.ts';
import { saltOf } from '../../src/limiter/decision.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { REVOCATION_KINDS, type RevocationKind, revocationSalt } from '../../src/revocation/kinds.ts';
import { createRevocationWords, TURN } from '../../src/revocation/layout.ts';
import { RevocationJudge } from '../../src/revocation/revocation-judge.ts';
import { RevocationTable } from '../../src/revocation/revocation-table.ts';
import { RevocationWriter } from '../../src/revocation/revocation-writer.ts';
import { hammer } from './hammer-job.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const ALWAYS = Number.POSITIVE_INFINITY;

const identityOf = (over: Partial<Identity>): Identity => ({
  kind: 'jwt',
  issuer: 'main',
  subject: 'ann',
  client: 'app',
  tokenId: 'id-1',
  scopes: [],
  claims: {},
  issuedAtMs: NOW - 60_000,
  expiresAtMs: NOW + HOUR,
  keyThumbprint: '',
  rateLimit: '',
  ...over,
});

function tableOf(max = 1_024) {
  const words = createRevocationWords(max);
  const writer = new RevocationWriter(words);
  const table = new RevocationTable(words);
  const hash = new KeyHash(1, 2);
  const judge = new RevocationJudge(table, new KeyHash(1, 2), saltOf);
  const put = (kind: RevocationKind, issuer: string, text: string, untilMs = NOW + HOUR, issuedUntilMs = ALWAYS) => {
    hash.hash(text, revocationSalt(kind, issuer, saltOf));
    return writer.put(hash.high, hash.low, REVOCATION_KINDS.indexOf(kind), untilMs, issuedUntilMs);
  };
  const remove = (kind: RevocationKind, issuer: string, text: string) => {
    hash.hash(text, revocationSalt(kind, issuer, saltOf));
    return writer.remove(hash.high, hash.low, REVOCATION_KINDS.indexOf(kind));
  };
  return { words, writer, table, judge, put, remove };
}

test('each kind hits what it names, and nothing else', () => {
  const cases: readonly [RevocationKind, string, string, Partial<Identity>, boolean][] = [
    ['token', 'main', 'id-1', {}, true],
    ['token', 'main', 'id-1', { tokenId: 'id-2' }, false],
    ['token', 'main', 'id-1', { issuer: 'other' }, false],
    ['token', 'main', 'id-1', { kind: 'session' }, true],
    ['token', 'main', 'ann', {}, false],
    ['subject', 'main', 'ann', {}, true],
    ['subject', 'main', 'ann', { subject: 'bob' }, false],
    ['subject', 'main', 'ann', { issuer: 'other' }, false],
    ['subject', 'main', 'ann', { kind: 'opaque' }, true],
    ['subject', 'main', 'ann', { kind: 'api-key', issuer: '' }, false],
    ['client', 'main', 'app', {}, true],
    ['client', 'main', 'app', { client: '' }, false],
    ['key', '', 'k1', { kind: 'api-key', issuer: '', client: 'k1' }, true],
    ['key', '', 'k1', { kind: 'api-key', issuer: '', client: 'k2' }, false],
    ['key', '', 'k1', { client: 'k1' }, false],
    ['client', 'main', 'k1', { kind: 'api-key', issuer: '', client: 'k1' }, false],
  ];
  for (const [kind, issuer, text, over, isRevoked] of cases) {
    const { judge, put } = tableOf();
    assert.ok(put(kind, issuer, text));
    assert.equal(judge.revoked(identityOf(over), NOW), isRevoked, `${kind} ${issuer} ${text} ${JSON.stringify(over)}`);
  }
  assert.equal(cases.length, 16);
});

test('a revocation ends at its time, and one of tokens issued until then spares later ones', () => {
  const { judge, put, remove } = tableOf();
  put('token', 'main', 'id-1', NOW + 10_000);
  assert.equal(judge.revoked(identityOf({}), NOW + 9_999), true);
  assert.equal(judge.revoked(identityOf({}), NOW + 10_000), false);
  assert.ok(remove('token', 'main', 'id-1'));
  assert.equal(remove('token', 'main', 'id-1'), false);
  put('subject', 'main', 'ann', NOW + HOUR, NOW);
  for (const [issuedAtMs, isRevoked] of [
    [NOW - 1, true],
    [NOW, true],
    // The same second: `iat` says no more.
    [NOW + 999, true],
    [NOW + 1_000, false],
    [0, true],
  ] as const) {
    assert.equal(judge.revoked(identityOf({ issuedAtMs }), NOW), isRevoked, `issued ${issuedAtMs - NOW} ms later`);
  }
});

test('the generation changes with every change, and a look without revocations reads one word', () => {
  const { judge, put, remove } = tableOf();
  const seen = [judge.generation];
  assert.equal(judge.revoked(identityOf({}), NOW), false);
  put('token', 'main', 'x');
  seen.push(judge.generation);
  put('token', 'main', 'x', NOW + 2 * HOUR);
  seen.push(judge.generation);
  remove('token', 'main', 'x');
  seen.push(judge.generation);
  assert.equal(new Set(seen).size, 4);
});

test('a full table refuses one more and keeps those that it has', () => {
  const { writer, judge, put } = tableOf(1_024);
  assert.equal(writer.room, 1_152);
  for (let i = 0; i < 1_152; i += 1) assert.ok(put('token', 'main', `t${i}`));
  assert.equal(put('token', 'main', 'one more'), false);
  assert.equal(put('token', 'main', 't7', NOW + 2 * HOUR), true, 'one that is there can be changed');
  for (let i = 0; i < 1_152; i += 1) assert.ok(judge.revoked(identityOf({ tokenId: `t${i}` }), NOW), `t${i}`);
  assert.equal(judge.revoked(identityOf({ tokenId: 'one more' }), NOW), false);
});

test('fast-check: any changes leave what a Map would hold', () => {
  const change = fc.record({
    op: fc.constantFrom('put', 'put', 'remove'),
    high: fc.nat(3),
    low: fc.oneof(fc.nat(40), fc.constant(-1), fc.constant(4_096), fc.constant(8_192)),
    until: fc.integer({ min: -5, max: 50 }),
  });
  let cases = 0;
  fc.assert(
    fc.property(fc.array(change, { maxLength: 400, size: 'max' }), (changes) => {
      const { writer, table } = tableOf(64);
      const model = new Map<string, number>();
      for (const { op, high, low, until } of changes) {
        // 0 stands for 1 in the high half and for 2 in the low one.
        const key = `${high || 1}:${low || 2}`;
        if (op === 'put') {
          const isThere = model.has(key) || model.size < writer.room;
          assert.equal(writer.put(high, low, 0, NOW + until * 1_000, ALWAYS), isThere);
          if (isThere) model.set(key, until);
        } else {
          assert.equal(writer.remove(high, low, 0), model.delete(key));
        }
        assert.equal(table.inUse, model.size);
        cases += 1;
      }
      for (let high = 0; high < 4; high += 1) {
        for (const low of [...Array(41).keys(), -1, 4_096, 8_192]) {
          const until = model.get(`${high || 1}:${low || 2}`) ?? 0;
          assert.equal(table.has(high, low, 0, NOW), until > 0);
        }
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(cases > 10_000, `${cases} changes`);
});

test('readers on other threads never miss what stays, nor find what never was, while others come and go', async () => {
  const words = createRevocationWords(1_024);
  const results = await hammer({ words, threads: 4, steady: 500 });
  const sum = (of: 'looks' | 'missed' | 'wrong') => results.reduce((total, result) => total + result[of], 0);
  assert.deepEqual([sum('missed'), sum('wrong')], [0, 0]);
  assert.ok(sum('looks') > 10_000, `${sum('looks')} looks`);
  assert.ok((words[TURN] as number) > 50, `${words[TURN]} changes of the half`);
  console.log(`# ${sum('looks')} looks from 3 threads during 800,000 changes, ${words[TURN]} changes of the half`);
});

test('what a look-up costs', () => {
  const { judge, put } = tableOf(65_536);
  const identity = identityOf({ subject: '248289761001', client: 's6BhdRkqt3', tokenId: '6f8b9a4e-8d4e-4c65-a7d3' });
  const measure = (): number => {
    let found = 0;
    const startedMs = performance.now();
    for (let i = 0; i < 300_000; i += 1) if (judge.revoked(identity, NOW)) found += 1;
    assert.equal(found, 0);
    return ((performance.now() - startedMs) / 300_000) * 1e6;
  };
  measure();
  const costs = [['none', measure()]] as [string, number][];
  for (let i = 0; i < 16_384; i += 1)
    for (const kind of ['token', 'subject', 'client'] as const) put(kind, 'main', `other-${i}`);
  measure();
  costs.push(['49,152 of three kinds', measure()]);
  for (const [name, cost] of costs) console.log(`# revocations: ${name}: ${cost.toFixed(0)} ns per request`);
  assert.ok((costs[1]?.[1] ?? 0) < 20_000);
});
