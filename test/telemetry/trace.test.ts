import assert from 'node:assert/strict';
import { test } from 'node:test';
import { traceIdOf, validTraceparent } from '../../src/telemetry/trace.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

test('valid traceparent fields are taken, with their trace id', () => {
  for (const field of [
    `00-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-00`,
    `00-${TRACE}-${PARENT}-ff`,
    `01-${TRACE}-${PARENT}-01`,
    `cc-${TRACE}-${PARENT}-01-what-comes-later`,
    `fe-${TRACE}-${PARENT}-01-`,
  ]) {
    assert.ok(validTraceparent(field), field);
    assert.equal(traceIdOf(field), TRACE);
  }
});

test('anything else is none', () => {
  for (const field of [
    '',
    '00',
    `00-${TRACE}-${PARENT}`,
    `00-${TRACE}-${PARENT}-01-more`,
    `00-${TRACE}-${PARENT}-1`,
    `00-${TRACE}-${PARENT}-01 `,
    ` 00-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01\n`,
    `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`,
    `ff-${TRACE}-${PARENT}-01`,
    `0-${TRACE}-${PARENT}-01`,
    `0X-${TRACE}-${PARENT}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.slice(1)}-${PARENT}-01`,
    `00_${TRACE}_${PARENT}_01`,
    `01-${TRACE}-${PARENT}-01more`,
    `01-${TRACE}-${PARENT}-01-\r\nx: y`,
    `01-${TRACE}-${PARENT}-01-${'a'.repeat(1_000)}`,
  ]) {
    assert.ok(!validTraceparent(field), JSON.stringify(field));
    assert.equal(traceIdOf(field), '');
  }
});
