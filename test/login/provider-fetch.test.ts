import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createConnections } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { askProvider } from '../../src/login/provider-fetch.ts';

const GET = { method: 'GET', headers: {}, body: null };

async function serve(t: TestContext, handle: RequestListener): Promise<string> {
  const server = createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('requests to a provider', () => {
  test('bring a form there and an answer back', async (t) => {
    const origin = await serve(t, async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify([request.method, request.headers['content-length'], Buffer.concat(pieces).toString()]),
      );
    });
    const body = new URLSearchParams({ a: 'ü' });
    const answer = await askProvider(`${origin}/token`, { ...GET, method: 'POST', body }, new Set([origin]), [], 5_000);
    assert.equal(answer.headers.get('content-type'), 'application/json');
    assert.deepEqual(await answer.json(), ['POST', '8', 'a=%C3%BC']);
  });

  test('go to allowed hosts alone, and follow no redirect', async (t) => {
    let asked = 0;
    const other = await serve(t, (_request, response) => {
      asked += 1;
      response.end();
    });
    const origin = await serve(t, (_request, response) => void response.writeHead(302, { location: other }).end());
    const answer = await askProvider(`${origin}/`, GET, new Set([origin]), [], 5_000);
    assert.equal(answer.status, 302);
    await assert.rejects(askProvider(`${other}/`, GET, new Set([origin]), [], 5_000), /neither the provider nor/);
    assert.equal(asked, 0);
  });

  test('fail on what is no answer, and not behind the back of whoever asked', async (t) => {
    for (const head of ['999 x', '600 x', '099 x', '101 x\r\nupgrade: x\r\nconnection: upgrade', '103 x\r\n\r\n']) {
      const server = createConnections((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end(`HTTP/1.1 ${head}\r\ncontent-length: 2\r\n\r\nhi`));
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      t.after(() => server.close());
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const asked = askProvider(`${origin}/`, GET, new Set([origin]), [], 30_000);
      await assert.rejects(asked, /status of the answer|without an answer|Parse Error|hang up/, head);
    }
  });

  test('take an answer that ends with its connection', async (t) => {
    const origin = await serve(t, (_request, response) => {
      response.shouldKeepAlive = false;
      response.useChunkedEncodingByDefault = false;
      response.write('a'.repeat(100_000));
      setImmediate(() => response.end('b'));
    });
    const answer = await askProvider(`${origin}/`, GET, new Set([origin]), [], 30_000);
    assert.equal((await answer.text()).length, 100_001);
  });

  test('end in time, and take no endless answer', async (t) => {
    const silent = await serve(t, () => undefined);
    await assert.rejects(askProvider(`${silent}/`, GET, new Set([silent]), [], 50), /abort|timeout/i);
    const endless = await serve(t, (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    });
    await assert.rejects(askProvider(`${endless}/`, GET, new Set([endless]), [], 20_000), /too long|aborted/);
  });
});
