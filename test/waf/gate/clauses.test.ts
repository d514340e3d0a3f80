import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Clause } from '../../../src/waf/gate/clauses.ts';
import type { Seen } from '../../../src/waf/gate/gate.ts';
import { GateRegistry } from '../../../src/waf/gate/gate-registry.ts';
import type { OperatorContext, OperatorTest } from '../../../src/waf/operator.ts';
import { operatorNamed } from '../../../src/waf/operators.ts';
import { SecLangReason } from '../../../src/waf/seclang/reason.ts';
import { InspectedValue } from '../../../src/waf/value.ts';
import { fuzzRun } from '../../support/fuzz.ts';

/** What operators are tried on: few different bytes, so that they meet. */
const PIECES = [
  ...[
    'a',
    'b',
    'A',
    'k',
    'K',
    's',
    'S',
    '\xe2',
    '\x84',
    '\xaa',
    '\xff',
    '\x80',
    '\x00',
    '\n',
    '\t',
    ' ',
    '\xa0',
    '\x85',
  ],
  ...['0', '1', '7', '.', '/', '-', '\\', "'", '"', '<', '=', '%', '$', '(', ')', '|', '&', ';', 'on', 'sel', 'bash'],
];
const value = fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((list) => list.join(''));

/** Patterns that mean something to people. */
const ATOMS = [
  ...['a', 'b', 'K', 's', '0', '/', '<', '=', '%', ' ', '\\.', '\\$', '\\x{e2}', '\\xff', '\\x80', '\\n', '\\x5c', "'"],
  ...[
    '.',
    '\\s',
    '\\S',
    '\\d',
    '\\w',
    '\\W',
    '\\h',
    '\\v',
    '\\R',
    '\\b',
    '^',
    '$',
    '[ab]',
    '[^a]',
    '[a-s]',
    '[\\x80-\\xff]',
  ],
  ...[
    '["\'\\x5c]',
    '[\\s\\x0b]',
    '(?i:k)',
    '(?i:sel)',
    '(?i:[a-c])',
    '(?i:[^k])',
    'bash',
    'on',
    '[\\W\\d]',
    '\\x00',
    '',
  ],
];
const COUNTS = ['', '', '', '*', '+', '?', '{2}', '{1,3}', '{0,2}', '*?', '{2,}', '{0}'];

const pattern = fc.letrec<{ node: string; atom: string; group: string; sequence: string }>((tie) => ({
  node: fc.oneof({ maxDepth: 5 }, tie('atom'), tie('group')),
  atom: fc
    .tuple(fc.constantFrom(...ATOMS), fc.constantFrom(...COUNTS))
    .map(([atom, count]) =>
      atom === '' || atom === '^' || atom === '$' || atom === '\\b' ? atom : `(?:${atom})${count}`,
    ),
  group: fc
    .tuple(fc.array(tie('sequence'), { minLength: 1, maxLength: 4 }), fc.constantFrom(...COUNTS), fc.boolean())
    .map(([ways, count, captures]) => `${captures ? '(' : '(?:'}${ways.join('|')})${count}`),
  sequence: fc.array(tie('node'), { maxLength: 5 }).map((nodes) => nodes.join('')),
})).sequence;

const context: OperatorContext = { readData: () => 'bash\nsel a\n\xe2\x84\xaa\nK.S' };

const needsOfPattern = (source: string): readonly Clause[] => operatorNamed('rx')?.needs?.(source, context) ?? [];

/** An operator with its own gate, opened. Null where the parameter is refused. */
function gated(name: string, parameter: string) {
  const word = operatorNamed(name);
  assert.ok(word?.needs !== undefined, `${name} says nothing of its needs`);
  let holds: OperatorTest;
  try {
    holds = word.compile(parameter, context);
  } catch (error) {
    if (error instanceof SecLangReason) return null;
    throw error;
  }
  const registry = new GateRegistry();
  const gate = registry.gateOf('', () => word.needs?.(parameter, context) ?? []);
  const scanner = registry.scanner();
  return {
    holds: (text: string) => holds(new InspectedValue(text), null),
    mayHold: (text: string) => {
      const looked = new InspectedValue(text);
      scanner.look(looked);
      return gate === null || gate.mayHold(looked as Seen);
    },
  };
}

function assertSound(
  name: string,
  parameter: string,
  values: readonly string[],
  seen: { held: number; passed: number },
) {
  const operator = gated(name, parameter);
  if (operator === null) return;
  for (const text of values) {
    const mayHold = operator.mayHold(text);
    if (!mayHold) seen.passed += 1;
    if (!operator.holds(text)) continue;
    seen.held += 1;
    assert.ok(mayHold, `@${name} ${parameter} holds for ${JSON.stringify(text)}`);
  }
}

test('fast-check: whenever a pattern matches, its gate is open', (t) => {
  const seen = { held: 0, passed: 0 };
  fc.assert(
    fc.property(pattern, fc.boolean(), fc.array(value, { minLength: 8, maxLength: 8 }), (source, folds, values) => {
      assertSound('rx', folds ? `(?i)${source}` : source, values, seen);
    }),
    fuzzRun(t, 600),
  );
  assert.ok(seen.held > 600, `${seen.held} matches`);
  assert.ok(seen.passed > 300, `${seen.passed} values were passed over`);
});

test('fast-check: whenever words are found, their gate is open', (t) => {
  const seen = { held: 0, passed: 0 };
  const names = fc.constantFrom('contains', 'strmatch', 'containsWord', 'beginsWith', 'endsWith', 'streq', 'pm', 'pmf');
  fc.assert(
    fc.property(names, value, fc.array(value, { minLength: 4, maxLength: 4 }), (name, parameter, values) => {
      const around = [parameter, `${parameter}/`, `.${parameter}`, parameter.toUpperCase()];
      assertSound(name, parameter, [...values, ...around], seen);
    }),
    fuzzRun(t, 3_000),
  );
  assert.ok(seen.held > 3_000, `${seen.held} held`);
  assert.ok(seen.passed > 3_000, `${seen.passed} values were passed over`);
});

test('fast-check: whenever bytes are wrong, or numbers right, the gate is open', (t) => {
  const seen = { held: 0, passed: 0 };
  const operators = fc.constantFrom(
    ['validateByteRange', '32-126,9'],
    ['validateByteRange', '38,44-46,48-58,61,65-90,95,97-122'],
    ['validateByteRange', '0-255'],
    ['validateUrlEncoding', ''],
    ['validateUtf8Encoding', ''],
    ['detectXSS', ''],
    ['verifyCC', '[0-9]{1,4}'],
    ['verifySSN', '\\d{9}'],
    ['verifyCPF', '\\d{11}'],
    ['verifySVNR', '\\d{10}'],
    ['rxGlobal', '(?i)k|<'],
    ['pmFromFile', 'x'],
  );
  fc.assert(
    fc.property(operators, fc.array(value, { minLength: 6, maxLength: 6 }), ([name, parameter], values) => {
      assertSound(name as string, parameter as string, [...values, '078051120', '<script>', "onload='a'"], seen);
    }),
    fuzzRun(t, 2_000),
  );
  assert.ok(seen.held > 2_000, `${seen.held} held`);
});

test('gates of several operators share one scan', () => {
  const registry = new GateRegistry();
  const sources = ['union\\s+select', '(?:wget|curl)\\b', '<script', 'a(?:b|c)d', '[`|]', "(?i)b['\\x5c]*a['\\x5c]*sh"];
  const gates = sources.map((source) => registry.gateOf(source, () => needsOfPattern(source)));
  const scanner = registry.scanner();
  const open = (text: string) => {
    const looked = new InspectedValue(text);
    scanner.look(looked);
    return gates.map((gate) => (gate?.mayHold(looked as Seen) ? 'x' : '-')).join('');
  };
  assert.deepEqual(
    ['blue shoes', 'UNION all SELECT', 'curl', '<SCRIPT', 'acd', 'a|b', 'bash', "b'ash", '\xff\x00'].map(open),
    ['------', 'x-----', '-x----', '--x---', '---x--', '----x-', '-----x', '-----x', '------'],
  );
});

test('operators that come too late have no gate', () => {
  const registry = new GateRegistry();
  registry.scanner();
  assert.equal(
    registry.gateOf('union', () => needsOfPattern('union')),
    null,
  );
});
