import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyHash } from '../../../src/limiter/key-hash.ts';
import {
  BLOCK_WORDS,
  CHECK,
  CONTENT_BLOCKS_MAX,
  CONTENT_BYTES_MAX,
  createCollectionWords,
  ENTRY_WORDS,
  FREE_BLOCKS,
  HEADER_WORDS,
  HEADS,
} from '../../../src/waf/collections/layout.ts';
import { CollectionTable, type KeyHasher } from '../../../src/waf/collections/table.ts';
import { fuzzRun } from '../../support/fuzz.ts';

const NOW = 1_700_000_000_000;

function tableOf(
  words = createCollectionWords(64, 64 * 1_024),
  hasher: KeyHasher = new KeyHash(1, 2),
): CollectionTable {
  return new CollectionTable(words, hasher);
}

test('variables of collections are set, read, counted and taken away', () => {
  const table = tableOf();
  const ip = table.open('ip', '192.0.2.1');
  assert.equal(table.get(ip, 'x', NOW), null);
  assert.equal(table.inUse, 0, 'nothing is kept of what was only looked at');
  assert.equal(table.set(ip, 'x', 'a\0\xff', NOW), true);
  assert.equal(table.get(ip, 'x', NOW), 'a\0\xff');
  assert.equal(table.set(ip, 'x', '', NOW), true);
  assert.equal(table.get(ip, 'x', NOW), '');
  assert.equal(table.add(ip, 'n', 5, NOW), 5);
  assert.equal(table.add(ip, 'n', -7, NOW), -2);
  assert.equal(table.get(ip, 'n', NOW), '-2');
  assert.deepEqual(table.entries(ip, NOW), ['x', '', 'n', '-2']);
  assert.deepEqual(table.names(ip, NOW), ['x', 'n']);
  assert.equal(table.unset(ip, 'x', NOW), true);
  assert.equal(table.unset(ip, 'x', NOW), false);
  assert.equal(table.inUse, 1);
  assert.equal(table.unset(ip, 'n', NOW), true);
  assert.equal(table.inUse, 0, 'it goes with its last variable');
});

test('name and key tell collections apart, whatever their bytes', () => {
  const table = tableOf();
  const handles = [
    table.open('ip', ''),
    table.open('ip', '\0'),
    table.open('global', ''),
    table.open('ip', 'a'),
    table.open('ip', 'A'),
    table.open('ip', 'a'.repeat(4_000)),
  ];
  for (const [index, handle] of handles.entries()) table.set(handle, 'x', String(index), NOW);
  for (const [index, handle] of handles.entries()) assert.equal(table.get(handle, 'x', NOW), String(index));
  assert.equal(table.inUse, handles.length);
});

test('keys of one hash are told apart', () => {
  const table = tableOf(createCollectionWords(64, 65_536), { high: 7, low: 7, hash: () => undefined });
  for (let i = 0; i < 20; i += 1) table.set(table.open('ip', String(i)), 'x', String(i), NOW);
  for (let i = 0; i < 20; i += 1) assert.equal(table.get(table.open('ip', String(i)), 'x', NOW), String(i));
  assert.equal(table.unset(table.open('ip', '7'), 'x', NOW), true);
  assert.equal(table.get(table.open('ip', '7'), 'x', NOW), null);
  assert.equal(table.get(table.open('ip', '8'), 'x', NOW), '8');
});

test('a value that is no number counts from 0, and sums stay integers', () => {
  const table = tableOf();
  const ip = table.open('ip', 'a');
  for (const [value, amount, sum] of [
    ['abc', 1, 1],
    ['', 2, 2],
    ['12abc', 1, 13],
    [' -4', 1, -3],
    ['+4', 1, 5],
    ['9'.repeat(30), 1, Number.MAX_SAFE_INTEGER],
    [`-${'9'.repeat(400)}`, 1, -Number.MAX_SAFE_INTEGER],
  ] as const) {
    table.set(ip, 'x', value, NOW);
    assert.equal(table.add(ip, 'x', amount, NOW), sum, value);
    assert.equal(table.get(ip, 'x', NOW), String(sum));
  }
});

test('a collection goes when nothing changed for its timeout; reading does not keep it', () => {
  const table = tableOf();
  const ip = table.open('ip', 'a', 10);
  table.set(ip, 'x', '1', NOW);
  assert.equal(table.get(ip, 'x', NOW + 9_999), '1');
  assert.equal(table.get(ip, 'x', NOW + 10_000), null);
  assert.equal(table.inUse, 0);
  table.set(ip, 'x', '1', NOW);
  table.set(ip, 'y', '1', NOW + 9_000);
  assert.equal(table.get(ip, 'x', NOW + 18_000), '1');
  assert.equal(table.get(ip, 'x', NOW + 19_000), null);
  const common = table.open('ip', 'b');
  table.set(common, 'x', '1', NOW);
  assert.equal(table.get(common, 'x', NOW + 3_599_000), '1');
  assert.equal(table.get(common, 'x', NOW + 3_600_000), null);
  assert.equal(table.evicted, 0);
});

test('a variable goes when its time is over, and a new value does not put that off', () => {
  const table = tableOf();
  const ip = table.open('ip', 'a');
  assert.equal(table.expire(ip, 'x', 5, NOW), false);
  table.set(ip, 'x', '1', NOW);
  table.set(ip, 'y', '1', NOW);
  assert.equal(table.expire(ip, 'x', 5, NOW), true);
  table.add(ip, 'x', 1, NOW + 4_000);
  assert.equal(table.get(ip, 'x', NOW + 4_999), '2');
  assert.equal(table.get(ip, 'x', NOW + 5_000), null);
  assert.deepEqual(table.names(ip, NOW + 5_000), ['y']);
  assert.equal(table.add(ip, 'x', 1, NOW + 5_000), 1, 'from 0 again');
  assert.equal(table.get(ip, 'x', NOW + 60_000), '1', 'and for as long as the collection');
  assert.equal(table.expire(ip, 'y', 0, NOW), true);
  assert.equal(table.get(ip, 'y', NOW), null);
});

test('what is too large is refused, and what was there stays', () => {
  const table = tableOf();
  const ip = table.open('ip', 'a');
  table.set(ip, 'x', '1', NOW);
  assert.equal(table.set(ip, 'x', 'v'.repeat(CONTENT_BYTES_MAX), NOW), false);
  assert.equal(table.get(ip, 'x', NOW), '1');
  assert.equal(table.set(ip, 'y', 'v'.repeat(8_000), NOW), true);
  assert.equal(table.get(ip, 'y', NOW), 'v'.repeat(8_000));
  const long = table.open('session', 'k'.repeat(CONTENT_BYTES_MAX));
  assert.equal(table.set(long, 'x', '1', NOW), false);
  assert.equal(table.add(long, 'x', 1, NOW), 1);
  assert.equal(table.get(long, 'x', NOW), null);
  assert.deepEqual([table.refused, table.inUse], [3, 1]);
});

test('a full table gives up what is over, else what was updated longest ago', () => {
  const table = tableOf(createCollectionWords(4, 0));
  const handle = (key: string, timeoutSeconds?: number) => table.open('ip', key, timeoutSeconds);
  for (const key of ['a', 'b', 'c', 'd']) table.set(handle(key), 'x', key, NOW);
  table.add(handle('a'), 'n', 1, NOW);
  table.set(handle('e'), 'x', 'e', NOW);
  assert.deepEqual(
    ['a', 'b', 'c', 'd', 'e'].map((key) => table.get(handle(key), 'x', NOW)),
    ['a', null, 'c', 'd', 'e'],
  );
  assert.deepEqual([table.evicted, table.inUse], [1, 4]);
  // Over, though updated last.
  table.set(handle('e', 1), 'x', 'e', NOW);
  table.set(handle('f'), 'x', 'f', NOW + 2_000);
  assert.deepEqual(
    ['a', 'c', 'd', 'e', 'f'].map((key) => table.get(handle(key), 'x', NOW + 2_000)),
    ['a', 'c', 'd', null, 'f'],
  );
  assert.equal(table.evicted, 1);
});

test('large collections make others go, and their blocks come back', () => {
  const words = createCollectionWords(64, 0);
  const table = tableOf(words);
  const blocks = words[FREE_BLOCKS] as number;
  assert.equal(blocks, 2 * CONTENT_BLOCKS_MAX);
  const large = 'v'.repeat(8_000);
  for (let i = 0; i < 30; i += 1) table.set(table.open('ip', String(i)), 'x', large, NOW + i);
  assert.deepEqual([table.inUse, table.evicted], [2, 28]);
  assert.equal(table.get(table.open('ip', '29'), 'x', NOW + 30), large);
  assert.equal(table.get(table.open('ip', '28'), 'x', NOW + 30), large);
  for (const key of ['28', '29']) table.unset(table.open('ip', key), 'x', NOW + 30);
  assert.deepEqual([table.inUse, words[FREE_BLOCKS]], [0, blocks]);
});

test('after a flood the table empties by itself while others come', () => {
  const table = tableOf(createCollectionWords(1_024, 1_024 * 64));
  for (let i = 0; i < 1_024; i += 1) table.add(table.open('ip', String(i), 60), 'n', 1, NOW);
  for (let i = 0; i < 342; i += 1) table.add(table.open('ip', `later ${i}`), 'n', 1, NOW + 61_000);
  assert.deepEqual([table.inUse, table.evicted], [342, 0], 'four leave for each that comes');
});

test('a torn collection is given up, and no other', () => {
  const words = createCollectionWords(64, 65_536);
  const table = tableOf(words);
  for (let i = 0; i < 40; i += 1) table.set(table.open('ip', String(i)), 'x', `value ${i}`.repeat(20), NOW);
  const firstEntry = HEADER_WORDS + (words[HEADS] as number);
  // The entries are given out in order: the one of 7 is the eighth.
  const seventh = firstEntry + 7 * ENTRY_WORDS;
  words[seventh + CHECK] = (words[seventh + CHECK] as number) ^ 1;
  const firstBlock = firstEntry + 64 * ENTRY_WORDS;
  // One that leads to the blocks of another.
  const third = words[firstEntry + 3 * ENTRY_WORDS + 3] as number;
  words[firstBlock + (third - 1) * BLOCK_WORDS] = words[firstEntry + 4 * ENTRY_WORDS + 3] as number;
  const found = Array.from({ length: 40 }, (_, i) => table.get(table.open('ip', String(i)), 'x', NOW));
  assert.deepEqual(
    found.flatMap((value, i) => (value === `value ${i}`.repeat(20) ? [] : [i])),
    [3, 7],
  );
  assert.deepEqual([table.torn, table.inUse], [2, 38]);
  for (let i = 0; i < 40; i += 1) assert.equal(table.set(table.open('ip', String(i)), 'x', 'new', NOW), true);
  assert.equal(table.inUse, 40);
});

type Step = { readonly key: number; readonly name: number; readonly afterMs: number } & (
  | { readonly kind: 'set'; readonly value: string }
  | { readonly kind: 'add'; readonly amount: number }
  | { readonly kind: 'expire'; readonly seconds: number }
  | { readonly kind: 'get' | 'unset' | 'entries' }
);

const place = { key: fc.nat(5), name: fc.nat(3), afterMs: fc.nat(1_500) };
const value = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.integer().map(String),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ ...place, kind: fc.constant('set' as const), value }),
  fc.record({ ...place, kind: fc.constant('add' as const), amount: fc.integer({ min: -9, max: 9 }) }),
  fc.record({ ...place, kind: fc.constant('expire' as const), seconds: fc.integer({ min: -1, max: 6 }) }),
  fc.record({ ...place, kind: fc.constantFrom('get' as const, 'unset' as const, 'entries' as const) }),
);

interface Kept {
  until: number;
  readonly variables: Map<string, { value: string; until: number }>;
}

test('fast-check: any steps at any times end as in a Map', (t) => {
  let steps = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (list) => {
      const table = tableOf();
      const model = new Map<number, Kept>();
      let nowMs = NOW;
      for (const one of list) {
        nowMs += one.afterMs;
        steps += 1;
        const handle = table.open('ip', `key ${one.key}`, 8);
        const name = `name${one.name}`;
        const [second, changed] = [Math.floor(nowMs / 1_000), Math.ceil(nowMs / 1_000)];
        const known = model.get(one.key);
        const kept: Kept = known !== undefined && known.until > second ? known : { until: 0, variables: new Map() };
        for (const [key, { until }] of kept.variables) if (until <= second) kept.variables.delete(key);
        const variable = kept.variables.get(name);
        let isChanged = true;
        if (one.kind === 'set') {
          assert.equal(table.set(handle, name, one.value, nowMs), true);
          kept.variables.set(name, { value: one.value, until: variable?.until ?? Number.POSITIVE_INFINITY });
        } else if (one.kind === 'add') {
          const sum = (Number.parseInt(variable?.value ?? '0', 10) || 0) + one.amount;
          // Random bytes may begin with white space that only one of the two passes over.
          if (/^[^0-9+-]*$|^[+-]?[0-9]/.test(variable?.value ?? '0')) {
            assert.equal(table.add(handle, name, one.amount, nowMs), sum);
            kept.variables.set(name, { value: String(sum), until: variable?.until ?? Number.POSITIVE_INFINITY });
          } else isChanged = false;
        } else if (one.kind === 'expire') {
          assert.equal(table.expire(handle, name, one.seconds, nowMs), variable !== undefined);
          isChanged = variable !== undefined;
          if (one.seconds <= 0) kept.variables.delete(name);
          else if (variable !== undefined) variable.until = changed + one.seconds;
        } else if (one.kind === 'unset') {
          isChanged = kept.variables.delete(name);
          assert.equal(table.unset(handle, name, nowMs), isChanged);
        } else {
          isChanged = false;
          if (one.kind === 'get') assert.equal(table.get(handle, name, nowMs), variable?.value ?? null);
        }
        if (isChanged) kept.until = changed + 8;
        if (kept.variables.size > 0) model.set(one.key, kept);
        else model.delete(one.key);
        const pairs = table.entries(handle, nowMs);
        const found = new Map(
          pairs.flatMap((text, i) => (i % 2 === 0 ? [[text, pairs[i + 1] as string] as const] : [])),
        );
        assert.deepEqual(found, new Map([...kept.variables].map(([key, { value: text }]) => [key, text])));
      }
      assert.deepEqual([table.evicted, table.torn, table.refused], [0, 0, 0]);
    }),
    fuzzRun(t, 300),
  );
  assert.ok(steps > 3_000, `${steps} steps`);
});
