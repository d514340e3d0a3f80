import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FailureKind, mayRetry, RetryBudget } from '../../src/upstream/retry-budget.ts';

const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'];
const OTHERS = ['POST', 'PATCH', 'CONNECT', 'PROPFIND', 'get', 'Get', ''];

/** Failure; may an idempotent method be sent again; may another one. */
const TABLE: readonly (readonly [FailureKind, boolean, boolean])[] = [
  ['connect', true, true],
  ['tls', true, true],
  ['reset-reused', true, false],
  ['reset', false, false],
  ['timeout', false, false],
  ['garbage', false, false],
];

test('the table of retries, whole', () => {
  let cases = 0;
  for (const [failure, idempotent, other] of TABLE) {
    for (const method of [...IDEMPOTENT, ...OTHERS]) {
      const expected = IDEMPOTENT.includes(method) ? idempotent : other;
      assert.equal(mayRetry(method, false, failure), expected, `${method} after ${failure}`);
      assert.equal(mayRetry(method, true, failure), false, `${method} with its body under way after ${failure}`);
      cases += 2;
    }
  }
  assert.equal(cases, 156);
});

/** How many retries start one after the other. */
function retries(budgetPercent: number, requests: number): number {
  const budget = new RetryBudget(budgetPercent);
  for (let request = 0; request < requests; request += 1) budget.requestStarted();
  let started = 0;
  while (started < 1_000 && budget.startRetry()) started += 1;
  return started;
}

test('retries under way are a share of requests under way, and at least a few', () => {
  const cases = [
    [20, 0, 16],
    [20, 1, 16],
    [20, 79, 16],
    [20, 84, 16],
    [20, 85, 17],
    [20, 100, 20],
    [0, 500, 16],
    [100, 50, 50],
  ] as const;
  for (const [percent, requests, expected] of cases) {
    assert.equal(retries(percent, requests), expected, `${percent} % of ${requests}`);
  }
});

test('the budget follows what ends', () => {
  const budget = new RetryBudget(50);
  for (let request = 0; request < 40; request += 1) budget.requestStarted();
  for (let retry = 0; retry < 20; retry += 1) assert.equal(budget.startRetry(), true);
  assert.equal(budget.startRetry(), false);
  budget.retryEnded();
  assert.equal(budget.startRetry(), true);
  for (let request = 0; request < 40; request += 1) budget.requestEnded();
  for (let retry = 0; retry < 4; retry += 1) budget.retryEnded();
  assert.equal(budget.startRetry(), false, 'sixteen under way, nothing else');
  budget.retryEnded();
  assert.equal(budget.startRetry(), true);
});
