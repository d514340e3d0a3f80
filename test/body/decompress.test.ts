import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { inflateBody } from '../../src/body/decompress.ts';

const MEBIBYTE = 1_048_576;
const plain = Buffer.from(JSON.stringify(Array.from({ length: 500 }, (_, id) => ({ id, name: `name ${id}` }))));

const CODINGS: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZIP', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
];

test('one coding is undone', () => {
  for (const [coding, compress] of CODINGS) {
    for (const bytes of [plain, Buffer.alloc(0), randomBytes(1_000)]) {
      const inflated = inflateBody(coding, compress(bytes), MEBIBYTE);
      assert.equal(inflated.kind, 'bytes', coding);
      assert.deepEqual(inflated.kind === 'bytes' && inflated.bytes, bytes);
    }
  }
});

test('no coding gives the bytes themselves', () => {
  for (const coding of ['', 'identity']) {
    assert.deepEqual(inflateBody(coding, plain, MEBIBYTE), { kind: 'bytes', bytes: plain });
    assert.equal(inflateBody(coding, plain, plain.length - 1).kind, 'too-large');
  }
});

test('lists of codings and others are unknown', () => {
  for (const coding of ['gzip, br', 'gzip,gzip', 'identity, gzip', 'zstd', 'compress', ' gzip', 'gzip\xa0']) {
    assert.equal(inflateBody(coding, gzipSync(plain), MEBIBYTE).kind, 'unknown-coding', coding);
  }
});

test('data that end early, go on, or are something else are broken', () => {
  for (const [coding, compress] of CODINGS) {
    const whole = compress(plain);
    for (const bytes of [
      whole.subarray(0, -1),
      whole.subarray(0, 3),
      Buffer.alloc(0),
      Buffer.concat([whole, Buffer.from('x')]),
      Buffer.concat([whole, whole]),
      plain,
    ]) {
      assert.equal(inflateBody(coding, bytes, MEBIBYTE).kind, 'broken', `${coding} ${bytes.length}`);
    }
  }
  assert.equal(inflateBody('deflate', deflateRawSync(plain), MEBIBYTE).kind, 'broken', 'without the zlib frame');
  assert.equal(inflateBody('gzip', deflateSync(plain), MEBIBYTE).kind, 'broken');
});

test('bombs end at the bound', () => {
  const zeros = Buffer.alloc(64 * MEBIBYTE);
  for (const [coding, compress] of CODINGS.slice(2)) {
    const bomb = compress(zeros);
    const before = process.memoryUsage().arrayBuffers;
    assert.equal(inflateBody(coding, bomb, MEBIBYTE).kind, 'too-large', coding);
    assert.equal(inflateBody(coding, bomb, 1_024 * MEBIBYTE).kind, 'too-large', `${coding} by its ratio`);
    assert.ok(process.memoryUsage().arrayBuffers - before < 32 * MEBIBYTE);
  }
});

test('the bounds hold to the byte, and small bodies may grow', () => {
  for (const [coding, compress] of CODINGS) {
    assert.equal(inflateBody(coding, compress(plain), plain.length).kind, 'bytes');
    assert.equal(inflateBody(coding, compress(plain), plain.length - 1).kind, 'too-large');
    assert.equal(inflateBody(coding, compress(Buffer.alloc(65_536)), MEBIBYTE).kind, 'bytes');
    assert.equal(inflateBody(coding, compress(Buffer.alloc(0)), 0).kind, 'bytes');
    assert.equal(inflateBody(coding, compress(Buffer.alloc(1)), 0).kind, 'too-large');
  }
});
