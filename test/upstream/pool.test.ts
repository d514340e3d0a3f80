import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { Reply } from '../support/recording-upstream.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';
import { mainOf, Rig, startDeafServer, urlOf, withRig, withTarget } from './rig.ts';

/** Answers wait until the test lets them go, in any order. */
function holding() {
  const held: Reply[] = [];
  return { held, options: { onRequest: (_: unknown, reply: Reply) => void held.push(reply) } };
}

describe('idle connections', () => {
  test('are reused, the one used last first', async () => {
    const { held, options } = holding();
    await withTarget(options, {}, async (rig, target) => {
      const clients = [rig.call(), rig.call(), rig.call()];
      await until('three requests', () => held.length === 3);
      const order = [1, 2, 0];
      for (const index of order) {
        held[index]?.ok();
        await until('one more answer', () => clients.filter(({ over }) => over).length === order.indexOf(index) + 1);
      }
      assert.equal(rig.connections(), 3);
      const last = held[0]?.socket.remotePort;
      rig.call();
      await until('the fourth request', () => held.length === 4);
      assert.equal(held[3]?.socket.remotePort, last);
      held[3]?.ok();
      assert.deepEqual([target.accepted(), rig.events.opened, rig.events.reused], [3, 3, 1]);
    });
  });

  test('are closed after their time, and the target’s own announced one', async () => {
    const fields = ['', 'Keep-Alive: timeout=3\r\n'];
    const options = { onRequest: (_: unknown, reply: Reply) => reply.ok('', fields.shift() ?? '') };
    await withTarget(options, { keepAlive: { idleMs: 4_000 } }, async (rig, target) => {
      await rig.ask();
      rig.pass(3_900);
      assert.equal(rig.connections(), 1);
      rig.pass(200);
      assert.equal(rig.connections(), 0);
      await until('the close', () => target.open() === 0);
      await rig.ask();
      // A second before the target's own deadline.
      rig.pass(1_900);
      assert.equal(rig.connections(), 1);
      rig.pass(200);
      assert.equal(rig.connections(), 0);
      assert.equal(target.accepted(), 2);
    });
  });

  test('no more are kept than keepAlive.connectionsMax', async () => {
    const { held, options } = holding();
    await withTarget(options, { keepAlive: { connectionsMax: 1 } }, async (rig, target) => {
      const clients = [rig.call(), rig.call(), rig.call()];
      await until('three requests', () => held.length === 3);
      for (const reply of held) reply.ok();
      await Promise.all(clients.map((client) => rig.done(client)));
      assert.equal(rig.connections(), 1);
      await until('the others closed', () => target.open() === 1);
    });
  });

  test('one that the target closes is taken out at once, wherever it stands', async () => {
    const { held, options } = holding();
    await withTarget(options, {}, async (rig) => {
      const clients = [rig.call(), rig.call(), rig.call()];
      await until('three requests', () => held.length === 3);
      for (const reply of held) reply.ok();
      await Promise.all(clients.map((client) => rig.done(client)));
      for (const [closed, reply] of [held[1], held[0], held[2]].entries()) {
        reply?.socket.end();
        await until('the pool to notice', () => rig.connections() === 2 - closed);
      }
    });
  });

  test('one on which bytes come that nobody asked for is never used again', async () => {
    let socket: Socket | undefined;
    const options = {
      onConnection: (accepted: Socket) => {
        socket = accepted;
        return undefined;
      },
    };
    await withTarget(options, {}, async (rig, target) => {
      await rig.ask();
      socket?.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong');
      await until('the pool to notice', () => rig.connections() === 0);
      assert.notEqual((await rig.ask()).body.toString(), 'wrong');
      assert.equal(target.accepted(), 2);
    });
  });
});

describe('queue', () => {
  test('a request waits for its turn and gets the connection that becomes free', async () => {
    const { held, options } = holding();
    await withTarget(options, { circuit: { connectionsMax: 1 } }, async (rig, target) => {
      const [first, second, third] = [rig.call({ path: '/1' }), rig.call({ path: '/2' }), rig.call({ path: '/3' })];
      for (const [index, client] of [first, second, third].entries()) {
        await until('the request', () => held.length === index + 1);
        assert.equal(target.requests.at(-1)?.target, `/${index + 1}`);
        held[index]?.ok(`${index + 1}`);
        await rig.done(client);
        assert.equal(client.body.toString(), `${index + 1}`);
      }
      assert.equal(target.accepted(), 1);
    });
  });

  test('is served as well when the connection is lost, or must not be used again', async () => {
    const replies: ((reply: Reply) => void)[] = [
      (reply) => reply.reset(),
      (reply) => reply.ok('', 'Connection: close\r\n'),
      (reply) => reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nsurplus'),
      (reply) => reply.raw('garbage\r\n\r\n'),
      (reply) => reply.ok('last'),
    ];
    const options = { onRequest: (_: unknown, reply: Reply) => replies.shift()?.(reply) };
    await withTarget(options, { circuit: { connectionsMax: 1 }, retry: { attemptsMax: 1 } }, async (rig, target) => {
      const clients = Array.from({ length: 5 }, () => rig.call({ method: 'POST' }));
      await Promise.all(clients.map((client) => rig.done(client)));
      assert.deepEqual(
        clients.map(({ code, body }) => code ?? body.toString()),
        ['SP_UPSTREAM_RESET', '', '', 'SP_UPSTREAM_PROTOCOL', 'last'],
      );
      assert.equal(target.accepted(), 5);
    });
  });

  test('is bounded by circuit.pendingMax', async () => {
    const { held, options } = holding();
    await withTarget(options, { circuit: { connectionsMax: 1, pendingMax: 1 } }, async (rig, target) => {
      const first = rig.call();
      const second = rig.call();
      const third = rig.call();
      assert.equal(third.code, 'SP_UPSTREAM_OVERLOADED');
      await until('the first request', () => held.length === 1);
      held[0]?.ok();
      await until('the second request', () => held.length === 2);
      held[1]?.ok();
      await rig.done(first);
      await rig.done(second);
      assert.equal(target.accepted(), 1);
    });
  });

  test('is left by requests that go away, whoever stands behind them moves up', async () => {
    const { held, options } = holding();
    await withTarget(options, { circuit: { connectionsMax: 1 } }, async (rig, target) => {
      const [first, second, third] = [rig.call({ path: '/1' }), rig.call({ path: '/2' }), rig.call({ path: '/3' })];
      second.leave();
      await until('the first request', () => held.length === 1);
      held[0]?.ok();
      await rig.done(first);
      await until('the third request', () => held.length === 2);
      held[1]?.ok();
      await rig.done(third);
      assert.deepEqual(
        target.requests.map((request) => request.target),
        ['/1', '/3'],
      );
    });
  });

  test('ends after connectMs, which is no fault of the target', async () => {
    const { held, options } = holding();
    await withTarget(options, { circuit: { connectionsMax: 1 }, timeouts: { connectMs: 1_000 } }, async (rig) => {
      const first = rig.call();
      await until('the request', () => held.length === 1);
      const second = rig.call();
      rig.pass(1_100);
      assert.equal(second.code, 'SP_UPSTREAM_OVERLOADED');
      assert.equal(rig.events.connectFailed, 0);
      assert.equal(first.over, false);
      held[0]?.ok();
    });
  });

  test('who had to wait gets the whole time for connecting when a connection is opened at last', async () => {
    const deaf = await startDeafServer();
    const overrides = { circuit: { connectionsMax: 1 }, timeouts: { connectMs: 1_000 }, retry: { attemptsMax: 1 } };
    await withRig([urlOf(deaf.port)], overrides, async (rig) => {
      const first = rig.call();
      rig.pass(600);
      const second = rig.call();
      rig.pass(500);
      assert.equal(first.code, 'SP_UPSTREAM_CONNECT_TIMEOUT');
      rig.pass(600);
      assert.equal(second.over, false, 'given up after 600 ms of connecting');
      rig.pass(500);
      assert.equal(second.code, 'SP_UPSTREAM_CONNECT_TIMEOUT');
      assert.equal(rig.events.connectFailed, 2);
    });
    await deaf.close();
  });

  test('a reload that allows more connections serves those who wait', async () => {
    const { held, options } = holding();
    await withTarget(options, { circuit: { connectionsMax: 1 } }, async (rig, target) => {
      rig.call();
      rig.call();
      rig.configure({ main: mainOf([urlOf(target.port)], { circuit: { connectionsMax: 2 } }) });
      await until('both requests', () => held.length === 2);
      for (const reply of held) reply.ok();
    });
  });

  test('a fresh connection is opened in the place of an idle one where no more may be', async () => {
    const { held, options } = holding();
    await withTarget(options, { circuit: { connectionsMax: 2 } }, async (rig, target) => {
      const clients = [rig.call(), rig.call()];
      await until('two requests', () => held.length === 2);
      for (const reply of held) reply.ok();
      await Promise.all(clients.map((client) => rig.done(client)));
      const ready: number[] = [];
      const pool = rig.group.pool(rig.group.targets[0] as (typeof rig.group.targets)[number]);
      const waiter = pool.wait({
        isHead: false,
        onReady: (connection) => {
          ready.push(connection.requests);
          pool.release(connection);
        },
        onHead: () => false,
        onPiece: () => false,
        onEnd: () => assert.fail('nothing was asked'),
        onDrain: () => {},
        onFailure: (code) => assert.fail(code),
        onBug: (error) => assert.fail(String(error)),
      });
      assert.ok(waiter !== null);
      await until('a fresh connection', () => ready.length === 1);
      assert.deepEqual(ready, [0]);
      assert.deepEqual([target.accepted(), pool.connections], [3, 2]);
    });
  });
});

describe('connecting', () => {
  test('a target that lets nobody in: 504 after connectMs', async () => {
    const deaf = await startDeafServer();
    await withRig([urlOf(deaf.port)], { timeouts: { connectMs: 1_000 }, retry: { attemptsMax: 1 } }, async (rig) => {
      const client = rig.call();
      rig.pass(900);
      assert.equal(client.over, false);
      rig.pass(200);
      assert.equal(client.code, 'SP_UPSTREAM_CONNECT_TIMEOUT');
      assert.equal(rig.connections(), 0);
    });
    await deaf.close();
  });

  test('a connection that nobody waits for any more keeps its deadline', async () => {
    const deaf = await startDeafServer();
    await withRig([urlOf(deaf.port)], { timeouts: { connectMs: 1_000 } }, async (rig) => {
      rig.call().leave();
      assert.equal(rig.connections(), 1);
      rig.pass(1_100);
      assert.equal(rig.connections(), 0, 'it would stay for minutes, until the kernel gives up');
    });
    await deaf.close();
  });

  test('one that stands after all goes to the next request', async () => {
    await withTarget({}, {}, async (rig, target) => {
      rig.call().leave();
      await until('the connection', () => target.open() === 1);
      await until('it to be idle', () => rig.group.pool(rig.group.targets[0] as never).idle === 1);
      assert.equal((await rig.ask()).status, 200);
      assert.equal(target.accepted(), 1);
      assert.equal(rig.events.reused, 1);
    });
  });

  test('a stall of the loop is not taken for a slow target', async () => {
    const deaf = await startDeafServer();
    await withRig([urlOf(deaf.port)], { timeouts: { connectMs: 1_000 }, retry: { attemptsMax: 1 } }, async (rig) => {
      rig.stall(5_000);
      const client = rig.call();
      rig.pass(0);
      assert.equal(client.over, false, 'timed out at once: the wheel had not heard of the stall');
      rig.pass(1_100);
      assert.equal(client.code, 'SP_UPSTREAM_CONNECT_TIMEOUT');
    });
    await deaf.close();
  });

  test('a port where nobody listens: 502 at once, with the reason in the log only', async () => {
    const gone = await startRecordingUpstream();
    await gone.close();
    await withRig([urlOf(gone.port)], { retry: { attemptsMax: 1 } }, async (rig) => {
      const client = await rig.ask();
      assert.equal(client.code, 'SP_UPSTREAM_CONNECT');
      assert.equal(client.refusal?.detail, undefined);
      assert.match(client.tx.reason, /ECONNREFUSED/);
      assert.deepEqual([rig.events.connectFailed, rig.connections()], [1, 0]);
    });
  });
});

describe('configuration', () => {
  test('a target that leaves closes its idle connections now, its busy ones after their answer', async () => {
    const { held, options } = holding();
    const other = await startRecordingUpstream();
    await withTarget(options, {}, async (rig, target) => {
      const clients = [rig.call(), rig.call()];
      await until('two requests', () => held.length === 2);
      held[0]?.ok();
      await rig.done(clients[0] as (typeof clients)[number]);
      const slot = rig.group.targets[0]?.slot as number;
      assert.equal(rig.connections(slot), 2);
      rig.configure({ main: mainOf([urlOf(other.port)]) });
      assert.equal(rig.connections(slot), 1);
      held[1]?.ok('late');
      await rig.done(clients[1] as (typeof clients)[number]);
      assert.equal(clients[1]?.body.toString(), 'late');
      assert.equal(rig.connections(slot), 0);
      await until('the close', () => target.open() === 0);
    });
    await other.close();
  });

  test('a target that stays keeps its connections; one that comes back gets new ones', async () => {
    const other = await startRecordingUpstream();
    await withTarget({}, {}, async (rig, target) => {
      await rig.ask();
      const here = mainOf([urlOf(target.port)]);
      rig.configure({ main: { ...here, timeouts: { ...here.timeouts, headMs: 77 } } });
      await rig.ask();
      assert.equal(target.accepted(), 1);
      rig.configure({ main: mainOf([urlOf(other.port)]) });
      rig.configure({ main: here });
      await rig.ask();
      assert.equal(target.accepted(), 2);
      await rig.ask();
      assert.equal(target.accepted(), 2);
    });
    await other.close();
  });

  test('a plan without the authorities that a later upstream names is refused and leaves the pools alone', async () => {
    await withTarget({}, {}, async (rig, target) => {
      await rig.ask();
      const here = mainOf([urlOf(target.port)]);
      const broken = mainOf(['https://127.0.0.1:1'], { tls: { ca: '/nonexistent/ca.pem' } });
      assert.throws(
        () => rig.configure({ main: { ...here, circuit: { ...here.circuit, connectionsMax: 1 } }, broken }, {}),
        { code: 'SP_CONFIG', message: /ca\.pem was not read/ },
      );
      await rig.ask();
      assert.equal(target.accepted(), 1);
    });
  });
});

test('the end of the thread ends every connection and opens none for those who wait', async () => {
  const { held, options } = holding();
  const target = await startRecordingUpstream(options);
  const rig = new Rig([urlOf(target.port)], { circuit: { connectionsMax: 1 } });
  try {
    rig.call();
    rig.call();
    await until('the request', () => held.length === 1);
    rig.upstreams.close();
    assert.equal(rig.connections(), 0);
    assert.equal(rig.events.opened, 1);
    await until('the close', () => target.open() === 0);
  } finally {
    rig.dispose();
    await target.close();
  }
});
