import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expiryOf } from '../../src/waf/patch-expiry.ts';

const RULE = 'SecAction "id:1,phase:1,pass"\n';
const AT = Date.UTC(2026, 11, 31, 22, 59, 58);

test('an end stands among the comments at the top', () => {
  const right = [
    '# expires: 2026-12-31T22:59:58Z\n',
    '\xef\xbb\xbf# expires: 2026-12-31T22:59:58Z\n',
    '# About this.\r\n\r\n\t#EXPIRES :2026-12-31T23:59:58+01:00 \r\n',
    '# expires: 2026-12-31T22:59:58.000Z',
  ];
  for (const text of right) assert.equal(expiryOf(`${text}\n${RULE}`, '/a.conf', true), AT, text);
  assert.equal(expiryOf(`# It expires: some day\n# expiry: none\n${RULE}`, '/a.conf', false), null);
});

test('one that is malformed, in the wrong place or missing is refused with its place', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['# expires: tomorrow\n', /^\/a\.conf:1: expires "tomorrow" is no time: write it as 2026-12-31T00:00:00Z/],
    ['#\n# expires: 2026-12-31\n', /^\/a\.conf:2: /],
    ['# expires: 2026-12-31T00:00:00\n', /^\/a\.conf:1: /],
    ['# expires: 2026-02-30T00:00:00Z\n', /^\/a\.conf:1: /],
    ['# expires: 2026-13-01T00:00:00Z\n', /^\/a\.conf:1: /],
    ['# expires:\n', /^\/a\.conf:1: expires "" is no time/],
    [`${RULE}# expires: 2026-12-31T00:00:00Z\n`, /^\/a\.conf:2: expires stands behind a directive/],
    ['# expires: 2026-12-31T00:00:00Z\n# expires: 2027-12-31T00:00:00Z\n', /^\/a\.conf:2: expires stands in line 1/],
  ];
  for (const [text, message] of wrong) assert.throws(() => expiryOf(text + RULE, '/a.conf', false), { message }, text);
  assert.throws(() => expiryOf(RULE, '/a.conf', true), { message: /^\/a\.conf:1: a patch needs an end/ });
});
