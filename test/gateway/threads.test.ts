import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config } from '../../src/config/schema.ts';
import { Threads } from '../../src/gateway/threads.ts';
import type { Generation } from '../../src/http/ingress-wire.ts';
import { createLog } from '../../src/telemetry/log.ts';
import type { TlsMaterial } from '../../src/tls/snapshot.ts';
import { until } from '../support/wait.ts';
import { ACCEPTING, BOARD_WORDS, CERTIFICATES, DRAINS, GENERATION, type Plan, STARTS } from './thread-entry.ts';

type Line = Readonly<Record<string, unknown>>;

interface Stage {
  readonly threads: Threads;
  readonly lost: number[];
  readonly lines: Line[];
  /** A word of a thread's board. */
  at(threadIndex: number, word: number): number;
}

function generationOf(number: number, ...plans: Plan[]): Generation {
  const rows = { routeRows: {}, policyRows: {}, trafficRows: { throttles: new Map(), concurrency: new Map() } };
  const read = { tokenKey: '', introspectionAuthorities: {}, loginAuthorities: {}, wafRules: null, wafPatches: null };
  return { number, config: plans as unknown as Config, plan: { slots: {} }, ...read, ...rows };
}

/** Threads over the planted entry; ended whatever the test does. */
async function withThreads(count: number, first: Generation, run: (stage: Stage) => Promise<void>): Promise<void> {
  const metricsTable = new SharedArrayBuffer(count * BOARD_WORDS * 4);
  const board = new Int32Array(metricsTable);
  const lines: Line[] = [];
  const lost: number[] = [];
  const log = createLog({
    level: 'trace',
    redact: [],
    base: {},
    sink: (line) => lines.push(JSON.parse(line) as Line),
  });
  const words = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(4));
  const options = {
    count,
    entry: new URL('./thread-entry.js', import.meta.url),
    metricsTable,
    targetTable: new SharedArrayBuffer(4),
    limiterWords: words(),
    collectionWords: words(),
    banWords: words(),
    revocationWords: words(),
    replayWords: words(),
    dpopSecret: new Uint8Array(32),
    trafficWords: { throttles: words(), concurrency: words(), memory: words() },
    keys: () => null,
    redisAuthorities: [],
    lines: { write: (_lines: string, done: () => void) => done() },
    audit: { write: (_lines: string, done: () => void) => done() },
    log: () => log,
    onLost: (threadIndex: number) => lost.push(threadIndex),
    onBan: () => assert.fail('nobody bans'),
    issuerKeys: () => [],
    onKeysWanted: () => assert.fail('nobody wants keys'),
    onBegin: () => {},
  };
  const threads = new Threads(options, first, null);
  const at = (threadIndex: number, word: number): number => Atomics.load(board, threadIndex * BOARD_WORDS + word);
  try {
    await run({ threads, lost, lines, at });
  } finally {
    await threads.drain(0);
  }
}

describe('start', () => {
  test('waits until every thread listens', async () => {
    await withThreads(2, generationOf(1, {}, { onStart: 'late' }), async ({ threads, at }) => {
      assert.equal(threads.listening, 0);
      await threads.start();
      assert.deepEqual([threads.listening, threads.count, threads.restarts], [2, 2, 0]);
      assert.deepEqual([at(0, STARTS), at(1, STARTS)], [1, 1]);
    });
  });

  test('fails with the code of the thread that cannot listen, which is not started again', async () => {
    await withThreads(2, generationOf(1, {}, { onStart: 'fail' }), async ({ threads, at, lost, lines }) => {
      await assert.rejects(threads.start(), { code: 'SP_LISTEN', message: 'the port is taken' });
      await threads.drain(0);
      assert.deepEqual([at(1, STARTS), lost, lines], [1, [], []]);
    });
  });

  for (const onStart of ['throw', 'exit'] as const) {
    test(`fails when a thread dies of it (${onStart}) instead of trying for ever`, async () => {
      await withThreads(2, generationOf(1, {}, { onStart }), async ({ threads, at }) => {
        const words =
          onStart === 'throw' ? /thread 1 ended while it started: broken on purpose: start/ : /thread 1 ended/;
        await assert.rejects(threads.start(), { code: 'SP_THREAD', message: words });
        await threads.drain(0);
        assert.equal(at(1, STARTS), 1);
      });
    });
  }
});

describe('a thread that dies', () => {
  for (const onReload of ['throw', 'exit'] as const) {
    test(`is replaced under its number, with what is newest (${onReload}); the others do not notice`, async () => {
      await withThreads(2, generationOf(1), async ({ threads, at, lost, lines }) => {
        await threads.start();
        threads.accept(false);
        await threads.rotate({ generation: 5 } as TlsMaterial);
        await threads.reload(generationOf(2, {}, { onReload }));
        await until('the replacement', () => at(1, STARTS) === 2 && threads.listening === 2);
        assert.deepEqual([at(0, STARTS), at(0, GENERATION), lost, threads.restarts], [1, 2, [1], 1]);
        assert.deepEqual([at(1, GENERATION), at(1, ACCEPTING), at(1, CERTIFICATES)], [2, 0, 5]);
        const line = lines.find(({ code }) => code === 'SP_THREAD');
        assert.deepEqual([line?.threadIndex, line?.waitMs], [1, 100]);
        assert.ok(line?.err !== null && line?.err !== undefined, 'nothing says why');
      });
    });
  }

  test('again and again is started more and more rarely; one that cannot listen says why each time', async () => {
    await withThreads(1, generationOf(1), async ({ threads, at, lines }) => {
      await threads.start();
      await threads.reload(generationOf(2, { onReload: 'exit', onStart: 'fail' }));
      await until('four starts', () => at(0, STARTS) === 4);
      await until('the log', () => lines.length === 4);
      assert.deepEqual(
        lines.map(({ waitMs }) => waitMs),
        [100, 200, 400, 800],
      );
      for (const { err } of lines.slice(1)) assert.equal((err as { code: string }).code, 'SP_LISTEN');
      assert.equal(threads.listening, 0);
    });
  });

  test('is not replaced any more once the gateway stops', async () => {
    await withThreads(1, generationOf(1), async ({ threads, at, lost }) => {
      await threads.start();
      await threads.reload(generationOf(2, { onReload: 'exit' }));
      await until('the death', () => lost.length === 1);
      await threads.drain(0);
      await new Promise((resolve) => setTimeout(resolve, 150));
      assert.equal(at(0, STARTS), 1);
    });
  });
});

describe('reload', () => {
  test('is done when every thread has taken it', async () => {
    await withThreads(3, generationOf(1), async ({ threads, at }) => {
      await threads.start();
      await threads.reload(generationOf(7));
      assert.deepEqual([at(0, GENERATION), at(1, GENERATION), at(2, GENERATION)], [7, 7, 7]);
    });
  });

  test('is refused with the words of every thread that cannot', async () => {
    const refuse: Plan = { onReload: 'refuse' };
    await withThreads(3, generationOf(1), async ({ threads, at }) => {
      await threads.start();
      // In the order of their answers.
      await assert.rejects(threads.reload(generationOf(2, refuse, {}, refuse)), {
        code: 'SP_CONFIG',
        message: /^thread (0 cannot; thread 2|2 cannot; thread 0) cannot$/,
      });
      await threads.reload(generationOf(1));
      assert.deepEqual([at(0, GENERATION), at(1, GENERATION), at(2, GENERATION)], [1, 1, 1]);
    });
  });

  test('reaches a replacement that is just about to listen', async () => {
    await withThreads(2, generationOf(1), async ({ threads, at }) => {
      await threads.start();
      await threads.reload(generationOf(2, {}, { onReload: 'exit', onStart: 'late' }));
      await until('the replacement to start', () => at(1, STARTS) === 2);
      assert.equal(at(1, GENERATION), 2);
      assert.equal(threads.listening, 1);
      await threads.reload(generationOf(3));
      assert.deepEqual([at(0, GENERATION), at(1, GENERATION), threads.listening], [3, 3, 2]);
    });
  });

  test('does not wait for ever: a thread that says nothing costs the reload', async (t) => {
    await withThreads(1, generationOf(1), async ({ threads }) => {
      await threads.start();
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const reloading = threads.reload(generationOf(2, { onReload: 'silence' }));
      t.mock.timers.tick(10_000);
      await assert.rejects(reloading, { code: 'SP_CONFIG', message: '1 thread(s) did not answer within 10000 ms' });
      t.mock.timers.reset();
      await threads.reload(generationOf(3));
    });
  });
});

describe('drain', () => {
  test('ends as soon as every thread has ended', async () => {
    await withThreads(2, generationOf(1), async ({ threads, at }) => {
      await threads.start();
      const startedAt = performance.now();
      await threads.drain(60_000);
      assert.ok(performance.now() - startedAt < 30_000);
      assert.deepEqual([at(0, DRAINS), at(1, DRAINS), threads.listening], [1, 1, 0]);
    });
  });

  test('ends a thread that stays past the deadline', async () => {
    await withThreads(1, generationOf(1, { onDrain: 'stay' }), async ({ threads, at, lost }) => {
      await threads.start();
      const startedAt = performance.now();
      await threads.drain(50);
      const tookMs = performance.now() - startedAt;
      assert.ok(tookMs > 2_000 && tookMs < 10_000, `${tookMs} ms`);
      assert.deepEqual([at(0, DRAINS), lost], [1, []]);
    });
  });
});

test('accept closes and opens listening sockets in every thread', async () => {
  await withThreads(2, generationOf(1), async ({ threads, at }) => {
    await threads.start();
    threads.accept(false);
    await until('both', () => at(0, ACCEPTING) === 0 && at(1, ACCEPTING) === 0);
    threads.accept(true);
    await until('both', () => at(0, ACCEPTING) === 1 && at(1, ACCEPTING) === 1);
  });
});
