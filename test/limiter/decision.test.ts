import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Decision, type LimitRule, saltOf } from '../../src/limiter/decision.ts';
import type { WindowRule } from '../../src/limiter/window.ts';
import { freshDecision } from '../support/decision.ts';
import { fuzzRun } from '../support/fuzz.ts';

function policy(name: string, windows: readonly WindowRule[], penalise = false): LimitRule {
  return { salt: saltOf(name), windows, penalise };
}

/** @returns  Milliseconds to wait; 0 when admitted. */
function ask(
  decision: Decision,
  nowMs: number,
  policies: readonly (readonly [LimitRule, string])[],
  more: { readonly cost?: number; readonly admitsFull?: boolean } = {},
): number {
  decision.begin(more.cost ?? 1, nowMs);
  for (const [rule, key] of policies) assert.ok(decision.add(rule, key));
  decision.decide(more.admitsFull ?? false);
  return decision.waitMs;
}

test('keys of any characters and length count each by itself', () => {
  const once = policy('once', [{ limit: 1, windowMs: 60_000 }]);
  const long = 'k'.repeat(16_384);
  const keys = [
    '',
    '\0',
    '\0\0',
    '\0\0\0\0',
    '\0'.repeat(16_384),
    '\0'.repeat(16_385),
    'a',
    'a\0',
    '\0a',
    '\ud800',
    '\udc00',
    '\udc00\ud800',
    '\ud83d\ude00',
    'a\ud800',
    '\ufffd',
    'é',
    'é\0',
    '\u00ff'.repeat(3),
    '\u0100'.repeat(3),
    long,
    `${long.slice(1)}l`,
    `l${long.slice(1)}`,
    `${long.slice(0, 8_000)}l${long.slice(8_001)}`,
    `${long}k`,
    `${long}\ud800`,
    `${long}\udbff`,
    `\ud800${long}`,
    ...Array.from({ length: 256 }, (_, code) => `byte ${String.fromCharCode(code)}`),
  ];
  assert.equal(new Set(keys).size, keys.length);
  const decision = freshDecision();
  for (const key of keys) assert.equal(ask(decision, 1_000, [[once, key]]), 0, JSON.stringify(key.slice(0, 9)));
  for (const key of keys) {
    // The same text in two pieces.
    assert.notEqual(ask(decision, 1_000, [[once, `${key.slice(0, 1)}${key.slice(1)}`]]), 0, JSON.stringify(key));
  }
});

test('policies with one key, and windows of one policy, count apart', () => {
  const decision = freshDecision();
  const short = { limit: 2, windowMs: 1_000 };
  const one = policy('one', [short, { limit: 3, windowMs: 60_000 }]);
  const other = policy('other', [short]);
  for (const nowMs of [10, 10, 2_010]) assert.equal(ask(decision, nowMs, [[one, 'k']]), 0);
  assert.notEqual(ask(decision, 4_010, [[one, 'k']]), 0);
  assert.deepEqual([decision.policy, decision.window], [0, 1]);
  assert.equal(ask(decision, 4_010, [[other, 'k']]), 0);
  assert.equal(decision.remaining, 1);
});

test('a request that one policy refuses counts in no other, but for those that penalise', () => {
  const decision = freshDecision();
  const tight = policy('tight', [{ limit: 1, windowMs: 60_000 }]);
  const wide = policy('wide', [{ limit: 10, windowMs: 60_000 }]);
  const strict = policy('strict', [{ limit: 10, windowMs: 60_000 }], true);
  const all = [
    [wide, 'k'],
    [strict, 'k'],
    [tight, 'k'],
  ] as const;
  assert.equal(ask(decision, 5, all), 0);
  for (let i = 0; i < 4; i += 1) assert.notEqual(ask(decision, 5, all), 0);
  assert.equal(ask(decision, 5, [[wide, 'k']]), 0);
  assert.equal(decision.remaining, 8);
  assert.equal(ask(decision, 5, [[strict, 'k']]), 0);
  assert.equal(decision.remaining, 4);
});

test('who waits as told is admitted, where the refused request used up what another policy had left, too', () => {
  const decision = freshDecision();
  const brief = policy('brief', [{ limit: 1, windowMs: 1_000 }]);
  const strict = policy('strict', [{ limit: 2, windowMs: 60_000 }], true);
  const both = [
    [brief, 'k'],
    [strict, 'k'],
  ] as const;
  assert.equal(ask(decision, 0, both), 0);
  const waitMs = ask(decision, 0, both);
  assert.deepEqual([decision.policy, decision.window, decision.remaining], [1, 0, 0], 'the longer wait speaks');
  assert.notEqual(ask(decision, waitMs - 1, [[policy('strict', strict.windows), 'k']]), 0);
  assert.equal(ask(decision, waitMs, both), 0);
});

test('whoever waits as told is admitted, under any policies together', (t) => {
  let waits = 0;
  const window = fc.record({ limit: fc.integer({ min: 2, max: 8 }), windowMs: fc.integer({ min: 100, max: 900 }) });
  // The configuration's check refuses two windows of one length.
  const windowsOfRule = fc.uniqueArray(window, { minLength: 1, maxLength: 2, selector: ({ windowMs }) => windowMs });
  const rule = fc.record({ windows: windowsOfRule, penalise: fc.boolean() });
  const steps = fc.array(
    fc.record({
      pauseMs: fc.integer({ min: 0, max: 150 }),
      cost: fc.integer({ min: 1, max: 2 }),
      key: fc.constantFrom('one', 'two'),
    }),
    { minLength: 10, maxLength: 40 },
  );
  fc.assert(
    fc.property(fc.array(rule, { minLength: 1, maxLength: 3 }), steps, (rules, schedule) => {
      const decision = freshDecision();
      const policies = rules.map(({ windows, penalise }, index) => policy(`p${index}`, windows, penalise));
      let nowMs = 1_000;
      for (const { pauseMs, cost, key } of schedule) {
        nowMs += pauseMs;
        const all = policies.map((one) => [one, key] as const);
        const waitMs = ask(decision, nowMs, all, { cost });
        if (waitMs === 0) continue;
        waits += 1;
        nowMs += waitMs;
        assert.equal(ask(decision, nowMs, all, { cost }), 0, `after ${waitMs} ms`);
      }
    }),
    fuzzRun(t, 1_000),
  );
  assert.ok(waits > 1_000, `${waits} waits`);
});

test('a full table: refused, nothing is counted; admitted, all other policies hold', () => {
  const decision = freshDecision(8);
  const fill = policy('fill', [{ limit: 1, windowMs: 60_000 }]);
  const address = policy('address', [{ limit: 3, windowMs: 60_000 }]);
  assert.equal(ask(decision, 0, [[address, 'a']]), 0);
  for (let i = 0; i < 7; i += 1) assert.equal(ask(decision, 0, [[fill, `${i}`]]), 0);
  const many = (i: number) =>
    [
      [address, 'a'],
      [fill, `more ${i}`],
    ] as const;
  for (let i = 0; i < 5; i += 1) {
    assert.equal(ask(decision, 0, many(i)), 0);
    assert.equal(decision.fullPolicy, 1, 'which policy found no room');
  }
  assert.equal(ask(decision, 0, [[address, 'a']]), 0);
  assert.equal(decision.remaining, 1, 'those refused did not count');
  assert.equal(decision.fullPolicy, -1);

  assert.equal(ask(decision, 0, many(9), { admitsFull: true }), 0);
  assert.deepEqual([decision.fullPolicy, [...decision.full.subarray(0, 2)]], [1, [0, 1]]);
  assert.deepEqual([decision.policy, decision.remaining], [0, 0], 'this one did');
  assert.notEqual(ask(decision, 0, many(10), { admitsFull: true }), 0, 'and the limit by address holds');
  assert.equal(decision.policy, 0);
  assert.equal(ask(decision, 0, [[fill, 'alone']], { admitsFull: true }), 0);
  assert.equal(decision.policy, -1, 'nothing speaks');
});
