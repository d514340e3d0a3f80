import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CHUNK_LINE_BYTES_MAX, CHUNK_OVERHEAD_BYTES_MAX, TRAILER_BYTES_MAX } from '../../src/limits.ts';
import { CHUNK_DATA, CHUNK_DONE, CHUNK_ERROR, CHUNK_MORE, ChunkedDecoder } from '../../src/upstream/chunked-decoder.ts';

interface Result {
  readonly event: number;
  readonly body: string;
  readonly position: number;
  readonly reason: string;
}

/** Decodes until the body ends, fails, or bytes run out; `cut` is the size of the pieces. */
function decode(text: string, cut = text.length, decoder = new ChunkedDecoder()): Result {
  const input = Buffer.from(text, 'latin1');
  decoder.reset();
  let body = '';
  let event = CHUNK_MORE;
  let position = 0;
  for (let end = Math.min(cut, input.length); ; end = Math.min(end + cut, input.length)) {
    do {
      event = decoder.next(input, position, end);
      position = decoder.position;
      if (event === CHUNK_DATA) body += input.toString('latin1', decoder.dataStart, decoder.dataEnd);
    } while (event === CHUNK_DATA);
    if (event !== CHUNK_MORE || end === input.length) return { event, body, position, reason: decoder.reason };
    assert.equal(position, end);
  }
}

function accept(text: string, body: string): void {
  for (const cut of [text.length, 1, 2, 3, 7]) {
    assert.deepEqual(decode(text, cut), { event: CHUNK_DONE, body, position: text.length, reason: '' });
    assert.equal(decode(`${text}HTTP/1.1`, cut).position, text.length);
  }
}

function refuse(text: string, reason: string): void {
  for (const cut of [text.length, 1, 2]) {
    const result = decode(text, cut);
    assert.equal(result.event, CHUNK_ERROR, JSON.stringify(text.slice(0, 80)));
    assert.equal(result.reason, reason, JSON.stringify(text.slice(0, 80)));
  }
}

describe('chunked decoder', () => {
  it('decodes chunks, extensions and trailers', () => {
    accept('0\r\n\r\n', '');
    accept('5\r\nhello\r\n0\r\n\r\n', 'hello');
    accept('000000000000000a\r\n0123456789\r\n000\r\n\r\n', '0123456789');
    accept('A\r\n0123456789\r\n1\r\n\n\r\n0\r\n\r\n', '0123456789\n');
    accept('2;a;b=c;d="e;\\"\xff\t"\r\nxy\r\n0;last\r\nX-Sum: 1\r\nY:\r\n\r\n', 'xy');
  });

  it('wants more until the last byte', () => {
    const text = '5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n';
    for (let size = 0; size < text.length; size += 1) {
      assert.equal(decode(text.slice(0, size)).event, CHUNK_MORE, String(size));
    }
  });

  it('refuses, and says why', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['\r\n', 'chunk size is not hexadecimal'],
      [';a\r\n', 'chunk size is not hexadecimal'],
      [' 5\r\n', 'chunk size is not hexadecimal'],
      ['5 \r\n', 'chunk size is not hexadecimal'],
      ['5\t;a\r\n', 'chunk size is not hexadecimal'],
      ['+5\r\n', 'chunk size is not hexadecimal'],
      ['-1\r\n', 'chunk size is not hexadecimal'],
      ['0x5\r\n', 'chunk size is not hexadecimal'],
      ['5g\r\n', 'chunk size is not hexadecimal'],
      ['5\n', 'bare LF in a chunk-size line'],
      ['5\rx', 'bare CR in a chunk-size line'],
      ['20000000000000\r\n', 'chunk size too large'],
      ['ffffffffffffffff\r\n', 'chunk size too large'],
      ['00000000000000005\r\n', 'chunk size too large'],
      ['10000000000000005\r\n', 'chunk size too large'],
      ['5;\r\n', 'malformed chunk extension'],
      ['5;;a\r\n', 'malformed chunk extension'],
      ['5; a\r\n', 'malformed chunk extension'],
      ['5;a b\r\n', 'malformed chunk extension'],
      ['5;a=\r\n', 'malformed chunk extension'],
      ['5;a= b\r\n', 'malformed chunk extension'],
      ['5;a="b"c\r\n', 'malformed chunk extension'],
      ['5;a\0\r\n', 'malformed chunk extension'],
      ['5;a="b\0"\r\n', 'forbidden byte in a chunk extension'],
      ['5;a="b\r\n', 'forbidden byte in a chunk extension'],
      ['5;a="\\\n"\r\n', 'forbidden byte in a chunk extension'],
      ['5;a\n', 'bare LF in a chunk-size line'],
      ['5;a=b\n', 'bare LF in a chunk-size line'],
      ['5;a="b"\n', 'bare LF in a chunk-size line'],
      ['5;a=b\r;', 'bare CR in a chunk-size line'],
      ['5\r\nhelloX', 'no CRLF after chunk data'],
      ['5\r\nhello\n', 'no CRLF after chunk data'],
      ['5\r\nhello\r5', 'no CRLF after chunk data'],
      ['5\r\nhello0\r\n\r\n', 'no CRLF after chunk data'],
      ['0\r\n\n', 'malformed trailer field name'],
      ['0\r\n\rX', 'bare CR in the trailer section'],
      ['0\r\n: b\r\n', 'malformed trailer field name'],
      ['0\r\nA : b\r\n', 'malformed trailer field name'],
      ['0\r\nA\r\n\r\n', 'malformed trailer field name'],
      ['0\r\nA: b\r\n c\r\n', 'malformed trailer field name'],
      ['0\r\nA: \x7f\r\n', 'forbidden byte in a trailer field'],
      ['0\r\nA: \0\r\n', 'forbidden byte in a trailer field'],
      ['0\r\nA: b\n', 'bare LF in a trailer field'],
      ['0\r\nA: b\rC', 'bare CR in the trailer section'],
      ['0\r\nContent-Length: 5\r\n\r\n', 'framing field in the trailer section'],
      ['0\r\nA: b\r\ntransfer-ENCODING: chunked\r\n\r\n', 'framing field in the trailer section'],
    ];
    for (const [text, reason] of cases) refuse(text, reason);
    assert.equal(cases.length, 46);
    accept('0\r\nContent-Lengths: 5\r\nTransfer-Encodingg: x\r\n\r\n', '');
  });

  it('takes sizes up to 2^53-1', () => {
    const decoder = new ChunkedDecoder();
    const result = decode('001fffffffffffff\r\nx', undefined, decoder);
    assert.deepEqual(result, { event: CHUNK_MORE, body: 'x', position: 19, reason: '' });
  });

  it('bounds a size line, the trailer section, and framing without data', () => {
    const line = (size: number): string => `1;${'a'.repeat(size - 4)}\r\n`;
    assert.equal(decode(`${line(CHUNK_LINE_BYTES_MAX)}x\r\n0\r\n\r\n`).event, CHUNK_DONE);
    assert.equal(decode(line(CHUNK_LINE_BYTES_MAX + 1)).reason, 'chunk-size line too long');
    assert.equal(decode('0'.repeat(CHUNK_LINE_BYTES_MAX + 1)).reason, 'chunk size too large');

    const trailers = (size: number): string => `0\r\nA:${'b'.repeat(size - 6)}\r\n\r\n`;
    assert.equal(decode(trailers(TRAILER_BYTES_MAX)).event, CHUNK_DONE);
    assert.equal(decode(trailers(TRAILER_BYTES_MAX + 1)).reason, 'trailer section too large');

    const padded = `1;${'a'.repeat(1_014)}\r\nx\r\n`;
    assert.equal(decode(padded.repeat(Math.floor(CHUNK_OVERHEAD_BYTES_MAX / 1_000))).event, CHUNK_MORE);
    const flood = decode(padded.repeat(Math.floor(CHUNK_OVERHEAD_BYTES_MAX / 1_000) + 1));
    assert.equal(flood.reason, 'too much chunk framing for the data');
    // One byte a chunk is slow but honest; a signature of 80 bytes on chunks of 1 KiB is fair.
    assert.equal(decode(`${'1\r\nx\r\n'.repeat(20_000)}0\r\n\r\n`).body.length, 20_000);
    const signed = `400;chunk-signature=${'0'.repeat(64)}\r\n${'x'.repeat(1_024)}\r\n`;
    assert.equal(decode(`${signed.repeat(500)}0\r\n\r\n`).event, CHUNK_DONE);
  });

  it('stays done or failed until it is reset', () => {
    const decoder = new ChunkedDecoder();
    assert.equal(decode('0\r\n\r\n', undefined, decoder).event, CHUNK_DONE);
    assert.equal(decoder.next(Buffer.from('5\r\nhello'), 2, 8), CHUNK_DONE);
    assert.equal(decoder.position, 2);
    decoder.reset();
    assert.equal(decoder.next(Buffer.from('x'), 0, 1), CHUNK_ERROR);
    assert.equal(decoder.next(Buffer.from('5\r\nhello'), 0, 8), CHUNK_ERROR);
    assert.equal(decoder.reason, 'chunk size is not hexadecimal');
    assert.equal(decode('5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n', 1, decoder).body, 'hello');
  });
});
