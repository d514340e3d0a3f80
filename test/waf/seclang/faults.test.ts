import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RULE_PROBLEMS_MAX } from '../../../src/limits.ts';
import { loaded } from './texts.ts';

const ok = 'SecRule ARGS "a" "id:1"';

describe('faults name their place', () => {
  const table: readonly (readonly [text: string, ...faults: string[]])[] = [
    ['SecRuel ARGS "a" "id:1"', 'a.conf:1: "SecRuel" is not a directive; did you mean SecRule?'],
    ['\n\nfoo bar', 'a.conf:3: "foo" is not a directive'],
    ['"id:7,deny"', 'a.conf:1: "id:7,deny" is not a directive'],
    ['SecRule ARGS "a "id:7"', 'a.conf:1 (rule 7): a space is missing behind a closing "; write \\" within quotes'],
    ['SecRule ARGS "a" "id:7', 'a.conf:1 (rule 7): a " is not closed'],
    ["SecMarker 'END", "a.conf:1: a ' is not closed"],
    ['SecRule ARGS', 'a.conf:1: SecRule takes variables, an operator and actions, not 1 arguments'],
    ['SecRule ARGS "a" "id:7" "deny"', 'a.conf:1: SecRule takes variables, an operator and actions, not 4 arguments'],
    ['SecAction', 'a.conf:1: SecAction takes actions in quotes, not 0 arguments'],
    ['SecAction "id:7,,deny"', 'a.conf:1 (rule 7): an action is missing before or behind a comma'],
    ['SecAction "id:7,"', 'a.conf:1 (rule 7): an action is missing before or behind a comma'],
    ['SecAction ""', 'a.conf:1: an action is missing before or behind a comma'],
    ['SecAction "id:7,# deny"', 'a.conf:1 (rule 7): "# deny" is not an action'],
    [`SecAction "id:7,msg:'a"`, "a.conf:1 (rule 7): a ' in msg is not closed"],
    [`SecAction "id:7,msg:it's,deny"`, "a.conf:1 (rule 7): a ' in msg is not closed"],
    [`SecAction "id:7,msg:'a' b,deny"`, 'a.conf:1 (rule 7): a comma is expected behind msg, not "b,deny"'],
    ['SecAction "id:7,msg:,deny"', 'a.conf:1 (rule 7): nothing stands behind "msg:"'],
    ['SecRule "" "a" "id:7"', 'a.conf:1 (rule 7): a variable is expected, not ""'],
    ['SecRule ARGS| "a" "id:7"', 'a.conf:1 (rule 7): a variable is expected, not ""'],
    ['SecRule ARGS,TX "a" "id:7"', 'a.conf:1 (rule 7): "|" is expected behind ARGS, not ",TX"'],
    ['SecRule ARGS: "a" "id:7"', 'a.conf:1 (rule 7): nothing stands behind "ARGS:"'],
    ['SecRule !ARGS:a "a" "id:7"', 'a.conf:1 (rule 7): "!ARGS:a" only excludes: nothing is looked at'],
    [
      'SecRule ARGS:/a|TX "a" "id:7"',
      'a.conf:1 (rule 7): a / behind ARGS is not closed; a name that begins with one is written in single quotes',
    ],
    ['SecRule ARGS:\'a|TX "a" "id:7"', "a.conf:1 (rule 7): a ' behind ARGS is not closed"],
    ['SecRule ARGS:/a/b "a" "id:7"', 'a.conf:1 (rule 7): "|" is expected behind ARGS, not "b"'],
    [
      'SecRule ARGS:// "a" "id:7"',
      'a.conf:1 (rule 7): the pattern behind "ARGS:" is empty; ARGS by itself is all of it',
    ],
    [
      'SecRule ARGS "@" "id:7"',
      'a.conf:1 (rule 7): "@" is not an operator; a regular expression that begins with @ is written @rx @...',
    ],
    ['SecRule ARGS "a"', 'a.conf:1: a rule needs an id'],
    ['SecRule ARGS "a" "id:0"', 'a.conf:1: "0" is not an id: a whole number from 1 to 2147483647'],
    ['SecRule ARGS "a" "id:a1"', 'a.conf:1: "a1" is not an id: a whole number from 1 to 2147483647'],
    ['SecRule ARGS "a" "id:2147483648"', 'a.conf:1: "2147483648" is not an id: a whole number from 1 to 2147483647'],
    [`${ok}\n${ok}`, 'a.conf:2: id 1 is that of the rule at a.conf:1'],
    ['SecRule ARGS "a" "id:7,phase:6"', 'a.conf:1 (rule 7): phase is 1 to 5, request, response or logging, not "6"'],
    ['SecRule ARGS "a" "id:7,chain"', 'a.conf:1 (rule 7): a chain without its next rule'],
    ['SecRule ARGS "a" "id:7,chain"\nSecMarker A\n', 'a.conf:1 (rule 7): a chain without its next rule'],
    [
      'SecRule ARGS "a" "id:7,chain"\nSecRule TX "b" "id:8,phase:1,deny,skipAfter:A"\nSecMarker A',
      'a.conf:2 (rule 7): id belongs to the first rule of a chain, not to this one',
      'a.conf:2 (rule 7): phase belongs to the first rule of a chain, not to this one',
      'a.conf:2 (rule 7): deny belongs to the first rule of a chain, not to this one',
      'a.conf:2 (rule 7): skipAfter belongs to the first rule of a chain, not to this one',
    ],
    [
      'SecMarker A\nSecRule ARGS "a" "id:7,skipAfter:A"',
      'a.conf:2 (rule 7): skipAfter finds no SecMarker "A" behind this rule',
    ],
    ['SecDefaultAction "log,pass"', 'a.conf:1: SecDefaultAction needs a phase'],
    ['SecDefaultAction "phase:1,log"', 'a.conf:1: SecDefaultAction needs a disruptive action: pass, deny or the like'],
    ['SecDefaultAction "phase:1,block"', 'a.conf:1: block means what SecDefaultAction says: name another action'],
    ['SecDefaultAction "phase:1,pass,id:1"', 'a.conf:1: SecDefaultAction cannot have id'],
    [
      'SecDefaultAction "phase:1,pass,t:none"',
      'a.conf:1: SecDefaultAction cannot have t:none: leave the transformations out',
    ],
    [
      'SecDefaultAction "phase:2,pass"\nSecDefaultAction "phase:request,deny"',
      'a.conf:2: phase 2 has a SecDefaultAction already',
    ],
    ['SecRuleEngine Yes', 'a.conf:1: SecRuleEngine takes On, Off or DetectionOnly, not "Yes"'],
    ['SecRuleEngine', 'a.conf:1: SecRuleEngine takes On, Off or DetectionOnly, not 0 arguments'],
    ['SecRuleEngine On # now', 'a.conf:1: SecRuleEngine takes On, Off or DetectionOnly, not 3 arguments'],
    ['SecRequestBodyLimit 1e6', 'a.conf:1: SecRequestBodyLimit takes a whole number from 0 to 1073741824, not "1e6"'],
    ['SecDebugLogLevel 10', 'a.conf:1: SecDebugLogLevel takes a whole number from 0 to 9, not "10"'],
    ['SecArgumentSeparator &&', 'a.conf:1: SecArgumentSeparator takes one character, not "&&"'],
    ['SecAuditLogParts ABX', 'a.conf:1: SecAuditLogParts takes letters A to K and Z, not "ABX"'],
    [
      'SecResponseBodyMimeType text',
      'a.conf:1: SecResponseBodyMimeType takes MIME types such as text/html, not "text"',
    ],
    ['SecRuleScript a.lua', 'a.conf:1: SecRuleScript is not supported: Rules run no programs; take it out'],
    ['SecHashEngine On', 'a.conf:1: SecHashEngine is not supported: Links are not signed; only Off is accepted'],
    ['SecRuleRemoveById 9-5', 'a.conf:1: "9-5" is not a range of ids'],
    ['SecRuleRemoveById a', 'a.conf:1: "a" is not an id: a whole number from 1 to 2147483647'],
    ['SecRuleRemoveByTag ""', 'a.conf:1: an empty regular expression would hold for every rule'],
    ['SecRuleRemoveByTag "("', 'a.conf:1: "(" is not a regular expression of RE2: missing ): ('],
    [
      'SecRuleUpdateTargetById 1 ARGS TX',
      'a.conf:1: SecRuleUpdateTargetById takes ids and ranges of ids, ' +
        'then variables (a third argument, the target to replace, is not supported), not 3 arguments',
    ],
    ['SecRuleUpdateActionById 1:a deny', 'a.conf:1: "1:a" is not an id, or id:link'],
    [`${ok}\nSecRuleUpdateActionById 1 "phase:1"`, 'a.conf:2: phase of a rule cannot be changed'],
    [`${ok}\nSecRuleUpdateActionById 1:1 "log"`, 'a.conf:2: rule 1 has no link 1: its last is 0'],
    ['Include', 'a.conf:1: Include takes one path or glob'],
    ['Include b.conf', 'a.conf:1: b.conf is not among the files that were read'],
    ['Include b*.conf', 'a.conf:1: no file matches "b*.conf" in .; IncludeOptional allows for that'],
    ['Include a.conf', 'a.conf:1: a.conf includes itself: a.conf > a.conf'],
  ];
  for (const [text, ...faults] of table) test(text, () => assert.deepEqual(loaded(text).faults, faults));

  test('there are as many as are written down', () => assert.equal(table.length, 65));

  test('all are told, not the first alone', () => {
    assert.deepEqual(loaded(`foo\n${ok}\n\nSecRuleEngine\nSecAction deny`).faults, [
      'a.conf:1: "foo" is not a directive',
      'a.conf:4: SecRuleEngine takes On, Off or DetectionOnly, not 0 arguments',
      'a.conf:5: a rule needs an id',
    ]);
  });

  test('up to a cap', () => {
    const { faults } = loaded('foo\n'.repeat(1_000));
    assert.equal(faults.length, RULE_PROBLEMS_MAX);
    assert.equal(
      faults[RULE_PROBLEMS_MAX - 1],
      'a.conf:100: "foo" is not a directive (problems behind this one are not looked for)',
    );
  });

  test('long words are cut, bytes that are no text are shown as such', () => {
    assert.deepEqual(loaded('\xff'.repeat(1_000)).faults, [`a.conf:1: "${'\ufffd'.repeat(60)}..." is not a directive`]);
  });
});
