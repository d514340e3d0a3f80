import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fieldOf } from '../support/answer-parser.ts';
import { type Gateway, simpleConfig, startGateway, UNINSPECTED } from '../support/gateway.ts';
import { type Exchange, type ExchangeOptions, exchange, open } from '../support/raw-client.ts';
import {
  type RecordingUpstream,
  type Reply,
  type SeenRequest,
  startRecordingUpstream,
} from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';

/** What the upstream does, by the first segment of the path. */
const BEHAVIOUR: Readonly<Record<string, (reply: Reply, request: SeenRequest) => void>> = {
  plain: (reply) => reply.ok('plain'),
  head: (reply) => reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nX-Kept: yes\r\n\r\n'),
  'head-chunked': (reply) => reply.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'),
  204: (reply) => reply.raw('HTTP/1.1 204 No Content\r\nX-Kept: yes\r\n\r\n'),
  304: (reply) => reply.raw('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 77\r\n\r\n'),
  103: (reply) =>
    reply.raw(
      'HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nafter',
    ),
  'many-1xx': (reply) =>
    reply.raw(`${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(12)}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate`),
  trailers: (reply) =>
    reply.raw(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n',
    ),
  eof: (reply) => {
    reply.raw('HTTP/1.1 200 OK\r\nX-Kept: yes\r\n\r\nuntil the end');
    reply.socket.end();
  },
  close: (reply) => {
    reply.raw('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlast');
    reply.socket.end();
  },
  'close-late': (reply) => reply.raw('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlast'),
  hops: (reply) =>
    reply.raw(
      'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n' +
        'Upgrade: h2c\r\nServer: hidden/1.0\r\nX-Kept: yes\r\nContent-Length: 0\r\n\r\n',
    ),
  cookies: (reply) => reply.ok('', 'Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\n'),
  bytes: (reply) => reply.ok('', 'X-Bytes: caf\xe9\r\n'),
  'cut-length': (reply) => {
    reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly a part');
    setTimeout(() => reply.socket.end(), 50);
  },
  'cut-chunked': (reply) => {
    reply.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    setTimeout(() => reply.socket.end(), 50);
  },
  'reset-body': (reply) => {
    reply.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    setTimeout(() => reply.reset(), 50);
  },
  'bad-chunk': (reply) => reply.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n'),
};

let upstream: RecordingUpstream;
let gateway: Gateway;

before(async () => {
  upstream = await startRecordingUpstream({
    onHead: (request, reply) => {
      if (!request.target.startsWith('/early')) return undefined;
      reply.raw('HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nearly');
      return true;
    },
    onRequest: (request, reply) => (BEHAVIOUR[request.target.slice(1)] ?? BEHAVIOUR.plain)?.(reply, request),
  });
  gateway = await startGateway({ config: simpleConfig(upstream.port, { threads: 1, ...UNINSPECTED }) });
});

after(async () => {
  const exit = await gateway.stop();
  await upstream.close();
  assert.equal(exit, 0);
});

function ask(path: string, method = 'GET', more: Partial<ExchangeOptions> = {}): Promise<Exchange> {
  const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  return exchange({ port: gateway.http, segments: [Buffer.from(head)], methods: [method], timeoutMs: 8_000, ...more });
}

/** An answer, and then a second one on the same connection: the framing of the first was right to the byte. */
async function askTwice(path: string, method = 'GET'): Promise<Exchange> {
  const socket = ask(path, method);
  const first = await socket;
  assert.equal(first.error, null);
  const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const plain = 'GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const both = await exchange({
    port: gateway.http,
    segments: [Buffer.from(head), Buffer.from(plain)],
    pauseMs: 200,
    methods: [method, 'GET'],
    answersMax: 2,
    timeoutMs: 8_000,
  });
  assert.equal(both.error, null);
  assert.deepEqual(
    both.answers.map((a) => a.status),
    [first.answers[0]?.status, 200],
  );
  assert.equal(both.answers[1]?.body.toString(), 'plain');
  return first;
}

test('HEAD: the declared length, no body, and the connection goes on', async () => {
  const { answers, bytes } = await askTwice('/head', 'HEAD');
  assert.equal(answers[0]?.status, 200);
  assert.equal(fieldOf(answers[0], 'content-length'), '12345');
  assert.equal(fieldOf(answers[0], 'x-kept'), 'yes');
  assert.ok(bytes.toString('latin1').endsWith('\r\n\r\n'));
  const chunked = await askTwice('/head-chunked', 'HEAD');
  assert.ok(chunked.bytes.toString('latin1').endsWith('\r\n\r\n'));
  assert.notEqual(
    chunked.answers[0] && fieldOf(chunked.answers[0], 'content-length'),
    '0',
    'a length that nobody declared',
  );
});

test('204 and 304: no body, and the connection goes on', async () => {
  const none = await askTwice('/204');
  assert.equal(none.answers[0]?.status, 204);
  assert.equal(none.answers[0] && fieldOf(none.answers[0], 'content-length'), undefined, 'RFC 9110 8.6');
  assert.equal(none.answers[0] && fieldOf(none.answers[0], 'x-kept'), 'yes');
  const notModified = await askTwice('/304');
  assert.equal(notModified.answers[0]?.status, 304);
  assert.equal(notModified.answers[0] && fieldOf(notModified.answers[0], 'etag'), '"a"');
});

test('1xx heads never take the place of the answer', async () => {
  const hints = await askTwice('/103');
  assert.equal(hints.answers[0]?.status, 200);
  assert.equal(hints.answers[0]?.body.toString(), 'after');
  const many = await askTwice('/many-1xx');
  assert.equal(many.answers[0]?.body.toString(), 'late');
});

test('trailers end the body cleanly and add nothing to it', async () => {
  const { answers } = await askTwice('/trailers');
  assert.equal(answers[0]?.body.toString(), 'hello');
});

test('an answer framed by the end of the connection is whole for the client', async () => {
  const { answers, end } = await askTwice('/eof');
  assert.equal(end, 'answered');
  assert.equal(answers[0]?.body.toString(), 'until the end');
  assert.notEqual(answers[0]?.framing, 'eof', 'the client can tell a whole answer from a cut one');
});

test('Connection: close upstream ends that connection, not the client’s', async () => {
  await askTwice('/close');
  await askTwice('/close-late');
});

test('hop-by-hop fields and fingerprints of the upstream stay behind', async () => {
  const { answers } = await askTwice('/hops');
  const names = answers[0]?.fields.map(([name]) => name) ?? [];
  for (const name of ['x-hop', 'keep-alive', 'proxy-authenticate', 'upgrade', 'server']) {
    assert.ok(!names.includes(name), `${name} was passed on`);
  }
  assert.ok(names.includes('x-kept'));
});

test('repeated and 8-bit response fields arrive as they were sent', async () => {
  const cookies = await askTwice('/cookies');
  assert.deepEqual(
    cookies.answers[0]?.fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value),
    ['a=1; Path=/', 'b=2'],
  );
  const bytes = await askTwice('/bytes');
  assert.equal(bytes.answers[0] && fieldOf(bytes.answers[0], 'x-bytes'), 'caf\xe9');
});

for (const path of ['/cut-length', '/cut-chunked', '/reset-body', '/bad-chunk']) {
  test(`an answer that breaks off (${path}) never looks complete to the client`, async () => {
    const result = await ask(path);
    const ended = result.answers.filter((answer) => answer.status === 200);
    assert.deepEqual(ended, [], 'a complete-looking answer');
    // Where not a byte of it had gone out yet, a 502 is the better answer.
    assert.ok(result.closed || result.answers[0]?.status === 502, 'the connection is cut');
    const next = await ask('/plain');
    assert.equal(next.answers[0]?.body.toString(), 'plain');
  });
}

test('an answer while the client still uploads reaches the client; the upload is not taken for a request', async () => {
  const from = upstream.requests.length;
  const head = 'POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n\r\n';
  const smuggled = 'GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(500);
  const result = await exchange({
    port: gateway.http,
    segments: [Buffer.from(head), Buffer.from(smuggled), Buffer.from(smuggled)],
    pauseMs: 100,
    lingerMs: 1_000,
    timeoutMs: 8_000,
  });
  assert.equal(result.answers[0]?.status, 403);
  assert.equal(result.answers[0]?.body.toString(), 'early');
  assert.ok(result.closed, 'the connection cannot be used again');
  await delay(200);
  const targets = upstream.requests.slice(from).map((request) => request.target);
  assert.deepEqual(targets, ['/early']);
});

test('a client that leaves in the middle of its upload leaves no finished request behind', async () => {
  const from = upstream.requests.length;
  const socket = open({ port: gateway.http });
  socket.on('error', () => {});
  socket.write('POST /half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf');
  await until('the upstream to see the beginning', () => upstream.requests.length > from);
  const before = upstream.open();
  socket.destroy();
  await until('the upstream connection to be closed', () => upstream.open() < before, 5_000);
  assert.equal(upstream.requests[from]?.complete, false);
});

test('GET requests after each other reuse one upstream connection', async () => {
  const before = upstream.accepted();
  await ask('/plain');
  const from = upstream.accepted();
  for (let i = 0; i < 20; i += 1) await ask('/plain');
  assert.ok(upstream.accepted() - from <= 1, `${upstream.accepted() - before} connections for 21 requests`);
});
