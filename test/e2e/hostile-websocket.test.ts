import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { exchange, open } from '../support/raw-client.ts';
import { until } from '../support/wait.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
/** A masked ping (RFC 6455 5.5.2) with the longest payload; a mask of zeros leaves it as it is. */
const PING = Buffer.concat([Buffer.from([0x89, 0xfd, 0, 0, 0, 0]), Buffer.alloc(125, 'p')]);
const PINGS = Buffer.concat(Array.from({ length: 500 }, () => PING));
/** The same as a pong, which nobody answers. */
const PONG = Buffer.concat([Buffer.from([0x8a]), PING.subarray(1)]);
const PONGS = Buffer.concat(Array.from({ length: 500 }, () => PONG));
const MIB = 1_048_576;
const FLOOD_BYTES_MAX = 200 * MIB;

const LONG = 100_000;

/** Plain answers of the upstream to handshakes, by path. */
const REFUSALS: Readonly<Record<string, string>> = {
  '/phrase': 'HTTP/1.1 403 \x1b[2Jno\r\nContent-Length: 4\r\n\r\nnope',
  '/named':
    'HTTP/1.1 403 no\r\nConnection: x-inner, close\r\nX-Inner: 1\r\nX-Outer: 2\r\nContent-Length: 4\r\n\r\nnope',
  '/cut': 'HTTP/1.1 403 no\r\nContent-Length: 400\r\n\r\nnope',
  '/long': `HTTP/1.1 403 no\r\nContent-Length: ${LONG}\r\n\r\n${'x'.repeat(LONG)}`,
  '/long-chunked': `HTTP/1.1 403 no\r\nTransfer-Encoding: chunked\r\n\r\n${LONG.toString(16)}\r\n${'x'.repeat(LONG)}\r\n0\r\n\r\n`,
  '/old-chunked': 'HTTP/1.0 403 no\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnope\r\n0\r\n\r\n',
  '/fields': `HTTP/1.1 403 no\r\n${'A: b\r\n'.repeat(201)}Content-Length: 4\r\n\r\nnope`,
  '/interim': `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50)}HTTP/1.1 403 no\r\nContent-Length: 4\r\n\r\nnope`,
  '/few-interim': `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(3)}HTTP/1.1 403 no\r\nContent-Length: 4\r\n\r\nnope`,
};

let server: Server;
let gateway: Gateway;
let plainRequests = 0;
/** Sockets of handshakes that the upstream answers by hand, latest last. */
const held: Duplex[] = [];
/** Close codes and reasons as the upstream saw them, by path. */
const closes = new Map<string, string>();

before(async () => {
  server = createServer((_request, response) => {
    plainRequests += 1;
    response.end('plain');
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    const refusal = REFUSALS[request.url ?? ''];
    if (refusal !== undefined) {
      socket.end(Buffer.from(refusal, 'latin1'));
      return;
    }
    if (request.url === '/narrow' || request.url === '/drip') {
      held.push(socket);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (upgraded) => {
      upgraded.on('error', () => {});
      upgraded.on('close', (code, reason) => closes.set(request.url ?? '', `${code} ${reason.toString()}`));
      if (request.url === '/deaf') upgraded.pause();
      if (request.url !== '/leaves') return;
      // More than the kernel holds, less than the gateway does.
      for (let i = 0; i < 16; i += 1) upgraded.send(Buffer.alloc(MIB));
      upgraded.close(1000, 'all said');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const targets = [{ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }];
  gateway = await startGateway({
    config: {
      threads: 1,
      upstreams: {
        main: { targets },
        narrow: { targets, circuit: { requestsMax: 1 } },
        hasty: { targets, timeouts: { connectMs: 500, headMs: 500 } },
      },
      routes: [
        { name: 'narrow', paths: ['/narrow'], upstream: 'narrow' },
        { name: 'drip', paths: ['/drip'], upstream: 'hasty' },
        {
          name: 'all',
          upstream: 'main',
          policies: { websocket: { messageBytesMax: 2 * MIB, bufferBytesMax: 32 * MIB } },
        },
      ],
    },
  });
});

after(async () => {
  await gateway.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function handshake(path: string, key = KEY): Buffer {
  const fields = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13`;
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: h\r\n${fields}\r\n\r\n`);
}

async function refused(path: string, key = KEY): Promise<string> {
  const { bytes } = await exchange({ port: gateway.http, segments: [handshake(path, key)], timeoutMs: 8_000 });
  return bytes.toString('latin1');
}

test('a key that is not 16 bytes of base64 is refused', async () => {
  assert.match(await refused('/any', '@'.repeat(24)), /^HTTP\/1\.1 400 /);
});

test('an upgrade with a key of another length, or none, is refused and not forwarded as a plain request', async () => {
  const before = plainRequests;
  for (const key of ['c2hvcnQ=', 'A'.repeat(43), '']) {
    const answer = await refused('/any', key);
    assert.match(answer, /^HTTP\/1\.1 400 /, key);
    assert.match(answer, /urn:problem-type:gateway:websocket-handshake/, key);
  }
  assert.equal(plainRequests, before);
});

test('a refusal that the parser of plain answers would not take is not passed on', async () => {
  for (const path of ['/phrase', '/old-chunked', '/fields', '/interim'])
    assert.match(await refused(path), /^HTTP\/1\.1 502 /, path);
  assert.match(await refused('/few-interim'), /^HTTP\/1\.1 403 [\s\S]*nope$/);
});

test('a refusal with a body that is too long to hold is not cut to fit', async () => {
  for (const path of ['/long', '/long-chunked']) {
    assert.match(await refused(path), /^HTTP\/1\.1 502 /, path);
    const line = await gateway.line(path, (one) => one.path === path);
    assert.equal(line.code, 'SP_UPSTREAM_PROTOCOL');
    assert.match(String(line.reason), /longer than/);
  }
});

test('a refused handshake holds its place at the target until its body is there', async () => {
  const first = refused('/narrow');
  const socket = await until('the handshake', () => held.at(-1));
  socket.write('HTTP/1.1 403 no\r\nContent-Length: 4\r\n\r\nno');
  // The gateway has read the head by the time it has counted the answer.
  await until('the answer', async () => (await gateway.metric('sallyport_upstream_requests_total', '4xx')) > 0);
  assert.match(await refused('/narrow'), /^HTTP\/1\.1 503 /);
  socket.end('pe');
  assert.match(await first, /^HTTP\/1\.1 403 [\s\S]*nope$/);
  assert.equal(held.length, 1);
});

test('an upstream that answers a handshake byte by byte has no longer than others', async () => {
  const answer = refused('/drip');
  const socket = await until('the handshake', () => held[1]);
  socket.write('HTTP/1.1 403 no\r\nX: ');
  const dripping = setInterval(() => socket.write('x'), 100);
  assert.match(await answer, /^HTTP\/1\.1 504 /);
  clearInterval(dripping);
  await gateway.line('why', (line) => line.path === '/drip' && line.code === 'SP_UPSTREAM_TIMEOUT');
});

test('fields that the Connection field of a refused handshake names end here', async () => {
  const answer = await refused('/named');
  assert.match(answer, /x-outer: 2/i);
  assert.doesNotMatch(answer, /x-inner/i);
});

test('a part of the body of a refused handshake does not pass for the whole', async () => {
  assert.match(await refused('/cut'), /^HTTP\/1\.1 502 /);
});

test('a flood of control frames that the upstream does not read is cut', async () => {
  const before = gateway.memory().rss;
  const client = await connectDeaf('/deaf');
  const sent = await flood(client, PONGS);
  assert.ok(sent < FLOOD_BYTES_MAX, 'still open after all that');
  assert.ok(gateway.memory().rss - before < 150 * MIB, 'held what nobody reads');
  const line = await gateway.line('why', ({ reason }) => String(reason).includes('control frames'));
  assert.equal(line.code, 'SP_WEBSOCKET_FLOOD');
  client.destroy();
});

test('a flood of pings from a client that reads no answer is not held', async () => {
  const before = gateway.memory().rss;
  const client = await connectDeaf('/deaf-pings');
  await flood(client, PINGS);
  assert.ok(gateway.memory().rss - before < 100 * MIB, 'held what nobody reads');
  const line = await gateway.line('why', ({ path }) => path === '/deaf-pings');
  assert.equal(line.code, 'SP_WEBSOCKET_FLOOD');
  client.destroy();
});

/** An open WebSocket whose client reads nothing. */
async function connectDeaf(path: string): Promise<Socket> {
  const client = open({ port: gateway.http });
  client.on('error', () => {});
  client.write(handshake(path));
  const [head] = (await once(client, 'data')) as [Buffer];
  assert.match(head.toString('latin1'), /^HTTP\/1\.1 101 /);
  client.pause();
  return client;
}

test('a flood of pings towards an upstream that reads is closed with 1008 on both sides', async () => {
  const client = open({ port: gateway.http });
  client.on('error', () => {});
  const received: Buffer[] = [];
  client.on('data', (bytes) => received.push(bytes));
  client.write(handshake('/reads'));
  await until('101', () => received.length > 0);
  const ended = once(client, 'close');
  client.write(PINGS);
  await ended;
  const close = Buffer.concat([
    Buffer.from([0x88, 2 + 'too many pings'.length, 0x03, 0xf0]),
    Buffer.from('too many pings'),
  ]);
  assert.ok(Buffer.concat(received).includes(close), 'no close frame with 1008');
  assert.equal(await until('the upstream end', () => closes.get('/reads')), '1008 too many pings');
  const line = await gateway.line('why', ({ path }) => path === '/reads');
  assert.equal(line.code, 'SP_WEBSOCKET_FLOOD');
  assert.equal(line.reason, 'closed with 1008: too many pings');
});

test('a client that takes nothing does not keep a closed WebSocket', { timeout: 40_000 }, async () => {
  const client = open({ port: gateway.http });
  let isCut = false;
  client.on('error', () => {
    isCut = true;
  });
  client.write(handshake('/leaves'));
  await once(client, 'data');
  client.pause();
  // A little is read once the close has begun: the front's own time-out, 16 s after a close, starts anew with that.
  await gateway.line('the close', ({ path }) => path === '/leaves');
  client.resume();
  await once(client, 'data');
  client.pause();
  const startedAt = performance.now();
  const writing = setInterval(() => client.write(PONG), 250);
  await until('the cut', () => isCut, 10_000);
  clearInterval(writing);
  assert.ok(performance.now() - startedAt > 3_000, 'cut at once: a slow client gets time');
  client.destroy();
  assert.equal(await gateway.metric('sallyport_websockets_open'), 0);
});

/** Writes frames until the other side cuts. @returns  Bytes that were taken. */
async function flood(client: Socket, frames: Buffer): Promise<number> {
  let sent = 0;
  let isOpen = true;
  while (isOpen && sent < FLOOD_BYTES_MAX) {
    isOpen = await new Promise<boolean>((resolve) => {
      client.write(frames, (error) => resolve(!error));
    });
    sent += isOpen ? frames.length : 0;
  }
  return sent;
}
