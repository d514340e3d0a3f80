import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { type Gateway, simpleConfig, startGateway } from '../support/gateway.ts';
import { exchange, open } from '../support/raw-client.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
/** A masked ping (RFC 6455 5.5.2) with the longest payload; a mask of zeros leaves it as it is. */
const PING = Buffer.concat([Buffer.from([0x89, 0xfd, 0, 0, 0, 0]), Buffer.alloc(125, 'p')]);
const PINGS = Buffer.concat(Array.from({ length: 500 }, () => PING));
const MIB = 1_048_576;
const FLOOD_BYTES_MAX = 200 * MIB;

/** Plain answers of the upstream to handshakes, by path. */
const REFUSALS: Readonly<Record<string, string>> = {
  '/phrase': 'HTTP/1.1 403 \x1b[2Jno\r\nContent-Length: 4\r\n\r\nnope',
  '/named':
    'HTTP/1.1 403 no\r\nConnection: x-inner, close\r\nX-Inner: 1\r\nX-Outer: 2\r\nContent-Length: 4\r\n\r\nnope',
  '/cut': 'HTTP/1.1 403 no\r\nContent-Length: 400\r\n\r\nnope',
};

let server: Server;
let gateway: Gateway;

before(async () => {
  server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const refusal = REFUSALS[request.url ?? ''];
    if (refusal !== undefined) {
      socket.end(Buffer.from(refusal, 'latin1'));
      return;
    }
    sockets.handleUpgrade(request, socket, head, (upgraded) => {
      upgraded.on('error', () => {});
      upgraded.pause();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  gateway = await startGateway({ config: { threads: 1, ...simpleConfig([(server.address() as AddressInfo).port]) } });
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

test('control characters in the phrase of a refused handshake end here', async () => {
  const answer = await refused('/phrase');
  assert.match(answer, /^HTTP\/1\.1 403 \r\n/);
  assert.ok(answer.endsWith('nope'));
});

test('fields that the Connection field of a refused handshake names end here', async () => {
  const answer = await refused('/named');
  assert.match(answer, /x-outer: 2/i);
  assert.doesNotMatch(answer, /x-inner/i);
});

test('a part of the body of a refused handshake does not pass for the whole', async () => {
  assert.match(await refused('/cut'), /^HTTP\/1\.1 502 /);
});

test('a flood of pings from a client that reads no answer is cut', async () => {
  const before = gateway.memory().rss;
  const client = open({ port: gateway.http });
  client.on('error', () => {});
  client.write(handshake('/deaf'));
  const [head] = (await once(client, 'data')) as [Buffer];
  assert.match(head.toString('latin1'), /^HTTP\/1\.1 101 /);
  client.pause();
  const sent = await flood(client);
  assert.ok(sent < FLOOD_BYTES_MAX, 'still open after all that');
  assert.ok(gateway.memory().rss - before < 100 * MIB, 'held what nobody reads');
  await gateway.line('why', ({ reason }) => String(reason).includes('control frames'));
  client.destroy();
});

/** Writes pings until the other side cuts. @returns  Bytes that were taken. */
async function flood(client: Socket): Promise<number> {
  let sent = 0;
  let isOpen = true;
  while (isOpen && sent < FLOOD_BYTES_MAX) {
    isOpen = await new Promise<boolean>((resolve) => {
      client.write(PINGS, (error) => resolve(!error));
    });
    sent += isOpen ? PINGS.length : 0;
  }
  return sent;
}
