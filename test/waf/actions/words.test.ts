import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecLangError } from '../../../src/waf/seclang/reason.ts';
import { ask, linesOf } from '../../support/inspections.ts';
import { engineOf } from '../../support/rule-sets.ts';

/** What is left in TX by actions, as ModSecurity 3 computes it. */
const SETVARS: Readonly<Record<string, string>> = {
  'setvar:tx.a': '1||',
  'setvar:tx.a=5x,setvar:tx.a=+3': '8||',
  'setvar:tx.b=-2': '|-2|',
  'setvar:tx.c=+x': '||0',
  "setvar:tx.a=1,setvar:'tx.b=%{tx.a}%{tx.a}'": '1|11|',
  'setvar:tx.a=3,setvar:tx.a=+-1': '2||',
  'setvar:tx.a=4,setvar:tx.b=+%{tx.a},setvar:tx.b=+%{tx.a}': '4|8|',
  'setvar:tx.a=4,setvar:!tx.a': '||',
  'setvar:tx.a= 7,setvar:tx.a=+1': '8||',
  "setvar:'tx.b=-2',setvar:tx.b=-3": '|-5|',
  'setvar:tx.a=+0x10': '0||',
  'setvar:tx.a=3,setvar:tx.a=+1.9': '4||',
  'setvar:TX.A=1,setvar:tx.B=%{TX:a}': '1|1|',
  'setvar:tx.a=b,setvar:tx.%{tx.a}=2': 'b|2|',
};

test('setvar', () => {
  for (const [actions, left] of Object.entries(SETVARS)) {
    const rules = `SecAction "id:1,phase:1,nolog,pass,${actions}"\nSecAction "id:2,phase:5,log,pass,msg:'%{tx.a}|%{tx.b}|%{tx.c}'"`;
    assert.deepEqual(linesOf(rules), [`2 ${left}`], actions);
  }
  assert.equal(Object.keys(SETVARS).length, 14);
});

test('collections outlive a request, by their key, once they are opened', () => {
  const engine =
    engineOf(`SecAction "id:1,phase:1,nolog,pass,setvar:ip.early=1,initcol:ip=%{REMOTE_ADDR},initcol:ip=other"
SecAction "id:2,phase:1,nolog,pass,setvar:ip.n=+1,setvar:ip.last=%{ARGS.q},expirevar:ip.n=60"
SecRule ARGS:q "@streq drop" "id:3,phase:1,nolog,pass,setvar:!ip.n"
SecAction "id:4,phase:1,log,pass,msg:'%{ip.n} %{IP.LAST} %{ip.early}|'"
SecRule IP:n "@ge 2" "id:5,phase:1,log,pass"
SecRule &IP "@ge 1" "id:6,phase:1,nolog,pass"`);
  assert.deepEqual(ask(engine, { target: '/?q=a' }).lines, ['4 1 a |']);
  assert.deepEqual(ask(engine, { target: '/?q=b' }).lines, ['4 2 b |', '5']);
  assert.deepEqual(ask(engine, { target: '/?q=c', clientAddress: '192.0.2.8' }).lines, ['4 1 c |']);
  assert.deepEqual(ask(engine, { target: '/?q=drop' }).lines, ['4  drop |']);
});

test('words for logs: the last link that has them wins, tags add up, macros are of the moment', () => {
  const rules = `SecRule ARGS:a "@rx (.)" "id:1,phase:2,pass,capture,log,severity:'CRITICAL',ver:'v1',rev:2,tag:'one',msg:'first',logdata:'%{TX.1}',chain"
SecRule ARGS:b "@rx ." "t:none,t:uppercase,msg:'second %{MATCHED_VAR}',tag:'two',capture"`;
  const [match] = ask(engineOf(rules), { target: '/?a=x&b=y' }).inspection.matches;
  const { message, data, severity, tags, version, revision, variable, value, transformed, operator, line } =
    match ?? {};
  assert.deepEqual(
    { message, data, severity, tags, version, revision, variable, value, transformed, operator, line },
    {
      message: 'second Y',
      data: '',
      severity: 2,
      tags: ['one', 'two'],
      version: 'v1',
      revision: '2',
      variable: 'ARGS:b',
      value: 'y',
      transformed: 'Y',
      operator: '@rx .',
      line: 1,
    },
  );
});

test('log, nolog, auditlog and noauditlog', () => {
  const told = (actions: string) => {
    const [match] = ask(engineOf(`SecAction "id:1,phase:1,pass,${actions}"`)).inspection.matches;
    return match === undefined ? 'silent' : `${match.logged} ${match.audited}`;
  };
  assert.equal(told('t:none'), 'true true');
  assert.equal(told('nolog'), 'silent');
  assert.equal(told('nolog,auditlog'), 'false true');
  assert.equal(told('log,noauditlog'), 'true false');
});

/** Actions that are refused, and what is said of them. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'allow:all-of-it': /allow:all-of-it is not known/,
  'skip:0': /skip:0 is no number of rules/,
  'skip:x': /skip:x is no number of rules/,
  'status:600': /status:600 is no HTTP status/,
  'severity:BAD': /severity:BAD is none of EMERGENCY/,
  'setvar:novar': /is not of the form tx.name=value/,
  'setvar:args.a=1': /args cannot be written; TX, GLOBAL/,
  'initcol:ip': /is not of the form ip=key/,
  'initcol:tx=1': /the collections are GLOBAL/,
  'expirevar:tx.a=1': /only variables of GLOBAL/,
  'expirevar:ip.a': /is not of the form ip.name=seconds/,
  'setvar:tx.a=%{NOTHING}': /NOTHING is not a variable/,
  "msg:'%{REMOTE_ADDR.a}'": /REMOTE_ADDR has no members/,
  'deny:403': /deny takes no value/,
  redirect: /redirect needs a value/,
  't:nothing': /t:nothing is not a transformation/,
  'exec:/bin/x': /exec is not supported: no programs are run/,
  'nonsense:1': /nonsense is not an action/,
  'ctl:nonsense=1': /ctl:nonsense is not known/,
  'ctl:debugLogLevel=3': /ctl:debugLogLevel is not supported/,
  'ctl:ruleEngine': /ctl:ruleEngine needs a value/,
  'ctl:ruleEngine=Maybe': /is none of On, Off, DetectionOnly/,
  'ctl:requestBodyProcessor=YAML': /is none of URLENCODED, MULTIPART, JSON, XML, RAW/,
  'ctl:requestBodyAccess=Maybe': /is neither On nor Off/,
  'ctl:auditEngine=Maybe': /is none of On, Off, RelevantOnly/,
  'ctl:auditLogParts=+Q!': /parts are letters A to K and Z/,
  'ctl:ruleRemoveById=x': /is not an id/,
  'ctl:ruleRemoveTargetById=1': /is not of the form rules;TARGET/,
  'ctl:ruleRemoveTargetByTag=t;NOTHING': /NOTHING is not a variable/,
  'skipAfter:%{tx.a}': /a marker is a fixed name/,
};

test('actions that mean nothing are refused in words', () => {
  for (const [action, words] of Object.entries(REFUSED)) {
    assert.throws(
      () => engineOf(`SecAction "id:1,phase:1,pass,nolog,${action}"`),
      (error) => error instanceof SecLangError && words.test(error.message),
      action,
    );
  }
  assert.equal(Object.keys(REFUSED).length, 30);
});
