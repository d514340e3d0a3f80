import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NameRows } from '../../src/gateway/name-rows.ts';

const MAX = 300;

test('a name keeps its row over reloads, whatever its place, and when it goes and comes back', () => {
  const rows = new NameRows(MAX);
  assert.deepEqual(rows.assign(['a', 'b', 'c']), { a: 0, b: 1, c: 2 });
  assert.deepEqual(rows.assign(['c', 'd']), { c: 2, d: 3 });
  assert.deepEqual(rows.assign(['b', 'a']), { b: 1, a: 0 });
});

test('names that find no row share the last one; those that have one keep it', () => {
  const rows = new NameRows(MAX);
  const many = Array.from({ length: MAX + 2 }, (_, index) => `r${index}`);
  const assigned = rows.assign(many);
  assert.equal(assigned[`r${MAX - 1}`], MAX - 1);
  assert.equal(assigned[`r${MAX}`], MAX);
  assert.equal(assigned[`r${MAX + 1}`], MAX);
  assert.deepEqual(rows.assign(['r0', 'new']), { r0: 0, new: MAX });
});

test('a name such as constructor is a name', () => {
  const rows = new NameRows(MAX).assign(['constructor', 'toString']);
  assert.deepEqual([rows.constructor as unknown, rows.toString as unknown], [0, 1]);
});
