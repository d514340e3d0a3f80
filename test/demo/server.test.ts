import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { type Demo, startDemo } from '../../src/demo/server.ts';

let demo: Demo;
before(async () => {
  demo = await startDemo(0);
});
after(() => demo.stop());

test('listens on loopback only', () => {
  assert.match(demo.url, /^http:\/\/127\.0\.0\.1:\d+$/);
});

test('every endpoint that GET / lists answers', async () => {
  const { endpoints } = (await (await fetch(`${demo.url}/`)).json()) as { endpoints: Record<string, string> };
  const names = Object.keys(endpoints).filter((name) => !name.endsWith('/ws'));
  assert.equal(names.length, 5);
  for (const name of names) {
    const [method = '', path = ''] = name.split(' ');
    const response = await fetch(demo.url + path, { method, ...(method === 'POST' ? { body: 'x' } : {}) });
    assert.equal(response.status, 200, name);
    assert.notEqual((await response.text()).length, 0, name);
  }
});

test('GET /items searches and cuts', async () => {
  const two = (await (await fetch(`${demo.url}/items?limit=2`)).json()) as { items: unknown[]; total: number };
  assert.equal(two.items.length, 2);
  assert.equal(two.total, 8);
  assert.deepEqual(await (await fetch(`${demo.url}/items?q=moat`)).json(), {
    items: [{ id: 4, name: 'moat' }],
    total: 1,
  });
  assert.equal((await fetch(`${demo.url}/items?limit=-1`)).status, 400);
});

test('POST /echo gives the body back, never as HTML', async () => {
  const text = '<script>alert(1)</script>';
  const response = await fetch(`${demo.url}/echo`, {
    method: 'POST',
    headers: { 'content-type': 'text/html' },
    body: text,
  });
  assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(await response.text(), text);
});

test('POST /echo has a bound', async () => {
  const body = Buffer.alloc(1_048_577);
  const response = await fetch(`${demo.url}/echo`, { method: 'POST', body });
  assert.equal(response.status, 413);
});

test('GET /stream is chunked and whole', async () => {
  const response = await fetch(`${demo.url}/stream`);
  assert.equal(response.headers.get('content-length'), null);
  assert.equal((await response.text()).trim().split('\n').length, 8);
});

test('HEAD answers as GET does, without a body', async () => {
  const response = await fetch(`${demo.url}/items`, { method: 'HEAD' });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), '');
});

test('what it does not know is a problem document', async () => {
  for (const path of ['/nope', '//', '/__proto__', '/constructor']) {
    const response = await fetch(demo.url + path);
    assert.equal(response.status, 404, path);
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
    assert.equal(((await response.json()) as { status: number }).status, 404);
  }
});

test('GET /ws echoes text and binary messages', async () => {
  const socket = new WebSocket(`${demo.url.replace('http', 'ws')}/ws`);
  await once(socket, 'open');
  socket.send('hello');
  const [text, textIsBinary] = (await once(socket, 'message')) as [Buffer, boolean];
  assert.deepEqual([text.toString(), textIsBinary], ['hello', false]);
  socket.send(Buffer.from([0, 255]));
  const [bytes, bytesAreBinary] = (await once(socket, 'message')) as [Buffer, boolean];
  assert.deepEqual([[...bytes], bytesAreBinary], [[0, 255], true]);
  socket.close();
  await once(socket, 'close');
});
