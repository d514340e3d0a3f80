import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import { LineSender, receiveLines } from '../../src/telemetry/line-channel.ts';

test('lines of several threads arrive whole, in order, the last ones of an ending thread too', async () => {
  const lines = 20_000;
  const received: string[] = [];
  const workers = [0, 1, 2].map((thread) => {
    const { port1, port2 } = new MessageChannel();
    receiveLines(port1, {
      write(chunk, done) {
        received.push(chunk);
        done();
      },
    });
    port1.ref();
    const closed = once(port1, 'close');
    const worker = new Worker(new URL('./line-worker.js', import.meta.url), {
      workerData: { port: port2, thread, lines },
      transferList: [port2],
    });
    return Promise.all([once(worker, 'exit'), closed]);
  });
  await Promise.all(workers);
  const next = [0, 0, 0];
  for (const chunk of received) {
    assert.ok(chunk.endsWith('\n'));
    for (const line of chunk.slice(0, -1).split('\n')) {
      const { thread, i } = JSON.parse(line) as { thread: number; i: number };
      assert.equal(i, next[thread]);
      next[thread] = i + 1;
    }
  }
  assert.deepEqual(next, [lines, lines, lines]);
});

test('a thread sends no more than is acknowledged', async () => {
  const { port1, port2 } = new MessageChannel();
  const sender = new LineSender(port2, 100);
  const waiting: (() => void)[] = [];
  const texts: string[] = [];
  const arrived = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => (texts.length >= count ? resolve() : setImmediate(look));
      look();
    });
  receiveLines(port1, {
    write(lines, done) {
      texts.push(lines);
      waiting.push(done);
    },
  });
  port1.ref();
  port2.ref();
  const line = `${'x'.repeat(59)}\n`;
  assert.ok(sender.send(line));
  assert.ok(!sender.send(line));
  assert.ok(sender.send('y'.repeat(40)));
  assert.ok(!sender.send('z'));
  await arrived(2);
  assert.equal(sender.bytesInFlight, 100);
  const acknowledged = once(port2, 'message');
  waiting[0]?.();
  await acknowledged;
  assert.equal(sender.bytesInFlight, 40);
  assert.ok(sender.send(line));
  await arrived(3);
  assert.deepEqual(texts, [line, 'y'.repeat(40), line]);
  port1.close();
});
