import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../../src/config/schema.ts';
import { RouteRows } from '../../src/gateway/route-rows.ts';
import { ROUTES_METERED_MAX } from '../../src/limits.ts';

const routes = (...names: string[]): Config => ({ routes: names.map((name) => ({ name })) }) as unknown as Config;

test('a name keeps its row over reloads, whatever its place, and when it goes and comes back', () => {
  const rows = new RouteRows();
  assert.deepEqual(rows.assign(routes('a', 'b', 'c')), { a: 0, b: 1, c: 2 });
  assert.deepEqual(rows.assign(routes('c', 'd')), { c: 2, d: 3 });
  assert.deepEqual(rows.assign(routes('b', 'a')), { b: 1, a: 0 });
});

test('names that find no row share the last one; those that have one keep it', () => {
  const rows = new RouteRows();
  const many = Array.from({ length: ROUTES_METERED_MAX + 2 }, (_, index) => `r${index}`);
  const assigned = rows.assign(routes(...many));
  assert.equal(assigned[`r${ROUTES_METERED_MAX - 1}`], ROUTES_METERED_MAX - 1);
  assert.equal(assigned[`r${ROUTES_METERED_MAX}`], ROUTES_METERED_MAX);
  assert.equal(assigned[`r${ROUTES_METERED_MAX + 1}`], ROUTES_METERED_MAX);
  assert.deepEqual(rows.assign(routes('r0', 'new')), { r0: 0, new: ROUTES_METERED_MAX });
});

test('a name such as constructor is a name', () => {
  const rows = new RouteRows().assign(routes('constructor', 'toString'));
  assert.deepEqual([rows.constructor as unknown, rows.toString as unknown], [0, 1]);
});
