import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NamedValues } from '../../src/waf/entry.ts';
import type { RequestFacts } from '../../src/waf/inspection.ts';
import { engineOf } from '../support/rule-sets.ts';

const FACTS: RequestFacts = {
  uniqueId: 'a',
  clientAddress: '127.0.0.2',
  clientPort: 4,
  serverAddress: '127.0.0.1',
  serverPort: 80,
  method: 'GET',
  target: '/a?b=c',
  protocol: 'HTTP/1.1',
  fields: ['Host', 'shop.example'],
  startedAtMs: 0,
};

/** Ids of what held in phases 1 and 2, and a setting at the end. */
function run(rules: string, setting = 'x'): string {
  const inspection = engineOf(rules).begin(FACTS);
  for (const outcome of [inspection.requestHeaders(), inspection.requestBody('', false)]) {
    assert.equal(outcome.kind, 'pass');
  }
  return [...inspection.matches.map(({ ruleId }) => ruleId), `${setting}=${inspection.score(setting)}`].join(' ');
}

const DEFAULTS = 'SecDefaultAction "phase:1,log,auditlog,pass"\nSecDefaultAction "phase:2,log,auditlog,pass"\n';
const LEVEL = 'SecAction "id:1,phase:1,nolog,pass,setvar:tx.level=2"\n';
const MATCH = (id: number, phase: number) => `SecRule REQUEST_URI "@contains a" "id:${id},phase:${phase},log,pass"\n`;

for (const defaults of ['', DEFAULTS]) {
  const name = defaults === '' ? '' : ', with default actions';

  test(`levels that are off are passed over, those that are on are not${name}`, () => {
    const rules = [1, 2, 3].map((level) =>
      [1, 2]
        .map(
          (phase) =>
            `SecRule TX:LEVEL "@lt ${level}" "id:${level * 100 + phase},phase:${phase},nolog,pass,skipAfter:END-${level}"\n` +
            MATCH(level * 10 + phase, phase),
        )
        .join('')
        .concat(`SecMarker END-${level}\n`),
    );
    assert.equal(run(defaults + LEVEL + rules.join('')), '11 21 12 22 x=');
  });

  test(`a rule whose setting is not there writes nothing, whatever it would write${name}`, () => {
    const rules =
      'SecRule TX:LEVEL "@ge 3" "id:2,phase:2,nolog,pass,setvar:tx.x=+%{tx.other}"\n' +
      'SecRule TX:LEVEL "@ge 2" "id:3,phase:2,nolog,pass,setvar:tx.x=+%{tx.other}"\n' +
      'SecRule ARGS "@streq c" "id:4,phase:1,nolog,pass,setvar:tx.other=5"\n';
    assert.equal(run(defaults + LEVEL + rules), 'x=5');
  });
}

test('what skips by number finds all rules that it counts', () => {
  const rules =
    'SecRule ARGS "@streq c" "id:2,phase:2,nolog,pass,skip:2"\n' +
    'SecRule TX:LEVEL "@ge 3" "id:3,phase:2,nolog,pass"\n' +
    `${MATCH(4, 2)}${MATCH(5, 2)}`;
  assert.equal(run(LEVEL + rules), '5 x=');
});

test('settings that were there when a rule looked are those of its place', () => {
  const rules =
    'SecRule &TX:X "@eq 0" "id:2,phase:1,nolog,pass,setvar:tx.x=1"\n' +
    'SecRule REQUEST_METHOD "@streq GET" "id:3,phase:1,nolog,pass,setvar:tx.y=%{tx.x}%{tx.z}"\n' +
    'SecAction "id:4,phase:1,nolog,pass,setvar:tx.z=9"\n' +
    'SecRule &TX:X "@eq 1" "id:5,phase:1,nolog,pass,setvar:tx.x=+1"\n';
  assert.equal(run(LEVEL + rules, 'y'), 'y=1');
  assert.equal(run(LEVEL + rules, 'x'), 'x=2');
  assert.equal(run(LEVEL + rules, 'z'), 'z=9');
});

test('a setting that is there from the beginning is taken out of one request only', () => {
  const rules =
    `${LEVEL}SecAction "id:2,phase:1,nolog,pass,setvar:tx.x=1"\n` +
    'SecRule ARGS "@streq c" "id:3,phase:1,nolog,pass,setvar:!tx.x"\n';
  const engine = engineOf(rules);
  for (const [target, left] of [
    ['/a?b=c', ''],
    ['/a?b=d', '1'],
  ] as const) {
    const inspection = engine.begin({ ...FACTS, target });
    inspection.requestHeaders();
    assert.equal(inspection.score('x'), left);
  }
});

test('rules that look at what former rules found still see it', () => {
  const rules = `${LEVEL}SecRule TX:LEVEL "@eq 2" "id:2,phase:1,nolog,pass"\nSecRule MATCHED_VAR "@streq 2" "id:3,phase:1,log,pass"\n`;
  assert.equal(run(rules), '3 x=');
});

test('values that begin as others are in the same order', () => {
  const shared = new Map(['a', 'b', 'c'].map((name) => [name, { name, value: name }]));
  const values = new NamedValues(1_000, shared);
  values.set('B', '2');
  values.set('d', '4');
  const text = () => values.entries().map(({ name, value }) => name + value);
  assert.deepEqual(text(), ['aa', 'B2', 'cc', 'd4']);
  assert.equal(values.find('b')?.value, '2');
  assert.equal(values.find('c')?.value, 'c');
  values.delete('A');
  values.delete('b');
  values.set('a', '1');
  assert.deepEqual(text(), ['cc', 'd4', 'a1']);
  assert.equal(values.find('b'), undefined);
  assert.equal(shared.size, 3);
});
