import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { TimerWheel } from '../../src/base/timer-wheel.ts';
import { HttpDownstream } from '../../src/http/downstream.ts';
import type { HttpResponse } from '../../src/http/uws-types.ts';
import type { TransactionOwner } from '../../src/transaction.ts';

test('a nudge that completes the answer leaves no timer', (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  let room = 3;
  let offset = 0;
  const response = {
    cork: (callback: () => void) => callback(),
    writeStatus: () => {},
    onWritable: () => {},
    getWriteOffset: () => offset,
    tryEnd: (chunk: Uint8Array) => {
      const taken = Math.min(room, chunk.length);
      offset += taken;
      return [taken === chunk.length, taken === chunk.length];
    },
  };
  let finished = 0;
  const owner = { finish: () => (finished += 1), failed: (_: unknown, error: unknown) => assert.fail(String(error)) };
  const wheel = new TimerWheel(0);
  const settings = { wheel, bodyIdleMs: 9_000, bodyTotalMs: 9_000, responseIdleMs: 30_000, draining: () => false };
  const down = new HttpDownstream(
    response as unknown as HttpResponse,
    owner as unknown as TransactionOwner,
    settings,
    0,
    0,
  );
  down.begin(200, Buffer.from('200 OK'), 10);
  assert.equal(down.write(Buffer.from('0123456789')), false);
  down.end();
  room = 10;
  now = 5_000;
  wheel.advance(now);
  assert.equal(finished, 1);
  assert.equal(down.tick, -1, 'armed again after its end');
});
