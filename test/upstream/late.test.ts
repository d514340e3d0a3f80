import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/wait.ts';
import { withTarget } from './rig.ts';

test('idleMs: a target that stops taking the body', async () => {
  const sockets: Socket[] = [];
  const onConnection = (accepted: Socket): undefined => void sockets.push(accepted.pause());
  await withTarget({ onConnection, keepBodies: false }, { timeouts: { idleMs: 1_000 } }, async (rig) => {
    const piece = new Uint8Array(65_536);
    const client = rig.call({ method: 'POST', contentLength: piece.length * 1_000 });
    client.send(piece);
    await until('the connection', () => sockets.length === 1);
    await delay(50);
    await until('a pause behind full buffers', () => {
      while (!client.bodyPaused) client.send(piece);
      return client.bodyPaused;
    });
    await delay(50);
    assert.equal(client.bodyPaused, true);
    rig.pass(1_100);
    assert.equal(client.code, 'SP_UPSTREAM_IDLE_TIMEOUT');
  });
});

test('idleMs: a target that is silent after its client was slow', async () => {
  const onHead = (_: unknown, reply: { raw(bytes: string): void }): boolean => {
    reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na');
    return true;
  };
  await withTarget({ onHead }, { timeouts: { idleMs: 1_000 } }, async (rig) => {
    const client = rig.call();
    client.takes = 1;
    await until('the first piece', () => client.blocked);
    rig.pass(1_100);
    client.drain();
    rig.pass(1_100);
    assert.equal(client.code, 'SP_UPSTREAM_IDLE_TIMEOUT');
  });
});

test('a fault in a deadline costs one request, not the thread', async () => {
  await withTarget({ onHead: () => true }, { timeouts: { headMs: 1_000 } }, async (rig, target) => {
    const client = rig.call();
    await until('the request', () => target.requests.length === 1);
    const refuse = client.refuse.bind(client);
    let planted = true;
    client.refuse = (tx, refusal) => {
      if (planted) {
        planted = false;
        throw new Error('planted');
      }
      refuse(tx, refusal);
    };
    assert.doesNotThrow(() => rig.pass(1_100));
    assert.equal(client.bugs.length, 1);
    client.bugs.length = 0;
  });
});
