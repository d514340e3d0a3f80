import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { AnswerParser } from '../support/answer-parser.ts';
import { type ConfigDocument, type Gateway, startGateway } from '../support/gateway.ts';
import { until } from '../support/wait.ts';

const MIB = 1_048_576;
const BYTES = 250_000;
const CLIENTS = 8;
/** An object for each piece that waits takes 170 bytes and more, which makes 20 MiB a request. */
const MEMORY_PER_CLIENT = 6 * MIB;

/** Chunks of one byte each: a piece for each is what the front makes of them. */
const CHUNKS = Buffer.from(Array.from({ length: BYTES }, (_, i) => `1\r\n${i % 10}\r\n`).join(''));
const DIGEST = createHash('sha256')
  .update(Array.from({ length: BYTES }, (_, i) => `${i % 10}`).join(''))
  .digest('hex');

function upload(gateway: Gateway, path: string): Socket {
  const socket = connect(gateway.http, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
  socket.write(CHUNKS);
  socket.write('0\r\n\r\n');
  return socket;
}

/** How much the gateway grows by until it reads no more from its clients. */
async function growth(gateway: Gateway, begin: () => readonly Socket[]): Promise<{ bytes: number; sockets: Socket[] }> {
  const { rss } = gateway.memory();
  const sockets = [...begin()];
  let cpuMs = Number.NaN;
  await until(
    'rest',
    async () => {
      const before = cpuMs;
      cpuMs = gateway.cpuMs();
      return cpuMs - before <= 20;
    },
    40_000,
    500,
  );
  return { bytes: gateway.memory().rss - rss, sockets };
}

test('a body in pieces of one byte takes as much memory as its bytes, wherever it waits', async (t) => {
  const digests: string[] = [];
  const server = createServer((request, response) => {
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => hash.update(chunk));
    request.on('end', () => {
      digests.push(hash.digest('hex'));
      response.end('{}');
    });
  });
  /** Takes what fits into its socket, and answers nothing. */
  const taken: Socket[] = [];
  const deaf = createTcpServer({ pauseOnConnect: true }, (socket) => void taken.push(socket));
  server.listen(0, '127.0.0.1');
  deaf.listen(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(deaf, 'listening')]);
  const urlOf = (listener: { address(): unknown }) => `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const config: ConfigDocument = {
    threads: 1,
    upstreams: { main: { targets: [{ url: urlOf(server) }] }, deaf: { targets: [{ url: urlOf(deaf) }] } },
    throttles: { slow: { requests: 4, perMs: 12_000, deadlineMs: 120_000 } },
    routes: [
      { name: 'queue', paths: ['/queue'], upstream: 'main', policies: { throttle: 'slow' } },
      { name: 'deaf', paths: ['/deaf'], upstream: 'deaf' },
      { name: 'plain', paths: ['/plain'], upstream: 'main' },
    ],
  };
  const gateway = await startGateway({ config });
  try {
    // What the process takes for the first ones has nothing to do with how many there are.
    const warm = upload(gateway, '/plain');
    await until('the first body', () => digests.length === 1, 20_000);
    warm.destroy();
    for (const path of ['/deaf', '/queue']) {
      const { bytes, sockets } = await growth(gateway, () =>
        Array.from({ length: CLIENTS }, () => upload(gateway, path)),
      );
      t.diagnostic(`${path}: ${(bytes / MIB / CLIENTS).toFixed(1)} MiB a request`);
      assert.ok(bytes < CLIENTS * MEMORY_PER_CLIENT, `${path}: ${bytes} bytes for ${CLIENTS} requests`);
      if (path === '/deaf') for (const socket of sockets) socket.destroy();
    }
    await until('all from the queue', () => digests.length === 1 + CLIENTS, 60_000);
    assert.deepEqual(new Set(digests), new Set([DIGEST]));
    for (const socket of taken) socket.destroy();
    await until('the end of all', async () => (await gateway.metric('sallyport_requests_in_flight')) === 0);
    assert.equal(await gateway.metric('sallyport_handler_errors_total'), 0);
  } finally {
    assert.equal(await gateway.stop(), 0);
    server.closeAllConnections();
    server.close();
    for (const socket of taken) socket.destroy();
    deaf.close();
  }
});

test('an upload that came whole while it was held back may wait for a slow answer', async () => {
  const server = createServer((request, response) => {
    request.resume().on('end', () => setTimeout(() => response.end('{}'), request.url === '/slow' ? 14_000 : 0));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const config: ConfigDocument = {
    threads: 1,
    upstreams: { main: { targets: [{ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }] } },
    throttles: { slow: { requests: 1, perMs: 2_000, deadlineMs: 60_000 } },
    routes: [{ name: 'all', upstream: 'main', policies: { throttle: 'slow' } }],
  };
  const gateway = await startGateway({ config });
  const socket = connect(gateway.http, '127.0.0.1');
  try {
    await fetch(`http://127.0.0.1:${gateway.http}/first`);
    const parser = new AnswerParser();
    socket.on('data', (chunk: Buffer) => parser.push(chunk));
    // What a reset cost is seen in the answers.
    socket.on('error', () => parser.end());
    // One read brings more than a waiting request keeps, and the end with it.
    const chunk = `400\r\n${'x'.repeat(1_024)}\r\n`;
    socket.write(`POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(200)}0\r\n\r\n`);
    await until('the answer', () => parser.answers.length === 1, 30_000);
    socket.write('GET /next HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('the next one, on the same connection', () => parser.answers.length === 2);
    assert.deepEqual(
      parser.answers.map(({ status }) => status),
      [200, 200],
    );
  } finally {
    socket.destroy();
    assert.equal(await gateway.stop(), 0);
    server.closeAllConnections();
    server.close();
  }
});
