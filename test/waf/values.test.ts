import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, form, linesOf } from '../support/inspections.ts';
import { engineOf } from '../support/rule-sets.ts';

const SAY = 'SecAction "id:9,phase:5,pass,log,msg:\'%{tx.n}\'"';

test('a value that many members have holds for each of them, and misses for each', () => {
  const target = `/?${'a=x&b=y&'.repeat(50)}`;
  const rules = `SecRule ARGS "@streq x" "id:1,phase:2,pass,nolog,setvar:tx.n=+1"\n${SAY}`;
  assert.deepEqual(linesOf(rules, { target }), ['9 50']);
  assert.deepEqual(linesOf(rules.replace('@streq', '!@streq'), { target }), ['9 50']);
});

test('a value that missed is tested again once what it is compared with has changed', () => {
  const rules = `SecRule ARGS "@streq %{tx.a}" "id:1,phase:2,pass,nolog,setvar:tx.a=y,setvar:tx.n=+1"\n${SAY}`;
  // y misses, the empty one holds and writes, y holds twice.
  assert.deepEqual(linesOf(rules, { target: '/?a=y&b=&c=y&d=y' }), ['9 3']);
});

test('a value that missed in one link, rule or phase is tested in the next', () => {
  const rules = `SecRule ARGS "@streq z" "id:1,phase:2,pass,log"
SecRule ARGS|ARGS_GET "@streq x" "id:2,phase:2,pass,log,chain"
SecRule ARGS "@streq x" "t:none,setvar:tx.n=+1"
SecRule ARGS "@streq X" "id:3,phase:3,pass,log,t:none,t:uppercase"
${SAY}`;
  assert.deepEqual(linesOf(rules, { target: '/?a=x&b=x' }), ['2', '3', '9 2']);
});

test('long values of one length are told apart, however many there are', () => {
  const long = (last: string) => 'v'.repeat(20_000) + last;
  const body = Array.from({ length: 30 }, (_, index) => `a=${long(String(10 + index))}`).join('&');
  const rules = `SecRule ARGS "@endsWith 39" "id:1,phase:2,pass,log"\nSecRule ARGS "@rx v1.$" "id:2,phase:2,pass,nolog,setvar:tx.n=+1"\n${SAY}`;
  assert.deepEqual(linesOf(rules, form(body)), ['1', '9 10']);
});

test('sixteen thousand arguments without name and value cost like some', () => {
  const rules = Array.from(
    { length: 50 },
    (_, index) => `SecRule ARGS|ARGS_NAMES "@rx x${index}" "id:${index + 1},phase:2,pass,log,t:none,t:lowercase"`,
  );
  const engine = engineOf(rules.join('\n'));
  const cost = (target: string) => {
    const before = process.cpuUsage();
    assert.deepEqual(ask(engine, { target }).lines, []);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  cost('/?a=b');
  // 1,600,000 runs of a pattern took most of a second.
  assert.ok(cost(`/?${'&'.repeat(16_000)}`) < 400_000);
});
