import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '../support/inspections.ts';
import { engineOf } from '../support/rule-sets.ts';

/** Each holds one thing that a settled gate could get wrong. Lines of matches, of `/` and of `/?q=1`. */
const CASES: Readonly<Record<string, readonly [rules: readonly string[], plain: string, asked: string]>> = {
  'a gate that holds': [
    ['SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"', gate(2), probe(3), 'SecMarker M', probe(4)],
    '4',
    '4',
  ],
  'a gate that never holds': [
    ['SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=5"', gate(2), probe(3), 'SecMarker M', probe(4)],
    '3 4',
    '3 4',
  ],
  'a gate that a rule takes away': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      asking(5, 1, 'ctl:ruleRemoveById=2'),
      gate(2),
      probe(3),
      'SecMarker M',
    ],
    '',
    '3',
  ],
  'a gate that a rule takes away with what it skips': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      asking(5, 1, 'ctl:ruleRemoveById=2-3'),
      gate(2),
      probe(3),
      'SecMarker M',
    ],
    '',
    '',
  ],
  'a gate whose tag a rule takes away': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      asking(5, 1, 'ctl:ruleRemoveByTag=t'),
      gate(2, 'tag:t'),
      probe(3),
      'SecMarker M',
    ],
    '',
    '3',
  ],
  'a gate of phase 1 that a rule takes away, and a setting behind it': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      asking(5, 1, 'ctl:ruleRemoveByTag=t'),
      gate(2, 'phase:1,tag:t'),
      'SecAction "id:6,phase:1,pass,nolog,setvar:tx.a=5"',
      'SecMarker M',
      gate(7),
      probe(3),
      'SecMarker M',
    ],
    '',
    '3',
  ],
  'a gate that a rule blinds': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      asking(5, 1, 'ctl:ruleRemoveTargetById=2;TX:a'),
      gate(2),
      probe(3),
      'SecMarker M',
    ],
    '',
    '3',
  ],
  'a count that a rule blinds': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      asking(5, 1, 'ctl:ruleRemoveTargetById=2;TX'),
      'SecRule &TX:a "@eq 0" "id:2,phase:2,pass,nolog,skipAfter:M"',
      probe(3),
      'SecMarker M',
    ],
    '3',
    '',
  ],
  'a setting that a rule takes away': [
    [
      asking(5, 1, 'ctl:ruleRemoveById=1'),
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      gate(2),
      probe(3),
      'SecMarker M',
    ],
    '',
    '3',
  ],
  'a setting that a rule skips': [
    [asking(5, 1, 'skip:1'), 'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"', gate(2), probe(3), 'SecMarker M'],
    '',
    '3',
  ],
  'a setting behind the end of phase 1': [
    [
      asking(5, 1, 'allow:phase'),
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      gate(2),
      probe(3),
      'SecMarker M',
    ],
    '',
    '3',
  ],
  'a setting behind the end of the request': [
    [
      asking(5, 1, 'deny'),
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      gate(2, 'phase:5'),
      probe(3, 5),
      'SecMarker M',
    ],
    '',
    '3',
  ],
  'a setting behind a rule that may fail': [
    [
      'SecRule ARGS:q "@ipMatch %{ARGS.q}" "id:5,phase:1,pass,nolog"',
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      gate(2, 'phase:5'),
      probe(3, 5),
      'SecMarker M',
    ],
    '',
    '3',
  ],
  'a jump into what a gate skips': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      asking(5, 2, 'skipAfter:N'),
      gate(2),
      probe(3),
      'SecMarker N',
      probe(4),
      'SecMarker M',
    ],
    '',
    '4',
  ],
  'a count of rules with a gate among them that never holds': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=5"',
      asking(5, 2, 'skip:2'),
      gate(2),
      probe(3),
      probe(4),
      'SecMarker M',
    ],
    '3 4',
    '4',
  ],
  'a count of rules with skipped ones among them': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      asking(5, 2, 'skip:3'),
      gate(2),
      probe(3),
      'SecMarker M',
      probe(4),
      probe(6),
    ],
    '4 6',
    '6',
  ],
  'a rule that looks at what held before': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      asking(5, 2, 't:none'),
      gate(2),
      'SecMarker M',
      'SecRule MATCHED_VAR_NAME "@streq ARGS:q" "id:3,phase:2,pass,log"',
    ],
    '',
    '',
  ],
  'a chain whose beginning held before': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      asking(5, 2, 't:none'),
      'SecRule TX:a "@eq 1" "id:2,phase:2,pass,nolog,chain"\nSecRule TX:a "@eq 2" "t:none"',
      'SecRule MATCHED_VAR_NAME "@streq ARGS:q" "id:3,phase:2,pass,log"',
    ],
    '',
    '',
  ],
  'a chain that writes before it fails': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      'SecRule TX:a "@eq 1" "id:2,phase:1,pass,nolog,setvar:tx.a=5,chain"\nSecRule TX:a "@eq 2" "t:none"',
      gate(4),
      probe(3),
      'SecMarker M',
    ],
    '3',
    '3',
  ],
  'a chain that changes the request before it fails': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      'SecRule TX:a "@eq 1" "id:2,phase:1,pass,nolog,ctl:ruleRemoveById=3,chain"\nSecRule TX:a "@eq 2" "t:none"',
      probe(3),
      probe(4),
    ],
    '4',
    '4',
  ],
  'a rule that does more than skip': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      'SecRule TX:a "@eq 1" "id:2,phase:2,pass,nolog,ctl:ruleRemoveById=4,skipAfter:M"',
      probe(3),
      'SecMarker M',
      probe(4),
      probe(6),
    ],
    '6',
    '6',
  ],
  'a name that a request chooses': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      'SecRule ARGS:q "@rx ." "id:5,phase:1,pass,nolog,setvar:tx.%{REQUEST_METHOD}a=9,setvar:tx.%{tx.none}a=5"',
      gate(2),
      probe(3),
      'SecMarker M',
    ],
    '',
    '3',
  ],
  'a setting that is written again later': [
    [
      'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1"',
      'SecAction "id:5,phase:2,pass,nolog,setvar:tx.a=5"',
      gate(2),
      probe(3),
      'SecMarker M',
    ],
    '3',
    '3',
  ],
};

function gate(id: number, more = 't:none'): string {
  const phase = more.startsWith('phase') ? more : `phase:2,${more}`;
  return `SecRule TX:a "@eq 1" "id:${id},${phase},pass,nolog,skipAfter:M"`;
}

function probe(id: number, phase = 2): string {
  return `SecAction "id:${id},phase:${phase},pass,log"`;
}

function asking(id: number, phase: number, deed: string): string {
  return `SecRule ARGS:q "@rx ." "id:${id},phase:${phase},pass,nolog,${deed}"`;
}

for (const [name, [lines, plain, asked]] of Object.entries(CASES)) {
  test(`settled or not: ${name}`, () => {
    for (const isSettled of [false, true]) {
      const engine = engineOf(lines.join('\n'), {}, { gate: isSettled });
      assert.equal(ask(engine).lines.join(' '), plain, `settled: ${isSettled}, nothing asked`);
      assert.equal(ask(engine, { target: '/?q=1' }).lines.join(' '), asked, `settled: ${isSettled}, asked`);
    }
  });
}

test('an operator whose macro means nothing does not stop a rule set from being compiled', () => {
  const rules = 'SecRule TX:a "@rx %{tx.b}" "id:2,phase:1,pass,nolog"\nSecAction "id:3,phase:1,pass,log"';
  const set = 'SecAction "id:1,phase:1,pass,nolog,setvar:tx.a=1,setvar:tx.b=("\n';
  assert.deepEqual(ask(engineOf(rules)).lines, ['3']);
  const { outcomes } = ask(engineOf(set + rules));
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['failed', 'pass'],
  );
});
