import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestIds, validRequestId } from '../../src/telemetry/request-id.ts';

test('ids have 26 characters, never repeat and sort by age within a thread', () => {
  const ids = new RequestIds(3);
  const seen = new Set<string>();
  let before = '';
  for (let i = 0; i < 5_000; i++) {
    const id = ids.next();
    assert.match(id, /^[0-9a-z]{26}$/);
    assert.ok(id > before, `${id} after ${before}`);
    assert.ok(validRequestId(id));
    seen.add(id);
    before = id;
  }
  assert.equal(seen.size, 5_000);
  assert.equal(before.slice(16, 18), '03');
  assert.equal(Number.parseInt(before.slice(18), 36), 4_999);
});

test('two instances of one thread index differ, as two processes do', () => {
  const firsts = Array.from({ length: 500 }, () => new RequestIds(0).next());
  assert.equal(new Set(firsts.map((id) => id.slice(0, 16))).size, 500);
  // Every character of the alphabet turns up: 8,000 draws of 36.
  assert.equal(new Set(firsts.flatMap((id) => [...id.slice(0, 16)])).size, 36);
});

test('a thread index beyond two characters is marked, not cut', () => {
  assert.equal(new RequestIds(1_295).next().slice(16, 18), 'zz');
  assert.equal(new RequestIds(5_000).next().length, 26);
});

test('what may be kept from a trusted proxy', () => {
  for (const id of ['a', 'A-b_c.9', 'x'.repeat(128), '4bf92f35-77b3-4da6-a3ce-929d0e0e4736'])
    assert.ok(validRequestId(id));
  for (const id of ['', 'x'.repeat(129), 'a b', 'a\n', '\na', 'a\r\nb: c', 'é', 'a"b', 'a,b', 'a/b', '\u0000']) {
    assert.ok(!validRequestId(id), JSON.stringify(id));
  }
});
