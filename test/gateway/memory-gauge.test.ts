import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryGauge } from '../../src/gateway/memory-gauge.ts';

test('resident memory as the process itself is told, and anew with each look', () => {
  const gauge = new MemoryGauge();
  const before = gauge.read();
  const own = process.memoryUsage.rss();
  assert.ok(Math.abs(before - own) < 16_777_216, `${before} beside ${own}`);
  const block = Buffer.alloc(134_217_728, 1);
  assert.ok(gauge.read() - before > 100_000_000);
  assert.equal(block[block.length - 1], 1);
  gauge.close();
  gauge.close();
  assert.throws(() => gauge.read(), /closed/);
});
