import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopback, whyNotRange } from '../../src/config/address.ts';
import { either, nearest, pathText, quote } from '../../src/config/words.ts';

test('paths read as an operator writes them, and never collide', () => {
  assert.equal(pathText(['routes', 2, 'upstream']), 'routes[2].upstream');
  assert.equal(pathText(['upstreams', 'my-api', 'tls']), 'upstreams.my-api.tls');
  assert.equal(pathText(['upstreams', '2']), 'upstreams["2"]');
  assert.equal(pathText(['a', 'b.c']), 'a["b.c"]');
  const long = 'x'.repeat(200);
  assert.notEqual(pathText([`${long}a`]), pathText([`${long}b`]));
});

test('quoted texts are short and harmless to a terminal', () => {
  assert.equal(quote('a"b\n\u001b[2J\u009b\u202e'), '"a\\"b\\n\\u001b[2J\\u009b\\u202e"');
  assert.equal(quote('x'.repeat(100)), `"${'x'.repeat(60)}…"`);
});

test('the nearest name', () => {
  const known = ['upstream', 'paths', 'stripPrefix', 'warn', 'certificate'];
  const cases: [string, string | undefined][] = [
    ['upstraem', 'upstream'],
    ['Upstream', 'upstream'],
    ['path', 'paths'],
    ['strip_prefix', 'stripPrefix'],
    ['warning', 'warn'],
    ['cert', 'certificate'],
    ['hosts', undefined],
    ['x', undefined],
    ['', undefined],
    ['u'.repeat(1_000_000), undefined],
  ];
  for (const [word, name] of cases) assert.equal(nearest(word, known), name, word.slice(0, 20));
});

test('lists in words', () => {
  assert.deepEqual(
    [either([]), either(['a']), either(['a', 'b']), either(['a', 'b', 'c'])],
    ['', 'a', 'a or b', 'a, b or c'],
  );
});

test('loopback is what only this machine reaches', () => {
  for (const host of [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '0:0:0:0:0:0:0:1',
    'localhost',
    'LOCALHOST',
    '::ffff:127.0.0.1',
  ]) {
    assert.ok(isLoopback(host), host);
  }
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.example.com', '', '128.0.0.1', '::ffff:10.0.0.1']) {
    assert.ok(!isLoopback(host), host);
  }
});

test('ranges', () => {
  for (const range of ['10.0.0.0/8', '192.0.2.1', '::1', '2001:db8::/32', '0.0.0.0/0']) {
    assert.equal(whyNotRange(range), undefined, range);
  }
  for (const range of [
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/33',
    '::/129',
    '1.2.3',
    '10.0.0.0/8/8',
    'a',
    '::1%lo',
  ]) {
    assert.notEqual(whyNotRange(range), undefined, range);
  }
});
