import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { after, describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { type ConfigDocument, type Gateway, startGateway } from '../support/gateway.ts';
import { type LoadFailure, startLoad } from '../support/load.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';
import { TestRedis, WITHOUT_REDIS } from '../support/redis.ts';
import { until } from '../support/wait.ts';

const HOUR_MS = 3_600_000;
const LIMIT = 700;
const STRICT_LIMIT = 300;
/** Connections to each gateway, and what each waits between its requests. */
const CONNECTIONS = 4;
const PAUSE_MS = 3;
/** After so many refusals in a run nobody is admitted any more. */
const REFUSED_ENOUGH = 120;
/** How often the overshoot is measured. */
const RUNS = Number(process.env.SALLYPORT_TEST_RUNS ?? 20);

describe('limits over several gateways and one Redis', { skip: WITHOUT_REDIS }, async () => {
  const upstream = await startRecordingUpstream({ onRequest: (_request, reply) => reply.ok('{}') });
  after(() => upstream.close());

  const config = (redis: TestRedis, more: ConfigDocument = {}, timeoutMs = 1_000): ConfigDocument => ({
    upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
    redis: {
      mode: 'single',
      nodes: [`127.0.0.1:${redis.port}`],
      keySecret: 'the same on every gateway',
      // Wide, so that a busy machine gives no false alarm.
      timeoutMs,
    },
    rateLimits: {
      synced: { key: ['header:x-client'], windows: [{ limit: LIMIT, windowMs: HOUR_MS }], mode: 'synced' },
      together: {
        key: ['header:x-client'],
        windows: [{ limit: LIMIT, windowMs: HOUR_MS }],
        mode: 'synced',
        whenRedisFails: 'refuse',
      },
      strict: { key: ['header:x-client'], windows: [{ limit: STRICT_LIMIT, windowMs: HOUR_MS }], mode: 'strict' },
      needing: { windows: [{ limit: 50_000, windowMs: HOUR_MS }], mode: 'strict', whenRedisFails: 'refuse' },
      beside: { key: ['header:x-client'], windows: [{ limit: STRICT_LIMIT - 1, windowMs: HOUR_MS }] },
    },
    routes: [
      { name: 'synced', paths: ['/synced/*'], upstream: 'main', policies: { rateLimits: ['synced'] } },
      { name: 'refuse', paths: ['/refuse/*'], upstream: 'main', policies: { rateLimits: ['together'] } },
      { name: 'strict', paths: ['/strict/*'], upstream: 'main', policies: { rateLimits: ['strict'] } },
      { name: 'needing', paths: ['/needing/*'], upstream: 'main', policies: { rateLimits: ['needing'] } },
      { name: 'both', paths: ['/both/*'], upstream: 'main', policies: { rateLimits: ['strict', 'beside'] } },
      { name: 'free', upstream: 'main' },
    ],
    log: { access: false },
    ...more,
  });

  async function gateways(t: TestContext, count: number, document: ConfigDocument): Promise<readonly Gateway[]> {
    const all = await Promise.all(Array.from({ length: count }, () => startGateway({ config: document })));
    t.after(() => Promise.all(all.map((gateway) => gateway.stop())));
    return all;
  }

  test(`synced: three gateways stay within the bound in ${RUNS} runs`, async (t) => {
    const redis = await TestRedis.start(t);
    const all = await gateways(t, 3, config(redis));
    const overshoots: number[] = [];
    const bounds: number[] = [];
    const lagsMs: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const results = await Promise.all(
        all.map(async (gateway, index) => {
          // They begin apart, so that some hear of a full count, some of one half full, some of none.
          await delay((run * index * 37) % 300);
          return hammer(gateway, `run ${run}`);
        }),
      );
      const admitted = results.reduce((sum, one) => sum + one.admitted, 0);
      const lagMs =
        Math.max(...(await Promise.all(all.map((one) => one.metric('sallyport_redis_lag_seconds'))))) * 1_000;
      const inTwoLags = Math.max(...results.map(({ answeredAtMs }) => mostWithin(answeredAtMs, 2 * lagMs)));
      // Not more than twice the most within one lag. What is under way may have been counted before or after.
      const bound = Math.min(2 * LIMIT, 3 * (inTwoLags + CONNECTIONS));
      overshoots.push(admitted - LIMIT);
      bounds.push(bound);
      lagsMs.push(Math.round(lagMs));
      assert.deepEqual(
        results.flatMap(({ failed }) => failed),
        [],
      );
      assert.ok(admitted >= LIMIT, `run ${run}: ${admitted} admitted of ${LIMIT}`);
      assert.ok(admitted - LIMIT <= bound, `run ${run}: ${admitted - LIMIT} above the limit, bound ${bound}`);
      // All have heard of all by now.
      const late = await Promise.all(all.map((gateway) => statusOf(gateway, '/synced/late', `run ${run}`)));
      assert.deepEqual(late, [429, 429, 429], `run ${run}`);
    }
    t.diagnostic(`limit ${LIMIT}; above it: ${overshoots.join(' ')}; bounds: ${bounds.join(' ')}`);
    t.diagnostic(`longest from a count to the answer of its exchange, ms: ${lagsMs.join(' ')}`);
  });

  test('Redis killed and restarted under load: no 5xx, each gateway holds the limit, all come back', async (t) => {
    const redis = await TestRedis.start(t);
    const all = await gateways(t, 3, config(redis));
    const loads = all.map((gateway) =>
      startLoad({
        port: gateway.http,
        connections: 4,
        pauseMs: 3,
        target: (n) => `/synced/${n}`,
        isRight: () => true,
        fields: client,
      }),
    );
    const before = await Promise.all(all.map((gateway) => hammer(gateway, 'before')));
    const sum = (results: readonly Hammered[]): number => results.reduce((total, { admitted }) => total + admitted, 0);
    assert.ok(sum(before) >= LIMIT && sum(before) < 3 * LIMIT);

    await redis.kill();
    const killedMs = performance.now();
    await until('each gateway to see the loss', () => areUp(all, 0), 10_000, 5);
    t.diagnostic(`loss seen after ${Math.round(performance.now() - killedMs)} ms`);
    const alone = await Promise.all(all.map((gateway) => hammer(gateway, 'during')));
    assert.deepEqual(
      alone.map(({ admitted }) => admitted),
      [LIMIT, LIMIT, LIMIT],
      'each by itself, to the request',
    );
    // What was shared before is remembered.
    for (const gateway of all) assert.equal(await statusOf(gateway, '/synced/x', 'before'), 429);

    await redis.start();
    const startedMs = performance.now();
    await until('each gateway to exchange again', () => areUp(all, 1), 10_000, 5);
    t.diagnostic(`all exchange again ${Math.round(performance.now() - startedMs)} ms after the restart`);
    const again = await Promise.all(all.map((gateway) => hammer(gateway, 'after')));
    assert.ok(sum(again) >= LIMIT && sum(again) < 3 * LIMIT, `${sum(again)} admitted`);
    for (const gateway of all) {
      assert.equal(await statusOf(gateway, '/synced/x', 'before'), 429);
      assert.equal(await statusOf(gateway, '/synced/x', 'during'), 429);
      assert.equal(await gateway.metric('sallyport_redis_fallbacks_total'), 1);
      const said = gateway.lines.filter(({ msg }) => String(msg).startsWith('Redis '));
      assert.equal(said.length, 3, JSON.stringify(said));
    }
    const results = await Promise.all(loads.map((load) => load.stop()));
    for (const { failures } of results) assert.deepEqual(othersThan429(failures), []);
    t.diagnostic(`under load throughout: ${results.map(({ words }) => words).join('; ')}`);
  });

  test('absent at the start: counts alone or refuses, is told once, and comes when it comes', async (t) => {
    const redis = await TestRedis.start(t);
    await redis.kill();
    const [gateway] = (await gateways(t, 1, config(redis, {}, 300))) as [Gateway];
    assert.equal(await statusOf(gateway, '/synced/x', 'a'), 200);
    const refusal = await fetch(`http://127.0.0.1:${gateway.http}/refuse/x`, { headers: { 'x-client': 'a' } });
    assert.deepEqual([refusal.status, refusal.headers.get('retry-after')], [503, '1']);
    assert.match(await refusal.text(), /gateway:limiter-alone/);
    assert.equal(await gateway.metric('sallyport_policy_requests_total', 'policy="together"', 'outcome="alone"'), 1);
    assert.equal(await gateway.metric('sallyport_redis_up'), 0);
    await redis.start();
    await until('Redis', () => areUp([gateway], 1));
    assert.equal(await statusOf(gateway, '/refuse/x', 'a'), 200);

    redis.signal('SIGSTOP');
    const hungMs = performance.now();
    await until('the first refusal', async () => (await statusOf(gateway, '/refuse/x', 'a')) === 503, 10_000, 1);
    t.diagnostic(`Redis hangs: refused from ${Math.round(performance.now() - hungMs)} ms on`);
    assert.equal(await statusOf(gateway, '/synced/x', 'a'), 200, 'alone again');
    redis.signal('SIGCONT');
    await until('Redis', () => areUp([gateway], 1));
    assert.equal(await statusOf(gateway, '/refuse/x', 'a'), 200);
    assert.deepEqual(
      gateway.lines.map(({ msg }) => String(msg)).filter((msg) => msg.startsWith('Redis ')),
      [
        'Redis does not answer: policies with whenRedisFails: refuse refuse, others count here alone',
        'Redis answers again: counts are shared',
        'Redis does not answer: policies with whenRedisFails: refuse refuse, others count here alone',
        'Redis answers again: counts are shared',
      ],
    );
  });

  test(`strict: three gateways admit the limit, to the request, in ${RUNS} runs`, async (t) => {
    const redis = await TestRedis.start(t);
    const all = await gateways(t, 3, config(redis, {}, 10_000));
    const admitted: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const results = await Promise.all(all.map((gateway) => hammer(gateway, `run ${run}`, '/strict/x')));
      assert.deepEqual(
        results.flatMap(({ failed }) => failed),
        [],
      );
      admitted.push(results.reduce((sum, one) => sum + one.admitted, 0));
    }
    t.diagnostic(`limit ${STRICT_LIMIT}; admitted: ${admitted.join(' ')}`);
    for (const gateway of all) {
      assert.equal(await gateway.metric('sallyport_policy_requests_total', 'policy="strict"', 'outcome="alone"'), 0);
    }
    assert.deepEqual(admitted, Array(RUNS).fill(STRICT_LIMIT));
  });

  test('strict: fields, bodies and another policy beside it are as without Redis', async (t) => {
    const redis = await TestRedis.start(t);
    const [gateway] = (await gateways(t, 1, config(redis, {}, 10_000))) as [Gateway];
    const ask = async (path: string, body: string | null = null): Promise<Response> => {
      const method = body === null ? 'GET' : 'POST';
      return fetch(`http://127.0.0.1:${gateway.http}${path}`, { method, headers: { 'x-client': 'a' }, body });
    };
    const first = await ask('/both/x');
    assert.equal(first.headers.get('ratelimit-policy'), '"strict";q=300;w=3600, "beside";q=299;w=3600');
    assert.match(first.headers.get('ratelimit') ?? '', /^"beside";r=298;t=\d+$/);
    // Longer than what is kept of a body while its request waits.
    const body = 'b'.repeat(400_000);
    assert.equal((await ask('/both/body', body)).status, 200);
    const seen = upstream.requests.find(({ target }) => target === '/both/body');
    assert.equal(seen?.bodyBytes, body.length);
    for (let i = 2; i < STRICT_LIMIT - 1; i += 1) assert.equal((await ask('/both/x')).status, 200);
    const refused = await ask('/both/x');
    assert.deepEqual([refused.status, refused.headers.get('ratelimit')?.slice(0, 8)], [429, '"beside"']);
    assert.equal((await ask('/strict/x')).headers.get('ratelimit')?.replace(/t=\d+/, ''), '"strict";r=0;');
    const full = await ask('/strict/x');
    assert.equal(full.status, 429);
    const problem = (await full.json()) as Record<string, unknown>;
    assert.deepEqual(
      [problem.status, problem.error, String(problem.retry_after)],
      [429, 'Too Many Requests', full.headers.get('retry-after')],
    );
    assert.equal(full.headers.get('ratelimit'), `"strict";r=0;t=${problem.retry_after}`);
  });

  test('strict: WebSockets, clients that leave while they wait, and a policy that turns strict at a reload', async (t) => {
    const redis = await TestRedis.start(t);
    const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
    t.after(() => sockets.close());
    await once(sockets, 'listening');
    const { port } = sockets.address() as AddressInfo;
    const document = config(redis, {}, 2_000);
    const routes = (policy: string): ConfigDocument => ({
      ...document,
      upstreams: {
        ...(document.upstreams as ConfigDocument),
        sockets: { targets: [{ url: `http://127.0.0.1:${port}` }] },
      },
      routes: [{ name: 'sockets', upstream: 'sockets', policies: { rateLimits: [policy] } }],
    });
    const [gateway] = (await gateways(t, 1, routes('beside'))) as [Gateway];
    const echo = async (text: string): Promise<string> => {
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.http}/strict/x`, { headers: { 'x-client': 'a' } });
      try {
        await once(socket, 'open');
        socket.send(text);
        return String((await once(socket, 'message'))[0]);
      } finally {
        socket.terminate();
      }
    };
    assert.equal(await echo('local'), 'local');
    const reloaded = await gateway.reload(routes('strict'));
    assert.ok(reloaded.ok, reloaded.text);
    assert.equal(await echo('strict'), 'strict');
    await until('a decision in Redis', async () => {
      await echo('again');
      return redis.ask('--scan').includes('{limits-strict}');
    });
    redis.signal('SIGSTOP');
    const leaving = connect(gateway.http, '127.0.0.1');
    leaving.write('POST /strict/x HTTP/1.1\r\nHost: localhost\r\nX-Client: b\r\nContent-Length: 9\r\n\r\nhalf');
    await until('it to wait', async () => (await gateway.metric('sallyport_requests_in_flight')) > 0, 10_000, 5);
    leaving.destroy();
    await until('it to be over', async () => (await gateway.metric('sallyport_requests_in_flight')) === 0);
    redis.signal('SIGCONT');
    assert.equal(await echo('after'), 'after');
    assert.equal(await gateway.metric('sallyport_handler_errors_total'), 0);
  });

  test('strict: Redis hangs, is killed and restarted under load: no 5xx, no long wait, the limit holds locally', async (t) => {
    const redis = await TestRedis.start(t);
    const [gateway] = (await gateways(t, 1, config(redis, {}, 100))) as [Gateway];
    const load = startLoad({
      port: gateway.http,
      connections: 4,
      pauseMs: 3,
      target: (n) => `/strict/${n}`,
      isRight: () => true,
      fields: client,
    });
    const alone = (): Promise<number> =>
      gateway.metric('sallyport_policy_requests_total', 'policy="strict"', 'outcome="alone"');
    await until('Redis', () => areUp([gateway], 1));
    const { admitted: before } = await hammer(gateway, 'before', '/strict/x');
    assert.ok(before >= STRICT_LIMIT);
    redis.signal('SIGSTOP');
    const hung = await hammer(gateway, 'hung', '/strict/x');
    assert.deepEqual([hung.failed, hung.admitted >= STRICT_LIMIT], [[], true]);
    t.diagnostic(
      `Redis hangs: ${hung.admitted} of ${STRICT_LIMIT} admitted, longest silence ${Math.round(hung.silenceMs)} ms`,
    );
    assert.ok(hung.silenceMs < 5_000);
    assert.equal(await statusOf(gateway, '/strict/x', 'before'), 429);
    assert.ok((await alone()) > 0);
    assert.equal(await statusOf(gateway, '/needing/x', 'a'), 503);
    await redis.kill();
    const killed = await hammer(gateway, 'killed', '/strict/x');
    assert.equal(killed.admitted, STRICT_LIMIT);
    await redis.start();
    const startedMs = performance.now();
    await until('Redis decides again', async () => (await statusOf(gateway, '/needing/x', 'a')) === 200, 10_000, 5);
    t.diagnostic(`Redis decides again ${Math.round(performance.now() - startedMs)} ms after the restart`);
    for (const key of ['before', 'hung', 'killed']) assert.equal(await statusOf(gateway, '/strict/x', key), 429, key);
    assert.deepEqual(othersThan429((await load.stop()).failures), []);
  });

  test('counts outlive the gateway: one that starts anew goes on where the last one was', async (t) => {
    const redis = await TestRedis.start(t);
    const document = config(redis);
    const [first] = (await gateways(t, 1, document)) as [Gateway];
    const { admitted } = await hammer(first, 'a');
    assert.equal(admitted, LIMIT);
    assert.equal(await first.stop(), 0);
    const [second] = (await gateways(t, 1, document)) as [Gateway];
    await statusOf(second, '/synced/x', 'a');
    await until('the count of before', async () => (await statusOf(second, '/synced/x', 'a')) === 429);
  });
});

interface Hammered {
  readonly admitted: number;
  readonly answeredAtMs: readonly number[];
  /** Longest time without any answer. */
  readonly silenceMs: number;
  /** Causes. */
  readonly failed: readonly string[];
}

/** Requests to one gateway for one key, until it has refused for a while. */
async function hammer(gateway: Gateway, key: string, path = '/synced/x'): Promise<Hammered> {
  const answeredAtMs: number[] = [];
  const startedAtMs = performance.now();
  const load = startLoad({
    port: gateway.http,
    connections: CONNECTIONS,
    pauseMs: PAUSE_MS,
    target: () => path,
    fields: () => `x-client: ${key}\r\n`,
    isRight: () => {
      answeredAtMs.push(performance.now());
      return true;
    },
  });
  await until('refusals', () => load.failures.length > REFUSED_ENOUGH, 30_000, 10);
  const { ok, failures } = await load.stop();
  answeredAtMs.push(...failures.map(({ atMs }) => startedAtMs + atMs));
  answeredAtMs.sort((a, b) => a - b);
  const silenceMs = Math.max(...answeredAtMs.map((atMs, index) => atMs - (answeredAtMs[index - 1] ?? startedAtMs)));
  return { admitted: ok, answeredAtMs, silenceMs, failed: othersThan429(failures) };
}

function othersThan429(failures: readonly LoadFailure[]): string[] {
  return failures.map(({ cause }) => cause).filter((cause) => cause !== 'status 429');
}

/** Most of the times that lie within any span of so many milliseconds. */
function mostWithin(timesMs: readonly number[], spanMs: number): number {
  let most = 0;
  let first = 0;
  for (const [last, timeMs] of timesMs.entries()) {
    while ((timesMs[first] as number) < timeMs - spanMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

function client(n: number): string {
  return `x-client: other ${n % 50}\r\n`;
}

async function statusOf(gateway: Gateway, path: string, key: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${gateway.http}${path}`, { headers: { 'x-client': key } });
  await response.arrayBuffer();
  return response.status;
}

async function areUp(all: readonly Gateway[], wanted: 0 | 1): Promise<boolean> {
  const states = await Promise.all(all.map((gateway) => gateway.metric('sallyport_redis_up')));
  return states.every((state) => state === wanted);
}
