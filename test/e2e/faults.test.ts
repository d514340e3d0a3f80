import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, type Gateway, simpleConfig, startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { type Exchange, exchange, open } from '../support/raw-client.ts';
import {
  type RecordingUpstream,
  type Reply,
  type SeenRequest,
  startRecordingUpstream,
} from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';

const GOOD = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood';

interface Fault {
  readonly does: (reply: Reply, request: SeenRequest) => void;
  readonly status: number;
  readonly code: string;
}

/** What an upstream may do wrong before its answer began, and what the client and the log must then be told. */
const FAULTS: Readonly<Record<string, Fault>> = {
  'reset-before-head': { does: (reply) => reply.reset(), status: 502, code: 'SP_UPSTREAM_RESET' },
  'close-before-head': { does: (reply) => reply.socket.end(), status: 502, code: 'SP_UPSTREAM_RESET' },
  'reset-in-head': {
    does: (reply) => {
      reply.raw('HTTP/1.1 200 OK\r\nContent-Le');
      setTimeout(() => reply.reset(), 20);
    },
    status: 502,
    code: 'SP_UPSTREAM_RESET',
  },
  garbage: {
    does: (reply) => reply.raw('\x00\x01\x02 not http at all\r\n\r\n'),
    status: 502,
    code: 'SP_UPSTREAM_PROTOCOL',
  },
  'other-protocol': { does: (reply) => reply.raw('220 mail ready\r\n'), status: 502, code: 'SP_UPSTREAM_PROTOCOL' },
  'length-and-chunked': {
    does: (reply) =>
      reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n'),
    status: 502,
    code: 'SP_UPSTREAM_PROTOCOL',
  },
  'two-lengths': {
    does: (reply) => reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\ngood!'),
    status: 502,
    code: 'SP_UPSTREAM_PROTOCOL',
  },
  'folded-field': {
    does: (reply) => reply.raw('HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n'),
    status: 502,
    code: 'SP_UPSTREAM_PROTOCOL',
  },
  'control-in-field': {
    does: (reply) => reply.raw('HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n'),
    status: 502,
    code: 'SP_UPSTREAM_PROTOCOL',
  },
  'bare-cr-injection': {
    does: (reply) => reply.raw('HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n'),
    status: 502,
    code: 'SP_UPSTREAM_PROTOCOL',
  },
  'switching-unasked': {
    does: (reply) => reply.raw('HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: Upgrade\r\n\r\n'),
    status: 502,
    code: 'SP_UPSTREAM_PROTOCOL',
  },
  'head-too-large': {
    does: (reply) => reply.raw(`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}\r\nContent-Length: 0\r\n\r\n`),
    status: 502,
    code: 'SP_UPSTREAM_HEAD_TOO_LARGE',
  },
  'fields-too-many': {
    does: (reply) => reply.raw(`HTTP/1.1 200 OK\r\n${'X: a\r\n'.repeat(300)}Content-Length: 0\r\n\r\n`),
    status: 502,
    code: 'SP_UPSTREAM_HEAD_TOO_LARGE',
  },
  'interim-without-end': {
    does: (reply) => reply.raw('HTTP/1.1 102 Processing\r\n\r\n'.repeat(100)),
    status: 502,
    code: 'SP_UPSTREAM_PROTOCOL',
  },
  'stall-before-head': { does: () => {}, status: 504, code: 'SP_UPSTREAM_TIMEOUT' },
  'stall-in-head': { does: (reply) => reply.raw('HTTP/1.1 200 OK\r\nX: '), status: 504, code: 'SP_UPSTREAM_TIMEOUT' },
};

let upstream: RecordingUpstream;
let gateway: Gateway;

before(async () => {
  upstream = await startRecordingUpstream({
    onRequest: (request, reply) => {
      const name = request.target.split('?')[0]?.slice(1) ?? '';
      const fault = FAULTS[name];
      if (fault) fault.does(reply, request);
      else if (name === 'stall-in-body') reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this');
      else if (name === 'twice') reply.raw(`${GOOD}HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nNOT YOURS`);
      else if (name === 'surplus') reply.raw(`${GOOD}NOT YOURS`);
      else if (name === 'surplus-later') {
        reply.raw(GOOD);
        setTimeout(() => reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nNOT YOURS'), 30);
      } else reply.ok(JSON.stringify({ target: request.target }));
    },
  });
  const dead = await freePort();
  gateway = await startGateway({
    config: {
      threads: 1,
      timeouts: { bodyIdleMs: 1_500 },
      upstreams: {
        main: {
          targets: [{ url: `http://127.0.0.1:${upstream.port}` }],
          timeouts: { connectMs: 1_000, headMs: 1_000, idleMs: 1_000 },
          // One target that misbehaves on purpose must stay in.
          health: { passive: { failuresMax: 0 } },
        },
        dead: { targets: [{ url: `http://127.0.0.1:${dead}` }], health: { passive: { failuresMax: 0 } } },
        // TEST-NET-1 (RFC 5737): packets there are lost, or refused by a machine without a route.
        lost: { targets: [{ url: 'http://192.0.2.1:81' }], timeouts: { connectMs: 500 } },
      },
      routes: [
        { name: 'all', upstream: 'main' },
        { name: 'dead', paths: ['/dead'], upstream: 'dead' },
        { name: 'lost', paths: ['/lost'], upstream: 'lost' },
      ],
    },
  });
});

after(async () => {
  const exit = await gateway.stop();
  await upstream.close();
  assert.equal(exit, 0);
});

function ask(path: string, method = 'GET', port = gateway.http): Promise<Exchange> {
  const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${method === 'POST' ? 'Content-Length: 0\r\n' : ''}\r\n`;
  return exchange({ port, segments: [Buffer.from(head)], methods: [method], timeoutMs: 8_000 });
}

async function isServed(): Promise<void> {
  const { answers } = await ask('/well');
  assert.equal(answers[0]?.status, 200);
}

for (const [name, fault] of Object.entries(FAULTS)) {
  for (const method of ['GET', 'POST']) {
    test(`an upstream that does ${name} to a ${method}: ${fault.status}, ${fault.code}, connection never reused`, async () => {
      const from = gateway.lines.length;
      const seenBefore = upstream.requests.length;
      const result = await ask(`/${name}`, method);
      assert.equal(result.error, null);
      assert.equal(result.answers[0]?.status, fault.status);
      const problem = JSON.parse(result.answers[0]?.body.toString() ?? '') as Record<string, unknown>;
      assert.equal(problem.status, fault.status);
      const line = await gateway.line(name, (one) => one.path === `/${name}`, from);
      assert.equal(line.code, fault.code, JSON.stringify(line));
      await isServed();
      const seen = upstream.requests.slice(seenBefore);
      const bad = seen.filter((request) => request.target === `/${name}`).map((request) => request.connection);
      if (method === 'POST') assert.equal(bad.length, 1, 'a POST may have been acted upon: it is never sent twice');
      const next = seen.find((request) => request.target === '/well');
      assert.ok(next && !bad.includes(next.connection), 'the spoilt connection was used again');
    });
  }
}

test('an upstream that refuses connections: 502 at once', async () => {
  const result = await ask('/dead');
  assert.equal(result.answers[0]?.status, 502);
  assert.ok(result.ms < 1_000, `${result.ms} ms`);
  await gateway.line('dead', (line) => line.path === '/dead' && line.code === 'SP_UPSTREAM_CONNECT');
});

test('an upstream that never accepts: 504 at the connect deadline, or 502 where the network says so', async () => {
  const result = await ask('/lost');
  assert.ok([502, 504].includes(result.answers[0]?.status ?? 0), JSON.stringify(result));
  assert.ok(result.ms < 4_000, `${result.ms} ms`);
});

test('an upstream that stalls in its body: the client sees a cut, never a whole answer', async () => {
  const result = await ask('/stall-in-body');
  assert.deepEqual(result.answers, []);
  assert.ok(result.closed);
  await gateway.line('stall', (line) => line.path === '/stall-in-body' && line.code === 'SP_UPSTREAM_IDLE_TIMEOUT');
  await isServed();
});

for (const name of ['twice', 'surplus', 'surplus-later']) {
  test(`an upstream that answers ${name}: nobody gets what nobody asked for`, async () => {
    for (let i = 0; i < 20; i += 1) {
      const seenBefore = upstream.requests.length;
      const { answers } = await ask(`/${name}`);
      assert.equal(answers[0]?.status, 200);
      assert.equal(answers[0]?.body.toString(), 'good');
      if (name === 'surplus-later') await delay(40);
      const target = `/next?i=${i}`;
      const next = await ask(target);
      assert.equal(next.answers[0]?.body.toString(), JSON.stringify({ target }));
      const [bad, good] = upstream.requests.slice(seenBefore).map((request) => request.connection);
      assert.notEqual(bad, good, 'the connection was used again');
    }
  });
}

test('a client slow with its head is closed at the deadline while others are served', {
  timeout: 30_000,
}, async (t) => {
  const startedAt = performance.now();
  const slow = [
    'GET /slow HT',
    'GET /slow HTTP/1.1\r\nHost: loc',
    'GET /slow HTTP/1.1\r\nHost: localhost\r\nX: a\r\n',
    '',
  ];
  const closedAfter = slow.map(
    (start) =>
      new Promise<number>((resolve) => {
        const socket = open({ port: gateway.http });
        // However it ends, it ends.
        socket.on('error', () => {});
        socket.on('close', () => {
          clearInterval(drip);
          resolve(performance.now() - startedAt);
        });
        socket.resume();
        socket.write(start);
        // A byte a second, so that no idle time-out can be what ends it. The last one says nothing at all.
        const drip = setInterval(() => {
          if (start !== '') socket.write('a');
        }, 1_000);
      }),
  );
  const load = startLoad({ port: gateway.http, connections: 4, pauseMs: 5 });
  const times = await Promise.all(
    closedAfter.map((one) => Promise.race([one, delay(25_000, Number.POSITIVE_INFINITY)])),
  );
  const result = await load.stop();
  t.diagnostic(
    `slow heads closed after ${times.map((ms) => (ms / 1_000).toFixed(1)).join(', ')} s; others: ${result.words}`,
  );
  assert.ok(
    times.every((ms) => ms < 20_000),
    times.join(),
  );
  assert.equal(result.failures.length, 0, result.words);
  assert.ok(result.ok > 100);
});

test('a client that stalls in its body is told 408 or closed at the deadline, and the upstream is let go', async (t) => {
  const seenBefore = upstream.requests.length;
  const head = 'POST /slow-body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nsome';
  const openBefore = upstream.open();
  const result = await exchange({
    port: gateway.http,
    segments: [Buffer.from(head)],
    timeoutMs: 8_000,
    lingerMs: 1_000,
  });
  t.diagnostic(`a stalled body ended after ${(result.ms / 1_000).toFixed(1)} s; the deadline is 1.5 s`);
  assert.notEqual(result.end, 'timeout');
  if (result.answers[0]) assert.equal(result.answers[0].status, 408);
  assert.ok(result.closed);
  await until('the upstream to be let go', () => upstream.open() <= openBefore, 3_000);
  assert.ok(upstream.requests.slice(seenBefore).every((request) => !request.complete));
  await gateway.line('408', (line) => line.path === '/slow-body' && line.code === 'SP_REQUEST_BODY_TIMEOUT');
});

test('all file descriptors used: open connections are served, new ones wait or are refused, and service returns', {
  timeout: 60_000,
}, async (t) => {
  const config = simpleConfig(upstream.port, { threads: 1, shedding: { memoryBytes: 100_000_000_000 } });
  const small = await startGateway({ config });
  const sockets: ReturnType<typeof open>[] = [];
  try {
    const alive = await Promise.all([1, 2, 3].map(() => keepOpen(small.http)));
    small.limitDescriptors(40);
    // More than there are descriptors: some stay in the kernel's queue, unserved.
    for (let i = 0; i < 200; i += 1) {
      const socket = open({ port: small.http });
      socket.on('error', () => {});
      sockets.push(socket);
    }
    await delay(1_000);
    assert.equal(small.exited(), false);
    const served: string[] = [];
    for (let i = 0; i < 5; i += 1) for (const one of alive) served.push(await one.ask(`/alive?i=${i}`));
    t.diagnostic(
      `with every descriptor used, 15 requests on open connections: ${served.filter((s) => s === '200').length} x 200 (${[...new Set(served)].join()})`,
    );
    const cpuBefore = small.cpuMs();
    await delay(1_000);
    t.diagnostic(`CPU in one second without descriptors: ${small.cpuMs() - cpuBefore} ms`);
    for (const socket of sockets) socket.destroy();
    const freedAt = performance.now();
    await until(
      'service again',
      async () => (await ask('/back', 'GET', small.http)).answers[0]?.status === 200,
      15_000,
    );
    t.diagnostic(`service for new clients ${Math.round(performance.now() - freedAt)} ms after the others left`);
    const result = await startLoad({ port: small.http, connections: 4, requestsMax: 200 }).done;
    assert.equal(result.failures.length, 0, result.words);
    for (const one of alive) assert.equal(await one.ask('/still'), '200');
    for (const one of alive) one.close();
    assert.deepEqual(
      served.filter((status) => status !== '200'),
      [],
    );
  } finally {
    for (const socket of sockets) socket.destroy();
    assert.equal(await small.stop(), 0);
  }
});

/** A client connection that stays open; `ask` gives the status, or how it failed. */
async function keepOpen(port: number): Promise<{ ask: (path: string) => Promise<string>; close: () => void }> {
  const socket = open({ port });
  let text = '';
  let wake = () => {};
  socket.on('error', () => wake());
  socket.on('close', () => wake());
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    wake();
  });
  const ask = async (path: string) => {
    text = '';
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    for (let i = 0; i < 200 && !/\r\n\r\n.*\}/s.test(text); i += 1) {
      if (socket.destroyed) return 'closed';
      await Promise.race([delay(20), new Promise<void>((resolve) => (wake = resolve))]);
    }
    return /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 'no answer';
  };
  assert.equal(await ask('/open'), '200');
  return { ask, close: () => socket.destroy() };
}
