import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/inspections.ts';

const ASKED = { target: '/?x=a&y=b&z=ab&w=c' };
const say = (id: number, text: string) => `SecAction "id:${id},phase:5,pass,log,msg:'${text}'"`;

test('MATCHED_VARS holds what held of all links of a chain, and a link over it sees what held before it', () => {
  const rules = `SecRule ARGS "@rx [ab]" "id:1,phase:2,pass,log,chain,msg:'%{MATCHED_VAR_NAME}'"
SecRule MATCHED_VARS "@rx b" "t:none,chain"
SecRule MATCHED_VARS "@unconditionalMatch" "t:none,setvar:tx.n=+1"
SecRule MATCHED_VARS_NAMES "@rx ^ARGS:z" "id:3,phase:2,pass,log,msg:'%{MATCHED_VAR_NAME} %{MATCHED_VAR}'"
${say(2, 'n=%{TX.n}')}`;
  assert.deepEqual(linesOf(rules, ASKED), [
    '1 MATCHED_VARS:MATCHED_VARS:ARGS:z',
    '3 MATCHED_VARS_NAMES:ARGS:z ARGS:z',
    '2 n=5',
  ]);
});

test('a rule that does not hold leaves what held before; the next that holds clears it', () => {
  const rules = `SecRule ARGS:x|ARGS:y "@rx ." "id:1,phase:2,pass,nolog"
SecRule ARGS:x "@rx z" "id:2,phase:2,pass,nolog"
SecAction "id:3,phase:2,pass,log,msg:'%{MATCHED_VAR_NAME}'"
SecRule ARGS:w "@rx ." "id:4,phase:2,pass,nolog"
SecRule &MATCHED_VARS "@eq 1" "id:5,phase:2,pass,log"`;
  assert.deepEqual(linesOf(rules, ASKED), ['3 ARGS:y', '5']);
});

test('RULE is the rule that runs, and a message may name its own id', () => {
  const rules = `SecRule ARGS:x "@rx a" "id:7,phase:2,pass,log,severity:2,rev:3,ver:'v',logdata:'d',msg:'in %{RULE.id}',chain"
SecRule RULE:id|RULE:severity|RULE:rev|RULE:ver|RULE:logdata|RULE:msg "@unconditionalMatch" "t:none,setvar:tx.all=%{tx.all} %{MATCHED_VAR}"
${say(8, '%{tx.all}')}
SecRule ARGS:x "@rx a" "id:9,phase:5,pass,log,msg:'%{RULE.msg}'"`;
  assert.deepEqual(linesOf(rules, ASKED), ['7 in 7', '8  7 2 3 v d in', '9']);
});

test('HIGHEST_SEVERITY is the gravest of rules that held', () => {
  const rules = `SecRule HIGHEST_SEVERITY "@eq 255" "id:1,phase:1,pass,log"
SecAction "id:2,phase:1,pass,nolog,severity:ERROR"
SecAction "id:3,phase:1,pass,nolog,severity:WARNING"
SecRule HIGHEST_SEVERITY "@eq 3" "id:4,phase:1,pass,log"`;
  assert.deepEqual(linesOf(rules), ['1', '4']);
});

test('TX, ENV, USERID, SESSIONID and WEBAPPID are what rules and settings say', () => {
  const rules = `SecWebAppId shop
SecAction "id:1,phase:1,pass,nolog,setvar:tx.A=1,setenv:e=2,setuid:ann,setsid:s1"
${say(2, '%{tx.a} %{ENV.E} %{USERID} %{SESSIONID} %{WEBAPPID} %{tx.none}|')}
SecRule &TX "@eq 1" "id:3,phase:1,pass,log"
SecRule TX:/^a/ "@eq 1" "id:4,phase:1,pass,log"`;
  assert.deepEqual(linesOf(rules), ['3', '4', '2 1 2 ann s1 shop |']);
});

test('what a rule over MATCHED_VARS adds while it runs is not looked at', () => {
  const count = 2_000;
  const target = `/?${Array.from({ length: count }, (_, index) => `a${index}=v`).join('&')}`;
  const rules = `SecRule ARGS "@rx v" "id:1,phase:2,pass,nolog,chain"
SecRule MATCHED_VARS|MATCHED_VARS_NAMES "@rx ." "t:none,setvar:tx.n=+1"
${say(2, '%{tx.n} of %{ARGS_COMBINED_SIZE}')}
SecRule &MATCHED_VARS "@eq ${3 * count + count}" "id:3,phase:2,pass,nolog"`;
  // The names come after the values, which have been added by then.
  assert.match(linesOf(rules, { target })[0] ?? '', new RegExp(`^2 ${count + 2 * count} of`));
});
