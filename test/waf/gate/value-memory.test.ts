import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ValueMemory } from '../../../src/waf/gate/value-memory.ts';
import { InspectedValue } from '../../../src/waf/value.ts';
import { ask } from '../../support/inspections.ts';
import { engineOf } from '../../support/rule-sets.ts';

/** Meets a text as a request does. */
function meet(memory: ValueMemory, text: string): InspectedValue {
  return memory.find(text) ?? memory.admit(text) ?? new InspectedValue(text);
}

test('a value is kept when it comes a second time', () => {
  const memory = new ValueMemory();
  assert.equal(meet(memory, 'host').isKept, false);
  const kept = meet(memory, 'host');
  assert.equal(kept.isKept, true);
  assert.equal(meet(memory, 'host'), kept);
});

test('long values are not', () => {
  const memory = new ValueMemory();
  for (let times = 0; times < 3; times += 1) assert.equal(meet(memory, 'x'.repeat(257)).isKept, false);
  meet(memory, 'x'.repeat(256));
  assert.equal(meet(memory, 'x'.repeat(256)).isKept, true);
});

test('one that does not come again makes way; one that does stays', () => {
  const memory = new ValueMemory();
  meet(memory, 'often');
  const often = meet(memory, 'often');
  meet(memory, 'once');
  const once = meet(memory, 'once');
  for (let round = 0; round < 10_000; round += 1) {
    for (let times = 0; times < 2; times += 1) meet(memory, `value ${round}`);
    if (round % 1_000 === 0) assert.equal(memory.find('often'), often);
  }
  assert.equal(memory.find('once'), undefined);
  assert.notEqual(meet(memory, 'once'), once);
});

test('a slice does not keep what it was cut from', () => {
  const memory = new ValueMemory();
  const body = 'a'.repeat(100_000);
  meet(memory, body.slice(10, 60));
  const kept = meet(memory, body.slice(20, 70));
  assert.equal(kept.isKept, true);
  assert.equal(kept.text, 'a'.repeat(50));
});

test('requests with the same values set off the same rules, what they capture included', () => {
  const rules =
    'SecRule ARGS "@rx ^(b)(.)" "id:1,phase:2,pass,log,capture,setvar:tx.seen=%{tx.2}"\n' +
    'SecRule ARGS "!@rx ^b" "id:2,phase:2,pass,log"\n' +
    'SecRule ARGS "@rx ^b" "id:3,phase:2,pass,log,t:none,t:lowercase"\n' +
    'SecRule ARGS "@streq %{tx.seen}" "id:4,phase:2,pass,log"\n' +
    'SecRule ARGS "@rx ^(b)(.)" "id:5,phase:2,pass,log,logdata:\'%{tx.1}\'"\n';
  const engine = engineOf(rules);
  const plain = engineOf(rules, {}, { gate: false });
  const targets = ['/?q=bx', '/?q=Bx', '/?q=x', '/?q=bx&r=x', '/?r=by&q=y'];
  for (let times = 0; times < 5; times += 1) {
    for (const target of targets) {
      assert.deepEqual(ask(engine, { target }).lines, ask(plain, { target }).lines, `${target}, time ${times}`);
    }
  }
  assert.ok(ask(engine, { target: '/?q=bx&r=x' }).lines.join(' ').includes('4'));
});
