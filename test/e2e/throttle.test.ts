import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { AnswerParser } from '../support/answer-parser.ts';
import { type ConfigDocument, DIST, type Gateway, startGateway, UNINSPECTED } from '../support/gateway.ts';
import { until } from '../support/wait.ts';

const MIB = 1_048_576;

interface Seen {
  readonly client: string;
  readonly path: string;
  readonly bytes: number;
  readonly digest: string;
}

let upstream: Server;
let port = 0;
const seen: Seen[] = [];

before(async () => {
  upstream = createServer((request, response) => {
    const hash = createHash('sha256');
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      hash.update(chunk);
    });
    // A client that was cut in the middle of its body: the test that did it looks at the answer elsewhere.
    request.on('error', () => response.destroy());
    request.on('end', () => {
      const client = String(request.headers['x-client'] ?? '');
      seen.push({ client, path: request.url ?? '', bytes, digest: hash.digest('hex') });
      response.end('{}');
    });
  });
  const sockets = new WebSocketServer({ server: upstream });
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  port = (upstream.address() as AddressInfo).port;
});

after(() => {
  upstream.closeAllConnections();
  upstream.close();
});

/** One throttle, on every path. */
const throttled = (throttle: ConfigDocument, more: ConfigDocument = {}, policies: ConfigDocument = {}) => ({
  upstreams: { main: { targets: [{ url: `http://127.0.0.1:${port}` }] } },
  throttles: { steady: throttle },
  routes: [{ name: 'all', upstream: 'main', policies: { throttle: 'steady', ...policies } }],
  ...UNINSPECTED,
  ...more,
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly ms: number;
}

async function ask(gateway: Gateway, path: string, client = 'one'): Promise<Answer> {
  const startedAt = performance.now();
  const response = await fetch(`http://127.0.0.1:${gateway.http}${path}`, { headers: { 'x-client': client } });
  const body = await response.text();
  return { status: response.status, headers: response.headers, body, ms: performance.now() - startedAt };
}

/** Holds the parts of a refusal against each other. */
function agreeing({ status, headers, body }: Answer, slug: string): void {
  assert.equal(status, 503);
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
  const document = JSON.parse(body) as Record<string, unknown>;
  const seconds = Number(headers.get('retry-after'));
  assert.ok(Number.isInteger(seconds) && seconds >= 1, `retry-after ${seconds}`);
  assert.deepEqual(
    [document.type, document.status, document.error, document.retry_after],
    [`urn:problem-type:gateway:${slug}`, 503, 'Service Unavailable', seconds],
  );
  assert.match(String(document.message), new RegExp(`Please wait ${seconds} second`));
}

/** Waits until so many requests wait. */
function untilWaiting(gateway: Gateway, count: number): Promise<unknown> {
  return until(`${count} to wait`, async () => (await gateway.metric('sallyport_throttle_waiting')) === count);
}

async function withGateway(config: ConfigDocument, run: (gateway: Gateway) => Promise<void>): Promise<void> {
  const gateway = await startGateway({ config });
  try {
    await run(gateway);
    assert.equal(await gateway.metric('sallyport_handler_errors_total'), 0);
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
}

/** A connection that writes by hand. */
function dial(gateway: Gateway): { socket: Socket; answer: () => ReturnType<typeof first> } {
  const socket = connect(gateway.http, '127.0.0.1');
  const parser = new AnswerParser();
  socket.on('data', (chunk: Buffer) => parser.push(chunk));
  // What a reset cost is seen in the answers.
  socket.on('error', () => parser.end());
  const first = () => parser.answers[0];
  return { socket, answer: first };
}

test('two keys at twice the rate: half for each, and nobody waits past the deadline', async (t) => {
  const deadlineMs = 400;
  const config = throttled({ requests: 100, key: ['header:x-client'], deadlineMs });
  await withGateway(config, async (gateway) => {
    const outcomes = new Map<string, number>();
    const answers: Promise<void>[] = [];
    const send = (client: string): void => {
      answers.push(
        ask(gateway, '/fair', client).then((answer) => {
          if (answer.status !== 200) agreeing(answer, 'throttled');
          const what = `${client} ${answer.status}`;
          outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
        }),
      );
    };
    // 140 and 60 a second: each of the two wants more than half of what there is.
    const startedAt = performance.now();
    for (const sent = { wide: 0, narrow: 0 }; performance.now() - startedAt < 5_000; ) {
      const seconds = (performance.now() - startedAt) / 1_000;
      for (; sent.wide < 140 * seconds; sent.wide += 1) send('wide');
      for (; sent.narrow < 60 * seconds; sent.narrow += 1) send('narrow');
      await delay(5);
    }
    await Promise.all(answers);
    const [wide, narrow] = [outcomes.get('wide 200') ?? 0, outcomes.get('narrow 200') ?? 0];
    const share = wide / (wide + narrow);
    t.diagnostic(`of ${answers.length} in 5 s: ${JSON.stringify([...outcomes])}; share of wide ${share.toFixed(3)}`);
    assert.ok(share >= 0.45 && share <= 0.55, `${wide} and ${narrow}`);
    assert.ok(wide + narrow <= 1 + 100 * 6.5, `${wide + narrow} admitted`);
    assert.ok(wide + narrow >= 250, `${wide + narrow} admitted`);
    const lines = await until('all log lines', () => {
      const written = gateway.lines.filter(({ msg }) => msg === 'request');
      return written.length === answers.length && written;
    });
    const waits = lines.flatMap(({ waitMs }) => (typeof waitMs === 'number' ? [waitMs] : []));
    assert.ok(waits.length > 100 && Math.max(...waits) > 100, `${waits.length} waited`);
    // A permit and a deadline are looked at by one timer: late by as much as the machine is.
    assert.ok(Math.max(...waits) <= deadlineMs + 1_000, `${Math.max(...waits)} ms`);
    const count = (outcome: string) =>
      gateway.metric('sallyport_policy_requests_total', 'policy="steady"', `outcome="${outcome}"`);
    assert.equal((await count('admitted')) + (await count('waited')), wide + narrow);
    assert.equal((await count('late')) + (await count('full')), answers.length - wide - narrow);
    assert.equal(await gateway.metric('sallyport_throttle_wait_seconds_count'), waits.length);
    assert.equal(await gateway.metric('sallyport_throttle_waiting'), 0);
  });
});

test('who has waited for its deadline gets 503, with the policy and the wait in the log', async () => {
  const config = throttled(
    { requests: 4, key: ['header:x-client'], deadlineMs: 900, queuePerKeyMax: 3 },
    { threads: 1 },
  );
  await withGateway(config, async (gateway) => {
    const many = (client: string, count: number) =>
      Array.from({ length: count }, (_, i) => ask(gateway, `/late/${i}`, client));
    const answers = await Promise.all([...many('one', 4), ...many('two', 3), ...many('three', 3)]);
    const refused = answers.filter(({ status }) => status === 503);
    assert.ok(refused.length >= 1 && refused.length <= 8, `${refused.length} refused`);
    for (const answer of refused) agreeing(answer, 'throttled');
    const line = await gateway.line('a late one', ({ code, waitMs }) => code === 'SP_THROTTLED' && Number(waitMs) > 0);
    assert.equal(line.policy, 'steady');
    assert.ok(Number(line.waitMs) >= 899, `${line.waitMs}`);
    assert.equal(line.tries, 0);
    const went = await gateway.line('one that went on', ({ status, waitMs }) => status === 200 && Number(waitMs) > 100);
    assert.ok(Number(went.upstreamMs) <= Number(went.durationMs) - Number(went.waitMs), JSON.stringify(went));
    // A place in the queue is refused at once.
    const direct = await Promise.all(many('four', 20));
    const full = direct.filter(({ status }) => status === 503);
    assert.ok(full.length >= 8, `${full.length}`);
    assert.ok((await gateway.metric('sallyport_policy_requests_total', 'outcome="full"')) > 0);
  });
});

test('a client that leaves makes room for the next', async () => {
  await withGateway(throttled({ requests: 1, perMs: 4_000, deadlineMs: 60_000 }, { threads: 1 }), async (gateway) => {
    const from = seen.length;
    assert.equal((await ask(gateway, '/first')).status, 200);
    const leaver = dial(gateway);
    leaver.socket.write('POST /leaver HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
    await untilWaiting(gateway, 1);
    const behind = ask(gateway, '/behind');
    await untilWaiting(gateway, 2);
    leaver.socket.destroy();
    await untilWaiting(gateway, 1);
    assert.equal((await behind).status, 200);
    assert.deepEqual(
      seen.slice(from).map(({ path }) => path),
      ['/first', '/behind'],
    );
    const line = await gateway.line('the one that left', ({ path }) => path === '/leaver');
    assert.deepEqual([line.status, line.code, line.tries], [499, 'SP_REQUEST_ABORTED', 0]);
    assert.ok(Number(line.waitMs) > 0);
    assert.equal(await gateway.metric('sallyport_policy_requests_total', 'outcome="left"'), 1);
    assert.equal(await gateway.metric('sallyport_requests_in_flight'), 0);
  });
});

test('bodies wait with their requests: what came, what is held back, what comes later', async () => {
  const big = randomBytes(24 * MIB);
  const small = randomBytes(1_000);
  const chunked = (bytes: Buffer) =>
    Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
  const last = Buffer.from('0\r\n\r\n');
  const length = `Content-Length: ${big.length}`;
  const short = `Content-Length: ${small.length}`;
  const inChunks = 'Transfer-Encoding: chunked';
  /** The body, its framing, what is sent before the request goes on, each piece by itself, and what after. */
  const bodies: Readonly<Record<string, readonly [Buffer, string, readonly Buffer[], Buffer | null]>> = {
    whole: [big, length, [big], null],
    chunked: [big, inChunks, [chunked(big.subarray(0, 3 * MIB)), chunked(big.subarray(3 * MIB)), last], null],
    later: [big, length, [big.subarray(0, 1_000)], big.subarray(1_000)],
    'later-chunked': [big, inChunks, [chunked(big.subarray(0, 9))], Buffer.concat([chunked(big.subarray(9)), last])],
    small: [small, short, [small], null],
    expected: [small, `${short}\r\nExpect: 100-continue`, [small], null],
    pieces: [small, short, [small.subarray(0, 10), small.subarray(10, 11), small.subarray(11)], null],
    'small-chunked': [small, inChunks, [chunked(small.subarray(0, 7)), chunked(small.subarray(7)), last], null],
    empty: [Buffer.alloc(0), inChunks, [last], null],
  };
  const throttle = { requests: 1, perMs: 6_000, deadlineMs: 60_000, perRoute: true };
  const config = {
    ...throttled(throttle, { limits: { bodyBytesMax: 64 * MIB } }),
    routes: Object.keys(bodies).map((name) => ({
      name,
      paths: [`/${name}`],
      upstream: 'main',
      policies: { throttle: 'steady' },
    })),
  };
  await withGateway(config, async (gateway) => {
    const from = seen.length;
    for (const name of Object.keys(bodies)) assert.equal((await ask(gateway, `/${name}`)).status, 200);
    const clients = Object.entries(bodies).map(([name, [body, framing, pieces, rest]]) => {
      const { socket, answer } = dial(gateway);
      socket.setNoDelay(true);
      socket.write(`POST /${name} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
      return { name, socket, answer, body, pieces, rest };
    });
    await untilWaiting(gateway, clients.length);
    for (let i = 0; i < 3; i += 1) {
      for (const { socket, pieces } of clients) if (pieces[i] !== undefined) socket.write(pieces[i] as Buffer);
      await delay(100);
    }
    assert.equal(await gateway.metric('sallyport_throttle_waiting'), clients.length);
    for (const { name, socket, body, rest } of clients) {
      if (rest === null) assert.equal(socket.writableLength > 0, body === big, `${name}: a client is held back`);
    }
    await untilWaiting(gateway, 0);
    for (const { name, socket, answer, body, rest } of clients) {
      if (rest !== null) socket.write(rest);
      await until(`the answer of ${name}`, answer, 20_000);
      assert.equal(answer()?.status, 200, name);
      // The first on this path was the one that took the permit.
      const found = seen.slice(from).filter(({ path }) => path === `/${name}`);
      const digest = createHash('sha256').update(body).digest('hex');
      assert.deepEqual(found.slice(1), [{ client: '', path: `/${name}`, bytes: body.length, digest }]);
      socket.destroy();
    }
  });
});

test('a body over its bound is refused while it waits', async () => {
  const config = throttled({ requests: 1, perMs: 60_000, deadlineMs: 600_000 }, {}, { bodyBytesMax: 100 });
  await withGateway(config, async (gateway) => {
    assert.equal((await ask(gateway, '/taker')).status, 200);
    const { socket, answer } = dial(gateway);
    socket.write('POST /long HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    await untilWaiting(gateway, 1);
    socket.write(`80\r\n${'x'.repeat(128)}\r\n`);
    await until('the refusal', answer);
    assert.equal(answer()?.status, 413);
    assert.equal(await gateway.metric('sallyport_throttle_waiting'), 0);
    socket.destroy();
  });
});

test('a WebSocket waits for its turn, and is refused like any request', async () => {
  await withGateway(
    throttled({ requests: 1, perMs: 3_000, deadlineMs: 30_000, queueMax: 1 }, { threads: 1 }),
    async (gateway) => {
      assert.equal((await ask(gateway, '/taker')).status, 200);
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.http}/ws`);
      const opened = once(socket, 'open');
      await untilWaiting(gateway, 1);
      const refused = new WebSocket(`ws://127.0.0.1:${gateway.http}/ws`);
      const [, response] = (await once(refused, 'unexpected-response')) as [unknown, { statusCode: number }];
      assert.equal(response.statusCode, 503);
      refused.on('error', () => {}).terminate();
      await opened;
      socket.send('hello');
      const [data] = (await once(socket, 'message')) as [Buffer];
      assert.equal(data.toString(), 'hello');
      socket.close();
      await once(socket, 'close');
      const line = await gateway.line('the WebSocket', ({ status }) => status === 101);
      assert.ok(Number(line.waitMs) > 0, JSON.stringify(line));
      assert.ok(Number(line.upstreamMs) < Number(line.durationMs));
      // One that leaves while it waits.
      assert.equal((await ask(gateway, '/taker')).status, 200);
      const leaver = new WebSocket(`ws://127.0.0.1:${gateway.http}/ws`);
      leaver.on('error', () => {});
      await untilWaiting(gateway, 1);
      leaver.terminate();
      await untilWaiting(gateway, 0);
    },
  );
});

test('a WebSocket on a route that takes none does not wait for its refusal', async () => {
  const config = throttled(
    { requests: 1, perMs: 60_000, deadlineMs: 600_000 },
    {},
    { websocket: { enabled: false }, concurrency: { mode: 'fixed', max: 1 } },
  );
  await withGateway(config, async (gateway) => {
    assert.equal((await ask(gateway, '/taker')).status, 200);
    const refused = new WebSocket(`ws://127.0.0.1:${gateway.http}/ws`);
    const [, response] = (await once(refused, 'unexpected-response')) as [unknown, { statusCode: number }];
    refused.on('error', () => {}).terminate();
    assert.equal(response.statusCode, 403);
    const line = await gateway.line('the WebSocket', ({ code }) => code === 'SP_WEBSOCKET_REFUSED');
    assert.deepEqual([line.waitMs, line.tries], [undefined, 0]);
    assert.equal(await gateway.metric('sallyport_policy_requests_total', 'kind="throttle"'), 1);
    assert.equal(await gateway.metric('sallyport_policy_requests_total', 'kind="concurrency"'), 1);
  });
});

test('reloads answer everybody who waits: other bounds, another rate, no throttle at all', async () => {
  const first = { requests: 4, deadlineMs: 60_000, key: ['header:x-client'] };
  await withGateway(throttled(first), async (gateway) => {
    const answers = Array.from({ length: 12 }, (_, i) => ask(gateway, `/reload/${i}`, `client-${i % 3}`));
    await until('most to wait', async () => (await gateway.metric('sallyport_throttle_waiting')) >= 4);
    assert.ok((await gateway.reload(throttled({ ...first, queueMax: 5_000 }))).ok);
    assert.ok((await gateway.reload(throttled({ ...first, requests: 5 }))).ok);
    const plain = throttled(first, {}, { throttle: '' });
    assert.ok((await gateway.reload(plain)).ok);
    assert.equal((await ask(gateway, '/free')).status, 200);
    assert.equal((await gateway.reload({ ...plain, throttles: { steady: { requests: 0 } } })).ok, false);
    for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
    assert.equal(await gateway.metric('sallyport_requests_in_flight'), 0);
  });
});

test('a reload that the tables have no room for is refused as a whole; who waits does not notice', async () => {
  const perRoute = (name: string, count: number): ConfigDocument => ({
    ...throttled({ requests: 1, perMs: 2_000, deadlineMs: 60_000, perRoute: true }, { threads: 1 }),
    routes: Array.from({ length: count }, (_, i) => ({
      name: `${name}${i}`,
      paths: [`/${name}/${i}`],
      upstream: 'main',
      policies: { throttle: 'steady' },
    })),
  });
  await withGateway(perRoute('a', 600), async (gateway) => {
    const answers = Array.from({ length: 6 }, () => ask(gateway, '/a/7'));
    await until('most to wait', async () => (await gateway.metric('sallyport_throttle_waiting')) >= 3);
    const refused = await gateway.reload(perRoute('b', 600));
    assert.equal(refused.ok, false);
    assert.match(refused.text, /throttles: 600 are in use.*those of the last minute included/);
    assert.ok((await gateway.metric('sallyport_throttle_waiting')) > 0, 'the rows of before are known as before');
    assert.ok((await gateway.reload(perRoute('a', 601))).ok);
    for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
    assert.equal((await ask(gateway, '/a/600')).status, 200);
  });
});

test('a thread that dies takes nobody else’s turn', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-break-'));
  const config = throttled({ requests: 6, deadlineMs: 60_000, key: ['header:x-client'] });
  const preload = [join(DIST, 'test/support/break-thread.js')];
  const gateway = await startGateway({ config, preload, env: { SALLYPORT_TEST_BREAK: folder } });
  try {
    const answers = Array.from({ length: 24 }, (_, i) => ask(gateway, '/dies', `client-${i}`).catch(() => null));
    await until('most to wait', async () => (await gateway.metric('sallyport_throttle_waiting')) >= 12);
    writeFileSync(join(folder, 'throw'), '');
    await until('a new thread', async () => (await gateway.metric('sallyport_thread_restarts_total')) === 1);
    const all = await Promise.all(answers);
    const [served, lost] = [all.filter((one) => one?.status === 200).length, all.filter((one) => one === null).length];
    assert.equal(served + lost, 24);
    assert.ok(served >= 4, `${served} served, ${lost} were on the thread that died`);
    await until('nobody to wait', async () => (await gateway.metric('sallyport_throttle_waiting')) === 0);
    const threads = () => gateway.metric('sallyport_threads', 'state="running"');
    await until('both threads', async () => (await threads()) === 2);
    for (let i = 0; i < 6; i += 1) assert.equal((await ask(gateway, `/after/${i}`, `after-${i}`)).status, 200);
  } finally {
    rmSync(folder, { recursive: true });
    assert.equal(await gateway.stop(), 0);
  }
});

test('whatever clients do while they wait, each request has one outcome and nothing is left', async (t) => {
  const config = throttled(
    { requests: 80, key: ['header:x-client'], queueMax: 60, queuePerKeyMax: 20, deadlineMs: 600 },
    {},
    { bodyBytesMax: 2_000, concurrency: { mode: 'fixed', max: 10 } },
  );
  await withGateway(config, async (gateway) => {
    const post = (n: number, framing: string) =>
      `POST /wild/${n} HTTP/1.1\r\nHost: a\r\nX-Client: ${n % 7}\r\n${framing}\r\n\r\n`;
    const get = (n: number) => `GET /wild/${n} HTTP/1.1\r\nHost: a\r\nX-Client: ${n % 7}\r\n\r\n`;
    const acts: readonly ((socket: Socket, n: number) => Promise<void> | void)[] = [
      (socket, n) => void socket.write(get(n)),
      async (socket, n) => {
        socket.write(get(n));
        await delay((n * 37) % 700);
        socket.resetAndDestroy();
      },
      async (socket, n) => {
        socket.write(get(n));
        await delay((n * 53) % 300);
        socket.end();
      },
      async (socket, n) => {
        socket.write(get(n));
        await delay((n * 29) % 300);
        // A second one while the first waits: the front closes.
        socket.write(get(n));
      },
      async (socket, n) => {
        socket.write(post(n, 'Content-Length: 1000'));
        for (let sent = 0; sent < 1_000; sent += 100) {
          await delay((n * 13) % 90);
          socket.write('x'.repeat(100));
        }
      },
      async (socket, n) => {
        socket.write(post(n, 'Transfer-Encoding: chunked'));
        for (let i = 0; i < 5; i += 1) {
          await delay((n * 17) % 100);
          socket.write(`200\r\n${'y'.repeat(512)}\r\n`);
        }
      },
      async (socket, n) => {
        socket.write(post(n, 'Transfer-Encoding: chunked'));
        await delay((n * 41) % 400);
        socket.write('zz\r\nnot a chunk\r\n');
      },
    ];
    const clients: Promise<void>[] = [];
    for (let n = 0; n < 420; n += 1) {
      const { socket } = dial(gateway);
      clients.push((acts[n % acts.length] as (typeof acts)[0])(socket, n) ?? Promise.resolve());
      clients.push(delay(3_000).then(() => void socket.destroy()));
      if (n % 3 === 0) await delay(10);
    }
    await Promise.all(clients);
    await until('the end of all', async () => (await gateway.metric('sallyport_requests_in_flight')) === 0);
    assert.equal(await gateway.metric('sallyport_throttle_waiting'), 0);
    assert.equal(await gateway.metric('sallyport_concurrency_requests'), 0);
    const requests = await gateway.metric('sallyport_requests_total', 'route="all"');
    const outcomes = new Map<string, number>();
    for (const outcome of ['admitted', 'waited', 'late', 'full', 'left']) {
      const count = await gateway.metric(
        'sallyport_policy_requests_total',
        'kind="throttle"',
        'policy="steady"',
        `outcome="${outcome}"`,
      );
      outcomes.set(outcome, count);
    }
    t.diagnostic(`${requests} requests: ${JSON.stringify([...outcomes])}`);
    assert.ok(requests >= 400, `${requests}`);
    assert.equal(
      [...outcomes.values()].reduce((sum, count) => sum + count, 0),
      requests,
    );
    for (const outcome of ['waited', 'left']) assert.ok((outcomes.get(outcome) ?? 0) > 0, outcome);
    assert.equal((await ask(gateway, '/after')).status, 200);
  });
});

test('a shorter deadline holds for who waits already', async () => {
  const slow = { requests: 1, perMs: 20_000, deadlineMs: 60_000 };
  await withGateway(throttled(slow, { threads: 1 }), async (gateway) => {
    const answers = [1, 2].map((i) => ask(gateway, `/shorter/${i}`));
    await untilWaiting(gateway, 1);
    assert.ok((await gateway.reload(throttled({ ...slow, deadlineMs: 500 }, { threads: 1 }))).ok);
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    assert.deepEqual(statuses.sort(), [200, 503]);
  });
});

test('SIGTERM: all who wait are served in time', async () => {
  const gateway = await startGateway({ config: throttled({ requests: 6, deadlineMs: 60_000 }) });
  const answers = Array.from({ length: 10 }, (_, i) => ask(gateway, `/drain/${i}`));
  await until('most to wait', async () => (await gateway.metric('sallyport_throttle_waiting')) >= 4);
  assert.equal(await gateway.stop(), 0);
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
});

test('SIGTERM with a short deadline: all who still wait are told so', async () => {
  const gateway = await startGateway({
    config: throttled({ requests: 2, deadlineMs: 60_000 }, { drain: { deadlineMs: 1_000 } }),
  });
  const answers = Array.from({ length: 12 }, (_, i) => ask(gateway, `/drain/${i}`));
  await until('most to wait', async () => (await gateway.metric('sallyport_throttle_waiting')) >= 6);
  assert.equal(await gateway.stop(), 0);
  const all = await Promise.all(answers);
  for (const answer of all) if (answer.status !== 200) agreeing(answer, 'throttled');
  const served = all.filter(({ status }) => status === 200).length;
  assert.ok(served >= 1 && served <= 8, `${served} served`);
});
