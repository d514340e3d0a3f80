import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  equalsLower,
  FIELD_BYTES,
  HEX_VALUES,
  isToken,
  LOWER_BYTES,
  lowerCaseBytes,
  skipSpace,
  TOKEN_BYTES,
  trimSpaceEnd,
} from '../../src/base/ascii.ts';

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);
const character = (byte: number): string => String.fromCharCode(byte);

describe('byte tables', () => {
  it('know tokens, field bytes, hex digits and letters', () => {
    for (const byte of BYTES) {
      const text = character(byte);
      assert.equal(TOKEN_BYTES[byte] === 1, /^[!#$%&'*+.^_`|~0-9A-Za-z-]$/.test(text), `token ${byte}`);
      assert.equal(FIELD_BYTES[byte] === 1, /^[\t\x20-\x7e\x80-\xff]$/.test(text), `field ${byte}`);
      assert.equal(HEX_VALUES[byte], /^[0-9a-fA-F]$/.test(text) ? Number.parseInt(text, 16) : 255, `hex ${byte}`);
      const upper = byte >= 0x41 && byte <= 0x5a;
      assert.equal(LOWER_BYTES[byte], upper ? text.toLowerCase().charCodeAt(0) : byte, `lower ${byte}`);
    }
  });

  it('compare names without case, letters only', () => {
    const name = lowerCaseBytes('Keep-Alive');
    assert.ok(equalsLower(Buffer.from('xkEEP-aLIVE'), 1, name));
    // 0x0d and 0x2d differ in the bit that makes letters lower case.
    assert.ok(!equalsLower(Buffer.from('keep\ralive'), 0, name));
    assert.ok(!equalsLower(Buffer.from('keep-aliv'), 0, name));
  });

  it('cut white space and know a token', () => {
    const text = Buffer.from(' \t a b\t ');
    assert.equal(skipSpace(text, 0, text.length), 3);
    assert.equal(trimSpaceEnd(text, 3, text.length), 6);
    assert.equal(skipSpace(text, 0, 2), 2);
    assert.equal(trimSpaceEnd(text, 6, 8), 6);
    assert.ok(isToken(text, 3, 4));
    assert.ok(!isToken(text, 3, 6));
    assert.ok(!isToken(text, 3, 3));
  });
});
