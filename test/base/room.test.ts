import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Room } from '../../src/base/room.ts';

test('a room gives the same memory again, and more when that is not enough', () => {
  const room = new Room(600);
  const bytes = room.of(600);
  assert.equal(room.of(1), bytes);
  const more = room.of(601);
  assert.notEqual(more.buffer, bytes.buffer);
  assert.ok(more.length >= 601);
});

test('its pieces begin where the memory does, and have their own length', () => {
  const room = new Room(600);
  const bytes = room.of(1);
  for (const fill of [1, 2]) {
    bytes.fill(fill);
    // 256 apart: pieces that take the place of one another.
    for (let length = 0; length <= 600; length += 1) {
      for (const one of [length, (length + 256) % 600]) {
        const piece = room.start(bytes, one);
        assert.deepEqual([piece.length, piece.buffer, piece.byteOffset], [one, bytes.buffer, bytes.byteOffset]);
        assert.ok(one === 0 || piece[one - 1] === fill);
      }
    }
  }
  const more = Buffer.alloc(700, 3);
  assert.deepEqual(room.start(more, 650), more.subarray(0, 650));
  assert.deepEqual(room.start(more, 5), more.subarray(0, 5));
});
