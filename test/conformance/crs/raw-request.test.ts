import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRawRequest } from './raw-request.ts';

const CONNECTION = {
  uniqueId: 'u',
  clientAddress: '127.0.0.2',
  clientPort: 2,
  serverAddress: '127.0.0.1',
  serverPort: 1,
  startedAtMs: 0,
};
const read = (text: string) => readRawRequest(Buffer.from(text, 'latin1'), CONNECTION);

test('head and body, byte for byte', () => {
  assert.deepEqual(read('PO ST\r\n\r\n').kind, 'refused');
  assert.deepEqual(read('POST /a b?c=\xff HTTP/1.1\r\nA:  1 \r\na:\r\nContent-Length: 3\r\n\r\nx\x00\xffrest'), {
    kind: 'request',
    facts: {
      ...CONNECTION,
      method: 'POST',
      target: '/a b?c=\xff',
      protocol: 'HTTP/1.1',
      fields: ['A', '1', 'a', '', 'Content-Length', '3'],
    },
    body: 'x\x00\xff',
  });
});

test('chunks are put together; without framing there is no body', () => {
  const body = (head: string, rest: string): string => {
    const request = read(`POST / HTTP/1.1\r\n${head}\r\n\r\n${rest}`);
    return request.kind === 'request' ? request.body : request.reason;
  };
  assert.equal(body('Transfer-Encoding: chunked', '3\r\nHi \r\n3\r\nCRS\r\n0\r\n\r\n'), 'Hi CRS');
  assert.equal(body('Transfer-Encoding: chunked\r\nContent-Length: 1', '1;x=y\r\na\r\n0\r\n\r\n'), 'a');
  assert.equal(body('Transfer-Encoding: chunked', 'no size'), '');
  assert.equal(body('Content-Length: 3A', 'abc'), '');
  assert.equal(body('A: 1', 'abc'), '');
});

test('what has no reading is refused', () => {
  for (const text of [
    '',
    'GET / HTTP/1.1\r\nA: 1\r\n',
    'GET /\r\n\r\n',
    'GET / HTTP/0.9\r\n\r\n',
    'GET / JUNK/1.0\r\n\r\n',
  ])
    assert.equal(read(text).kind, 'refused', text);
  for (const field of ['no colon', ': no name'])
    assert.equal(read(`GET / HTTP/1.1\r\n${field}\r\n\r\n`).kind, 'refused');
});
