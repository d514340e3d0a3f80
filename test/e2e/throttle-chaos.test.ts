import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { AnswerParser } from '../support/answer-parser.ts';
import { type ConfigDocument, DIST, type Gateway, startGateway, UNINSPECTED } from '../support/gateway.ts';
import { until } from '../support/wait.ts';

/** Numbers from 0 to 1 of a seed, so that a run can be repeated. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Answers as the path says, in every way that an upstream can fail. */
async function startUpstream(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    // Who was cut in the middle of its body: seen at the other end.
    request.on('error', () => response.destroy());
    if (path.includes('/reset')) {
      request.socket.destroy();
    } else if (path.includes('/hang')) {
      request.resume();
    } else if (path.includes('/cut')) {
      request.resume();
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half');
      setTimeout(() => request.socket.destroy(), 20);
    } else if (path.includes('/early')) {
      response.writeHead(413, { connection: 'close' }).end('no');
    } else if (path.includes('/stream')) {
      request.resume();
      response.write('first');
      setTimeout(() => response.end('last'), 100);
    } else {
      request.resume().on('end', () => setTimeout(() => response.end('{}'), 5));
    }
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    // A gateway that left: seen there.
    socket.on('error', () => socket.destroy());
    if (request.url?.includes('/refused')) socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    else if (request.url?.includes('/reset')) socket.destroy();
    else if (!request.url?.includes('/hang')) {
      sockets.handleUpgrade(request, socket, head, (peer) => {
        peer.on('error', () => peer.terminate());
        peer.on('message', (data) => (String(data) === 'die' ? peer.terminate() : peer.send(data)));
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const PATHS = ['/plain', '/reset', '/hang', '/cut', '/early', '/stream'];

/** One client: a request of a random kind, left at a random moment in a random way. */
class Clients {
  readonly #gateway: Gateway;
  readonly #random: () => number;
  readonly running = new Set<Promise<void>>();
  readonly statuses = new Map<string, number>();
  #count = 0;

  constructor(gateway: Gateway, random: () => number) {
    this.#gateway = gateway;
    this.#random = random;
  }

  begin(): void {
    this.#count += 1;
    const run = (this.#random() < 0.2 ? this.#webSocket() : this.#plain()).finally(() => this.running.delete(run));
    this.running.add(run);
  }

  #pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)] as T;
  }

  #target(): string {
    return `${this.#pick(['/a', '/b', '/dead'])}${this.#pick(PATHS)}/${this.#count}`;
  }

  #saw(what: string): void {
    this.statuses.set(what, (this.statuses.get(what) ?? 0) + 1);
  }

  async #plain(): Promise<void> {
    const target = this.#target();
    const patience = this.#random() < 0.4 ? this.#random() * 400 : 4_000;
    const farewell = this.#pick(['destroy', 'resetAndDestroy', 'end'] as const);
    const [framing, pieces] = this.#body();
    const gapMs = this.#random() * 60;
    const socket = connect(this.#gateway.http, '127.0.0.1');
    const parser = new AnswerParser([framing === '' ? 'GET' : 'POST']);
    let isOver = false;
    const over = new Promise<void>((resolve) => {
      const settle = (): void => {
        isOver = true;
        resolve();
      };
      socket.on('data', (chunk: Buffer) => {
        parser.push(chunk);
        if (parser.answers.length > 0) settle();
      });
      socket.on('error', settle);
      socket.on('close', settle);
    });
    const method = framing === '' ? 'GET' : 'POST';
    const expects = framing !== '' && this.#random() < 0.1 ? 'Expect: 100-continue\r\n' : '';
    socket.write(`${method} ${target} HTTP/1.1\r\nHost: a\r\nX-Client: ${this.#count % 9}\r\n${expects}${framing}\r\n`);
    const send = async (): Promise<void> => {
      for (const piece of pieces) {
        if (isOver) return;
        socket.write(piece);
        await delay(gapMs);
      }
    };
    const sending = send();
    await Promise.race([over, delay(patience)]);
    this.#saw(parser.answers[0] === undefined ? 'none' : String(parser.answers[0].status));
    leave(socket, farewell);
    await sending;
    await delay(50);
    socket.destroy();
  }

  #body(): readonly [string, readonly (string | Buffer)[]] {
    const kind = Math.floor(this.#random() * 7);
    const chunk = `${(400).toString(16)}\r\n${'c'.repeat(400)}\r\n`;
    switch (kind) {
      case 0:
        return ['Content-Length: 1000\r\n', ['x'.repeat(300), 'x'.repeat(300), 'x'.repeat(400)]];
      case 1:
        return ['Transfer-Encoding: chunked\r\n', [chunk, chunk, '0\r\n\r\n']];
      case 2:
        // Over the bound of the route, while it waits or later.
        return ['Transfer-Encoding: chunked\r\n', Array.from({ length: 8 }, () => chunk.repeat(120))];
      case 3:
        // Held back.
        return ['Content-Length: 290000\r\n', [Buffer.alloc(150_000, 'y'), Buffer.alloc(140_000, 'z')]];
      case 4:
        // Never complete.
        return ['Content-Length: 1000\r\n', ['half']];
      case 5:
        return ['Transfer-Encoding: chunked\r\n', [chunk, 'nonsense\r\n\r\n']];
      default:
        return ['', ['']];
    }
  }

  async #webSocket(): Promise<void> {
    const path = `${this.#pick(['/a', '/b', '/dead', '/never'])}${this.#pick(['', '', '/refused', '/reset', '/hang'])}`;
    const patience = this.#random() * 1_500;
    const isRude = this.#random() < 0.5;
    const word = this.#pick(['hello', 'die']);
    const socket = new WebSocket(`ws://127.0.0.1:${this.#gateway.http}${path}`);
    const over = new Promise<void>((resolve) => {
      socket.on('close', () => resolve());
      socket.on('unexpected-response', (_request, response) => {
        this.#saw(`ws ${response.statusCode}`);
        resolve();
      });
      // Refused, reset or given up: `close` follows.
      socket.on('error', () => {});
      socket.on('open', () => {
        this.#saw('ws open');
        socket.send(word);
      });
    });
    await Promise.race([over, delay(patience)]);
    if (isRude) socket.terminate();
    else socket.close();
    await delay(50);
    socket.terminate();
  }
}

function leave(socket: Socket, how: 'destroy' | 'resetAndDestroy' | 'end'): void {
  if (how === 'destroy') socket.destroy();
  else if (how === 'end') socket.end();
  else socket.resetAndDestroy();
}

test('however requests end, nothing is left of them: queues, places, gauges', async (t) => {
  const seed = Number(process.env.SALLYPORT_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`SALLYPORT_FUZZ_SEED=${seed}`);
  const random = randomOf(seed);
  const upstream = await startUpstream();
  const { port } = upstream.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-break-'));
  const timeouts = { connectMs: 300, headMs: 700, idleMs: 1_000 };
  const config = (requests: number, max: number): ConfigDocument => ({
    ...UNINSPECTED,
    upstreams: {
      main: {
        targets: [{ url: `http://127.0.0.1:${port}` }],
        concurrency: { mode: 'adaptive', min: 5, max: 60, minRttEveryMs: 1_000 },
        timeouts,
        circuit: { pendingMax: 30 },
      },
      dead: { targets: [{ url: 'http://127.0.0.1:1' }], timeouts, concurrency: { mode: 'fixed', max: 5 } },
    },
    throttles: {
      steady: { requests, key: ['header:x-client'], queueMax: 40, queuePerKeyMax: 20, deadlineMs: 500 },
      own: { requests: requests / 2, perRoute: true, queueMax: 20, queuePerKeyMax: 20, deadlineMs: 700 },
    },
    timeouts: { bodyIdleMs: 800 },
    drain: { deadlineMs: 3_000 },
    routes: [
      { name: 'a', paths: ['/a/*', '/a'], upstream: 'main', policies: { throttle: 'steady', bodyBytesMax: 300_000 } },
      {
        name: 'b',
        paths: ['/b/*', '/b'],
        upstream: 'main',
        policies: { throttle: 'own', concurrency: { mode: 'fixed', max }, bodyBytesMax: 300_000 },
      },
      { name: 'dead', paths: ['/dead/*', '/dead'], upstream: 'dead', policies: { throttle: 'steady' } },
      { name: 'never', paths: ['/never'], upstream: 'main', policies: { websocket: { enabled: false } } },
    ],
  });
  const preload = [join(DIST, 'test/support/break-thread.js')];
  const gateway = await startGateway({ config: config(100, 12), preload, env: { SALLYPORT_TEST_BREAK: folder } });
  const clients = new Clients(gateway, random);
  const gauges = async (): Promise<Record<string, number>> => {
    const left: Record<string, number> = {};
    for (const name of ['requests_in_flight', 'websockets_open', 'throttle_waiting', 'concurrency_requests']) {
      left[name] = await gateway.metric(`sallyport_${name}`);
    }
    return left;
  };
  const flood = async (ms: number): Promise<void> => {
    for (const endMs = performance.now() + ms; performance.now() < endMs; ) {
      for (let i = random() * 6; i > 0; i -= 1) clients.begin();
      await delay(15);
    }
  };
  const quiet = async (what: string): Promise<void> => {
    await Promise.all(clients.running);
    let left: Record<string, number> = {};
    const isQuiet = async (): Promise<boolean> => {
      left = await gauges();
      return Object.values(left).every((count) => count === 0);
    };
    await until(what, isQuiet, 15_000, 50).catch((error: unknown) => {
      assert.fail(`${String(error)}: ${JSON.stringify(left)}`);
    });
  };
  /** Each request of a throttled route has one outcome, as long as no thread takes its counters along. */
  const outcomes = async (): Promise<void> => {
    for (const [policy, routes] of Object.entries({ steady: ['a', 'dead'], own: ['b'] })) {
      let requests = 0;
      for (const route of routes) {
        requests += await gateway.metric('sallyport_requests_total', `route="${route}"`);
      }
      const counted = await gateway.metric('sallyport_policy_requests_total', 'kind="throttle"', `policy="${policy}"`);
      // Refused before the throttle: a declared body over the bound has none here, and heads are well-formed.
      assert.equal(counted, requests, policy);
    }
  };
  try {
    await flood(3_000);
    assert.ok((await gateway.reload(config(60, 6))).ok);
    await flood(1_500);
    assert.equal((await gateway.reload({ ...config(60, 6), throttles: { steady: { requests: 0 } } })).ok, false);
    assert.ok((await gateway.reload(config(100, 12))).ok);
    await flood(1_000);
    await quiet('all to end');
    await outcomes();
    assert.equal(await gateway.metric('sallyport_handler_errors_total'), 0);

    // Errors in the middle of a request, and threads that die.
    for (const what of ['connect', 'throw', 'connect', 'exit']) {
      writeFileSync(join(folder, what), '');
      await flood(600);
    }
    await quiet('all to end behind the errors');
    await until('threads', async () => (await gateway.metric('sallyport_threads', 'state="running"')) === 2);
    assert.equal(await gateway.metric('sallyport_thread_restarts_total'), 2);
    t.diagnostic(JSON.stringify(Object.fromEntries([...clients.statuses].sort())));
    for (const what of ['200', '408', '413', '502', '503', '504', 'none', 'ws open', 'ws 403', 'ws 503']) {
      assert.ok((clients.statuses.get(what) ?? 0) > 0, `no ${what}: ${JSON.stringify([...clients.statuses])}`);
    }

    // The process ends while all of it goes on.
    const last = flood(500);
    await delay(300);
    assert.equal(await gateway.stop(), 0);
    await last;
    await Promise.all(clients.running);
  } finally {
    rmSync(folder, { recursive: true });
    await gateway.stop('SIGKILL');
    upstream.closeAllConnections();
    upstream.close();
  }
});
