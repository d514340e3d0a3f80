import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as send } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { BanOrder, BanView } from '../../src/abuse/ban-orders.ts';
import { startBanAdmin } from '../abuse/ban-admin.ts';

const CONSENT = { 'x-sallyport-admin': '1' };
const JSON_TYPE = { ...CONSENT, 'content-type': 'application/json' };
const ORDER: BanOrder & { kind: string } = {
  rule: 'manual',
  kind: 'address',
  value: '192.0.2.1',
  seconds: 60,
  reason: 'scanner',
};

async function ask(port: number, method: string, path: string, body: string | Buffer = '', headers = {}) {
  const given = { ...(body.length > 0 ? JSON_TYPE : CONSENT), ...headers };
  const length = body.length > 0 ? { 'content-length': String(Buffer.byteLength(body)) } : {};
  const request = send({ host: '127.0.0.1', port, method, path, headers: { ...length, ...given }, agent: false });
  request.end(body);
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode as number, headers: response.headers, body: JSON.parse(text) };
}

/** Sends bytes as they are and returns all that comes until the end. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  let text = '';
  for await (const chunk of socket.setEncoding('latin1')) text += chunk;
  return text;
}

test('a ban is made, listed, found and lifted', async () => {
  const { port, leftMs, lines } = await startBanAdmin();
  const added = await ask(port, 'POST', '/bans', JSON.stringify(ORDER));
  assert.equal(added.status, 201);
  assert.ok(leftMs('192.0.2.1') > 0);
  const { id, rule, kind, value, strikes, reason, node } = added.body as BanView;
  assert.deepEqual([rule, kind, value, strikes, reason, node], ['manual', 'address', '192.0.2.1', 1, 'scanner', 'n1']);
  const list = await ask(port, 'GET', '/bans');
  assert.deepEqual(list.body, { bans: [added.body], total: 1, next: null });
  assert.equal((await ask(port, 'GET', '/bans?key=192.0.2.1')).body.total, 1);
  assert.equal((await ask(port, 'GET', '/bans?key=192.0.2.2')).body.total, 0);
  const lifted = await ask(port, 'DELETE', `/bans/${id}`);
  assert.deepEqual([lifted.status, lifted.body.leftSeconds], [200, 0]);
  assert.equal(leftMs('192.0.2.1'), 0);
  assert.equal((await ask(port, 'DELETE', `/bans/${id}`)).status, 404);
  assert.deepEqual(
    lines.map(({ message, context }) => [message, context.by]),
    [
      ['ban added by an operator', '127.0.0.1'],
      ['ban lifted by an operator', '127.0.0.1'],
    ],
  );
});

test('rule, kind and reason have defaults', async () => {
  const { port } = await startBanAdmin();
  const { status, body } = await ask(port, 'POST', '/bans', '{"value":"192.0.2.1","seconds":1}');
  assert.deepEqual([status, body.rule, body.kind, body.reason], [201, 'manual', 'address', '']);
});

test('pages', async () => {
  const { port, keeper } = await startBanAdmin();
  for (let i = 0; i < 5; i += 1) keeper.add({ ...ORDER, value: `192.0.2.${i}` }, '');
  const first = await ask(port, 'GET', '/bans?limit=3');
  assert.deepEqual([first.body.bans.length, first.body.total], [3, 5]);
  const second = await ask(port, 'GET', `/bans?limit=3&after=${first.body.next}`);
  assert.deepEqual([second.body.bans.length, second.body.next], [2, null]);
  const values = [...first.body.bans, ...second.body.bans].map(({ value }: BanView) => value);
  assert.equal(new Set(values).size, 5);
});

test('queries that say nothing are refused', async () => {
  const { port } = await startBanAdmin();
  for (const query of [
    'limit=0',
    'limit=1001',
    'limit=-1',
    'limit=1e2',
    'limit=',
    'limit=5&limit=6',
    'after=',
    'after=x',
    'after=1-2',
    `after=${'1'.repeat(5_000)}`,
    'key=',
    `key=${'x'.repeat(2_049)}`,
    'nope=1',
    '__proto__=1',
  ]) {
    assert.equal((await ask(port, 'GET', `/bans?${query}`)).status, 400, query);
  }
});

test('bodies are checked member by member; nothing of a wrong one takes effect', async () => {
  const { port, keeper } = await startBanAdmin();
  const bad: readonly (readonly [body: unknown, words: RegExp])[] = [
    [[ORDER], /JSON object/],
    ['text', /JSON object/],
    [null, /JSON object/],
    [{}, /value must/],
    [{ ...ORDER, more: 1 }, /members are/],
    [{ ...ORDER, rule: '' }, /rule must/],
    [{ ...ORDER, rule: 'x\n' }, /rule must/],
    [{ ...ORDER, rule: 7 }, /rule must/],
    [{ ...ORDER, rule: 'constructor' }, /rule must/],
    [{ ...ORDER, kind: 'cidr' }, /kind must/],
    [{ ...ORDER, value: '192.0.2.0/24' }, /ranges belong/],
    [{ ...ORDER, value: ['192.0.2.1'] }, /value must/],
    [{ ...ORDER, value: '1'.repeat(65) }, /value must/],
    [{ ...ORDER, value: '192.0.2.1\n' }, /value must/],
    [{ ...ORDER, seconds: 0 }, /seconds must/],
    [{ ...ORDER, seconds: 1.5 }, /seconds must/],
    [{ ...ORDER, seconds: '60' }, /seconds must/],
    [{ ...ORDER, seconds: 2_678_401 }, /seconds must/],
    [{ ...ORDER, reason: 'x'.repeat(201) }, /reason must/],
    [{ ...ORDER, reason: 'a\u001b[2J' }, /reason must/],
    [{ ...ORDER, reason: 'a\u2028b' }, /reason must/],
    [{ ...ORDER, reason: 'a\u202eb' }, /reason must/],
    [{ ...ORDER, reason: 7 }, /reason must/],
  ];
  for (const [body, words] of bad) {
    const { status, body: answer } = await ask(port, 'POST', '/bans', JSON.stringify(body));
    assert.equal(status, 422, JSON.stringify(body));
    assert.match(answer.detail, words, JSON.stringify(body));
  }
  const proto = await ask(port, 'POST', '/bans', '{"__proto__":{"value":"192.0.2.1"},"seconds":1}');
  assert.equal(proto.status, 422);
  assert.equal(keeper.size, 0);
});

test('hostile bodies: size, type, encoding, nesting, endings', async () => {
  const { port, keeper } = await startBanAdmin();
  const whole = JSON.stringify(ORDER);
  for (const [body, headers, status] of [
    [' '.repeat(16_385 - whole.length) + whole, {}, 413],
    [whole, { 'content-type': 'text/plain' }, 415],
    [whole, { 'content-type': 'application/jsonx' }, 415],
    [whole, { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['{"value":', {}, 400],
    ['['.repeat(16_000), {}, 400],
    [`${'['.repeat(8_000)}${']'.repeat(8_000)}`, {}, 422],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {}, 400],
    [`\ufeff${whole}`, {}, 400],
  ] as const) {
    const answer = await ask(port, 'POST', '/bans', body, headers);
    assert.equal(answer.status, status, String(body).slice(0, 40));
    assert.equal(answer.headers.connection, 'close');
    assert.equal(answer.headers['content-type'], 'application/problem+json');
  }
  const head = 'POST /bans HTTP/1.1\r\nHost: localhost\r\nx-sallyport-admin: 1\r\nContent-Type: application/json\r\n';
  const huge = await raw(port, `${head}Transfer-Encoding: chunked\r\n\r\n4e20\r\n${'x'.repeat(20_000)}\r\n0\r\n\r\n`);
  assert.match(huge, /^HTTP\/1\.1 413 /);
  const claimed = await raw(port, `${head}Content-Length: 99999999999\r\n\r\n`);
  assert.match(claimed, /^HTTP\/1\.1 413 /, 'nothing is waited for');
  const empty = await raw(port, `${head}Content-Length: 0\r\nConnection: close\r\n\r\n`);
  assert.match(empty, /^HTTP\/1\.1 400 /);
  const waiting = await raw(port, `${head}Content-Length: ${whole.length}\r\nExpect: 100-continue\r\n\r\n${whole}`);
  assert.match(waiting, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
  assert.equal(keeper.size, 1);
  // A client that goes away amidst its body.
  const socket = connect(port, '127.0.0.1');
  socket.write(`${head}Content-Length: 50\r\n\r\n{"va`, () => socket.destroy());
  await once(socket, 'close');
  assert.equal((await ask(port, 'GET', '/bans')).status, 200);
});

test('what changes anything needs the field, from loopback, or the token', async () => {
  const open = await startBanAdmin();
  const { id } = (await ask(open.port, 'POST', '/bans', JSON.stringify(ORDER))).body as BanView;
  for (const [method, path] of [
    ['POST', '/bans'],
    ['DELETE', `/bans/${id}`],
  ] as const) {
    const without = { 'x-sallyport-admin': '0', 'content-type': 'application/json' };
    const { status } = await ask(open.port, method, path, method === 'POST' ? JSON.stringify(ORDER) : '', without);
    assert.equal(status, 403, method);
    const elsewhere = await ask(open.port, method, path, '', { host: 'evil.example' });
    assert.equal(elsewhere.status, 421);
  }
  assert.ok(open.leftMs('192.0.2.1') > 0);
  assert.equal(open.refused.length, 4);

  const closed = await startBanAdmin('correct-horse');
  assert.equal((await ask(closed.port, 'POST', '/bans', JSON.stringify(ORDER))).status, 401);
  assert.equal((await ask(closed.port, 'GET', '/bans')).status, 401);
  assert.equal(closed.keeper.size, 0);
  const bearer = { authorization: 'Bearer correct-horse', 'x-sallyport-admin': '' };
  assert.equal((await ask(closed.port, 'POST', '/bans', JSON.stringify(ORDER), bearer)).status, 201);
});

test('methods, ids and bodies where none belong', async () => {
  const { port } = await startBanAdmin();
  for (const [method, path, status] of [
    ['PUT', '/bans', 405],
    ['DELETE', '/bans', 405],
    ['GET', `/bans/${'0'.repeat(24)}`, 405],
    ['DELETE', `/bans/${'0'.repeat(24)}`, 404],
    ['DELETE', '/bans/', 404],
    ['DELETE', '/bans/../bans', 404],
    ['DELETE', `/bans/${'0'.repeat(24)}/`, 404],
  ] as const) {
    assert.equal((await ask(port, method, path)).status, status, `${method} ${path}`);
  }
  const { status, headers } = await ask(port, 'PUT', '/bans');
  assert.deepEqual([status, headers.allow], [405, 'GET, HEAD, POST']);
  assert.equal((await ask(port, 'DELETE', `/bans/${'0'.repeat(24)}`, '{}')).status, 413);
});
