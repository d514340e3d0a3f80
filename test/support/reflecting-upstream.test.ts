import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startReflectingUpstream } from './reflecting-upstream.ts';
import { reflectionOf } from './reflection.ts';

const upstream = await startReflectingUpstream();
after(() => upstream.close());
const at = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${upstream.port}${path}`, init);

test('answers what it is asked to', async () => {
  const body = JSON.stringify({
    status: 500,
    headers: { 'X-A': '1', 'bad name': '2', 'Content-Length': '9' },
    body: 'é',
  });
  const answer = await at('/reflect', { method: 'POST', body });
  assert.deepEqual([answer.status, answer.headers.get('x-a'), await answer.text()], [500, '1', 'é']);
  assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
  const encoded = await at('/reflect/x', { method: 'POST', body: JSON.stringify({ encodedBody: 'AP8=' }) });
  assert.deepEqual([...new Uint8Array(await encoded.arrayBuffer())], [0, 255]);
});

test('everything else is an empty 200', async () => {
  for (const [path, method] of [['/', 'GET'] as const, ['/reflect', 'GET'] as const, ['/other', 'POST'] as const]) {
    const answer = await at(path, { method });
    assert.deepEqual([answer.status, await answer.text()], [200, ''], path);
  }
});

test('what is no description of an answer is refused', () => {
  for (const text of ['', 'no JSON', '[]', 'null', '{"status":"200"}', '{"status":700}', '{"headers":1}', '{"body":1}'])
    assert.equal(reflectionOf('POST', '/reflect', Buffer.from(text)).status, 400, text);
});

test('the type of a body that has none', () => {
  const typeOf = (body: string) => reflectionOf('POST', '/reflect', Buffer.from(JSON.stringify({ body }))).fields;
  assert.deepEqual(typeOf('<html>'), [['Content-Type', 'text/html; charset=utf-8']]);
  assert.deepEqual(typeOf('<?xml version="1.0"?>'), [['Content-Type', 'text/xml; charset=utf-8']]);
  assert.deepEqual(typeOf('x'), [['Content-Type', 'text/plain; charset=utf-8']]);
  assert.deepEqual(typeOf(''), []);
});
