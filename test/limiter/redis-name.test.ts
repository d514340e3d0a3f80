import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLimiterWords, NAME_SEED_0, NAME_SEED_1 } from '../../src/limiter/layout.ts';
import { RedisName } from '../../src/limiter/redis-name.ts';

test('a name in Redis is HalfSipHash-2-4 of the id, as published for the message of bytes 0 to 7', () => {
  const words = createLimiterWords(8, 0);
  words[NAME_SEED_0] = 0x03020100;
  words[NAME_SEED_1] = 0x07060504;
  const names = new RedisName(words);
  // veorq/SipHash, vectors.h, HalfSipHash-2-4-64: ed fe e8 20 bc e4 85 8c, lowest byte first.
  assert.equal(names.of(0x07060504, 0x03020100), '8c85e4bc20e8feed');
  assert.equal(names.of(0x07060504, 0x03020100), '8c85e4bc20e8feed', 'again');
});

test('names have 16 digits and differ by id and seed', () => {
  const words = createLimiterWords(8, 0);
  const names = new RedisName(words);
  const made = new Set(Array.from({ length: 20_000 }, (_, i) => names.of(i & 127, i >> 7)));
  assert.equal(made.size, 20_000);
  assert.ok([...made].every((name) => /^[0-9a-f]{16}$/.test(name)));
  words[NAME_SEED_1] = 1;
  assert.ok(!made.has(new RedisName(words).of(0, 0)));
});
