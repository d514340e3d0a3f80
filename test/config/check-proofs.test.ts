import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, MINIMAL } from './support.ts';

test('a shared secret is no proof of possession', () => {
  assert.throws(
    () => load(`dpop: { algorithms: [ES256, HS256] }\n${MINIMAL}`),
    /dpop\.algorithms\[1\].*HS256 needs a shared secret/s,
  );
  load(`dpop: { algorithms: [ES256] }\n${MINIMAL}`);
});
