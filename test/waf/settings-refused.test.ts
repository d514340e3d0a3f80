import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecLangError } from '../../src/waf/seclang/reason.ts';
import { engineOf } from '../support/waf.ts';

/** Directives that would mean less than they say, and what is said of them. */
const REFUSED: readonly (readonly [string, RegExp])[] = [
  ['SecRuleEngine DetectionOnly', /set waf\.mode/],
  ['SecRequestBodyLimit 1000', /set waf\.requestBodyBytesMax instead/],
  ['SecAuditLogParts ABCZ', /set waf\.audit\.parts instead/],
  ['SecArgumentSeparator ;', /SecArgumentSeparator ;: arguments are parted by & only/],
  ['SecCookieFormat 1', /SecCookieFormat 1: cookies are read as those of version 0 only/],
];

test('settings that cannot be honoured are refused, not dropped', () => {
  for (const [line, message] of REFUSED) {
    assert.throws(
      () => engineOf(line),
      (error) => error instanceof SecLangError && message.test(error.problems.map((one) => one.message).join()),
      line,
    );
  }
});

test('the same, as others have them anyway', () => {
  for (const line of ['SecRuleEngine On', 'SecArgumentSeparator &', 'SecCookieFormat 0']) engineOf(line);
});
