import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import {
  type ConfigDocument,
  DIST,
  type Gateway,
  type GatewayOptions,
  startGateway,
  UNINSPECTED,
} from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { open } from '../support/raw-client.ts';
import { until } from '../support/wait.ts';

/** An upstream that serves so many at once, in so much time each; the others wait in it. */
class SlowServer {
  serviceMs: number;
  readonly #places: number;
  readonly #server;
  readonly #waiting: ServerResponse[] = [];
  #busy = 0;
  served = 0;
  /** Most requests here at once since it was last set. */
  most = 0;

  constructor(places: number, serviceMs: number) {
    this.#places = places;
    this.serviceMs = serviceMs;
    this.#server = createServer((_request, response) => {
      this.#waiting.push(response);
      this.#serve();
      this.most = Math.max(this.most, this.#busy + this.#waiting.length);
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #serve(): void {
    while (this.#busy < this.#places) {
      const response = this.#waiting.shift();
      if (response === undefined) return;
      this.#busy += 1;
      setTimeout(() => {
        this.#busy -= 1;
        this.served += 1;
        response.end('{}');
        this.#serve();
      }, this.serviceMs);
    }
  }
}

const upstreamsOf = (port: number, more: ConfigDocument = {}) => ({
  main: { targets: [{ url: `http://127.0.0.1:${port}` }], ...more },
});

async function ask(
  gateway: Gateway,
  path: string,
): Promise<{ status: number; body: string; retryAfter: string | null }> {
  const response = await fetch(`http://127.0.0.1:${gateway.http}${path}`);
  return { status: response.status, body: await response.text(), retryAfter: response.headers.get('retry-after') };
}

async function withGateway(options: GatewayOptions, run: (gateway: Gateway) => Promise<void>): Promise<void> {
  const gateway = await startGateway(options);
  try {
    await run(gateway);
    assert.equal(await gateway.metric('sallyport_handler_errors_total'), 0);
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('an upstream that turns ten times slower is protected, and its throughput returns', async (t) => {
  const server = new SlowServer(8, 20);
  const port = await server.listen();
  const concurrency = { mode: 'adaptive', min: 3, max: 100, windowMs: 100, minRttEveryMs: 10_000 };
  const config = {
    upstreams: upstreamsOf(port, { concurrency }),
    routes: [{ name: 'all', upstream: 'main' }],
    log: { access: false },
  };
  try {
    await withGateway({ config }, async (gateway) => {
      const load = startLoad({ port: gateway.http, connections: 60, pauseMs: 200, isRight: () => true });
      const measure = async (ms: number) => {
        server.most = 0;
        const [from, fromMs] = [server.served, performance.now()];
        await sleep(ms);
        const seconds = (performance.now() - fromMs) / 1_000;
        const limit = await gateway.metric('sallyport_concurrency_limit');
        return { perSecond: Math.round((server.served - from) / seconds), most: server.most, limit };
      };
      await until('the limit to grow', async () => (await gateway.metric('sallyport_concurrency_limit')) > 8, 30_000);
      const before = await measure(3_000);
      server.serviceMs = 200;
      const onset = await measure(4_000);
      const slow = await measure(6_000);
      server.serviceMs = 20;
      await measure(3_000);
      const recovered = await measure(3_000);
      const result = await load.stop();
      t.diagnostic(JSON.stringify({ before, onset, slow, recovered }));
      t.diagnostic(result.words);
      assert.ok(before.perSecond >= 50, JSON.stringify(before));
      // Without a bound all 60 clients would be there at once.
      assert.ok(slow.most <= 30, JSON.stringify(slow));
      assert.ok(slow.perSecond >= 8, `of 40 a second: ${JSON.stringify(slow)}`);
      assert.ok(recovered.perSecond >= 0.5 * before.perSecond, JSON.stringify({ before, recovered }));
      assert.ok((await gateway.metric('sallyport_policy_requests_total', 'kind="concurrency"', '"refused"')) > 100);
      assert.ok((await gateway.metric('sallyport_concurrency_min_rtt_seconds')) >= 0.015);
      assert.equal(await gateway.metric('sallyport_concurrency_requests'), 0);
    });
  } finally {
    server.close();
  }
});

test('fixed bounds of a route and of an upstream; places are left however a request ends', async () => {
  const held: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/a/reset') request.socket.destroy();
    else if (request.url === '/c/stream') {
      response.write('begun');
      held.push(response);
    } else if (request.url?.endsWith('/now')) response.end('now');
    else held.push(response);
  });
  const sockets = new WebSocketServer({ server });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const config = (upstreamMax: number) => ({
    ...UNINSPECTED,
    upstreams: {
      ...upstreamsOf(port, { concurrency: { mode: 'fixed', max: upstreamMax }, retry: { attemptsMax: 1 } }),
      dead: { targets: [{ url: 'http://127.0.0.1:1' }], concurrency: { mode: 'fixed', max: 1 } },
    },
    routes: [
      {
        name: 'a',
        paths: ['/a/*'],
        upstream: 'main',
        policies: { concurrency: { mode: 'fixed', max: 2 }, totalMs: 20_000 },
      },
      { name: 'b', paths: ['/b/*'], upstream: 'main' },
      { name: 'c', paths: ['/c/*'], upstream: 'main', policies: { concurrency: { mode: 'adaptive', min: 1, max: 9 } } },
      { name: 'dead', paths: ['/dead'], upstream: 'dead' },
    ],
  });
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-break-'));
  const preload = [join(DIST, 'test/support/break-thread.js')];
  try {
    await withGateway({ config: config(3), preload, env: { SALLYPORT_TEST_BREAK: folder } }, async (gateway) => {
      const underWay = (policy: string) => gateway.metric('sallyport_concurrency_requests', `policy="${policy}"`);
      const nobody = async () => (await underWay('route:a')) === 0 && (await underWay('upstream:main')) === 0;
      const first = [ask(gateway, '/a/1'), ask(gateway, '/a/2')];
      await until('two held', () => held.length === 2);
      const refused = await ask(gateway, '/a/now');
      assert.deepEqual([refused.status, refused.retryAfter], [503, '1']);
      const document = JSON.parse(refused.body) as Record<string, unknown>;
      assert.equal(document.type, 'urn:problem-type:gateway:concurrency');
      assert.deepEqual([document.error, document.retry_after], ['Service Unavailable', 1]);
      assert.match(String(document.message), /Please wait 1 second\.$/);
      const third = ask(gateway, '/b/3');
      await until('three held', () => held.length === 3);
      assert.equal((await ask(gateway, '/b/now')).status, 503);
      const lines = await until('both refusals', () => {
        const found = gateway.lines.filter(({ code }) => code === 'SP_CONCURRENCY');
        return found.length === 2 && found;
      });
      assert.deepEqual(
        lines.map(({ policy }) => policy),
        ['route:a', 'upstream:main'],
      );
      assert.deepEqual([await underWay('route:a'), await underWay('upstream:main')], [2, 3]);
      // Another bound holds at once; those under way stay.
      assert.ok((await gateway.reload(config(4))).ok);
      assert.equal((await ask(gateway, '/b/now')).status, 200);
      for (const response of held.splice(0)) response.end('late');
      for (const { status } of await Promise.all([...first, third])) assert.equal(status, 200);
      assert.ok(await nobody());

      // A client that leaves, an upstream that resets, one that is not there.
      const leaver = open({ port: gateway.http });
      leaver.on('error', () => {}).write('GET /a/leaver HTTP/1.1\r\nHost: a\r\n\r\n');
      await until('the leaver', () => held.length === 1);
      leaver.destroy();
      await until('its place', nobody);
      held.length = 0;
      for (let i = 0; i < 5; i += 1) assert.equal((await ask(gateway, '/a/reset')).status, 502);
      for (let i = 0; i < 5; i += 1) assert.ok([502, 503].includes((await ask(gateway, '/dead')).status));
      assert.ok(await nobody());
      assert.equal(await underWay('upstream:dead'), 0);

      // A WebSocket has its place until it is closed.
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.http}/a/ws`);
      await once(socket, 'open');
      assert.equal(await underWay('route:a'), 1);
      socket.close();
      await once(socket, 'close');
      await until('the place of the WebSocket', nobody);

      // An adaptive bound counts to the head of the answer: what stays for long does not fill it.
      const stays = new WebSocket(`ws://127.0.0.1:${gateway.http}/c/ws`);
      await once(stays, 'open');
      const stream = await fetch(`http://127.0.0.1:${gateway.http}/c/stream`);
      assert.deepEqual([await underWay('route:c'), await underWay('upstream:main')], [0, 2]);
      assert.equal((await ask(gateway, '/c/now')).status, 200);
      stays.close();
      held.pop()?.end();
      await stream.text();
      await until('both places at the upstream', nobody);

      // A thread that dies takes its places with it, and its successor has them all.
      const lost = [1, 2, 3, 4].map((i) => ask(gateway, `/b/${i}`).catch(() => null));
      await until('four held', () => held.length === 4);
      const restarts = () => gateway.metric('sallyport_thread_restarts_total');
      for (const dead of [1, 2]) {
        writeFileSync(join(folder, 'throw'), '');
        await until(`thread ${dead} to be replaced`, async () => (await restarts()) === dead);
      }
      await until('the places of the dead', nobody);
      assert.ok((await Promise.all(lost)).every((answer) => answer === null));
      await until('both threads', async () => (await gateway.metric('sallyport_threads', 'state="running"')) === 2);
      assert.equal((await ask(gateway, '/b/now')).status, 200);
    });
  } finally {
    rmSync(folder, { recursive: true });
    sockets.close();
    server.closeAllConnections();
    server.close();
  }
});

test('clients that send their bodies slowly have no places under an adaptive bound', async () => {
  const server = createServer((request, response) => void request.resume().on('end', () => response.end('{}')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const config = {
    threads: 1,
    upstreams: upstreamsOf(port, { concurrency: { mode: 'adaptive', min: 2, max: 20 } }),
    routes: [{ name: 'all', upstream: 'main' }],
    ...UNINSPECTED,
  };
  try {
    await withGateway({ config }, async (gateway) => {
      const slow = Array.from({ length: 6 }, () => {
        const socket = open({ port: gateway.http });
        socket.on('error', () => {}).write('POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
        return socket;
      });
      await until('all of them', async () => (await gateway.metric('sallyport_requests_in_flight')) === 6);
      for (let i = 0; i < 60; i += 1) assert.equal((await ask(gateway, `/quick/${i}`)).status, 200);
      await until('a measurement', async () => (await gateway.metric('sallyport_concurrency_min_rtt_seconds')) > 0);
      const answers = slow.map((socket) => once(socket, 'data'));
      for (const socket of slow) socket.write(' other');
      for (const [data] of await Promise.all(answers)) assert.match(String(data), /^HTTP\/1.1 200 /);
      for (const socket of slow) socket.destroy();
      await until('the end', async () => (await gateway.metric('sallyport_requests_in_flight')) === 0);
      assert.equal(await gateway.metric('sallyport_concurrency_requests'), 0);
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

const PRIORITIES = ['critical', 'high', 'normal', 'low'];

test('under overload the least important requests are refused, and a critical one never', async () => {
  const server = new SlowServer(100, 0);
  const port = await server.listen();
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-break-'));
  const config = (shedding: ConfigDocument) => ({
    ...UNINSPECTED,
    threads: 1,
    upstreams: upstreamsOf(port),
    shedding,
    routes: PRIORITIES.map((priority) => ({
      name: priority,
      paths: [`/${priority}`],
      upstream: 'main',
      policies: { priority },
    })),
  });
  try {
    const preload = [join(DIST, 'test/support/break-thread.js')];
    const env = { SALLYPORT_TEST_BREAK: folder };
    await withGateway({ config: config({ memoryBytes: 1_048_576 }), preload, env }, async (gateway) => {
      // Any process has more than 1 MiB.
      await until('the worst', async () => (await gateway.metric('sallyport_shedding_level')) === 1);
      const statuses = async () => {
        const answers = [];
        for (const priority of PRIORITIES) answers.push(await ask(gateway, `/${priority}`));
        return answers;
      };
      const full = await statuses();
      assert.deepEqual(
        full.map(({ status }) => status),
        [200, 503, 503, 503],
      );
      const [, high] = full;
      const document = JSON.parse(high?.body ?? '') as Record<string, unknown>;
      assert.equal(document.type, 'urn:problem-type:gateway:shed');
      assert.equal(String(document.retry_after), high?.retryAfter);
      assert.ok(Number(high?.retryAfter) >= 1 && Number(high?.retryAfter) <= 10);
      const line = await gateway.line('a shed one', ({ code, path }) => code === 'SP_SHED' && path === '/low');
      assert.equal(line.policy, 'low');
      assert.equal(await gateway.metric('sallyport_policy_requests_total', 'kind="shed"', 'policy="low"'), 1);

      // Delay of the event loop: blocked for four seconds, shed meanwhile, and back to normal.
      assert.ok((await gateway.reload(config({ loopDelayMs: 60 }))).ok);
      await until('the calm', async () => (await gateway.metric('sallyport_shedding_level')) === 0);
      assert.deepEqual(
        (await statuses()).map(({ status }) => status),
        [200, 200, 200, 200],
      );
      writeFileSync(join(folder, 'stall'), '');
      await until('shedding', async () => (await ask(gateway, '/low')).status === 503);
      assert.equal((await ask(gateway, '/critical')).status, 200);
      await until('the end of it', async () => (await ask(gateway, '/low')).status === 200, 30_000, 100);
      assert.ok((await gateway.reload(config({}))).ok);
      await until('the calm', async () => (await gateway.metric('sallyport_shedding_level')) === 0);
    });
  } finally {
    rmSync(folder, { recursive: true });
    server.close();
  }
});
