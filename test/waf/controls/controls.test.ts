import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, form, linesOf } from '../../support/inspections.ts';
import { engineOf } from '../../support/rule-sets.ts';

const ctl = (what: string, phase = 1) => `SecAction "id:1,phase:${phase},pass,nolog,ctl:${what}"`;
const args = (id: number, more = 't:none') =>
  `SecRule ARGS "@rx ." "id:${id},phase:2,pass,log,msg:'%{MATCHED_VAR_NAME}',${more}"`;
const TARGET = { target: '/?a=1&b=2' };

/** What is left of rules 10 (tag one, message m) and 11 (tag two) over two arguments. */
const REMOVALS: Readonly<Record<string, readonly string[]>> = {
  'ruleRemoveById=10': ['11 ARGS:b'],
  'ruleRemoveById=9-10': ['11 ARGS:b'],
  'ruleRemoveById=10 11': [],
  'ruleRemoveByTag=one': ['11 ARGS:b'],
  'ruleRemoveByTag=on': ['10 ARGS:b', '11 ARGS:b'],
  'ruleRemoveTargetById=10;ARGS:b': ['10 ARGS:a', '11 ARGS:b'],
  'ruleRemoveTargetById=10;ARGS': ['11 ARGS:b'],
  'ruleRemoveTargetById=10-11;ARGS:/^B/': ['10 ARGS:a', '11 ARGS:a'],
  'ruleRemoveTargetByTag=two;ARGS:B': ['10 ARGS:b', '11 ARGS:a'],
  'ruleRemoveTargetById=10;ARGS_GET:b': ['10 ARGS:b', '11 ARGS:b'],
};

test('rules and targets are taken out of one request', () => {
  const rest = [args(10, 'tag:one'), args(11, 'tag:two')].join('\n');
  for (const [what, left] of Object.entries(REMOVALS)) {
    assert.deepEqual(linesOf(`${ctl(what)}\n${rest}`, TARGET), left, what);
  }
  assert.equal(Object.keys(REMOVALS).length, 10);
});

test('rules are taken out by their message, and their targets', () => {
  const rest = `SecRule ARGS "@rx ." "id:10,phase:2,pass,log,msg:'some words',logdata:'%{MATCHED_VAR_NAME}'"`;
  assert.deepEqual(linesOf(`${ctl("'ruleRemoveByMsg=some words'")}\n${rest}`, TARGET), []);
  const { inspection } = ask(engineOf(`${ctl("'ruleRemoveTargetByMsg=some words;ARGS:b'")}\n${rest}`), TARGET);
  assert.equal(inspection.matches[0]?.data, 'ARGS:a');
});

test('a removal that a rule repeats for each of many values costs once', () => {
  const target = `/?${Array.from({ length: 5_000 }, (_, index) => `a${index}=1`).join('&')}`;
  const rules = `SecRule ARGS "@rx ." "id:1,phase:1,pass,nolog,ctl:ruleRemoveTargetById=10;ARGS:a7"\n${args(10)}`;
  const before = process.cpuUsage();
  assert.deepEqual(linesOf(rules, { target }), ['10 ARGS:a4999']);
  const { user, system } = process.cpuUsage(before);
  // 25,000,000 looks at a removal took seconds.
  assert.ok(user + system < 1_500_000, `${user + system} us`);
});

test('ruleEngine switches off, and to detection, and never from detection to blocking', () => {
  const rules = (value: string) => `${ctl(`ruleEngine=${value}`)}\n${args(10)}\nSecAction "id:11,phase:2,deny,log"`;
  const kinds = (value: string, mode: 'block' | 'detect') => {
    const { outcomes, lines } = ask(engineOf(rules(value), { mode }), TARGET);
    return `${outcomes[1]?.kind} ${lines.length}`;
  };
  assert.equal(kinds('On', 'block'), 'interrupt 2');
  assert.equal(kinds('DetectionOnly', 'block'), 'pass 2');
  assert.equal(kinds('Off', 'block'), 'pass 0');
  assert.equal(kinds('On', 'detect'), 'pass 2');
});

test('bodies are looked at as rules say', () => {
  const body = form('a=1');
  const rules = `${args(10)}\nSecRule REQUEST_BODY "@rx ." "id:11,phase:2,pass,log"`;
  assert.deepEqual(linesOf(rules, body), ['10 ARGS:a', '11']);
  assert.deepEqual(linesOf(`${ctl('requestBodyAccess=Off')}\n${rules}`, body), []);
  assert.deepEqual(linesOf(`${ctl('requestBodyProcessor=XML')}\n${rules}`, body), []);
  assert.deepEqual(
    linesOf(
      `${ctl('requestBodyProcessor=XML')}\n${ctl('forceRequestBodyVariable=On').replace('id:1', 'id:2')}\n${rules}`,
      body,
    ),
    ['11'],
  );
  assert.deepEqual(linesOf(`${ctl('requestBodyProcessor=RAW')}\n${args(10)}`, body), []);
});

test('wantsRequestBody and wantsResponseBody follow ctl, the rules and the type of the answer', () => {
  const wants = (rules: string, type = 'text/html') => {
    const { inspection } = ask(engineOf(rules), { answerFields: ['Content-Type', type] });
    return `${inspection.wantsRequestBody} ${inspection.wantsResponseBody}`;
  };
  const both = `${args(10)}\nSecRule RESPONSE_BODY "@rx ." "id:11,phase:4,pass,nolog"`;
  assert.equal(wants(both), 'true true');
  assert.equal(wants(both, 'Text/HTML; charset=utf-8'), 'true true');
  assert.equal(wants(both, 'image/png'), 'true false');
  assert.equal(wants(args(10)), 'true false');
  assert.equal(wants('SecRule REQUEST_URI "@rx ." "id:1,phase:2,pass,nolog"'), 'false false');
  assert.equal(wants(`${ctl('requestBodyAccess=Off')}\n${both}`), 'false true');
  assert.equal(wants(`${ctl('responseBodyAccess=Off')}\n${both}`), 'true false');
  assert.equal(wants(`${ctl('ruleEngine=Off')}\n${both}`), 'false false');
  assert.equal(wants('SecAction "id:1,phase:2,pass,nolog,setvar:tx.a=%{REQUEST_BODY}"'), 'true false');
});

test('the audit log is asked for by matches, by status and by ctl', () => {
  const audit = (rules: string, status = 200) => {
    const { inspection } = ask(engineOf(rules), { status });
    return `${inspection.wantsAudit} ${inspection.auditParts}`;
  };
  const held = 'SecAction "id:9,phase:1,pass,log"';
  assert.equal(audit(held), 'true ABFHZ');
  assert.equal(audit('SecAuditLogRelevantStatus "^5"', 502), 'true ABFHZ');
  assert.equal(audit('SecAuditLogRelevantStatus "^5"', 404), 'false ABFHZ');
  assert.equal(audit('SecAuditEngine On'), 'true ABFHZ');
  assert.equal(audit(`SecAuditEngine Off\n${held}`), 'false ABFHZ');
  assert.equal(audit(`${ctl('auditEngine=Off')}\n${held}`), 'false ABFHZ');
  assert.equal(audit(`SecAuditEngine Off\n${ctl('auditEngine=On')}`), 'true ABFHZ');
  assert.equal(audit(ctl('auditLogParts=+EK')), 'false ABEFHKZ');
  assert.equal(audit(ctl('auditLogParts=-CF')), 'false ABHZ');
});
