import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JSON_CASES } from './json-corpus.ts';
import { CAPS, pairs, read, utf8 } from './support.ts';

test('the corpus: values and their names, or what is wrong', () => {
  for (const [written, expected] of JSON_CASES) {
    const body = written.startsWith('bytes:') ? written.slice('bytes:'.length) : utf8(written);
    const parsed = read('JSON', body);
    if (typeof expected === 'string') {
      assert.equal(parsed.error, expected, JSON.stringify(written));
      continue;
    }
    assert.deepEqual(pairs(parsed), expected.map(utf8), JSON.stringify(written));
    assert.equal(parsed.error, null, JSON.stringify(written));
  }
  assert.equal(JSON_CASES.length, 77);
});

test('an empty body is nothing, and nothing is wrong with it', () => {
  for (const processor of ['JSON', 'XML', 'URLENCODED', 'MULTIPART', 'RAW'] as const) {
    const parsed = read(processor, '');
    assert.equal(parsed.error, null);
    assert.deepEqual(parsed.arguments, []);
    assert.equal(parsed.processor, processor);
    assert.equal(parsed.multipart !== null, processor === 'MULTIPART');
  }
});

test('what was found before an error is there', () => {
  const parsed = read('JSON', '{"a":"<script>","b":');
  assert.deepEqual(pairs(parsed), ['json.a=<script>']);
  assert.equal(parsed.error, 'ends too early (byte 20)');
});

test('depth is bounded, outermost included', () => {
  const nested = (depth: number): string => `${'['.repeat(depth)}1${']'.repeat(depth)}`;
  assert.equal(read('JSON', nested(CAPS.depthMax)).error, null);
  assert.equal(read('JSON', nested(CAPS.depthMax + 1)).error, 'is nested deeper than 50 (byte 51)');
  const empty = '['.repeat(51) + ']'.repeat(51);
  assert.equal(read('JSON', empty).error, 'is nested deeper than 50 (byte 51)');
  // simdjson goes down to 1,023 around a scalar.
  assert.equal(read('JSON', nested(1_023), '', { ...CAPS, depthMax: 5_000 }).error, null);
  assert.equal(read('JSON', nested(1_024), '', { ...CAPS, depthMax: 5_000 }).error, 'is not JSON to a second reader');
});

test('values are bounded', () => {
  assert.equal(read('JSON', `[${Array(1_000).fill('1').join()}]`).error, null);
  const over = read('JSON', `[${Array(1_001).fill('1').join()}]`);
  assert.equal(over.error, 'holds more than 1000 values');
  assert.equal(over.arguments.length, 1_000);
});

test('names cannot make far more text than was sent', () => {
  const body = `{"${'k'.repeat(100_000)}":[${Array(900).fill('1').join()}]}`;
  const parsed = read('JSON', body);
  assert.equal(parsed.error, 'has names too long for its length');
  const bytes = parsed.arguments.reduce((sum, { name }) => sum + name.length, 0);
  assert.ok(bytes <= 262_144 + 8 * body.length, `${bytes}`);
  // Honest: short numbers under a long way.
  const deep = `{"payload":{"measurements":{"samples":[${Array(900).fill('[1,2]').join()}]}}}`;
  assert.equal(read('JSON', deep, '', { ...CAPS, argumentsMax: 2_000 }).error, null);
});
