import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import {
  type ConfigDocument,
  DIST,
  type Gateway,
  simpleConfig,
  startGateway,
  UNINSPECTED,
} from '../support/gateway.ts';
import { type LoadResult, startLoad } from '../support/load.ts';
import { exchange } from '../support/raw-client.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';

const RELOADS = 20;

let upstream: RecordingUpstream;

before(async () => {
  upstream = await startRecordingUpstream({
    onRequest: (request, reply) => {
      const answer = () => reply.ok(JSON.stringify({ target: request.target }));
      // Slow ones are still under way when a signal comes.
      const waitMs = Number(/wait=(\d+)/.exec(request.target)?.[1] ?? 0);
      if (waitMs > 0) setTimeout(answer, waitMs);
      else answer();
    },
  });
});

after(async () => {
  await upstream.close();
});

/** The number of the configuration shows in what the upstream sees. */
const numbered = (n: number, more: ConfigDocument = {}) =>
  simpleConfig(upstream.port, { forwarding: { via: `gen-${n}` }, ...more });

/** Asks on new connections, so that every thread has its turn. @returns  Which configuration each request met. */
async function generations(port: number, count: number): Promise<string[]> {
  const from = upstream.requests.length;
  const mark = `/generation-${from}`;
  for (let i = 0; i < count; i += 1) await get(port, mark);
  const seen = upstream.requests.slice(from).filter((request) => request.target === mark);
  return seen.map((request) => request.fields.find(([name]) => name === 'via')?.[1]?.split(' ')[1] ?? 'none');
}

async function get(port: number, target: string): Promise<number | string> {
  const head = `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const result = await exchange({ port, segments: [Buffer.from(head)], timeoutMs: 10_000 });
  return result.answers[0]?.status ?? result.end;
}

/**
 * Failed requests that the gateway had taken: those the upstream saw. The others never got past the kernel's queue.
 *
 * @param from  Requests that the upstream had seen when this load began.
 */
function acceptedFailures(result: LoadResult, from: number): number[] {
  const seen = new Set(
    upstream.requests.slice(from).map((request) => Number(/[?&]id=(\d+)/.exec(request.target)?.[1] ?? -1)),
  );
  return result.failures.map((failure) => failure.id).filter((id) => seen.has(id));
}

for (const how of ['SIGHUP', 'POST /reload'] as const) {
  test(`${RELOADS} reloads by ${how} during load: no request fails, a WebSocket lives through all`, {
    timeout: 90_000,
  }, async (t) => {
    const echo = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    echo.on('connection', (socket) =>
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
    );
    await once(echo, 'listening');
    const { port: wsPort } = echo.address() as { port: number };
    const config = (n: number): ConfigDocument => ({
      forwarding: { via: `gen-${n}` },
      upstreams: {
        main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] },
        ws: { targets: [{ url: `http://127.0.0.1:${wsPort}` }] },
      },
      routes: [
        { name: 'all', upstream: 'main' },
        { name: 'ws', paths: ['/ws'], upstream: 'ws' },
        // A route that comes and goes.
        ...(n % 2 === 0 ? [] : [{ name: `extra-${n}`, paths: [`/extra/${n}`], upstream: 'main' }]),
      ],
    });
    const gateway = await startGateway({ config: config(0) });
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.http}/ws`);
    try {
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      let closed = false;
      socket.once('close', () => {
        closed = true;
      });
      const heard: string[] = [];
      socket.on('message', (data) => heard.push(data.toString()));
      const load = startLoad({ port: gateway.http, connections: 8 });
      await until('load', () => load.ok() > 100);
      const startedAt = performance.now();
      for (let n = 1; n <= RELOADS; n += 1) {
        if (how === 'SIGHUP') {
          gateway.writeConfig(config(n));
          gateway.signal('SIGHUP');
        } else {
          const answer = await gateway.reload(config(n));
          assert.ok(answer.ok, answer.text);
        }
        await until(`generation ${n}`, async () =>
          (await generations(gateway.http, 6)).every((via) => via === `gen-${n}`),
        );
        socket.send(`reload ${n}`);
        await until(`the echo of reload ${n}`, () => heard.includes(`reload ${n}`), 5_000);
      }
      const ms = performance.now() - startedAt;
      const result = await load.stop();
      t.diagnostic(
        `${RELOADS} reloads by ${how} in ${(ms / 1_000).toFixed(1)} s: ${result.words}; WebSocket echoes: ${heard.length}`,
      );
      assert.equal(result.failures.length, 0, result.words);
      assert.ok(result.ok > 500);
      assert.equal(closed, false);
      assert.equal(heard.length, RELOADS);
    } finally {
      socket.terminate();
      const exit = await gateway.stop();
      echo.close();
      assert.equal(exit, 0);
    }
  });
}

test('a broken configuration at reload: the old one stays, the reason is named, load goes on', async (t) => {
  const gateway = await startGateway({ config: numbered(1) });
  try {
    const load = startLoad({ port: gateway.http, connections: 4 });
    await until('load', () => load.ok() > 50);
    const broken: ConfigDocument[] = [
      numbered(2, { limits: { bodyBytesMx: 1 } }),
      numbered(2, { routes: [{ name: 'all', upstream: 'nowhere' }] }),
      numbered(2, { threads: 'many' }),
    ];
    const words = ['limits.bodyBytesMx', 'nowhere', 'threads'];
    for (const [i, config] of broken.entries()) {
      const from = gateway.lines.length;
      const answer = await gateway.reload(config);
      assert.equal(answer.ok, false);
      assert.ok(answer.text.includes(words[i] ?? ''), answer.text);
      gateway.signal('SIGHUP');
      const line = await gateway.line(
        'refused reload',
        (one) => JSON.stringify(one).includes(words[i] ?? '') && Number(one.level) >= 40,
        from,
      );
      assert.match(JSON.stringify(line), /SP_CONFIG/);
    }
    writeFileSync(gateway.configFile, '{ not: [yaml');
    assert.equal((await gateway.reload()).ok, false);
    rmSync(gateway.configFile);
    assert.equal((await gateway.reload()).ok, false);
    assert.deepEqual(new Set(await generations(gateway.http, 6)), new Set(['gen-1']));
    assert.ok((await gateway.reload(numbered(3))).ok, 'a good one is taken after bad ones');
    assert.deepEqual(new Set(await generations(gateway.http, 6)), new Set(['gen-3']));
    const result = await load.stop();
    t.diagnostic(`8 refused reloads: ${result.words}`);
    assert.equal(result.failures.length, 0, result.words);
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} during load: nothing that was accepted fails, running requests finish, exit 0`, {
    timeout: 60_000,
  }, async (t) => {
    const gateway = await startGateway({ config: numbered(0) });
    const from = upstream.requests.length;
    const load = startLoad({
      port: gateway.http,
      connections: 8,
      target: (n) => (n % 10 === 0 ? `/slow/${n}?wait=150` : `/fast/${n}`),
    });
    await until('load', () => load.ok() > 200);
    const long = get(gateway.http, '/long?wait=1500');
    await delay(100);
    const startedAt = performance.now();
    const exit = await gateway.stop(signal);
    const ms = performance.now() - startedAt;
    assert.equal(await long, 200, 'the request that ran was cut');
    await delay(50);
    const result = await load.stop();
    const accepted = acceptedFailures(result, from);
    t.diagnostic(
      `${signal}: exit ${exit} after ${(ms / 1_000).toFixed(2)} s; ${result.words}; of those accepted ${accepted.length} failed`,
    );
    assert.equal(exit, 0);
    assert.ok(ms < 10_000);
    assert.deepEqual(accepted, []);
    // After the end there is nobody: refusals. What else fails was reset in the kernel's accept queue.
    for (const failure of result.failures) {
      assert.match(failure.cause, /^(refused|ECONNRESET before answer|closed before answer|EPIPE before answer)$/);
      if (failure.cause !== 'refused')
        t.diagnostic(`  ${failure.cause}, ${failure.fresh ? 'fresh' : 'reused'} connection`);
    }
  });
}

test('a request that outlives the drain deadline does not keep the process', { timeout: 30_000 }, async () => {
  const gateway = await startGateway({ config: numbered(0, { drain: { deadlineMs: 1_000 } }) });
  const long = get(gateway.http, '/long?wait=20000');
  await delay(200);
  const startedAt = performance.now();
  const exit = await gateway.stop();
  const ms = performance.now() - startedAt;
  assert.equal(exit, 0);
  assert.ok(ms >= 900 && ms < 6_000, `${ms} ms`);
  assert.notEqual(await long, 200);
});

test('a second process on the same port takes over from the first: nothing accepted fails', {
  timeout: 60_000,
}, async (t) => {
  const first = await startGateway({ config: numbered(1) });
  const from = upstream.requests.length;
  const load = startLoad({ port: first.http, connections: 8 });
  await until('load', () => load.ok() > 200);
  const second = await startGateway({ config: numbered(2), ports: { http: first.http, https: 0 } });
  try {
    assert.equal(await first.stop(), 0);
    const okThen = load.ok();
    await until('load on the second', () => load.ok() > okThen + 300, 20_000);
    const result = await load.stop();
    const accepted = acceptedFailures(result, from);
    t.diagnostic(
      `rolling: ${result.words}; of those accepted ${accepted.length} failed; ${result.connections} connections`,
    );
    assert.deepEqual(accepted, []);
    assert.ok(result.failures.length <= 8, result.words);
    for (const failure of result.failures) {
      assert.match(failure.cause, /before answer$/, 'a cut answer, or nobody there');
    }
    assert.deepEqual(new Set(await generations(second.http, 6)), new Set(['gen-2']));
  } finally {
    assert.equal(await second.stop(), 0);
  }
});

async function breakable(): Promise<{
  gateway: Gateway;
  doIt: (what: 'throw' | 'exit' | 'connect') => void;
  end: () => Promise<number | string>;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-break-'));
  mkdirSync(folder, { recursive: true });
  const gateway = await startGateway({
    config: numbered(0, { threads: 2, ...UNINSPECTED }),
    preload: [join(DIST, 'test/support/break-thread.js')],
    env: { SALLYPORT_TEST_BREAK: folder },
  });
  return {
    gateway,
    doIt: (what) => writeFileSync(join(folder, what), ''),
    end: async () => {
      const exit = await gateway.stop();
      rmSync(folder, { recursive: true, force: true });
      return exit;
    },
  };
}

/** Waits until both threads listen: the replacement is at work. Asked of the gateway, since log lines come late. */
async function bothServe(gateway: Gateway): Promise<void> {
  await until('both threads to serve', async () => {
    const answer = await fetch(`http://127.0.0.1:${gateway.admin}/status`);
    const status = (await answer.json()) as { threads: { listening: number } };
    return status.threads.listening === 2;
  });
}

for (const how of ['throw', 'exit'] as const) {
  test(`an ingress thread that dies (${how}) under load: the process lives, the thread is replaced`, {
    timeout: 60_000,
  }, async (t) => {
    const { gateway, doIt, end } = await breakable();
    try {
      await bothServe(gateway);
      const load = startLoad({ port: gateway.http, connections: 16 });
      await until('load', () => load.ok() > 300);
      for (let round = 1; round <= 3; round += 1) {
        const from = gateway.lines.length;
        const failedBefore = load.failures.length;
        const startedAt = performance.now();
        doIt(how);
        await gateway.line('the dead thread', (line) => JSON.stringify(line).includes('SP_THREAD'), from, 10_000);
        const okThen = load.ok();
        await until('service', () => load.ok() > okThen + 300, 15_000, 2);
        const ready = await fetch(`http://127.0.0.1:${gateway.admin}/readyz`);
        t.diagnostic(
          `thread death ${round} (${how}): ${load.failures.length - failedBefore} requests failed; 300 more served after ` +
            `${Math.round(performance.now() - startedAt)} ms; readyz ${ready.status}`,
        );
        await ready.arrayBuffer();
        assert.equal(gateway.exited(), false);
        await bothServe(gateway);
      }
      const result = await load.stop();
      t.diagnostic(result.words);
      // At most all connections live on the thread that dies, with one request each; the other thread takes new ones.
      assert.ok(result.failures.length <= 3 * 16, result.words);
      const after = await startLoad({ port: gateway.http, connections: 16, fresh: true, requestsMax: 300 }).done;
      assert.equal(after.failures.length, 0, after.words);
    } finally {
      assert.equal(await end(), 0);
    }
  });
}

test('an error thrown in a handler costs one 500, a log line with its stack, and a metric; not the thread', async (t) => {
  const { gateway, doIt, end } = await breakable();
  try {
    assert.equal(await get(gateway.http, '/before'), 200);
    const errorsBefore = await gateway.metric('sallyport_handler_errors_total');
    const from = gateway.lines.length;
    doIt('connect');
    // Until a thread opens a new upstream connection, which throws.
    const statuses: (number | string)[] = [];
    await until('the 500', async () => {
      const many = await Promise.all(Array.from({ length: 8 }, (_, i) => get(gateway.http, `/thrown-${i}?wait=30`)));
      statuses.push(...many);
      return statuses.includes(500);
    });
    assert.equal(statuses.filter((status) => status === 500).length, 1);
    assert.ok(
      statuses.every((status) => status === 200 || status === 500),
      statuses.join(),
    );
    const line = await gateway.line(
      'the stack',
      (one) => JSON.stringify(one).includes('broken on purpose: connect') && /at .*\.js/.test(JSON.stringify(one)),
      from,
    );
    const access = await gateway.line('the 500', (one) => one.status === 500, from);
    assert.equal(access.code, 'SP_INTERNAL');
    assert.equal(line.requestId, access.requestId, 'the stack can be found by the request id');
    await until(
      'the metric',
      async () => (await gateway.metric('sallyport_handler_errors_total')) === errorsBefore + 1,
    );
    assert.ok(
      !gateway.lines.slice(from).some((one) => JSON.stringify(one).includes('SP_THREAD')),
      'a thread died of it',
    );
    t.diagnostic(`one 500 among ${statuses.length} requests, its stack in the log, the metric at ${errorsBefore + 1}`);
  } finally {
    assert.equal(await end(), 0);
  }
});
