import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Reply, SeenRequest } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';
import { withTarget } from './rig.ts';

type Answer = string | readonly string[];

/** Gives these answers in order, whatever is asked; several pieces go out in writes of their own. */
function scripted(...answers: Answer[]) {
  let next = 0;
  return {
    onHead: (_: SeenRequest, reply: Reply): boolean => {
      const pieces = [answers[next] ?? 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast'].flat();
      next += 1;
      const write = async (): Promise<void> => {
        for (const piece of pieces) {
          if (piece === 'END') reply.socket.end();
          else if (piece === 'RESET') reply.reset();
          else reply.raw(piece);
          // A look at the sockets lies between a timer and an immediate: each piece comes in a read of its own.
          await delay(5);
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      void write();
      return true;
    },
  };
}

const head = (...lines: string[]): string => `HTTP/1.1 200 OK\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

describe('answers', () => {
  interface Case {
    readonly name: string;
    readonly answer: Answer;
    readonly how: string;
    readonly body: string;
    /** Whether the connection serves the next request, too. */
    readonly reused: boolean;
    readonly method?: string;
    readonly length?: number;
  }
  const LENGTH = head('Content-Length: 4');
  const CHUNKED = head('Transfer-Encoding: chunked');
  const cases: readonly Case[] = [
    { name: 'a length, in one read', answer: `${LENGTH}abcd`, how: 'whole', body: 'abcd', reused: true },
    { name: 'length 0', answer: head('Content-Length: 0'), how: 'whole', body: '', reused: true },
    {
      name: 'a length, body apart',
      answer: [LENGTH, 'ab', 'cd'],
      how: 'streamed',
      body: 'abcd',
      reused: true,
      length: 4,
    },
    {
      name: 'a head in three reads',
      answer: ['HTTP/1.1 200 OK\r\nConte', 'nt-Length: 4\r\n\r', '\nabcd'],
      how: 'whole',
      body: 'abcd',
      reused: true,
    },
    {
      name: 'chunks, in one read',
      answer: `${CHUNKED}1\r\na\r\n3\r\nbcd\r\n0\r\n\r\n`,
      how: 'whole',
      body: 'abcd',
      reused: true,
    },
    {
      name: 'chunks, in pieces',
      answer: [`${CHUNKED}1\r\na\r\n3\r\nb`, 'c', 'd\r\n0\r', '\n\r\n'],
      how: 'streamed',
      body: 'abcd',
      reused: true,
      length: -1,
    },
    {
      name: 'chunks, head alone first',
      answer: [CHUNKED, '4\r\nabcd\r\n0\r\n\r\n'],
      how: 'streamed',
      body: 'abcd',
      reused: true,
      length: -1,
    },
    { name: 'a trailer', answer: `${CHUNKED}4\r\nabcd\r\n0\r\nx: y\r\n\r\n`, how: 'whole', body: 'abcd', reused: true },
    {
      name: 'the end of the connection',
      answer: [head(), 'ab', 'cd', 'END'],
      how: 'streamed',
      body: 'abcd',
      reused: false,
      length: -1,
    },
    {
      name: 'close, with a length',
      answer: `${head('Connection: close', 'Content-Length: 4')}abcd`,
      how: 'whole',
      body: 'abcd',
      reused: false,
    },
    {
      name: 'HTTP/1.0',
      answer: 'HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nabcd',
      how: 'whole',
      body: 'abcd',
      reused: false,
    },
    { name: 'bytes after the body', answer: `${LENGTH}abcdHTTP/1.1 200 OK`, how: 'whole', body: 'abcd', reused: false },
    {
      name: 'bytes after the last chunk',
      answer: `${CHUNKED}4\r\nabcd\r\n0\r\n\r\nX`,
      how: 'whole',
      body: 'abcd',
      reused: false,
    },
    {
      name: 'bytes after a streamed body',
      answer: [`${LENGTH}a`, 'bcdX'],
      how: 'streamed',
      body: 'abcd',
      reused: false,
      length: 4,
    },
    { name: 'HEAD', answer: LENGTH, how: 'empty', body: '', reused: true, method: 'HEAD', length: 4 },
    { name: 'HEAD, chunked', answer: CHUNKED, how: 'empty', body: '', reused: true, method: 'HEAD', length: -1 },
    {
      name: 'HEAD with a body all the same',
      answer: `${LENGTH}abcd`,
      how: 'empty',
      body: '',
      reused: false,
      method: 'HEAD',
      length: 4,
    },
    { name: '204', answer: 'HTTP/1.1 204 No Content\r\n\r\n', how: 'empty', body: '', reused: true, length: -1 },
    {
      name: '304 with a length',
      answer: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n',
      how: 'empty',
      body: '',
      reused: true,
      length: 4,
    },
    {
      name: '204 with a body',
      answer: 'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nabcd',
      how: 'empty',
      body: '',
      reused: false,
      length: -1,
    },
    {
      name: 'interim heads first',
      answer: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${LENGTH}abcd`,
      how: 'whole',
      body: 'abcd',
      reused: true,
    },
    {
      name: 'interim heads in reads of their own',
      answer: ['HTTP/1.1 103 Early Hints\r\n\r\n', 'HTTP/1.1 103 Early ', `Hints\r\n\r\n${LENGTH}abcd`],
      how: 'whole',
      body: 'abcd',
      reused: true,
    },
  ];
  for (const { name, answer, how, body, reused, method = 'GET', length } of cases) {
    test(name, async () => {
      await withTarget(scripted(answer), {}, async (rig, target) => {
        const client = await rig.ask({ method });
        assert.deepEqual([client.how, client.body.toString(), client.code], [how, body, null]);
        if (length !== undefined) assert.equal(client.length, length);
        assert.equal((await rig.ask()).body.toString(), 'last', 'the next answer is not its own');
        assert.equal(target.accepted(), reused ? 1 : 2);
      });
    });
  }
});

describe('answers that fail', () => {
  const cases: readonly (readonly [name: string, answer: Answer, how: string, code: string])[] = [
    ['a reset before the head', 'RESET', 'refused', 'SP_UPSTREAM_RESET'],
    ['an end before the head', 'END', 'refused', 'SP_UPSTREAM_RESET'],
    ['an end within the head', ['HTTP/1.1 200', 'END'], 'refused', 'SP_UPSTREAM_RESET'],
    ['a reset within a body', [`${head('Content-Length: 9')}abc`, 'RESET'], 'cut', 'SP_UPSTREAM_RESET'],
    ['an end within a body', [`${head('Content-Length: 9')}abc`, 'END'], 'cut', 'SP_UPSTREAM_RESET'],
    ['an end within chunks', [`${head('Transfer-Encoding: chunked')}9\r\nabc`, 'END'], 'cut', 'SP_UPSTREAM_RESET'],
    [
      'an end before the last chunk',
      [`${head('Transfer-Encoding: chunked')}1\r\na\r\n`, 'END'],
      'cut',
      'SP_UPSTREAM_RESET',
    ],
    ['a reset of an answer without a length', [`${head()}abc`, 'RESET'], 'cut', 'SP_UPSTREAM_RESET'],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n', 'refused', 'SP_UPSTREAM_PROTOCOL'],
    ['a chunk size that is none', `${head('Transfer-Encoding: chunked')}xyz\r\n`, 'refused', 'SP_UPSTREAM_PROTOCOL'],
    ['the same, later', [`${head('Transfer-Encoding: chunked')}1\r\na\r\n`, 'xyz\r\n'], 'cut', 'SP_UPSTREAM_PROTOCOL'],
    ['101 unasked', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'refused', 'SP_UPSTREAM_PROTOCOL'],
    ['interim heads without end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(17), 'refused', 'SP_UPSTREAM_PROTOCOL'],
    ['a head over all bounds', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`, 'refused', 'SP_UPSTREAM_HEAD_TOO_LARGE'],
  ];
  for (const [name, answer, how, code] of cases) {
    test(name, async () => {
      await withTarget(scripted(answer), {}, async (rig, target) => {
        const client = await rig.ask();
        assert.deepEqual([client.how, client.code, client.tx.tries], [how, code, 1]);
        assert.deepEqual([rig.connections(), rig.events.statuses.at(-1)], [0, 0]);
        assert.equal((await rig.ask()).body.toString(), 'last');
        assert.equal(target.accepted(), 2);
      });
    });
  }
});

describe('back-pressure', () => {
  const SIZE = 20_000_000;
  const big = { onHead: (_: SeenRequest, reply: Reply): boolean => flood(reply.socket, SIZE) };

  test('a slow client stops the reading; it goes on when the client does, and nothing is lost', async () => {
    await withTarget(big, {}, async (rig, target) => {
      const client = rig.call();
      client.takes = 3;
      await until('the client to be full', () => client.blocked);
      await delay(50);
      const taken = client.body.length;
      // At most one shared read may be delivered in pieces after the client said stop.
      assert.ok(taken < 4 * 262_144, `${taken} bytes were read although the client takes nothing`);
      client.drain();
      await rig.done(client);
      assert.equal(client.body.length, SIZE);
      assert.ok(client.body.equals(Buffer.alloc(SIZE, 97)));
      assert.equal((await rig.ask()).body.length, SIZE);
      assert.equal(target.accepted(), 1);
    });
  });

  test('a client that is slow again and again gets all of it', async () => {
    await withTarget(big, {}, async (rig) => {
      const client = rig.call();
      client.takes = 1;
      while (!client.over) {
        await until('the client to be full, or the end', () => client.blocked || client.over, 5_000, 1);
        client.drain();
        if (!client.over) client.takes = 5;
      }
      assert.equal(client.body.length, SIZE);
    });
  });

  test('a client that is full with the very last piece does not hold the connection', async () => {
    await withTarget(
      scripted([head('Content-Length: 4'), 'abcd'], `${head('Content-Length: 4')}next`),
      {},
      async (rig, target) => {
        const client = rig.call();
        await until('the head', () => client.begun);
        client.takes = 1;
        await rig.done(client);
        assert.equal((await rig.ask()).body.toString(), 'next');
        assert.equal(target.accepted(), 1);
      },
    );
  });
});

/** Writes `size` times `a` as one answer, with the socket's own back-pressure. */
function flood(socket: Socket, size: number): boolean {
  socket.write(head(`Content-Length: ${size}`));
  const piece = Buffer.alloc(1_000_000, 97);
  let left = size;
  const more = (): void => {
    while (left > 0) {
      const now = Math.min(left, piece.length);
      left -= now;
      if (!socket.write(piece.subarray(0, now))) {
        socket.once('drain', more);
        return;
      }
    }
  };
  more();
  return true;
}
