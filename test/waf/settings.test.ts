import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecLangError } from '../../src/waf/seclang/reason.ts';
import { ask, form, linesOf } from '../support/inspections.ts';
import { engineOf } from '../support/rule-sets.ts';

const ARGS = 'SecRule ARGS "@rx ." "id:1,phase:2,pass,log"\nSecRule REQBODY_ERROR "@eq 1" "id:2,phase:2,pass,log"';

test('directives that apply', () => {
  const json = { method: 'POST', fields: ['Content-Type', 'text/plain'], body: '[[["a"]]]' };
  const asJson = 'SecAction "id:3,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"\n';
  assert.deepEqual(linesOf(ARGS, form('a=1')), ['1']);
  assert.deepEqual(linesOf(`SecRequestBodyAccess Off\n${ARGS}`, form('a=1')), []);
  assert.deepEqual(linesOf(`SecArgumentsLimit 1\n${ARGS}`, form('a=1&b=1')), ['1', '2']);
  assert.deepEqual(linesOf(asJson + ARGS, json), ['1']);
  assert.deepEqual(linesOf(`${asJson}SecRequestBodyJsonDepthLimit 2\n${ARGS}`, json), ['2']);
  const wants = (setting: string, type: string) => {
    const rules = `${setting}\nSecRule RESPONSE_BODY "@rx ." "id:1,phase:4,pass,log"`;
    return ask(engineOf(rules), { answerFields: ['Content-Type', type] }).inspection.wantsResponseBody;
  };
  assert.equal(wants('SecResponseBodyAccess Off', 'text/html'), false);
  assert.equal(wants('SecResponseBodyMimeType image/SVG+xml', 'image/svg+XML'), true);
  assert.equal(wants('SecResponseBodyMimeType image/svg+xml', 'text/html'), false);
  assert.equal(wants('SecRuleEngine On', 'text/html'), true);
});

test('SecCollectionTimeout is handed to the collections', () => {
  assert.deepEqual(linesOf('SecCollectionTimeout 60\nSecAction "id:1,phase:1,pass,log,initcol:ip=a"'), ['1']);
});

/** Directives that are refused, and what is said of them. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'SecRuleEngine DetectionOnly': /the mode is that of the route; set waf\.mode/,
  'SecRuleEngine Off': /the mode is that of the route; set waf\.mode/,
  'SecRequestBodyLimit 1000': /set waf\.requestBodyBytesMax instead/,
  'SecRequestBodyLimitAction Reject': /set waf\.requestBodyOver instead/,
  'SecResponseBodyLimit 1000': /set waf\.responseBodyBytesMax instead/,
  'SecResponseBodyLimitAction Reject': /set waf\.responseBodyOver instead/,
  'SecAuditLog /a': /set waf\.audit\.path instead/,
  'SecAuditLogFormat JSON': /set waf\.audit\.format instead/,
  'SecAuditLogRelevantStatus "("': /RE2 refuses the pattern \(|is not a regular expression/,
};

test('directives that another setting stands for, or that mean nothing, are refused in words', () => {
  for (const [directive, words] of Object.entries(REFUSED)) {
    assert.throws(
      () => engineOf(directive),
      (error) => error instanceof SecLangError && words.test(error.message),
      directive,
    );
  }
  assert.equal(Object.keys(REFUSED).length, 9);
});

const WITHOUT_EFFECT = [
  'SecArgumentSeparator &',
  'SecAuditLogType Serial',
  'SecCookieFormat 0',
  'SecDataDir /tmp/',
  'SecDebugLogLevel 3',
  'SecPcreMatchLimit 1000',
  'SecRequestBodyInMemoryLimit 1000',
  'SecTmpDir /tmp/',
  'SecUploadDir /tmp/',
  'SecUploadKeepFiles Off',
];

test('directives without effect are taken', () => {
  assert.deepEqual(linesOf(`${WITHOUT_EFFECT.join('\n')}\n${ARGS}`, form('a=1')), ['1']);
});
