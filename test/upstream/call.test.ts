import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { RETRIES_ALWAYS } from '../../src/upstream/retry-budget.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';
import { type Client, startDeafServer, urlOf, withRig, withTarget } from './rig.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const POST = { method: 'POST', contentLength: 5 };
const CHUNKED = { method: 'POST', contentLength: -1 };

/** Answers the first request of each connection, and dies at the second one without a word. */
function dyingReused(how: 'reset' | 'end') {
  return {
    onHead: (request: { index: number }, reply: { raw(bytes: string): void; reset(): void; socket: Socket }) => {
      if (request.index === 0) reply.raw(OK);
      else if (how === 'reset') reply.reset();
      else reply.socket.end();
      return true;
    },
  };
}

describe('request body', () => {
  test('with a length and chunked arrives as sent, in our own framing; the front’s memory is not kept', async () => {
    await withTarget({}, {}, async (rig, target) => {
      const plain = rig.call(POST);
      plain.send('ab');
      plain.send('cde', true);
      await rig.done(plain);
      const chunked = rig.call(CHUNKED);
      chunked.send('ab');
      chunked.send('');
      chunked.send('cde');
      await until('the first pieces', () => target.requests[1]?.bodyBytes === 5);
      chunked.send('f', true);
      await rig.done(chunked);
      assert.deepEqual(
        target.requests.map(({ body }) => body.toString()),
        ['abcde', 'abcdef'],
      );
      assert.deepEqual([plain.status, chunked.status, target.accepted()], [200, 200, 1]);
    });
  });

  test('a chunked body whose last piece is empty ends once', async () => {
    await withTarget({}, {}, async (rig, target) => {
      const client = rig.call(CHUNKED);
      client.send('ab');
      client.send('', true);
      await rig.done(client);
      assert.equal((await rig.ask()).status, 200);
      assert.deepEqual(
        target.requests.map(({ method, body }) => [method, body.toString()]),
        [
          ['POST', 'ab'],
          ['GET', ''],
        ],
      );
    });
  });

  test('a target that does not read pauses the client, and wakes it once it does', async () => {
    let socket: Socket | undefined;
    const onConnection = (accepted: Socket): undefined => {
      socket = accepted.pause();
    };
    const piece = new Uint8Array(65_536).fill(97);
    const pieces = 200;
    await withTarget({ onConnection, keepBodies: false }, {}, async (rig, target) => {
      const client = rig.call({ method: 'POST', contentLength: piece.length * pieces });
      let sent = 0;
      const pump = (): boolean => {
        while (sent < pieces && !client.bodyPaused) {
          sent += 1;
          client.send(piece, sent === pieces);
        }
        return client.bodyPaused;
      };
      await until('a pause behind full buffers', () => pump() && rig.requests() === 1 && socket !== undefined);
      const before = sent;
      assert.ok(before < pieces, 'all of it was taken: nothing was tested');
      socket?.resume();
      await until('the whole body', () => {
        pump();
        return client.over;
      });
      assert.ok(client.pauses >= 1);
      assert.deepEqual([target.requests[0]?.bodyBytes, client.status], [piece.length * pieces, 200]);
    });
  });

  test('while the target is being connected a bounded part is held, and the client paused', async () => {
    const deaf = await startDeafServer();
    await withRig([urlOf(deaf.port)], { timeouts: { connectMs: 1_000 }, retry: { attemptsMax: 1 } }, async (rig) => {
      const client = rig.call({ method: 'POST', contentLength: 1_000_000 });
      client.send(new Uint8Array(131_072));
      assert.equal(client.bodyPaused, false);
      client.send(new Uint8Array(1));
      assert.equal(client.bodyPaused, true);
      rig.pass(1_100);
      assert.equal(client.code, 'SP_UPSTREAM_CONNECT_TIMEOUT');
    });
    await deaf.close();
  });

  test('an answer that comes before the body is whole reaches the client; that connection is not used again', async () => {
    const onHead = (_: unknown, reply: { raw(bytes: string): void }): boolean => {
      reply.raw('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig');
      return true;
    };
    await withTarget({ onHead }, {}, async (rig, target) => {
      const client = rig.call({ method: 'POST', contentLength: 1_000_000 });
      client.send('abc');
      await rig.done(client);
      assert.deepEqual([client.status, client.body.toString(), rig.connections()], [413, 'big', 0]);
      client.send('still coming', true);
      await until('the close', () => target.open() === 0);
    });
  });

  test('nor one with request bytes that the target never took', async () => {
    let socket: Socket | undefined;
    const onConnection = (accepted: Socket): false => {
      socket = accepted;
      accepted.once('data', () => accepted.pause());
      return false;
    };
    await withTarget({ onConnection }, {}, async (rig) => {
      const piece = new Uint8Array(8_000_000);
      const client = rig.call({ method: 'POST', contentLength: piece.length });
      client.send(piece, true);
      await until('the head', () => socket?.isPaused());
      socket?.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig');
      await rig.done(client);
      assert.deepEqual([client.status, rig.connections()], [413, 0]);
    });
  });
});

describe('tries', () => {
  for (const how of ['reset', 'end'] as const) {
    test(`a reused connection that dies (${how}): GET goes once more, on a fresh one`, async () => {
      await withTarget(dyingReused(how), {}, async (rig, target) => {
        await rig.ask({ path: '/1' });
        const second = await rig.ask({ path: '/2' });
        assert.deepEqual([second.status, second.tx.tries, rig.events.retried], [200, 2, 1]);
        assert.deepEqual(
          target.requests.map((request) => request.target),
          ['/1', '/2', '/2'],
        );
        assert.equal(target.accepted(), 2);
        assert.deepEqual(rig.events.statuses, [200, 200], 'old age was counted against the target');
      });
    });

    test(`a reused connection that dies (${how}): POST is never repeated`, async () => {
      await withTarget(dyingReused(how), {}, async (rig, target) => {
        await rig.ask();
        const second = await rig.ask({ method: 'POST' });
        assert.deepEqual([second.code, second.tx.tries, target.requests.length], ['SP_UPSTREAM_RESET', 1, 2]);
      });
    });
  }

  test('a PUT whose body has begun is never repeated; one whose body has not is, whole', async () => {
    await withTarget(dyingReused('reset'), {}, async (rig, target) => {
      await rig.ask();
      const begun = rig.call({ method: 'PUT', contentLength: 5 });
      begun.send('ab');
      await rig.done(begun);
      assert.deepEqual([begun.code, begun.tx.tries], ['SP_UPSTREAM_RESET', 1]);
      await rig.ask();
      const waiting = rig.call({ method: 'PUT', contentLength: 5 });
      await until('the second try', () => waiting.tx.tries === 2 && target.requests.length === 5);
      assert.deepEqual([waiting.status, target.requests[4]?.method], [200, 'PUT']);
    });
  });

  test('a fresh connection that dies is not tried again: the request may be what kills the server', async () => {
    const onHead = (_: unknown, reply: { reset(): void }): boolean => {
      reply.reset();
      return true;
    };
    await withTarget({ onHead }, {}, async (rig, target) => {
      const client = await rig.ask();
      assert.deepEqual([client.code, client.tx.tries, target.requests.length], ['SP_UPSTREAM_RESET', 1, 1]);
      assert.deepEqual(rig.events.statuses, [0]);
    });
  });

  test('a reused connection that dies after a byte of an answer is not tried again', async () => {
    const onHead = (request: { index: number }, reply: { raw(bytes: string): void; socket: Socket }): boolean => {
      if (request.index === 0) reply.raw(OK);
      else reply.socket.end('H');
      return true;
    };
    await withTarget({ onHead }, {}, async (rig, target) => {
      await rig.ask();
      assert.deepEqual([(await rig.ask()).code, target.requests.length], ['SP_UPSTREAM_RESET', 2]);
    });
  });

  test('a target that refuses connections: any method goes to the next one, its body along', async () => {
    const gone = await startRecordingUpstream();
    await gone.close();
    const other = await startRecordingUpstream();
    await withRig([urlOf(gone.port), urlOf(other.port)], {}, async (rig) => {
      for (let i = 0; i < 4; i += 1) {
        const client = rig.call(POST);
        client.send('abcde', true);
        await rig.done(client);
        assert.equal(client.status, 200);
      }
      assert.deepEqual(
        other.requests.map(({ body }) => body.toString()),
        ['abcde', 'abcde', 'abcde', 'abcde'],
      );
      assert.ok(rig.events.retried >= 1);
    });
    await other.close();
  });

  test('retry.attemptsMax is kept, and tries are counted', async () => {
    const gone = await startRecordingUpstream();
    await gone.close();
    for (const attemptsMax of [1, 3]) {
      await withRig([urlOf(gone.port)], { retry: { attemptsMax } }, async (rig) => {
        const client = await rig.ask();
        assert.deepEqual([client.code, client.tx.tries], ['SP_UPSTREAM_CONNECT', attemptsMax]);
        assert.equal(rig.events.retried, attemptsMax - 1);
      });
    }
  });

  test('the budget bounds retries under way, and gets them back', async () => {
    const deaf = await startDeafServer();
    const overrides = { timeouts: { connectMs: 1_000 }, retry: { attemptsMax: 2, budgetPercent: 0 } };
    await withRig([urlOf(deaf.port)], overrides, async (rig) => {
      for (const round of [1, 2]) {
        const clients = Array.from({ length: RETRIES_ALWAYS + 5 }, () => rig.call());
        rig.pass(1_100);
        assert.equal(clients.filter(({ over }) => !over).length, RETRIES_ALWAYS, `round ${round}`);
        rig.pass(1_100);
        assert.ok(clients.every(({ code }) => code === 'SP_UPSTREAM_CONNECT_TIMEOUT'));
      }
      assert.equal(rig.events.retried, 2 * RETRIES_ALWAYS);
    });
    await deaf.close();
  });

  test('circuit.requestsMax refuses at once, and places are given back', async () => {
    const held: { ok(): void }[] = [];
    const onRequest = (_: unknown, reply: { ok(): void }): void => void held.push(reply);
    await withTarget({ onRequest }, { circuit: { requestsMax: 2 } }, async (rig) => {
      const clients = [rig.call(), rig.call(), rig.call()];
      assert.deepEqual(
        clients.map(({ code }) => code),
        [null, null, 'SP_UPSTREAM_OVERLOADED'],
      );
      await until('two requests', () => held.length === 2);
      for (const reply of held) reply.ok();
      await rig.done(clients[0] as Client);
      await rig.done(clients[1] as Client);
      const more = rig.call();
      await until('a third', () => held.length === 3);
      held[2]?.ok();
      await rig.done(more);
      assert.equal(more.status, 200);
    });
  });
});

describe('deadlines', () => {
  const silent = { onHead: () => true };

  test('headMs: 504, and the connection is closed', async () => {
    await withTarget(silent, { timeouts: { headMs: 1_000 } }, async (rig, target) => {
      const client = rig.call();
      await until('the request', () => target.requests.length === 1);
      rig.pass(900);
      assert.equal(client.over, false);
      rig.pass(200);
      assert.deepEqual([client.code, rig.connections()], ['SP_UPSTREAM_TIMEOUT', 0]);
    });
  });

  test('headMs counts from the end of the body', async () => {
    await withTarget(silent, { timeouts: { headMs: 1_000 } }, async (rig, target) => {
      const client = rig.call(POST);
      await until('the request', () => target.requests.length === 1);
      for (const letter of 'abcd') {
        rig.pass(900);
        client.send(letter);
      }
      client.send('e', true);
      rig.pass(900);
      assert.equal(client.over, false);
      rig.pass(200);
      assert.equal(client.code, 'SP_UPSTREAM_TIMEOUT');
    });
  });

  test('idleMs: an answer that stops is cut, one that goes on is not', async () => {
    let socket: Socket | undefined;
    const onHead = (_: unknown, reply: { socket: Socket }): boolean => {
      socket = reply.socket;
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na');
      return true;
    };
    await withTarget({ onHead }, { timeouts: { idleMs: 1_000 } }, async (rig) => {
      const client = rig.call();
      await until('the head', () => client.begun);
      for (let i = 2; i <= 4; i += 1) {
        rig.pass(900);
        socket?.write('b');
        await until('one more piece', () => client.body.length === i);
      }
      rig.pass(900);
      assert.equal(client.over, false);
      rig.pass(200);
      assert.deepEqual([client.how, client.code], ['cut', 'SP_UPSTREAM_IDLE_TIMEOUT']);
    });
  });

  test('totalMs of the route comes before the upstream’s; whatever goes on, it ends', async () => {
    await withTarget(silent, { timeouts: { totalMs: 60_000 } }, async (rig, target) => {
      const client = rig.call({ totalMs: 1_000 });
      const other = rig.call();
      await until('the requests', () => target.requests.length === 2);
      rig.pass(1_100);
      assert.deepEqual([client.code, other.over], ['SP_TOTAL_TIMEOUT', false]);
      assert.deepEqual(rig.events.statuses, [], 'the client’s own deadline was counted against the target');
      rig.pass(29_000);
      assert.equal(other.code, 'SP_UPSTREAM_TIMEOUT');
    });
  });

  test('a slow client is not the target’s fault: idleMs stands still while the client takes nothing', async () => {
    let socket: Socket | undefined;
    const onHead = (_: unknown, reply: { socket: Socket }): boolean => {
      socket = reply.socket;
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na');
      return true;
    };
    await withTarget({ onHead }, { timeouts: { idleMs: 1_000 } }, async (rig) => {
      const client = rig.call();
      client.takes = 1;
      await until('the first piece', () => client.blocked);
      rig.pass(100_000);
      assert.equal(client.over, false);
      socket?.write('bcd');
      client.drain();
      await rig.done(client);
      assert.deepEqual([client.how, client.body.toString()], ['streamed', 'abcd']);
    });
  });
});

describe('a client that leaves', () => {
  const onHead = () => true;

  test('while the target is being connected', async () => {
    const deaf = await startDeafServer();
    await withRig([urlOf(deaf.port)], { timeouts: { connectMs: 1_000 } }, async (rig) => {
      const client = rig.call(POST);
      client.send('ab');
      client.leave();
      assert.equal(rig.requests(), 0);
      rig.pass(1_100);
      assert.equal(rig.connections(), 0);
    });
    await deaf.close();
  });

  test('while it sends its body', async () => {
    await withTarget({ onHead }, {}, async (rig, target) => {
      const client = rig.call(POST);
      await until('the head', () => target.requests.length === 1);
      client.send('ab');
      client.leave();
      assert.deepEqual([rig.requests(), rig.connections()], [0, 0]);
      await until('the close', () => target.open() === 0);
    });
  });

  test('while the head is awaited', async () => {
    await withTarget({ onHead }, {}, async (rig, target) => {
      const client = rig.call();
      await until('the head', () => target.requests.length === 1);
      client.leave();
      assert.deepEqual([rig.requests(), rig.connections()], [0, 0]);
      await until('the close', () => target.open() === 0);
    });
  });

  for (const blocked of [false, true]) {
    test(`in the middle of the answer${blocked ? ', while it takes nothing' : ''}`, async () => {
      const onHead = (_: unknown, reply: { raw(bytes: string): void }): boolean => {
        reply.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n');
        return true;
      };
      await withTarget({ onHead }, {}, async (rig, target) => {
        const client = rig.call();
        if (blocked) client.takes = 1;
        await until('the first piece', () => client.body.length === 1);
        client.leave();
        assert.deepEqual([rig.requests(), rig.connections()], [0, 0]);
        await until('the close', () => target.open() === 0);
      });
    });
  }

  test('in the middle of a try that follows another', async () => {
    const gone = await startRecordingUpstream();
    await gone.close();
    const deaf = await startDeafServer();
    const overrides = { timeouts: { connectMs: 1_000 }, retry: { attemptsMax: 3 } };
    await withRig([urlOf(gone.port), urlOf(deaf.port)], overrides, async (rig) => {
      const clients = [rig.call(), rig.call()];
      await until('the second try', () => clients.some(({ tx }) => tx.tries === 2));
      for (const client of clients) client.leave();
      assert.equal(rig.requests(0) + rig.requests(1), 0);
      rig.pass(1_100);
      assert.equal(rig.connections(0) + rig.connections(1), 0);
    });
    await deaf.close();
  });
});

describe('phases behind the upstream', () => {
  test('one that refuses answers in its place; the upstream’s answer goes nowhere', async () => {
    await withTarget({}, {}, async (rig, target) => {
      const client = rig.call();
      client.laterPhase = 'refuse';
      await rig.done(client);
      assert.deepEqual([client.code, client.how, rig.connections()], ['SP_INTERNAL', 'refused', 0]);
      await until('the close', () => target.open() === 0);
    });
  });

  test('one that throws costs this request and its connection', async () => {
    await withTarget({}, {}, async (rig) => {
      const client = rig.call();
      client.laterPhase = 'throw';
      await rig.done(client);
      assert.deepEqual([client.bugs.length, client.finishes, rig.connections()], [1, 1, 0]);
      assert.equal((await rig.ask()).status, 200);
    });
  });
});
