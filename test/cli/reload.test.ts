import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mock, test } from 'node:test';
import { describeAnswer, reload } from '../../src/cli/reload.ts';

/** An admin listener that answers one thing; gives what was asked and what was printed. */
async function ask(status: number, body: unknown, env: NodeJS.ProcessEnv = {}) {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    const elsewhere = status === 307 ? { location: '/elsewhere' } : {};
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...elsewhere });
    response.end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const printed = captured();
  try {
    const exitCode = await reload({ configFile: undefined, url, env });
    return { exitCode, asked, out: printed.out(), err: printed.err() };
  } finally {
    printed.restore();
    server.close();
  }
}

function captured() {
  const out = mock.method(console, 'log', () => {});
  const err = mock.method(console, 'error', () => {});
  const text = (spy: typeof out) => spy.mock.calls.map((call) => call.arguments.join(' ')).join('\n');
  return {
    out: () => text(out),
    err: () => text(err),
    restore: () => {
      out.mock.restore();
      err.mock.restore();
    },
  };
}

test('posts with the field that browsers cannot send, and exits 0', async () => {
  const { exitCode, asked, out } = await ask(200, { generation: 2 });
  assert.equal(exitCode, 0);
  assert.equal(out, 'reloaded: generation 2 is at work');
  assert.equal(asked.length, 1);
  assert.equal(asked[0]?.method, 'POST');
  assert.equal(asked[0]?.url, '/reload');
  assert.equal(asked[0]?.headers['x-sallyport-admin'], '1');
  assert.equal(asked[0]?.headers.authorization, undefined);
});

test('sends the token of the environment', async () => {
  const { asked } = await ask(200, {}, { SALLYPORT_ADMIN_TOKEN: 's3cret' });
  assert.equal(asked[0]?.headers.authorization, 'Bearer s3cret');
});

test('prints every problem of a refused configuration, and exits 1', async () => {
  const problem = { path: 'threads', source: 'g.yaml', line: 4, column: 1, found: '-1', remedy: 'use 0 to 128' };
  const { exitCode, err } = await ask(422, { detail: '1 problem', problems: [problem] });
  assert.equal(exitCode, 1);
  assert.equal(err, 'refused with status 422: 1 problem\n  threads  (g.yaml:4)  -1; use 0 to 128');
});

test('says what to do about a missing token', async () => {
  const { exitCode, err } = await ask(401, {});
  assert.equal(exitCode, 1);
  assert.match(err, /SALLYPORT_ADMIN_TOKEN/);
});

test('follows no redirect: the token stays here', async () => {
  const { exitCode, asked, err } = await ask(307, {}, { SALLYPORT_ADMIN_TOKEN: 's3cret' });
  assert.equal(exitCode, 1);
  assert.equal(asked.length, 1);
  assert.match(err, /redirect/);
});

test('nobody there: says where it looked, and exits 1', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const printed = captured();
  const exitCode = await reload({
    configFile: undefined,
    url: undefined,
    env: { SALLYPORT_ADMIN_PORT: String(port) },
  });
  printed.restore();
  assert.equal(exitCode, 1);
  assert.match(printed.err(), new RegExp(`no answer from http://127\\.0\\.0\\.1:${port}/reload: .*--url`));
});

test('an answer cannot steer the terminal', () => {
  assert.equal(describeAnswer('{"detail":"\\u001b[2Jgone"}', 'refused'), 'refused: ?[2Jgone');
  assert.equal(describeAnswer('<html>', 'refused'), 'refused');
});
