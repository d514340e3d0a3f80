import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_GROUPS, groupsOfText } from '../../../src/waf/gate/byte-groups.ts';
import { literalTables } from '../../../src/waf/gate/literal-automaton.ts';
import { ValueScanner } from '../../../src/waf/gate/scan.ts';
import { scanTables } from '../../../src/waf/gate/scan-tables.ts';
import { Sum } from '../../../src/waf/gate/sum.ts';
import { StepTree } from '../../../src/waf/steps.ts';
import { InspectedValue } from '../../../src/waf/value.ts';

/** Twelve literals, a clause each: two of them in a long value are a sixth. */
const LITERALS = ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi', 'ij', 'jk', 'kl', 'lm'];
const EVERYTHING = 2 ** 30 - 1;

const scanner = () =>
  new ValueScanner(
    scanTables(
      literalTables(LITERALS),
      LITERALS.map((_, index) => [index]),
      LITERALS.length,
    ),
  );

/** Two steps that count how often they run: `x` becomes `y`, `y` becomes `jk`. */
function stepsThatCount() {
  const tree = new StepTree();
  const runs = { first: 0, second: 0 };
  const replaced = (name: 'first' | 'second', from: string, to: string) => ({
    name,
    apply: (text: string) => {
      runs[name] += 1;
      return text.replaceAll(from, to);
    },
    work: null,
    mayChange: null,
    changedBy: groupsOfText(from),
  });
  const first = tree.after(tree.root, replaced('first', 'x', 'y'));
  return { first, second: tree.after(first, replaced('second', 'y', 'jk')), runs };
}

test('a long value that meets much may hold anything behind a step, and no form is made to see', () => {
  const [looking, { first, second, runs }] = [scanner(), stepsThatCount()];
  const value = new InspectedValue(`abcx${'-'.repeat(400)}`);
  looking.look(value);
  assert.deepEqual([value.hits, value.isRich], [[3], true]);
  for (const add of ['behind', 'along'] as const) {
    for (const step of [first, second]) {
      const sum = new Sum(looking.none);
      looking[add](value, step, sum);
      assert.deepEqual([sum.hits, sum.groups], [[EVERYTHING], ALL_GROUPS], add);
    }
  }
  assert.deepEqual(runs, { first: 0, second: 0 });
});

test('what other long values hold behind a step is exact, and each form is made once', () => {
  const [looking, { second, runs }] = [scanner(), stepsThatCount()];
  const value = new InspectedValue(`x${'-'.repeat(400)}`);
  looking.look(value);
  for (let rule = 0; rule < 3; rule += 1) {
    for (const add of ['behind', 'along'] as const) {
      const sum = new Sum(looking.none);
      looking[add](value, second, sum);
      assert.deepEqual([sum.hits, value.isRich], [[2 ** 9], false], add);
    }
  }
  assert.deepEqual(runs, { first: 1, second: 1 });
});

test('a form that meets much makes its value rich; a short value never is', () => {
  const [looking, { second }] = [scanner(), stepsThatCount()];
  const [long, short] = [new InspectedValue(`abx${'-'.repeat(400)}`), new InspectedValue('abcdex')];
  for (const value of [long, short]) {
    looking.look(value);
    looking.behind(value, second, new Sum(looking.none));
  }
  assert.deepEqual([long.isRich, short.isRich], [true, false]);
});

test('literals across blocks of a long value are found, and the look ends where it is rich', () => {
  const looking = scanner();
  for (let before = 4_090; before < 4_100; before += 1) {
    const value = new InspectedValue(`${'-'.repeat(before)}lm${'-'.repeat(9_000)}`);
    looking.look(value);
    assert.deepEqual([value.hits, value.groups, value.isRich], [[2 ** 11], groupsOfText('-l'), false]);
  }
  const value = new InspectedValue(`abc${'-'.repeat(9_000)}`);
  looking.look(value);
  assert.deepEqual([value.hits, value.groups, value.isRich], [[EVERYTHING], ALL_GROUPS, true]);
});
