import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { describe, test } from 'node:test';
import type { Config } from '../../src/config/schema.ts';
import { compileConcurrency } from '../../src/pipeline/concurrency.ts';
import type { PhaseContext } from '../../src/pipeline/context.ts';
import { compileRoutes } from '../../src/pipeline/routes.ts';
import { createMetricsTable } from '../../src/telemetry/layout.ts';
import { ThreadMetrics } from '../../src/telemetry/metrics.ts';
import { type Downstream, Transaction, type TransactionOwner } from '../../src/transaction.ts';
import { load, MINIMAL } from '../config/support.ts';
import { freshTraffic } from '../support/traffic.ts';
import { until } from '../support/wait.ts';

function benchOf(text: string) {
  const { config } = load(text);
  const { keeper, thread } = freshTraffic(config);
  const rows = keeper.assign(config);
  const metrics = new ThreadMetrics(createMetricsTable(1, 1), 0);
  const routes = compileRoutes(config, {});
  const parts = { config: config as Config, routes, metrics, policyRows: {}, traffic: thread.parts(config, rows) };
  const phase = compileConcurrency(parts as unknown as PhaseContext);
  assert.ok(phase !== null);
  // Times are arguments: a request of the future is not older than the first measurement.
  const beganAt = performance.now() + 1_000;
  const request = (fields: Partial<Transaction> = {}): Transaction => {
    const downstream = { bodyComplete: true } as Downstream;
    const tx = new Transaction(downstream, {} as TransactionOwner, 0, beganAt);
    return Object.assign(tx, { route: routes[0] }, fields);
  };
  const underWay = () => keeper.concurrency().map(({ policy, underWay: count }) => `${policy} ${count}`);
  return { keeper, phase, request, underWay, beganAt };
}

const ADAPTIVE = `${MINIMAL}    policies: { concurrency: { mode: adaptive, min: 40, max: 50 } }\n`;

describe('latencies that an adaptive bound goes by', () => {
  const cases: readonly [string, (tx: Transaction, at: number) => void, number][] = [
    ['an answer', (tx, at) => tx.places?.answered(tx, 200, at + 20), 20],
    ['an answer without a body', (tx, at) => tx.places?.answered(tx, 304, at + 20), 20],
    ['a handshake', (tx, at) => tx.places?.answered(tx, 101, at + 20), 20],
    ['a refusal of the upstream', (tx, at) => tx.places?.answered(tx, 400, at + 20), 0],
    ['an answer after a slow body', (tx, at) => late(tx, at + 500).places?.answered(tx, 200, at + 520), 20],
    ['an answer after a wait', (tx, at) => waited(tx, at + 300).places?.answered(tx, 200, at + 320), 20],
    ['an answer before the body is whole', (tx, at) => slow(tx).places?.answered(tx, 200, at + 20), 0],
    ['an error of the upstream', (tx, at) => tx.places?.answered(tx, 500, at + 20), 0],
    ['a time-out', (tx, at) => coded(tx, 'SP_UPSTREAM_TIMEOUT').places?.leave(tx, at + 3_000), 3_000],
    ['a connection that failed', (tx, at) => coded(tx, 'SP_UPSTREAM_CONNECT').places?.leave(tx, at + 20), 0],
    ['a client that left', (tx, at) => coded(tx, 'SP_REQUEST_ABORTED').places?.leave(tx, at + 20), 0],
  ];
  for (const [what, end, expectedMs] of cases) {
    test(`${what}: ${expectedMs === 0 ? 'none' : `${expectedMs} ms`}`, async () => {
      const { keeper, phase, request, beganAt, underWay } = benchOf(ADAPTIVE);
      for (let i = 0; i < 30; i += 1) {
        const tx = request();
        assert.equal(phase(tx, 0).kind, 'pass');
        end(tx, beganAt);
        assert.equal(tx.places, null);
      }
      // One that always counts, so that there is something to wait for.
      const witness = (count: number) => {
        for (let i = 0; i < count; i += 1) {
          const tx = request();
          phase(tx, 0);
          tx.places?.answered(tx, 200, beganAt + 7_000);
        }
      };
      if (expectedMs === 0) witness(25);
      keeper.start();
      try {
        const found = await until('a measurement', () => keeper.concurrency()[0]?.minRttMs || false);
        const wanted = expectedMs === 0 ? 7_000 : expectedMs;
        assert.ok(Math.abs(found - wanted) <= wanted * 0.13, `${found} ms of ${wanted}`);
      } finally {
        keeper.stop();
      }
      assert.deepEqual(underWay(), ['route:all 0']);
    });
  }
});

test('of two bounds the fixed one counts to the end, the adaptive one to the answer; each once', () => {
  const text = MINIMAL.replace('targets:', 'concurrency: { mode: fixed, max: 2 }\n    targets:');
  const both = `${text}    policies: { concurrency: { mode: adaptive, min: 3 } }\n`;
  const { phase, request, underWay } = benchOf(both);
  const [one, two, three] = [request(), request(), request()];
  assert.deepEqual([phase(one, 0).kind, phase(two, 0).kind], ['pass', 'pass']);
  const refused = phase(three, 0);
  assert.equal(refused.kind === 'refuse' && refused.code, 'SP_CONCURRENCY');
  assert.deepEqual([three.policy, three.places], ['upstream:api', null]);
  assert.deepEqual(underWay(), ['route:all 2', 'upstream:api 2'], 'the refused one left the first bound again');
  one.places?.answered(one, 200, 5);
  one.places?.answered(one, 200, 6);
  assert.deepEqual(underWay(), ['route:all 1', 'upstream:api 2']);
  one.places?.leave(one, 7);
  one.places?.leave(one, 8);
  two.places?.leave(two, 8);
  two.places?.leave(two, 9);
  assert.deepEqual(underWay(), ['route:all 0', 'upstream:api 0']);
});

test('an adaptive bound counts a request from when its body is whole, a fixed one from the start', () => {
  const text = MINIMAL.replace('targets:', 'concurrency: { mode: fixed, max: 4 }\n    targets:');
  const both = `${text}    policies: { concurrency: { mode: adaptive, min: 2, max: 3 } }\n`;
  const { phase, request, underWay } = benchOf(both);
  const upload = () => {
    const tx = slow(request());
    return [tx, phase(tx, 0).kind] as const;
  };
  const whole = (tx: Transaction) => {
    Object.assign(tx.downstream, { bodyComplete: true });
    tx.places?.uploaded(tx);
  };
  const [[one, first], [two, second], [three, third], [four, fourth]] = [upload(), upload(), upload(), upload()];
  assert.deepEqual([first, second, third, fourth], ['pass', 'pass', 'pass', 'refuse'], 'max bounds uploads');
  assert.deepEqual([four.policy, four.places], ['route:all', null]);
  assert.deepEqual(underWay(), ['route:all 0', 'upstream:api 3']);
  const plain = request();
  assert.equal(phase(plain, 0).kind, 'pass', 'slow bodies have no place of the adaptive bound');
  assert.deepEqual(underWay(), ['route:all 1', 'upstream:api 4']);
  const shut = slow(request());
  assert.equal(phase(shut, 0).kind, 'refuse');
  assert.deepEqual([shut.policy, underWay()], ['route:all', ['route:all 1', 'upstream:api 4']]);
  whole(one);
  one.places?.uploaded(one);
  assert.deepEqual(underWay(), ['route:all 2', 'upstream:api 4']);
  assert.equal(phase(request(), 0).kind, 'refuse');
  whole(two);
  assert.deepEqual(underWay(), ['route:all 3', 'upstream:api 4'], 'it is at the upstream already');
  three.places?.answered(three, 413, 5);
  whole(three);
  assert.deepEqual(underWay(), ['route:all 3', 'upstream:api 4'], 'answered before its body was whole');
  for (const tx of [one, two, three, plain]) {
    tx.places?.answered(tx, 200, 6);
    tx.places?.leave(tx, 7);
    assert.equal(tx.places, null);
  }
  assert.deepEqual(underWay(), ['route:all 0', 'upstream:api 0']);
  const [left] = upload();
  left.places?.leave(left, 8);
  assert.deepEqual([left.places, underWay()], [null, ['route:all 0', 'upstream:api 0']]);
  assert.deepEqual(
    [upload(), upload(), upload()].map(([, kind]) => kind),
    ['pass', 'pass', 'pass'],
    'each left once',
  );
});

function late(tx: Transaction, bodyAt: number): Transaction {
  tx.bodyAt = bodyAt;
  return tx;
}

function waited(tx: Transaction, wentOnAt: number): Transaction {
  tx.wentOnAt = wentOnAt;
  return tx;
}

function slow(tx: Transaction): Transaction {
  Object.assign(tx.downstream, { bodyComplete: false });
  return tx;
}

function coded(tx: Transaction, code: Transaction['code']): Transaction {
  tx.code = code;
  return tx;
}
