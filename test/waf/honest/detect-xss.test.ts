import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectXss } from '../../../src/waf/operators/detect-xss.ts';
import { InspectedValue } from '../../../src/waf/value.ts';
import { HONEST } from './values.ts';

const holds = detectXss.compile('', { readData: (path) => assert.fail(`reads ${path}`) });

/** Named false positives, ModSecurity's too: any word of five letters that begins with `on` and stands before a `=`. */
const MISTAKEN = new Set(['On Mon, on Tue, on Wed: closed. Onion = 2, once = 1, only = 3.']);

test('@detectXSS holds for no honest value, other than those named', () => {
  const values = [...HONEST.values()].flat();
  assert.equal(values.length, 354);
  assert.equal(new Set(values).size, values.length);
  const found = values.filter((value) => holds(new InspectedValue(value), null));
  assert.deepEqual(found, [...MISTAKEN]);
});
