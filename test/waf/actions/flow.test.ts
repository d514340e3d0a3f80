import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, linesOf } from '../../support/inspections.ts';
import { engineOf } from '../../support/rule-sets.ts';

const say = (id: number, phase = 2) => `SecAction "id:${id},phase:${phase},pass,log"`;
const act = (id: number, actions: string, phase = 2) => `SecAction "id:${id},phase:${phase},nolog,${actions}"`;
const lines = (...rules: readonly string[]) => linesOf(rules.join('\n'), { target: '/?x=1&y=2' }).join(' ');

test('phases run in their order, whatever that of the file', () => {
  assert.equal(lines(say(5, 5), say(4, 4), say(3, 3), say(2, 2), say(1, 1)), '1 2 3 4 5');
});

test('skip passes over rules of its phase; a chain is one, markers and other phases are none', () => {
  const chain = 'SecRule ARGS:x "@rx ." "id:3,phase:2,pass,log,chain"\nSecRule ARGS:x "@rx ." "t:none"';
  assert.equal(lines(act(1, 'pass,skip:1'), say(2), chain, say(4)), '3 4');
  assert.equal(lines(act(1, 'pass,skip:2'), say(9, 1), chain, 'SecMarker M', say(4), say(5)), '9 5');
  assert.equal(lines(act(1, 'pass,skip:9'), say(2), say(3, 3)), '3');
  assert.equal(lines(act(1, 'pass,skip:1,ctl:ruleRemoveById=2'), say(2), say(3)), '3');
});

test('skipAfter goes on behind the next marker of that name, in its own phase only', () => {
  const far = [
    act(1, 'pass,skipAfter:M'),
    say(2),
    say(3, 1),
    'SecMarker N',
    say(4),
    'SecMarker M',
    say(5),
    'SecMarker M',
  ];
  assert.equal(lines(...far), '3 5');
  assert.equal(lines('SecMarker M', act(1, 'pass,skipAfter:M'), say(2), 'SecMarker M', say(3)), '3');
});

test('a rule that ends the request says how', () => {
  const table: Readonly<Record<string, readonly [kind: string, status: number, url: string]>> = {
    deny: ['deny', 403, ''],
    'deny,status:418': ['deny', 418, ''],
    'block,status:401': ['deny', 401, ''],
    drop: ['drop', 403, ''],
    'redirect:https://a.example/%{ARGS.x}': ['redirect', 302, 'https://a.example/1'],
    'redirect:https://a.example/,status:307': ['redirect', 307, 'https://a.example/'],
    'redirect:https://a.example/,status:200': ['redirect', 302, 'https://a.example/'],
  };
  for (const [actions, [kind, status, url]] of Object.entries(table)) {
    const rules = `SecDefaultAction "phase:2,log,deny"\nSecRule ARGS:x "@rx 1" "id:1,phase:2,log,${actions}"\n${say(2)}\n${say(3, 5)}`;
    const { outcomes, lines: all, inspection } = ask(engineOf(rules), { target: '/?x=1' });
    const interruption = { kind, status, url, ruleId: 1 };
    assert.deepEqual(outcomes, [{ kind: 'pass' }, { kind: 'interrupt', interruption }, { kind: 'pass' }], actions);
    assert.deepEqual(all, ['1', '3']);
    assert.deepEqual(inspection.interruption, interruption);
    assert.equal(inspection.matches[0]?.disruptive, true);
  }
});

test('a mode that only detects tells what it would have done, and goes on', () => {
  const rules = [act(1, 'deny,status:418'), act(2, 'allow'), say(3), act(4, 'drop'), say(5, 5)].join('\n');
  const { outcomes, lines: all, inspection } = ask(engineOf(rules, { mode: 'detect' }));
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['pass', 'pass', 'pass', 'pass', 'pass'],
  );
  assert.deepEqual(all, ['3', '5']);
  assert.deepEqual(inspection.interruption, { kind: 'deny', status: 418, url: '', ruleId: 1 });
});

test('a rule of phase 5 ends nothing', () => {
  const { outcomes, lines: all } = ask(engineOf(`SecAction "id:1,phase:5,log,deny"\n${say(2, 5)}`));
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['pass', 'pass', 'pass', 'pass', 'pass'],
  );
  assert.deepEqual(all, ['1', '2']);
});

test('allow passes over the phase, the request or all but logging', () => {
  const rest = [say(2, 1), say(3, 2), say(4, 3), say(5, 4), say(6, 5)];
  assert.equal(lines(act(1, 'allow:phase', 1), ...rest), '3 4 5 6');
  assert.equal(lines(act(1, 'allow:request', 1), ...rest), '4 5 6');
  assert.equal(lines(act(1, 'allow', 1), ...rest), '6');
  assert.equal(lines(...rest, act(1, 'allow:phase', 3), say(7, 3)), '2 3 4 5 6');
});

test('links of a chain act for each value that holds; the rule as a whole only when all hold', () => {
  const rules = `SecRule ARGS "@rx ." "id:1,phase:2,deny,log,setvar:tx.a=+1,chain"
SecRule ARGS:x "@rx nothing" "t:none,setvar:tx.b=1"
SecAction "id:2,phase:2,pass,log,msg:'%{tx.a}%{tx.b}'"`;
  assert.deepEqual(linesOf(rules, { target: '/?x=1&y=2' }), ['2 2']);
});

test('what a rule captures stays until one that captures holds; only what it found is there then', () => {
  const rules = `SecRule ARGS:x "@rx (a)(b)?(c)" "id:1,phase:2,pass,capture,log,msg:'%{TX.0}|%{TX.1}|%{TX.2}|%{TX.3}'"
SecRule ARGS:x "@rx (z)" "id:2,phase:2,pass,capture,nolog"
SecRule ARGS:x "@rx c" "id:3,phase:2,pass,log,msg:'%{TX.0}'"
SecRule ARGS:x "@rx (c)" "id:4,phase:2,pass,capture,log,msg:'%{TX.0}|%{TX.1}|%{TX.3}'"
SecRule ARGS:x "!@rx (z)" "id:5,phase:2,pass,capture,log,msg:'%{TX.0}'"
SecRule &TX "@eq 0" "id:6,phase:2,pass,log"`;
  assert.deepEqual(linesOf(rules, { target: '/?x=ac' }), ['1 ac|a||c', '3 ac', '4 c|c|', '5', '6']);
});

test('multiMatch looks at the value as it is and after each step that changes it', () => {
  const rules = `SecRule ARGS:x "@rx (?i)a" "id:1,phase:2,pass,nolog,multiMatch,t:lowercase,t:urlDecode,t:uppercase,setvar:tx.n=%{tx.n}/%{MATCHED_VAR}"
SecAction "id:2,phase:2,pass,log,msg:'%{tx.n}'"`;
  assert.deepEqual(linesOf(rules, { target: '/?x=Ab%2541' }), ['2 /Ab%41/ab%41/abA/ABA']);
  assert.deepEqual(linesOf(rules, { target: '/?x=AB' }), ['2 /AB/ab/AB']);
});

test('an operator whose macro comes to nothing that it can read makes the phase fail, never pass', () => {
  for (const operator of ['@rx %{ARGS.p}', '@ipMatch %{ARGS.p}', '!@validateByteRange %{ARGS.p}']) {
    const { outcomes } = ask(engineOf(`SecRule ARGS:x "${operator}" "id:1,phase:2,deny"\n${say(2, 5)}`), {
      target: '/?x=1&p=%5B(',
    });
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['pass', 'failed', 'pass'],
      operator,
    );
  }
});

test('an operator whose parameter a value before it wrote sees it', () => {
  const rules = `SecRule ARGS "@streq %{tx.a}" "id:1,phase:2,pass,nolog,setvar:tx.a=b,setvar:tx.n=+1"
SecAction "id:2,phase:2,pass,log,msg:'%{tx.n}'"`;
  assert.deepEqual(linesOf(rules, { target: '/?x=&y=b&z=b' }), ['2 3']);
});

test('values that double with each argument end in a failure', () => {
  const rules = 'SecRule ARGS "@rx ." "id:1,phase:2,pass,nolog,setvar:tx.a=%{tx.a}%{tx.a}%{MATCHED_VAR}"';
  const target = `/?${Array.from({ length: 64 }, () => 'a=long').join('&')}`;
  const { outcomes } = ask(engineOf(rules), { target });
  assert.deepEqual(outcomes.map(({ kind }) => kind).slice(0, 2), ['pass', 'failed']);
});

test('a match keeps no more of a long value than people read', () => {
  const rules = `SecRule ARGS "@rx ." "id:1,phase:2,pass,log,msg:'%{MATCHED_VAR}',logdata:'%{MATCHED_VAR}'"`;
  const { inspection } = ask(engineOf(rules), { target: `/?a=${'b'.repeat(10_000)}` });
  const [match] = inspection.matches;
  for (const text of [match?.message, match?.data, match?.value, match?.transformed]) assert.equal(text?.length, 4_096);
});
