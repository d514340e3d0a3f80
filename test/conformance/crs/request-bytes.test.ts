import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildRequest, type RequestParts } from './request-bytes.ts';
import { expandTemplate } from './template.ts';

const PARTS: RequestParts = {
  method: 'GET',
  uri: '/',
  version: 'HTTP/1.1',
  headers: [['Host', 'localhost']],
  data: Buffer.alloc(0),
  autocomplete: true,
};

function built(parts: Partial<RequestParts>, data = ''): string {
  return buildRequest({ ...PARTS, ...parts, data: Buffer.from(data, 'latin1') }).toString('latin1');
}

test('a request without a body is told to close, and no more', () => {
  assert.equal(built({}), 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  assert.equal(built({ autocomplete: false }), 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  assert.match(
    built({ headers: [['connection', 'keep-alive']] }),
    /^GET \/ HTTP\/1\.1\r\nconnection: keep-alive\r\n\r\n$/,
  );
});

test('a method with a body has a length, also of nothing', () => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) assert.match(built({ method }), /\r\nContent-Length: 0\r\n/);
  for (const method of ['GET', 'HEAD', 'OPTIONS']) assert.doesNotMatch(built({ method }), /Content-Length/);
});

test('data has a type and a length; what the test says stays', () => {
  assert.match(
    built({}, 'a=b'),
    /\r\nContent-Type: application\/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: 3\r\n\r\na=b$/,
  );
  assert.match(built({ headers: [['content-length', '9']] }, 'a=b'), /^GET \/ HTTP\/1\.1\r\ncontent-length: 9\r\n/);
  assert.doesNotMatch(built({ autocomplete: false }, 'a=b c'), /Content/);
});

test('form data is encoded, unless it may be already', () => {
  const body = (data: string): string => built({}, data).split('\r\n\r\n')[1] ?? '';
  const rows: readonly (readonly [data: string, sent: string])[] = [
    ['hello=world', 'hello=world'],
    ['foo bar', 'foo+bar'],
    ['a=1;b&c d=<e>=f', 'a=1%3Bb&c+d=%3Ce%3E%3Df'],
    ['foo+bar=<>', 'foo+bar=<>'],
    ['a=%20<', 'a=%20<'],
    ['a=%<', 'a=%<'],
    ['a=\xff', 'a=%FF'],
    ['a=b&', 'a=b'],
    ['&&a', '&&a'],
  ];
  for (const [data, sent] of rows) assert.equal(body(data), sent, data);
  assert.match(built({ headers: [['Content-Type', 'text/plain']] }, 'a b'), /\r\n\r\na b$/);
});

test('multipart data has CR LF, counted in its length', () => {
  const headers = [['Content-Type', 'multipart/form-data; boundary=x']] as const;
  assert.match(built({ headers }, '--x\n\n1\n--x--'), /\r\nContent-Length: 15\r\n\r\n--x\r\n\r\n1\r\n--x--$/);
});

test('the template that repeats a text', () => {
  assert.equal(expandTemplate('a={{ "1" | repeat 5 }}&b={{"xy"|repeat 2}}'), 'a=11111&b=xyxy');
  assert.equal(expandTemplate('{{constructor}} {{ "1" | other 5 }}'), '{{constructor}} {{ "1" | other 5 }}');
});
