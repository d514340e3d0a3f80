import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileCircuit } from '../../src/upstream/circuit.ts';
import { TargetHealth } from '../../src/upstream/health.ts';
import { createTargetTable } from '../../src/upstream/layout.ts';

const BOUNDS = { requestsMax: 3, connectionsMax: 2, pendingMax: 7 };

function threads(count: number): TargetHealth[] {
  const table = createTargetTable();
  return Array.from({ length: count }, (_, thread) => new TargetHealth(table, thread));
}

test('requests are bounded over all threads, per target, and a refused one leaves no trace', () => {
  const [one, two] = threads(2).map((health) => compileCircuit(BOUNDS, health, 2));
  const [health] = threads(1);
  assert.ok(one && two && health);
  assert.deepEqual([one.enterRequest(5), two.enterRequest(5), one.enterRequest(5)], [true, true, true]);
  assert.deepEqual([one.enterRequest(5), two.enterRequest(5), two.enterRequest(6)], [false, false, true]);
  two.leaveRequest(5);
  assert.deepEqual([one.enterRequest(5), two.enterRequest(5)], [true, false]);
});

test('connections likewise', () => {
  const [one, two] = threads(2).map((health) => compileCircuit(BOUNDS, health, 2));
  assert.ok(one && two);
  assert.deepEqual(
    [one.enterConnection(0), two.enterConnection(0), one.enterConnection(0), one.enterConnection(1)],
    [true, true, false, true],
  );
  two.leaveConnection(0);
  assert.deepEqual([one.enterConnection(0), two.enterConnection(0)], [true, false]);
});

test('shares of connections add up to no more than the bound, but each thread has one', () => {
  const [health] = threads(1);
  assert.ok(health);
  const share = (connectionsMax: number, count: number) =>
    compileCircuit({ ...BOUNDS, connectionsMax }, health, count).connectionsShare;
  assert.deepEqual([share(1_024, 1), share(1_024, 3), share(8, 8), share(7, 8)], [1_024, 341, 1, 1]);
  assert.equal(compileCircuit(BOUNDS, health, 1).pendingMax, 7);
});
