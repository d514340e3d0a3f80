import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { linkRules } from '../../../src/waf/seclang/link.ts';
import type { ActionPart, Directive, Selector, VariablePart } from '../../../src/waf/seclang/syntax.ts';
import { fuzzRun } from '../../support/fuzz.ts';
import { costGrowsLinearly, growsLinearly } from '../../support/growth.ts';
import { printDirective } from './print.ts';
import { loaded, parsed } from './texts.ts';

const byteText = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

const VALID = `SecDefaultAction "phase:2,log,deny,status:406,t:lowercase"
SecRule ARGS|!ARGS:/^a\\/b/|&TX:'c|d'|XML:/* "!@rx a\\"b\\\\c" \\
  "id:1,phase:request,t:none,msg:'it\\'s, so',ctl:ruleRemoveTargetById=2;ARGS:x,chain"
  SecRule TX:A "@within %{tx.b}" "setvar:'tx.c=+%{tx.d}',t:trim"
SecAction "id:2,phase:1,tag:'x',nolog,skipAfter:END"
#SecRule ARGS "x" \\
#  "id:3"
SecMarker "END"
SecRuleUpdateTargetById 1 "!ARGS:z"
SecRuleUpdateActionById 1:1 "t:none"
SecRuleRemoveByTag "^x$"
SecRequestBodyLimit 131072
`;

test('the rules that are mutated load', () => assert.deepEqual(loaded(VALID).faults, []));

test('any bytes give problems, never a throw', (t) => {
  fc.assert(
    fc.property(byteText, (text) => {
      const { directives, problems } = parsed(`SecMarker A\n${text}`);
      assert.equal(directives[0]?.kind, 'marker');
      linkRules(directives);
      // Comments, spaces and backslashes are the only text that means nothing.
      if (directives.length > 1 || problems.length > 0) return;
      for (const line of text.split('\n')) assert.match(line, /^[\s\\]*(?:#.*)?$/s);
    }),
    fuzzRun(t, 2_000),
  );
});

test('mutated rules give problems, never a throw, and lines that are theirs', (t) => {
  const edit = fc.record({
    at: fc.nat({ max: VALID.length }),
    cut: fc.nat({ max: 12 }),
    put: fc.oneof(
      byteText,
      fc.constantFrom('"', "'", '\\', '\n', ',', '|', '/', ':', '@', '!', ' \\\n', 'chain,', 'id:1,'),
    ),
  });
  const lines = (text: string): number => text.split('\n').length;
  let faulty = 0;
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      const text = edits.reduce((whole, { at, cut, put }) => whole.slice(0, at) + put + whole.slice(at + cut), VALID);
      const { directives, problems } = parsed(text);
      const linked = linkRules(directives);
      const all = [...problems, ...linked.problems];
      if (all.length > 0) faulty += 1;
      for (const { place, message } of all) {
        assert.ok(place.line >= 1 && place.line <= lines(text), message);
        assert.ok(message.length < 1_000 && !message.includes('\n'), message);
      }
    }),
    fuzzRun(t, 3_000),
  );
  assert.ok(faulty > 0);
});

test('a directive that is printed reads back the same', (t) => {
  // Text with a backslash before a quote or at its end cannot be written; line ends need a backslash too.
  const writable = (text: string): boolean => !/[\n\r]|\\(?:["'/]|$)/.test(text);
  const text = byteText.filter(writable);
  const someText = text.filter((value) => value !== '');
  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,12}$/);
  const selector: fc.Arbitrary<Selector | null> = fc.oneof(
    fc.constant(null),
    fc.record({
      kind: fc.constant('name' as const),
      text: someText.filter((value) => !(value.startsWith('/') && value.endsWith('/'))),
    }),
    fc.record({
      kind: fc.constant('pattern' as const),
      source: fc.constantFrom('^a', 'a/b', 'a|b', '["\']', '\\\\x', '\\d,'),
    }),
  );
  const variable: fc.Arbitrary<VariablePart> = fc.record({
    mode: fc.constantFrom('take' as const, 'count' as const),
    name: name.map((word) => word.toUpperCase()).filter((word) => word !== 'XML' && word !== 'JSON'),
    selector,
  });
  const actions: fc.Arbitrary<ActionPart[]> = fc.array(fc.record({ name, value: fc.option(text) }), {
    minLength: 1,
    maxLength: 6,
  });
  const place = fc.constant({ file: 'a.conf', line: 1 });
  const directive: fc.Arbitrary<Directive> = fc.oneof(
    fc.record({
      kind: fc.constant('rule' as const),
      place,
      variables: fc.array(variable, { minLength: 1, maxLength: 4 }),
      operator: fc.record({
        negated: fc.boolean(),
        name,
        parameter: text.filter((value) => !/^[\t\v\f ]/.test(value)),
      }),
      actions,
    }),
    fc.record({ kind: fc.constant('action' as const), place, actions }),
    fc.record({ kind: fc.constant('marker' as const), place, name: someText }),
  );
  fc.assert(
    fc.property(directive, (given) => {
      assert.deepEqual(parsed(printDirective(given)), { directives: [structuredClone(given)], problems: [] });
    }),
    fuzzRun(t, 2_000),
  );
});

test('time is linear in the text', () => {
  const shapes: readonly ((times: number) => string)[] = [
    (times) => `SecRule ARGS${'|ARGS:/a|b/'.repeat(times)} "@rx a" "id:1"`,
    (times) => `SecAction "id:1${",setvar:'tx.a=\\',b'".repeat(times)}"`,
    (times) => `SecAction "id:1${',t:none'.repeat(times)}"`,
    (times) => `SecAction "id:1,msg:a${"\\'".repeat(times)}"`,
    (times) => `SecRule ARGS "${'\\"\\\\'.repeat(times)}" "id:1"`,
    (times) => `SecAction "${' id : '.repeat(times)}`,
    (times) => 'a'.repeat(times * 8),
    (times) => Array.from({ length: times }, (_, id) => `SecAction id:${id + 1},tag:a`).join('\n'),
  ];
  for (const [index, shape] of shapes.entries()) {
    assert.ok(
      growsLinearly((times) => linkRules(parsed(shape(times)).directives), 500),
      `shape ${index}`,
    );
  }
});

test('which fires', () => {
  assert.ok(costGrowsLinearly((size) => size / 500, 500));
  assert.ok(!costGrowsLinearly((size) => (size / 500) ** 2, 500));
});
