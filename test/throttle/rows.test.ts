import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestingRows } from '../../src/throttle/rows.ts';

test('a row rests from when its name went, is not given away while busy, and comes back with its name', () => {
  const busy = new Set<number>();
  const rows = new RestingRows(2, 1_000, (row) => busy.has(row));
  const made: string[] = [];
  const assign = (names: readonly string[], nowMs: number) => {
    const found = rows.assign(new Set(names), nowMs, (name, row) => made.push(`${name} ${row}`));
    return found === null ? null : Object.fromEntries(found);
  };
  assert.deepEqual(assign(['a', 'b'], 0), { a: 0, b: 1 });
  assert.deepEqual(assign(['a'], 100), { a: 0 });
  assert.equal(assign(['a', 'c'], 1_099), null, 'b rests');
  assert.deepEqual(assign(['a'], 1_050), { a: 0 }, 'b went at 100 all the same');
  busy.add(1);
  assert.equal(assign(['a', 'c'], 1_100), null, 'something is under way');
  busy.clear();
  assert.deepEqual(assign(['a', 'c'], 1_100), { a: 0, c: 1 });
  assert.deepEqual(assign(['c'], 1_200), { c: 1 });
  assert.deepEqual(assign(['a', 'c'], 1_900), { a: 0, c: 1 }, 'a name that comes back has its row');
  assert.deepEqual(assign(['c'], 2_000), { c: 1 });
  assert.equal(assign(['c', 'd'], 2_900), null, 'and rests anew when it goes again');
  assert.deepEqual(made, ['a 0', 'b 1', 'c 1']);
});
