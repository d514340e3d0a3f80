import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type EchoProcess, startEchoProcess } from '../support/echo-process.ts';
import { type Gateway, simpleConfig, startGateway } from '../support/gateway.ts';
import { exchange } from '../support/raw-client.ts';

const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n';
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
let upstream: EchoProcess;
let gateway: Gateway;

before(async () => {
  upstream = await startEchoProcess('a');
  gateway = await startGateway({ config: simpleConfig([upstream.port]) });
});

after(async () => {
  await gateway.stop();
  await upstream.kill();
});

async function send(bytes: string, methods: readonly string[]) {
  return exchange({ port: gateway.http, segments: [Buffer.from(bytes)], methods, timeoutMs: 5_000 });
}

test('nothing after a refused HEAD is read as a request', async () => {
  const { answers, end } = await send(
    `HEAD /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n${HIDDEN}`,
    ['HEAD', 'GET'],
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    [400],
  );
  assert.notEqual(end, 'timeout');
});

for (const [what, fields] of [
  ['without Upgrade and Connection', KEY],
  ['without Connection', `Upgrade: websocket\r\n${KEY}`],
  ['without Upgrade', `Connection: upgrade\r\n${KEY}`],
] as const) {
  test(`a WebSocket key ${what} opens no tunnel`, async () => {
    const { answers } = await send(`GET /ws HTTP/1.1\r\nHost: h\r\n${fields}Connection: close\r\n\r\n`, ['GET']);
    assert.equal(answers.length, 1);
    assert.notEqual(answers[0]?.status, 101);
  });
}
