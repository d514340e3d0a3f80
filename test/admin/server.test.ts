import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingHttpHeaders, request as send } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { type AdminOptions, type AdminServer, startAdmin } from '../../src/admin/server.ts';
import { SallyportError } from '../../src/errors.ts';

const servers: AdminServer[] = [];
after(async () => {
  for (const server of servers) await server.close();
});

async function start(options: Partial<AdminOptions> = {}): Promise<AdminServer> {
  const server = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    token: '',
    metrics: async () => '# HELP a a\n# TYPE a counter\na 1\n',
    ready: () => ({ ready: true }),
    reload: async () => ({ ok: true, generation: 2 }),
    status: () => ({ version: '1', generation: 1, threads: [{ index: 0 }] }),
    ...options,
  });
  servers.push(server);
  return server;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

async function ask(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<Answer> {
  const request = send({ host: '127.0.0.1', port, method, path, headers, agent: false });
  request.end(body);
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, headers: response.headers, text };
}

/** Sends bytes as they are and returns all that comes until the end. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return drained(socket);
}

async function drained(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket.setEncoding('latin1')) text += chunk;
  return text;
}

const CONSENT = { 'x-sallyport-admin': '1' };

test('metrics, health, readiness and status answer GET and HEAD', async () => {
  let ready = false;
  const { port } = await start({ ready: () => (ready ? { ready } : { ready, reason: 'no thread listens yet' }) });
  const metrics = await ask(port, 'GET', '/metrics');
  assert.equal(metrics.status, 200);
  assert.equal(metrics.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.match(metrics.text, /\na 1\n$/);
  assert.equal((await ask(port, 'GET', '/healthz?verbose=1')).status, 200);
  const early = await ask(port, 'GET', '/readyz');
  assert.deepEqual([early.status, JSON.parse(early.text)], [503, { ready: false, reason: 'no thread listens yet' }]);
  ready = true;
  const later = await ask(port, 'GET', '/readyz');
  assert.deepEqual([later.status, JSON.parse(later.text)], [200, { ready: true }]);
  const status = await ask(port, 'GET', '/status');
  assert.deepEqual(JSON.parse(status.text), { version: '1', generation: 1, threads: [{ index: 0 }] });
  const head = await ask(port, 'HEAD', '/status');
  assert.deepEqual([head.status, head.text, head.headers['content-length']], [200, '', String(status.text.length)]);
  for (const { headers } of [metrics, early, status]) {
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.deepEqual(
      [headers.server, headers['x-powered-by'], headers['access-control-allow-origin']],
      [undefined, undefined, undefined],
    );
  }
});

test('unknown paths, wrong methods and bodies get problem documents', async () => {
  const { port } = await start();
  for (const [method, path, status] of [
    ['GET', '/', 404],
    ['GET', '/metrics/', 404],
    ['GET', '/METRICS', 404],
    ['GET', '//metrics', 404],
    ['GET', 'http://localhost/metrics', 404],
    ['GET', '/reload', 405],
    ['PUT', '/metrics', 405],
    ['OPTIONS', '/reload', 405],
  ] as const) {
    const { status: got, headers, text } = await ask(port, method, path, CONSENT);
    assert.equal(got, status, `${method} ${path}`);
    assert.equal(headers['content-type'], 'application/problem+json');
    assert.deepEqual([JSON.parse(text).status, JSON.parse(text).type], [status, 'about:blank']);
    if (status === 405) assert.equal(headers.allow, path === '/reload' ? 'POST' : 'GET, HEAD');
  }
  const body = await ask(port, 'POST', '/reload', { ...CONSENT, 'content-length': '3' }, 'a=b');
  assert.deepEqual([body.status, body.headers.connection], [413, 'close']);
  const expecting = await raw(
    port,
    'POST /reload HTTP/1.1\r\nHost: localhost\r\nx-sallyport-admin: 1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n',
  );
  assert.match(expecting, /^HTTP\/1\.1 413 /);
});

test('reload tells the generation or the problems; one asked for during another is passed on', async () => {
  const answers: (() => void)[] = [];
  const problems = [{ path: 'limits[2].brust', line: 12, message: 'is unknown; did you mean burst?' }];
  let good = true;
  const { port } = await start({
    reload: () =>
      new Promise((resolve) =>
        answers.push(() => resolve(good ? { ok: true, generation: 7 } : { ok: false, problems })),
      ),
  });
  const first = ask(port, 'POST', '/reload', CONSENT);
  while (answers.length === 0) await new Promise(setImmediate);
  const meanwhile = ask(port, 'POST', '/reload', CONSENT);
  while (answers.length === 1) await new Promise(setImmediate);
  for (const answer of answers) answer();
  for (const { status, text } of await Promise.all([first, meanwhile])) {
    assert.deepEqual([status, JSON.parse(text)], [200, { generation: 7 }]);
  }
  good = false;
  const second = ask(port, 'POST', '/reload', CONSENT);
  while (answers.length === 2) await new Promise(setImmediate);
  answers[2]?.();
  const refused = await second;
  assert.equal(refused.status, 422);
  assert.equal(refused.headers['content-type'], 'application/problem+json');
  const { type, problems: told } = JSON.parse(refused.text);
  assert.deepEqual([type, told], ['urn:problem-type:gateway:config', problems]);
});

test('what fails behind an endpoint is a 500 without inner words, and is logged', async () => {
  const logged: object[] = [];
  const log = { warn: () => undefined, error: (context: object) => logged.push(context) };
  const { port } = await start({
    log,
    metrics: () => Promise.reject(new Error('secret path')),
    reload: () => Promise.reject(new Error('secret path')),
    status: () => {
      throw new Error('secret path');
    },
  });
  for (const [method, path] of [
    ['GET', '/metrics'],
    ['GET', '/status'],
    ['POST', '/reload'],
    ['POST', '/reload'],
  ] as const) {
    const { status, text } = await ask(port, method, path, CONSENT);
    assert.equal(status, 500);
    assert.ok(!text.includes('secret'));
  }
  assert.equal(logged.length, 4);
  assert.equal((await ask(port, 'GET', '/healthz')).status, 200);
});

test('without a token only loopback names are answered, and POST needs the field', async () => {
  const warned: object[] = [];
  const { port } = await start({ log: { warn: (context) => warned.push(context), error: () => undefined } });
  for (const host of ['localhost', 'LOCALHOST:9090', '127.0.0.1', '127.9.9.9:1', '[::1]', '[::1]:9090']) {
    assert.equal((await ask(port, 'GET', '/status', { host })).status, 200, host);
  }
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil',
    'evil:127',
    '10.0.0.1',
    '0.0.0.0',
    '[::]',
    '::1',
    'localhost:',
  ]) {
    const { status, headers } = await ask(port, 'GET', '/status', { host });
    assert.deepEqual([status, headers.connection], [421, 'close'], host);
  }
  assert.equal(warned.length, 10);
  assert.match(await raw(port, 'GET /status HTTP/1.1\r\nHost:\r\n\r\n'), /^HTTP\/1\.1 421 /);
  assert.match(await raw(port, 'GET /status HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 421 /);
  assert.match(
    await raw(port, 'GET /status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 (421|400) /,
  );
  assert.equal((await ask(port, 'POST', '/reload')).status, 403);
  assert.equal((await ask(port, 'POST', '/reload', { 'x-sallyport-admin': 'yes' })).status, 403);
  assert.equal((await ask(port, 'POST', '/reload', { ...CONSENT, host: 'evil.example' })).status, 421);
  assert.equal((await ask(port, 'POST', '/reload', CONSENT)).status, 200);
});

test('with a token every request must bear it, whatever its Host', async () => {
  const { port } = await start({ token: 'correct-horse' });
  for (const authorization of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer wrong',
    'Bearer correct-hors',
    'Bearer correct-horsee',
    'Basic correct-horse',
    'correct-horse',
    'Bearer correct-horse x',
    `Bearer ${'x'.repeat(4_000)}`,
  ]) {
    const { status, headers } = await ask(
      port,
      'GET',
      '/metrics',
      authorization === undefined ? {} : { authorization },
    );
    assert.equal(status, 401, authorization);
    assert.match(headers['www-authenticate'] ?? '', /^Bearer realm="admin"/);
  }
  for (const path of ['/healthz', '/readyz', '/nothing']) assert.equal((await ask(port, 'GET', path)).status, 401);
  for (const authorization of ['Bearer correct-horse', 'bearer  correct-horse']) {
    assert.equal((await ask(port, 'GET', '/metrics', { authorization, host: 'admin.example' })).status, 200);
  }
  assert.equal((await ask(port, 'POST', '/reload', { authorization: 'Bearer correct-horse' })).status, 200);
});

test('malformed and oversized heads are answered and closed', async () => {
  const { port } = await start();
  const head = await raw(port, `GET /healthz HTTP/1.1\r\nHost: localhost\r\nx: ${'y'.repeat(9_000)}\r\n\r\n`);
  assert.match(head, /^HTTP\/1\.1 431 .*\r\nContent-Type: application\/problem\+json\r\n/);
  assert.match(await raw(port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*"status":400/);
  assert.equal((await ask(port, 'GET', '/healthz')).status, 200);
});

test('close ends kept and stuck connections, and nothing listens any more', async () => {
  let asked = 0;
  const metrics = () => {
    asked++;
    return new Promise<string>(() => undefined);
  };
  const server = await start({ metrics });
  const [kept, stuck, silent] = ['/healthz', '/metrics', ''].map((path) => {
    const socket = connect(server.port, '127.0.0.1');
    if (path !== '') socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    // A reset is an end as good as any.
    socket.on('error', () => undefined);
    return { socket, closed: new Promise((resolve) => socket.once('close', resolve)) };
  });
  assert.ok(kept !== undefined && stuck !== undefined && silent !== undefined);
  await Promise.all([once(kept.socket, 'data'), once(silent.socket, 'connect')]);
  while (asked === 0) await new Promise(setImmediate);
  stuck.socket.resume();
  silent.socket.resume();
  await server.close();
  await Promise.all([kept.closed, stuck.closed, silent.closed]);
  await server.close();
  await assert.rejects(ask(server.port, 'GET', '/healthz'), { code: 'ECONNREFUSED' });
});

test('an address that cannot be listened on is named with a remedy', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as { port: number };
  const refused = (message: RegExp) => (error: unknown) =>
    error instanceof SallyportError && error.code === 'SP_LISTEN' && message.test(error.message);
  await assert.rejects(
    start({ port }),
    refused(new RegExp(`127\\.0\\.0\\.1:${port} .*EADDRINUSE.*SALLYPORT_ADMIN_PORT`)),
  );
  blocker.close();
  await assert.rejects(
    start({ host: '192.0.2.1', token: 'x' }),
    refused(/192\.0\.2\.1:0 .*EADDRNOTAVAIL.*admin\.host/),
  );
});

test('beyond loopback there must be a token', async () => {
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'gateway.example', '127.0.0.1.evil.example']) {
    await assert.rejects(start({ host }), { code: 'SP_CONFIG', message: /admin\.token is empty/ });
  }
  const { port } = await start({ host: '0.0.0.0', token: 'x' });
  assert.equal((await ask(port, 'GET', '/healthz', { authorization: 'Bearer x' })).status, 200);
});
