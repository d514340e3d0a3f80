import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Budgets, checkBudgets, readBudgets } from '../../bench/gate/budget.ts';
import { isOpen, judge, ratiosOf } from '../../bench/gate/judge.ts';
import { verdict } from '../../bench/gate/self-test.ts';
import { wordsOf } from '../../bench/gate/words.ts';
import { PROJECT } from '../../bench/report/place.ts';
import { plantedCase, plantedRun } from './stored-runs.ts';

const BUDGETS: Budgets = {
  budgets: [
    { name: 'plain', case: 'plain', figure: 'cpu', against: { peer: 'nginx' }, most: 1.5, goal: 1.2, why: 'a test' },
  ],
  release: { version: null, run: null, worsening: 0.1, ratios: {} },
};
const RELEASED: Budgets = {
  ...BUDGETS,
  release: { version: '1.0.0', run: 'bench/runs/x.json', worsening: 0.1, ratios: { plain: 1.2 } },
};
const nginx = { peer: 'nginx', costs: [10, 20, 10] };
const runOf = (costs: readonly number[], more: object = {}) =>
  plantedRun([plantedCase('plain', [nginx, { peer: 'sallyport', costs, ...more }])]);
const kindOf = (budgets: Budgets, run: ReturnType<typeof runOf>) => judge(budgets, run)[0]?.kind;

describe('judging', () => {
  test('the median of ratios within rounds decides', () => {
    assert.equal(kindOf(BUDGETS, runOf([14, 28, 40])), 'held');
    assert.equal(kindOf(BUDGETS, runOf([16, 32, 1])), 'broken');
    assert.equal(kindOf(BUDGETS, runOf([15, 30, 15])), 'held');
  });

  test('a break is told with its budget and by how much', () => {
    const judgements = judge(BUDGETS, runOf([18, 36, 18]));
    const text = wordsOf(judgements, BUDGETS.release, false).join('\n');
    assert.match(
      text,
      /^BROKEN +plain +1\.80 times nginx's CPU per request, at most 1\.50, goal 1\.20: 20\.0 % over$/m,
    );
    assert.match(text, /The gate is closed: 0 held, 1 broken/);
  });

  test('the last release is a limit of its own, where it is the stricter one', () => {
    assert.equal(kindOf(RELEASED, runOf([13, 26, 13])), 'held');
    const [broken] = judge(RELEASED, runOf([14, 28, 14]));
    assert.deepEqual([broken?.kind, broken?.limitOf], ['broken', 'release']);
    assert.match(
      wordsOf(
        [broken].flatMap((one) => one ?? []),
        RELEASED.release,
        false,
      ).join(),
      /release 1\.0\.0 had 1\.20/,
    );
  });

  test('without the peer or the case nothing is judged, and the gate stays closed unless that is allowed', () => {
    const lonely = judge(BUDGETS, plantedRun([plantedCase('plain', [{ peer: 'sallyport', costs: [1, 1, 1] }])]));
    for (const judgements of [lonely, judge(BUDGETS, plantedRun([]))]) {
      assert.equal(judgements[0]?.kind, 'unjudged');
      assert.equal(isOpen(judgements, false), false);
      assert.equal(isOpen(judgements, true), true);
    }
    assert.equal(kindOf(BUDGETS, plantedRun([plantedCase('plain', [nginx])])), 'unjudged');
  });

  test('noise, invalid rows and quick runs are void, and no permission helps', () => {
    const noisy = runOf([14, 28, 14], { others: [0.5, 0.4, 0] });
    const invalid = runOf([14, 28, 14], { problems: ['answers: 1, not 2'] });
    const quick = { ...runOf([14, 28, 14]), quick: true };
    for (const [run, words] of [
      [noisy, /other processes used the machine in 2 of 3 rounds/],
      [invalid, /sallyport in plain is INVALID: answers/],
      [quick, /quick/],
    ] as const) {
      const judgements = judge(BUDGETS, run);
      assert.equal(judgements[0]?.kind, 'void');
      assert.equal(isOpen(judgements, true), false);
      assert.match(wordsOf(judgements, BUDGETS.release, true).join('\n'), words);
    }
    assert.equal(kindOf(BUDGETS, runOf([14, 28, 14], { others: [0.5, 0, 0] })), 'held');
  });

  test('a release keeps the ratios that held', () => {
    assert.deepEqual(ratiosOf(judge(BUDGETS, runOf([14, 28, 14]))), { plain: 1.4 });
    assert.deepEqual(ratiosOf(judge(BUDGETS, runOf([18, 36, 18]))), {});
  });

  test('the self-test wants both: open without the slow-down, closed with it', () => {
    const at = (median: number) => ({ median, min: median, max: median });
    const silent = (): void => undefined;
    assert.equal(verdict(at(1.01), at(1.2), silent), true);
    assert.equal(verdict(at(1.12), at(1.2), silent), false);
    assert.equal(verdict(at(1.01), at(1.08), silent), false);
  });
});

describe('bench/budget.json', () => {
  test('is sound', () => {
    assert.notEqual(readBudgets(join(PROJECT, 'bench', 'budget.json')).budgets.length, 0);
  });

  test('what is wrong is named by its path', () => {
    const [first] = BUDGETS.budgets;
    const faulty: readonly (readonly [value: object, words: RegExp])[] = [
      [{ ...BUDGETS, budgets: [{ ...first, most: '1.5' }] }, /budgets\[0\]\.most must be number/],
      [{ ...BUDGETS, budgets: [{ ...first, mots: 1 }] }, /budgets\[0\]\.mots is unknown/],
      [{ ...BUDGETS, budgets: [first, first] }, /budgets\[1\]\.name is another budget's/],
      [{ ...BUDGETS, budgets: [{ ...first, goal: 2 }] }, /budgets\[0\]\.goal is over/],
      [{ budgets: BUDGETS.budgets }, /release is missing/],
      [{ ...RELEASED, release: { ...RELEASED.release, ratios: { other: 1 } } }, /release\.ratios\.other/],
    ];
    for (const [value, words] of faulty) assert.throws(() => checkBudgets(value, 'b.json'), words);
  });
});
