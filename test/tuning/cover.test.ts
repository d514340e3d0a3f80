import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coverOf } from '../../src/tuning/cover.ts';
import { exclusionWords } from '../../src/tuning/exclusion.ts';
import type { RuleLooks } from '../../src/tuning/rule-looks.ts';
import type { Signature } from '../../src/tuning/signatures.ts';

const LOOKS: RuleLooks = {
  parts: [
    { mode: 'take', name: 'ARGS', selector: null },
    { mode: 'take', name: 'REQUEST_COOKIES', selector: null },
  ],
  isChain: false,
  isVerdict: false,
  ends: false,
};

/** Requests with weights by `rule member`. */
function signature(count: number, need: number, weights: Readonly<Record<string, number>>): Signature {
  return {
    route: 'all',
    need,
    isFromLog: false,
    records: Array.from({ length: count }) as Signature['records'],
    hits: Object.entries(weights).map(([words, weight]) => {
      const [rule = '', name = ''] = words.split(' ');
      const exclusion = {
        route: 'all',
        ruleId: Number(rule),
        target: `ARGS:${name}`,
        breadth: 'member',
        why: '',
      } as const;
      return { exclusion, variable: 'ARGS', name, weight };
    }),
  };
}

const looks = new Map(Array.from({ length: 100 }, (_, id) => [id, LOOKS]));
const chosenOf = (signatures: readonly Signature[], refused: readonly string[] = []): string[] =>
  coverOf(signatures, looks, {
    wholeRules: false,
    letsThrough: (candidate) => (refused.includes(exclusionWords(candidate)) ? ['an attack'] : []),
  }).chosen.map(exclusionWords);

test('what most need, and nothing that a later choice makes needless', () => {
  // Taken alone 1 a brings most; 2 b and 3 c, needed by others, free its requests as well.
  const signatures = [
    signature(4, 2, { '1 a': 1, '2 b': 1, '3 c': 1 }),
    signature(3, 1, { '2 b': 1 }),
    signature(3, 1, { '3 c': 1 }),
  ];
  assert.deepEqual(chosenOf(signatures).sort(), ['2 ARGS:b', '3 ARGS:c']);
});

test('another way where one is refused; nothing for what cannot be freed', () => {
  const either = signature(1, 5, { '1 a': 5, '2 b': 5 });
  assert.deepEqual(chosenOf([either], ['1 ARGS:a']), ['2 ARGS:b']);
  const both = signature(9, 2, { '1 a': 1, '2 b': 1 });
  assert.deepEqual(chosenOf([both], ['2 ARGS:b']), []);
});

test('thousands of reasons in seconds', () => {
  const signatures = Array.from({ length: 3_000 }, (_, index) =>
    signature(1, 2, { [`${index % 90} m${index % 700}x`]: 1, [`${index % 7} n${index % 11}y`]: 1 }),
  );
  const started = process.cpuUsage();
  assert.ok(chosenOf(signatures).length > 50);
  const { user } = process.cpuUsage(started);
  assert.ok(user < 20_000_000, `${user / 1e6} s`);
});
