import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FIELD_BYTES } from '../../src/base/ascii.ts';
import { copyWords, fieldBytesEnd, viewOf, wordsOf } from '../../src/base/words.ts';

describe('words', () => {
  it('find each forbidden byte at each place, as the table does', () => {
    const buf = Buffer.alloc(24);
    for (let byte = 0; byte < 256; byte += 1) {
      for (let at = 0; at < 16; at += 1) {
        for (const filler of [0x61, 0x20, 0x09, 0x80, 0xff, 0x7e]) {
          buf.fill(filler);
          buf[at + 2] = byte;
          const expected = FIELD_BYTES[byte] === 1 ? 20 : at + 2;
          assert.equal(fieldBytesEnd(buf, viewOf(buf), 2, 20), expected, `byte ${byte} at ${at} in ${filler}`);
        }
      }
    }
  });

  it('never look past the end', () => {
    const buf = Buffer.from('abcdefg\0');
    for (let from = 0; from <= 7; from += 1) {
      for (let to = from; to <= 7; to += 1) assert.equal(fieldBytesEnd(buf, viewOf(buf), from, to), to);
    }
  });

  it('copy every size from and to every offset, and nothing beside it', () => {
    const source = Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 7) & 0xff));
    const target = Buffer.alloc(300);
    for (const from of [0, 1, 2, 3, 5]) {
      for (let size = 0; size < 290; size += 1) {
        target.fill(0xee);
        copyWords(target, wordsOf(target), 4 + from, source, viewOf(source), from, from + size);
        assert.ok(target.subarray(4 + from, 4 + from + size).equals(source.subarray(from, from + size)));
        assert.equal(target[3 + from], 0xee);
        assert.equal(target[4 + from + size], 4 + from + size < 300 ? 0xee : undefined);
      }
    }
  });

  it('see the buffer asked for, not the one before, also inside a shared pool', () => {
    const one = Buffer.from('one!');
    const two = Buffer.from('two!');
    for (const buf of [one, two, one]) assert.equal(viewOf(buf).getUint8(0), buf[0]);
    assert.equal(viewOf(two).byteLength, 4);
  });
});
