import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyBook } from '../../src/api-keys/key-book.ts';
import { type KeyFacts, KeyRing } from '../../src/api-keys/key-ring.ts';
import { KeyForm } from '../../src/api-keys/key-text.ts';
import type { KeyTerms } from '../../src/api-keys/record.ts';
import { AUTH_REASONS, type Judged } from '../../src/identity.ts';
import { KEYS_REMEMBERED_MAX } from '../../src/limits.ts';
import { FACTS, fileDesk, made, ringOf, SECRET } from './support.ts';

const reasonOf = (judged: Judged): string => (judged.kind === 'refused' ? judged.reason : judged.kind);

test('a key says who sent it', async () => {
  const { book, keeper, clock } = await fileDesk();
  const ring = ringOf(book);
  const { id, key } = await made(keeper, { rateLimit: 'gold', expiresAtMs: clock.nowMs + 1_000 });
  const judged = ring.judge(key, FACTS);
  assert.ok(judged.kind === 'known');
  assert.deepEqual(judged.identity, {
    kind: 'api-key',
    issuer: '',
    subject: 'team-a',
    client: id,
    tokenId: '',
    scopes: ['read', 'write'],
    claims: { name: 'deploy', owner: 'team-a' },
    issuedAtMs: clock.nowMs,
    expiresAtMs: clock.nowMs + 1_000,
    keyThumbprint: '',
    rateLimit: 'gold',
  });
  assert.ok(Object.isFrozen(judged.identity) && Object.isFrozen(judged.identity.scopes));
  assert.equal(ring.judge(key, FACTS), judged, 'requests share one');
  assert.equal(JSON.stringify(book.snapshot()).includes(key), false, 'threads are told digests only');
});

test('each thing that speaks against a key has its reason; none of them tells the key', async () => {
  const { book, keeper, clock } = await fileDesk();
  const ring = ringOf(book);
  const now = clock.nowMs;
  const at = (more: Partial<KeyFacts>): KeyFacts => ({ ...FACTS, ...more });
  const cases: readonly (readonly [Partial<KeyTerms>, KeyFacts, string])[] = [
    [{}, FACTS, 'known'],
    [{ expiresAtMs: now + 10 }, at({ nowMs: now + 9 }), 'known'],
    [{ expiresAtMs: now + 10 }, at({ nowMs: now + 10 }), 'key-expired'],
    [{ notBeforeMs: now + 10 }, at({ nowMs: now + 9 }), 'key-not-yet-valid'],
    [{ notBeforeMs: now + 10 }, at({ nowMs: now + 10 }), 'known'],
    [{ cidrs: ['192.0.2.0/24'] }, FACTS, 'known'],
    [{ cidrs: ['192.0.2.0/24'] }, at({ address: '192.0.3.1' }), 'key-address'],
    [{ cidrs: ['192.0.2.0/24'] }, at({ address: '::ffff:192.0.2.7' }), 'known'],
    [{ cidrs: ['192.0.2.0/24'] }, at({ address: '' }), 'key-address'],
    [{ cidrs: ['192.0.2.0/24'] }, at({ address: '2001:db8::1' }), 'key-address'],
    [{ cidrs: ['2001:db8::/32', '10.0.0.1'] }, at({ address: '2001:db8:9::1' }), 'known'],
    [{ origins: ['https://app.example.com'] }, at({ origin: 'https://app.example.com' }), 'known'],
    [{ origins: ['https://app.example.com'] }, at({ origin: 'https://app.example.com.evil.example' }), 'key-origin'],
    [{ origins: ['https://app.example.com'] }, at({ origin: 'http://app.example.com' }), 'key-origin'],
    [{ origins: ['https://app.example.com'] }, at({ origin: 'null' }), 'key-origin'],
    [{ origins: ['https://app.example.com'] }, at({ origin: '' }), 'key-origin'],
    [{ origins: ['https://app.example.com'] }, at({ origin: null }), 'key-origin'],
    [{}, at({ origin: 'https://anywhere.example' }), 'known'],
    [{ routes: ['orders'] }, FACTS, 'known'],
    [{ routes: ['people'] }, FACTS, 'key-route'],
  ];
  assert.equal(cases.length, 20);
  for (const [terms, facts, expected] of cases) {
    const { key } = await made(keeper, terms);
    for (const time of ['first', 'remembered']) {
      const judged = ring.judge(key, facts);
      assert.equal(reasonOf(judged), expected, `${JSON.stringify([terms, facts])} ${time}`);
      if (judged.kind !== 'refused') continue;
      assert.ok(AUTH_REASONS.includes(judged.reason));
      assert.equal(judged.detail.includes(key.slice(8, 20)), false);
      assert.deepEqual(Object.keys(judged), ['kind', 'reason', 'detail'], 'one form for all');
    }
  }
});

test('states: a change holds from the next request on, for keys that are remembered too', async () => {
  const { book, keeper } = await fileDesk();
  const ring = ringOf(book);
  const { id, key } = await made(keeper);
  const other = await made(keeper);
  const reason = () => reasonOf(ring.judge(key, FACTS));
  assert.equal(reason(), 'known');
  await keeper.disable(id, '');
  assert.equal(reason(), 'key-disabled');
  await keeper.enable(id, '');
  assert.equal(reason(), 'known');
  await keeper.revoke(id, '');
  assert.equal(reason(), 'revoked');
  assert.equal(reasonOf(ring.judge(other.key, FACTS)), 'known');
  book.apply([], [id]);
  assert.equal(reason(), 'key-unknown');
  assert.equal(ring.size, 1);
});

test('rotation: both secrets work until the grace is over, then the new one alone', async () => {
  const { book, keeper, clock } = await fileDesk();
  const ring = ringOf(book);
  const first = await made(keeper);
  const at = (ms: number): KeyFacts => ({ ...FACTS, nowMs: clock.nowMs + ms });
  const second = await keeper.rotate(first.id, 5_000, '');
  assert.ok(second.ok && second.key.id === first.id && second.key.key !== first.key);
  assert.equal(second.key.formerSecretUntil, new Date(clock.nowMs + 5_000).toISOString());
  for (const ms of [0, 4_999]) {
    assert.equal(reasonOf(ring.judge(first.key, at(ms))), 'known');
    assert.equal(reasonOf(ring.judge(second.key.key, at(ms))), 'known');
  }
  assert.equal(reasonOf(ring.judge(first.key, at(5_000))), 'key-expired');
  assert.equal(reasonOf(ring.judge(second.key.key, at(5_000))), 'known');
  const third = await keeper.rotate(first.id, 0, '');
  assert.ok(third.ok);
  assert.deepEqual(
    [first.key, second.key.key, third.key.key].map((key) => reasonOf(ring.judge(key, at(0)))),
    ['key-unknown', 'key-unknown', 'known'],
  );
  await keeper.rotate(first.id, 5_000, '');
  await keeper.revoke(first.id, '');
  assert.notEqual(reasonOf(ring.judge(third.key.key, at(0))), 'known', 'a former secret goes with its key');
});

test('before the keys are read nobody can say that one is unknown; junk is junk all the same', () => {
  const ring = new KeyRing({ environment: 'test', secret: SECRET }, { isLoaded: false, keys: [] });
  const key = new KeyForm('test').text('2'.repeat(32));
  assert.equal(reasonOf(ring.judge(key, FACTS)), 'keys-store-unavailable');
  assert.equal(reasonOf(ring.judge('x', FACTS)), 'malformed');
  ring.change({ kind: 'keys', isLoaded: true, set: [], drop: [] });
  assert.equal(reasonOf(ring.judge(key, FACTS)), 'key-unknown');
});

test('with another server secret no key is known', async () => {
  const { book, keeper } = await fileDesk();
  const { key } = await made(keeper);
  const other = new KeyRing({ environment: 'test', secret: `${SECRET}!` }, book.snapshot());
  assert.equal(reasonOf(other.judge(key, FACTS)), 'key-unknown');
});

test('what is no record of ours opens nothing', async () => {
  const { book, keeper } = await fileDesk();
  const { key } = await made(keeper);
  const [sound] = book.snapshot().keys;
  assert.ok(sound);
  for (const line of ['', '{}', 'null', '[]', sound.line.replace('"active"', '"open"'), `${sound.line}x`]) {
    const ring = new KeyRing({ environment: 'test', secret: SECRET }, { isLoaded: true, keys: [{ ...sound, line }] });
    assert.equal(reasonOf(ring.judge(key, FACTS)), 'key-unknown', line);
  }
  const short = { ...sound, digests: [sound.digests[0]?.slice(0, 20) ?? '', ''] };
  const ring = new KeyRing({ environment: 'test', secret: SECRET }, { isLoaded: true, keys: [short] });
  assert.equal(reasonOf(ring.judge(key, FACTS)), 'key-unknown');
});

test('judging never throws, whatever is sent; and finds nobody', async () => {
  const { book, keeper } = await fileDesk();
  const ring = ringOf(book);
  const { key } = await made(keeper);
  const form = new KeyForm('test');
  const base58 = fc.constantFrom(...'123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz');
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.string({ unit: 'grapheme', maxLength: 100 }),
    fc.string({ unit: base58, minLength: 32, maxLength: 32 }).map((random) => form.text(random)),
    fc
      .tuple(fc.nat(key.length - 1), fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }))
      .map(([index, other]) => (key[index] === other ? '' : key.slice(0, index) + other + key.slice(index + 1))),
  );
  const facts = fc.record({
    address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()),
    origin: fc.option(fc.string()),
    route: fc.string(),
    nowMs: fc.nat(),
  });
  const seen = new Set<string>();
  fc.assert(
    fc.property(texts, facts, (text, given) => {
      const judged = ring.judge(text, given);
      assert.equal(judged.kind, 'refused');
      seen.add(reasonOf(judged));
    }),
    { numRuns: 20_000 },
  );
  assert.deepEqual([...seen].sort(), ['key-unknown', 'malformed']);
  fc.assert(fc.property(facts, (given) => assert.equal(ring.judge(key, given).kind, 'known')));
  assert.equal(reasonOf(ring.judge(key, { ...FACTS, nowMs: Number.NaN })), 'key-expired', 'no time is no good time');
});

test('more keys than are remembered: all of them known, and no more kept than that', async () => {
  const { book, keeper } = await fileDesk(undefined, 100_000);
  const texts: string[] = [];
  const count = KEYS_REMEMBERED_MAX + 1_000;
  for (let from = 0; from < count; from += 500) {
    const some = await Promise.all(Array.from({ length: 500 }, () => made(keeper)));
    texts.push(...some.map(({ key }) => key));
  }
  const ring = ringOf(book);
  for (let round = 0; round < 2; round += 1) {
    for (const text of texts) assert.equal(ring.judge(text, FACTS).kind, 'known');
  }
  assert.equal(ring.size, texts.length);
});

test('news after a snapshot come in order: nothing is lost and nothing comes back', async () => {
  const { book, keeper } = await fileDesk();
  const early = ringOf(book);
  const key = await made(keeper);
  const late = new KeyRing({ environment: 'test', secret: SECRET }, structuredClone(book.snapshot()));
  // What a thread finds on its port when it begins: the end of what the snapshot has already, told again.
  const again = { kind: 'keys' as const, isLoaded: true, set: book.snapshot().keys, drop: [] };
  late.change(again);
  await keeper.revoke(key.id, '');
  late.change({ ...again, set: book.snapshot().keys });
  assert.deepEqual(
    [early, late].map((ring) => reasonOf(ring.judge(key.key, FACTS))),
    ['revoked', 'revoked'],
  );
  assert.ok(new KeyBook().snapshot().isLoaded === false);
});
