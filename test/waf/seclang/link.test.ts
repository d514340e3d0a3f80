import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { actionsOf, loaded } from './texts.ts';

/** Loads without a fault. */
function sound(text: string): ReturnType<typeof loaded> {
  const found = loaded(text);
  assert.deepEqual(found.faults, []);
  return found;
}

describe('default actions', () => {
  const table: readonly (readonly [what: string, text: string, actions: string])[] = [
    ['built in', 'SecAction id:1', 'log,auditlog,pass'],
    ['built in, in any phase', 'SecAction id:1,phase:5', 'log,auditlog,pass'],
    ['of its own phase', 'SecDefaultAction "phase:1,nolog,deny"\nSecAction id:1,phase:1', 'auditlog,nolog,deny'],
    ['not of another', 'SecDefaultAction "phase:1,nolog,deny"\nSecAction id:1', 'log,auditlog,pass'],
    ['not of one behind it', 'SecAction id:1\nSecDefaultAction "phase:2,nolog,deny"', 'log,auditlog,pass'],
    ['the own disruptive action wins', 'SecDefaultAction "phase:2,log,pass"\nSecAction id:1,deny', 'auditlog,log,deny'],
    ['the own log wins', 'SecAction id:1,nolog', 'auditlog,pass,nolog'],
    ['order tells what follows from what', 'SecAction id:1,nolog,auditlog', 'pass,nolog,auditlog'],
    [
      'status is inherited',
      'SecDefaultAction "phase:2,deny,status:406"\nSecAction id:1,block',
      'log,auditlog,status:406,deny',
    ],
    [
      'and replaced',
      'SecDefaultAction "phase:2,deny,status:406"\nSecAction id:1,block,status:400',
      'log,auditlog,deny,status:400',
    ],
    [
      'block with a value',
      'SecDefaultAction "phase:2,redirect:\'/a\'"\nSecAction id:1,block',
      'log,auditlog,redirect:/a',
    ],
    [
      'what it does not say is as built in',
      'SecDefaultAction "phase:2,deny,noauditlog"\nSecAction id:1',
      'log,deny,noauditlog',
    ],
    ['block by itself', 'SecAction id:1,block', 'log,auditlog,pass'],
    [
      'transformations stand before the own',
      'SecDefaultAction "phase:2,pass,t:lowercase"\nSecRule ARGS a id:1,t:trim',
      'log,auditlog,pass,t:lowercase,t:trim',
    ],
    [
      't:none begins anew',
      'SecDefaultAction "phase:2,pass,t:lowercase"\nSecRule ARGS a "id:1,t:trim,t:none,T:NONE,t:length"',
      'log,auditlog,pass,t:length',
    ],
  ];
  for (const [what, text, actions] of table) {
    test(what, () => assert.equal(actionsOf(sound(text).rules[0]), actions));
  }
});

describe('rules', () => {
  test('the last of those that exclude each other holds', () => {
    const { rules } = sound(
      'SecAction "id:9,id:1,phase:1,phase:response,msg:\'a\',tag:a,deny,severity:2,drop,msg:b,tag:b,Severity:3"',
    );
    assert.equal(actionsOf(rules[0]), 'log,auditlog,tag:a,drop,msg:b,tag:b,Severity:3');
    assert.deepEqual([rules[0]?.id, rules[0]?.phase], [1, 4]);
  });

  test('phases have words', () => {
    const text = ['request', 'response', 'logging', 'REQUEST', '3'].map(
      (word, index) => `SecAction id:${index + 1},phase:${word}`,
    );
    assert.deepEqual(
      sound(text.join('\n')).rules.map(({ phase }) => phase),
      [2, 4, 5, 2, 3],
    );
  });

  test('a chain is one rule', () => {
    const { rules } = sound(
      'SecDefaultAction "phase:2,log,deny,t:trim"\nSecRule A a "id:1,chain"\nSecRuleEngine On\nSecRule B b "chain,t:length"\n' +
        'SecAction "setvar:tx.a=1"\nSecRule C c id:2',
    );
    assert.deepEqual(
      rules.map(({ id, links }) => [id, links.map(({ place, operator }) => `${place.line} ${operator?.parameter}`)]),
      [
        [1, ['2 a', '4 b', '5 undefined']],
        [2, ['6 c']],
      ],
    );
    assert.deepEqual(
      [0, 1, 2].map((link) => actionsOf(rules[0], link)),
      ['auditlog,log,deny,t:trim', 't:trim,t:length', 't:trim,setvar:tx.a=1'],
    );
  });

  test('a link without actions ends its chain', () => {
    assert.deepEqual(
      sound('SecRule A a "id:1,chain"\nSecRule B b\nSecRule C c id:2').rules.map(({ links }) => links.length),
      [2, 1],
    );
  });

  test('markers stand between rules', () => {
    const { program } = sound('SecAction id:1,skipAfter:END\nSecMarker A\nSecAction id:2\nSecMarker "END"');
    assert.deepEqual(
      program.items.map((item) => (item.kind === 'marker' ? `${item.name} ${item.place.line}` : item.id)),
      [1, 'A 2', 2, 'END 4'],
    );
  });

  test('a marker whose name is made while a request runs is not looked for', () => {
    assert.equal(sound('SecAction id:1,skipAfter:%{tx.a}').rules.length, 1);
  });
});

describe('removals', () => {
  const rules = [1, 2, 3, 4]
    .map((id) => `SecAction "id:${id},tag:t${id}/a,tag:x${id % 2},msg:'Rule ${id}.'"`)
    .join('\n');
  const table: readonly (readonly [directive: string, ...ids: number[]])[] = [
    ['SecRuleRemoveById 2', 1, 3, 4],
    ['SecRuleRemoveById 1 3-9', 2],
    ['SecRuleRemoveById "1 3-9"', 2],
    ['SecRuleRemoveById 1,3', 2, 4],
    ['SecRuleRemoveById 99', 1, 2, 3, 4],
    ['SecRuleRemoveByTag x1', 2, 4],
    ['SecRuleRemoveByTag "^t[12]/"', 3, 4],
    ['SecRuleRemoveByTag X1', 1, 2, 3, 4],
    ['SecRuleRemoveByMsg "Rule [34]\\.$"', 1, 2],
    ['SecRuleRemoveByMsg nothing', 1, 2, 3, 4],
  ];
  for (const [directive, ...ids] of table) {
    test(directive, () => {
      assert.deepEqual(
        sound(`${rules}\n${directive}`).rules.map(({ id }) => id),
        ids,
      );
      // Rules behind it stay.
      assert.deepEqual(
        sound(`${directive}\n${rules}`).rules.map(({ id }) => id),
        [1, 2, 3, 4],
      );
    });
  }

  test('another rule may take the id', () => {
    const text = 'SecAction id:1\nSecRuleRemoveById 1\nSecAction id:1,deny\nSecRuleUpdateActionById 1 drop';
    const { rules: found } = sound(text);
    assert.deepEqual(
      found.map(({ links }) => links[0]?.place.line),
      [3],
    );
    assert.equal(actionsOf(found[0]), 'log,auditlog,drop');
    assert.deepEqual(loaded(`${text}\nSecAction id:1`).faults, ['a.conf:5: id 1 is that of the rule at a.conf:3']);
  });

  test('a chain goes as a whole, and what it skipped to need not be there', () => {
    const text = 'SecRule A a id:1,chain,skipAfter:NOWHERE\nSecRule B b\nSecAction id:2\nSecRuleRemoveById 1';
    assert.deepEqual(
      sound(text).rules.map(({ id }) => id),
      [2],
    );
  });
});

describe('updates', () => {
  const rules = 'SecRule ARGS a "id:1,tag:t,msg:m,deny,chain,t:trim"\nSecRule TX b t:trim\nSecRule ARGS c id:2,tag:u';
  const targets = (text: string): string[] =>
    sound(text).rules.map(({ links }) =>
      links.map(({ variables }) => variables.map(({ mode, name }) => `${mode} ${name}`).join()).join(' / '),
    );
  const untouched = ['take ARGS / take TX', 'take ARGS'];
  const added = 'take ARGS,exclude ARGS,take REQUEST_URI / take TX';
  const table: readonly (readonly [directive: string, first: string])[] = [
    ['SecRuleUpdateTargetById 1 "!ARGS:x|REQUEST_URI"', added],
    ['SecRuleUpdateTargetById 1-1 "!ARGS:x|REQUEST_URI"', added],
    ['SecRuleUpdateTargetByTag "^t$" "!ARGS:x|REQUEST_URI"', added],
    ['SecRuleUpdateTargetByMsg "^m$" "!ARGS:x|REQUEST_URI"', added],
    ['SecRuleUpdateTargetById 7 "!ARGS:x|REQUEST_URI"', untouched[0] ?? ''],
  ];
  for (const [directive, first] of table) {
    test(directive, () => {
      assert.deepEqual(targets(`${rules}\n${directive}`), [first, 'take ARGS']);
      assert.deepEqual(targets(`${directive}\n${rules}`), untouched);
    });
  }

  test('of actions replace and add', () => {
    const update =
      'SecRuleUpdateActionById 1 "pass,msg:n,tag:v,nolog,t:length"\nSecRuleUpdateActionById 1:1 "t:none,t:md5"';
    const [rule] = sound(`${rules}\n${update}`).rules;
    assert.equal(actionsOf(rule), 'auditlog,tag:t,t:trim,pass,msg:n,tag:v,nolog,t:length');
    assert.equal(actionsOf(rule, 1), 't:md5');
  });

  test('block in an update is the default of the rule', () => {
    const text = 'SecDefaultAction "phase:2,log,drop"\nSecAction id:1,pass\nSecRuleUpdateActionById 1 block';
    assert.equal(actionsOf(sound(text).rules[0]), 'auditlog,log,drop');
  });

  test('of a rule that is not there are no fault', () => {
    assert.equal(sound(`${rules}\nSecRuleUpdateActionById 7:3 pass`).rules.length, 2);
  });
});

describe('settings', () => {
  test('the last one holds, in the spelling of the table', () => {
    const { program } = sound('secruleengine on\nSecRuleEngine DETECTIONONLY\nSecUnicodeMapFile a 20127');
    assert.deepEqual(
      [...program.settings].map(([name, { place, values }]) => [name, place.line, ...values]),
      [
        ['SecRuleEngine', 2, 'DetectionOnly'],
        ['SecUnicodeMapFile', 3, 'a', '20127'],
      ],
    );
  });

  test('MIME types add up until they are cleared', () => {
    const types = (text: string) => sound(text).program.settings.get('SecResponseBodyMimeType')?.values;
    const add = 'SecResponseBodyMimeType text/plain Text/HTML\nSecResponseBodyMimeType text/xml text/html\n';
    assert.deepEqual(types(add), ['text/plain', 'text/html', 'text/xml']);
    assert.deepEqual(types(`${add}SecResponseBodyMimeTypesClear`), []);
    assert.deepEqual(types(`${add}SecResponseBodyMimeTypesClear\nSecResponseBodyMimeType a/b`), ['a/b']);
    assert.equal(types(''), undefined);
  });

  test('signatures are all kept', () => {
    assert.deepEqual(sound('SecComponentSignature "a/1"\nSecComponentSignature b').program.components, ['a/1', 'b']);
  });
});
