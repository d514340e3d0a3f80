import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clausesOfTexts } from '../../../src/waf/gate/clauses.ts';
import type { Gate, Seen } from '../../../src/waf/gate/gate.ts';
import { GateRegistry, operatorKey } from '../../../src/waf/gate/gate-registry.ts';
import type { GateTables } from '../../../src/waf/gate/gate-tables.ts';
import type { ValueScanner } from '../../../src/waf/gate/scan.ts';
import { InspectedValue } from '../../../src/waf/value.ts';
import { ask } from '../../support/inspections.ts';
import { PROFILE, ruleSetOf, WAF_DEFAULTS } from '../../support/rule-sets.ts';

const WORDS = ['union', 'script', '/etc/passwd', 'sleep(', ''];

/** Gates of the words in a registry, and how often it asked what they need. */
function gatesOf(words: readonly string[], given: GateTables | null = null) {
  const registry = new GateRegistry(given);
  let asked = 0;
  const gates = words.map((word) =>
    registry.gateOf(operatorKey('contains', word, []), () => {
      asked += 1;
      return clausesOfTexts([word]);
    }),
  );
  return { registry, gates, scanner: registry.scanner(), asked: () => asked };
}

function open(gates: readonly (Gate | null)[], scanner: ValueScanner, text: string): string {
  const value = new InspectedValue(text);
  scanner.look(value);
  return gates.map((gate) => (gate === null ? '?' : gate.mayHold(value as Seen) ? 'x' : '-')).join('');
}

const TEXTS = ['blue shoes', 'UNION select', '<Script>', '../etc/passwd', 'benchmark(sleep(5))', ''];
const OPEN = ['----?', 'x---?', '-x--?', '--x-?', '---x?', '----?'];

test('whoever is given tables does not ask what operators need, and has the same gates', () => {
  const built = gatesOf(WORDS);
  assert.deepEqual(
    TEXTS.map((text) => open(built.gates, built.scanner, text)),
    OPEN,
  );
  // In another order, and not all of them.
  const given = gatesOf(WORDS.toReversed(), structuredClone(built.registry.tables()));
  assert.equal(given.asked(), 0);
  assert.deepEqual(
    TEXTS.map((text) => open(given.gates.toReversed(), given.scanner, text)),
    OPEN,
  );
  const few = gatesOf(['script'], built.registry.tables());
  assert.deepEqual([few.asked(), open(few.gates, few.scanner, 'a script')], [0, 'x']);
});

test('tables are one memory for all threads', () => {
  const tables = gatesOf(WORDS).registry.tables();
  const { scan, starts, clauses } = structuredClone(tables);
  for (const ints of [scan.next, scan.starts, scan.words, scan.bits, starts, clauses]) {
    assert.ok(ints.buffer instanceof SharedArrayBuffer);
  }
  // Written for the test alone: what one has the other sees.
  tables.clauses[0] = 77;
  assert.equal(clauses[0], 77);
});

test('tables that lack an operator are not used', () => {
  const other = gatesOf(['select', 'from', 'where', 'union']).registry.tables();
  const own = gatesOf(WORDS, other);
  assert.deepEqual(
    TEXTS.map((text) => open(own.gates, own.scanner, text)),
    OPEN,
  );
  assert.ok(own.asked() > 0);
  const tables = own.registry.tables();
  assert.notEqual(tables, other);
  assert.equal(tables.operators.size, WORDS.length);
});

test('operators that came too late for a scanner are in the tables for others', () => {
  const { registry } = gatesOf(['union']);
  const late = (to: GateRegistry) => to.gateOf(operatorKey('contains', 'late', []), () => clausesOfTexts(['late']));
  assert.equal(late(registry), null);
  const given = gatesOf(['union'], registry.tables());
  const gate = late(given.registry);
  assert.deepEqual(
    [given.asked(), open([gate], given.scanner, 'too late'), open([gate], given.scanner, 'no')],
    [0, 'x', '-'],
  );
});

test('translated parameters come along', () => {
  const registry = new GateRegistry();
  const key = (word: string) => operatorKey('rx', word, []);
  for (const [word, translated] of [
    ['first', '[fF]irst'],
    ['none', ''],
    ['last', '\\xff*'],
  ] as const) {
    registry.gateOf(key(word), () => [], translated);
  }
  const given = new GateRegistry(structuredClone(registry.tables()));
  const found = ['first', 'none', 'last', 'other'].map((word) => given.translated(key(word)));
  assert.deepEqual(found, ['[fF]irst', null, '\\xff*', null]);
  assert.equal(registry.translated(key('first')), null);
});

test('operators are the same by word, parameter and data alone', () => {
  const keys = [
    operatorKey('pm', 'a b', []),
    operatorKey('rx', 'a b', []),
    operatorKey('pm', 'a', ['b']),
    operatorKey('pm', 'a', [' b']),
    operatorKey('pm', 'a', ['b', '']),
    operatorKey('pm', '', ['a', 'b']),
    operatorKey('pma', 'b', []),
  ];
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(operatorKey('pm', 'a', ['\xff']), operatorKey('pm', 'a', ['\xff']));
});

const RULES = `
SecRule ARGS "@rx (?i)union\\s+select" "id:1,phase:2,deny,msg:'sql'"
SecRule ARGS "@pm wget curl" "id:2,phase:2,deny,t:lowercase,msg:'rce'"
SecRule ARGS "@pmFromFile words.data" "id:3,phase:2,deny,msg:'words'"
`;
const ENTRIES = { setup: [], rules: ['/rules.conf'] };
const texts = (words: string) => ({ '/rules.conf': RULES, '/words.data': words });

/** Ids of the rules that hold for arguments, one after the other. */
function held(words: string, tables: GateTables | null): string[] {
  const engine = ruleSetOf(texts(words), ENTRIES, WAF_DEFAULTS, tables).compile({
    ...PROFILE,
    mode: 'block',
  });
  assert.ok(engine);
  return ['shoes', 'union%20select', 'WGET', 'secret', 'other'].map((value) =>
    ask(engine, { target: `/?a=${value}` }).lines.join(),
  );
}

test('rules find the same by tables of another thread, and by those of other data files', () => {
  const set = ruleSetOf(texts('secret\n'), ENTRIES);
  set.compile({ ...PROFILE, mode: 'block' });
  const tables = set.gateTables();
  assert.ok(tables);
  const found = ['', '1 sql', '2 rce', '3 words', ''];
  assert.deepEqual(held('secret\n', structuredClone(tables)), found);
  assert.deepEqual(held('secret\n', null), found);
  assert.deepEqual(held('other\n', structuredClone(tables)), ['', '1 sql', '2 rce', '', '3 words']);
});
