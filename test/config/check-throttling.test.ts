import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONCURRENCY_ROWS_MAX, THROTTLE_ROWS_MAX } from '../../src/limits.ts';
import { load, MINIMAL, refused } from './support.ts';

const warningsOf = (text: string): string[] => load(text).warnings.map(({ path, found }) => `${path}: ${found}`);
const route = (policies: string): string => `${MINIMAL}    policies: { ${policies} }\n`;

describe('what works but is likely not meant', () => {
  test('a throttle that nobody uses, or that nobody can wait for', () => {
    assert.deepEqual(warningsOf(`${route('throttle: t')}throttles: { t: { requests: 1 }, u: { requests: 1 } }\n`), [
      'throttles.u: no route uses this throttle',
    ]);
    const slow = (more: string) => `${route('throttle: t')}throttles: { t: { requests: 1, perMs: 5000${more} } }\n`;
    assert.deepEqual(warningsOf(slow('')), [
      'throttles.t.deadlineMs: one request goes each 5000 ms: nobody who waits so long is left',
    ]);
    assert.deepEqual(warningsOf(slow(', deadlineMs: 5000')), []);
    assert.deepEqual(warningsOf(slow(', queueMax: 0')), []);
  });

  test('priorities without shedding, and shedding without anybody to shed', () => {
    assert.deepEqual(warningsOf(route('priority: low')), [
      'routes[0].policies.priority: has no effect: nothing is ever shed',
    ]);
    const shedding = 'shedding: { loopDelayMs: 100 }\n';
    assert.deepEqual(warningsOf(`${route('priority: low')}${shedding}`), []);
    assert.deepEqual(warningsOf(`${route('priority: critical')}${shedding}`), [
      'shedding: every route is critical: nothing is ever shed',
    ]);
  });
});

test('the default of a setting may be said where it has no effect', () => {
  const { config } = load(route('concurrency: { mode: off, max: 1000, min: 4, windowMs: 200 }'));
  assert.equal(config.routes[0]?.policies.concurrency.mode, 'off');
});

describe('room in the shared tables', () => {
  const routes = (count: number, policies: string): string => {
    const rows = Array.from(
      { length: count },
      (_, i) => `  - { name: r${i}, paths: [/${i}], upstream: api, policies: { ${policies} } }\n`,
    );
    return `upstreams:\n  api: { targets: [{ url: http://127.0.0.1:3000 }] }\nroutes:\n${rows.join('')}`;
  };
  const foundIn = (text: string): string[] => refused(() => load(text)).map(({ path, found }) => `${path}: ${found}`);

  test('throttles count once, or for each route', () => {
    const throttles = (perRoute: boolean) => `throttles: { t: { requests: 9, perRoute: ${perRoute} } }\n`;
    load(`${routes(THROTTLE_ROWS_MAX, 'throttle: t')}${throttles(true)}`);
    load(`${routes(THROTTLE_ROWS_MAX + 1, 'throttle: t')}${throttles(false)}`);
    assert.deepEqual(foundIn(`${routes(THROTTLE_ROWS_MAX + 1, 'throttle: t')}${throttles(true)}`), [
      'throttles: 1025 are in use, counting one for each route with perRoute; there is room for 1024',
    ]);
  });

  test('bounds on concurrency', () => {
    load(routes(CONCURRENCY_ROWS_MAX, 'concurrency: { mode: fixed }'));
    assert.deepEqual(foundIn(routes(CONCURRENCY_ROWS_MAX + 1, 'concurrency: { mode: fixed }')), [
      'routes: 1025 routes and upstreams have a bound on concurrency; there is room for 1024',
    ]);
  });
});
