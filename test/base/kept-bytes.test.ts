import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeptBytes } from '../../src/base/kept-bytes.ts';
import { fuzzRun } from '../support/fuzz.ts';

test('what is taken is what was kept, whatever its pieces; the pieces may change afterwards', (t) => {
  const pieces = fc.array(
    fc.oneof(fc.uint8Array({ maxLength: 5 }), fc.uint8Array({ maxLength: 3_000 }), fc.uint8Array({ minLength: 9_000 })),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(fc.array(pieces, { minLength: 1, maxLength: 3 }), (rounds) => {
      const kept = new KeptBytes();
      for (const round of rounds) {
        const wanted = Buffer.concat(round);
        for (const piece of round) {
          kept.append(piece);
          piece.fill(0xee);
        }
        assert.equal(kept.length, wanted.length);
        const blocks = kept.take();
        assert.ok(Buffer.concat(blocks).equals(wanted));
        assert.equal(blocks.length > 0, round.length > 0, 'a block even for empty pieces: it carries the end');
        assert.ok(blocks.length <= 1 + round.length);
        assert.equal(kept.length, 0);
        assert.deepEqual(kept.take(), []);
      }
    }),
    fuzzRun(t, 300),
  );
});

test('many small pieces take few blocks, a single one no more than itself', () => {
  const kept = new KeptBytes();
  for (let i = 0; i < 131_072; i += 1) kept.append(Uint8Array.of(i));
  const blocks = kept.take();
  assert.ok(blocks.length <= 18, `${blocks.length} blocks`);
  assert.deepEqual(
    [...Buffer.concat(blocks)].findIndex((byte, i) => byte !== (i & 0xff)),
    -1,
  );
  kept.append(Buffer.alloc(5_000));
  assert.equal(kept.take()[0]?.buffer.byteLength, 5_000);
});
