import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { LINGER_BYTES_MAX, LINGER_MS } from '../../src/limits.ts';
import { type Gateway, simpleConfig, startGateway, UNINSPECTED } from '../support/gateway.ts';
import { until } from '../support/wait.ts';

/** What uWS reads at once. */
const READ_BYTES = 524_288;
const CHUNK = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536), Buffer.from('\r\n')]);
const LARGE_BYTES = 4_194_304;
/** Longest time from the end of lingering until uWS finds the connection silent: 10 s, looked at every 4 s. */
const SILENT_MS = 20_000;
let upstream: Server;
let gateway: Gateway;

/** Answers at once, in pieces, whatever the request still brings; its end comes in a packet of its own. */
before(async () => {
  upstream = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (head: Buffer) => {
      if (head.includes('/large')) {
        socket.write(`HTTP/1.1 401 No\r\nContent-Length: ${LARGE_BYTES}\r\n\r\n`);
        socket.write(Buffer.alloc(LARGE_BYTES, 'l'));
        return;
      }
      socket.write('HTTP/1.1 401 No\r\nContent-Length: 6\r\n\r\nabc');
      setTimeout(() => socket.write('def'), 50);
    });
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  gateway = await startGateway({ config: simpleConfig(port, { limits: { bodyBytesMax: 0 }, ...UNINSPECTED }) });
});

after(async () => {
  await gateway.stop();
  upstream.close();
});

interface Upload {
  readonly socket: Socket;
  readonly closed: () => boolean;
  readonly text: () => string;
}

/** Sends a head that announces a body, and waits for the answer's content. */
async function begin(path: string, framing = 'transfer-encoding: chunked'): Promise<Upload> {
  const socket = connect(gateway.http, '127.0.0.1');
  const pieces: Buffer[] = [];
  let closed = false;
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    closed = true;
  });
  socket.write(`POST ${path} HTTP/1.1\r\nhost: t\r\n${framing}\r\n\r\n`);
  const text = (): string => Buffer.concat(pieces).toString('latin1');
  await until('the answer', () => text().includes('def') || text().includes('lll'), 10_000, 5);
  return { socket, closed: () => closed, text };
}

function accessLine(path: string) {
  return gateway.line(path, (line) => line.msg === 'request' && line.path === path, 0, LINGER_MS + 10_000);
}

// Side by side: most of their time is spent waiting for time-outs of the front.
describe('an upload that goes on after a complete answer', { concurrency: true }, () => {
  test('without end: read up to a bound, then its connection is closed', async () => {
    const { socket, closed, text } = await begin('/endless');
    const send = (): void => {
      while (!socket.destroyed && socket.write(CHUNK));
    };
    socket.on('drain', send);
    send();
    const { bytesIn, status } = await accessLine('/endless');
    assert.equal(status, 401);
    assert.ok(Number(bytesIn) <= LINGER_BYTES_MAX + READ_BYTES, `${bytesIn} bytes`);
    await until('the end of the answer', () => text().endsWith('def\r\n0\r\n\r\n'));
    await until('the close', closed, SILENT_MS);
  });

  test('in a trickle: given up after a time', async () => {
    const { socket, closed, text } = await begin('/trickle');
    const trickle = setInterval(() => socket.write('1\r\nx\r\n'), 50);
    try {
      const { durationMs } = await accessLine('/trickle');
      assert.ok(Number(durationMs) >= LINGER_MS, `${durationMs} ms`);
      await until('the end of the answer', () => text().endsWith('def\r\n0\r\n\r\n'));
      await until('the close', closed, SILENT_MS);
    } finally {
      clearInterval(trickle);
      socket.destroy();
    }
  });

  test('to its end: read whole, and a client that looks only then finds the answer', async () => {
    const bytes = LINGER_BYTES_MAX / 2;
    const { socket, text } = await begin('/finite', `content-length: ${bytes}`);
    socket.write(Buffer.alloc(bytes));
    assert.equal((await accessLine('/finite')).bytesIn, bytes);
    await until('the end of the answer', () => text().endsWith('def\r\n0\r\n\r\n'));
    socket.destroy();
  });

  test('not at all: the client is told of the end without that wait', async () => {
    const { socket, closed, text } = await begin('/quiet');
    const { durationMs } = await accessLine('/quiet');
    assert.ok(Number(durationMs) < LINGER_MS, `${durationMs} ms`);
    await until('the end of the answer', () => text().endsWith('def\r\n0\r\n\r\n'));
    assert.match(text(), /connection: close\r\n/);
    await until('the close', closed, SILENT_MS);
    socket.destroy();
  });

  test('while a large answer is read late: the answer is whole', async () => {
    const { socket, closed, text } = await begin('/large');
    socket.pause();
    const trickle = setInterval(() => socket.write('1\r\nx\r\n'), 50);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    socket.resume();
    await until('the end of the answer', () => text().endsWith('\r\n0\r\n\r\n'));
    clearInterval(trickle);
    assert.equal((text().slice(text().indexOf('\r\n\r\n')).match(/l/g) ?? []).length, LARGE_BYTES);
    await until('the close', closed, SILENT_MS);
  });
});
