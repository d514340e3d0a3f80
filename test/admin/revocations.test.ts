import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as send } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { saltOf } from '../../src/limiter/decision.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import { revocationSalt } from '../../src/revocation/kinds.ts';
import { createRevocationWords } from '../../src/revocation/layout.ts';
import type { RevocationView } from '../../src/revocation/orders.ts';
import { RevocationKeeper } from '../../src/revocation/revocation-keeper.ts';
import { RevocationTable } from '../../src/revocation/revocation-table.ts';
import { RevocationWriter } from '../../src/revocation/revocation-writer.ts';
import { startTestAdmin } from '../support/admin-server.ts';

const CONSENT = { 'x-sallyport-admin': '1' };
const JSON_TYPE = { ...CONSENT, 'content-type': 'application/json' };
const ORDER = { kind: 'subject', issuer: 'main', value: 'ann', seconds: 60, reason: 'left' };
const KEY_ORDER = { kind: 'key', value: '0123456789abcdef01234567', seconds: 60 };
const ID = '0'.repeat(24);
const CAPACITY = 1_024;

/** Revocations behind their admin listener on loopback, which closes with the test file. */
async function startRevocationAdmin(token = '') {
  const words = createRevocationWords(CAPACITY);
  const lines: object[] = [];
  const line = (context: object, message: string) => void lines.push({ ...context, message });
  const keeper = new RevocationKeeper({
    writer: new RevocationWriter(words),
    hash: new KeyHash(1, 2),
    saltOf,
    revocationsMax: CAPACITY,
    node: 'n1',
    log: () => ({ debug: line, info: line, warn: line, error: line }),
    file: null,
    channel: null,
  });
  keeper.configure(new Map([['main', 0]]));
  const admin = await startTestAdmin({ revocations: keeper }, token);
  const [table, hash] = [new RevocationTable(words), new KeyHash(1, 2)];
  return {
    keeper,
    lines,
    ...admin,
    has(kind: 'token' | 'subject' | 'client' | 'key', value: string, issuer = 'main'): boolean {
      hash.hash(value, revocationSalt(kind, issuer, saltOf));
      return table.has(hash.high, hash.low, 0, Date.now());
    },
  };
}

async function ask(port: number, method: string, path: string, given: unknown = '', headers = {}) {
  const body = typeof given === 'string' || Buffer.isBuffer(given) ? given : JSON.stringify(given);
  const fields = { ...(body.length > 0 ? JSON_TYPE : CONSENT), ...headers };
  const length = body.length > 0 ? { 'content-length': String(Buffer.byteLength(body)) } : {};
  const request = send({ host: '127.0.0.1', port, method, path, headers: { ...length, ...fields }, agent: false });
  request.end(body);
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode as number, headers: response.headers, body: JSON.parse(text) };
}

test('a revocation is made, listed, found, lifted and made anew', async () => {
  const { port, lines, has } = await startRevocationAdmin();
  const made = await ask(port, 'POST', '/revocations', ORDER);
  assert.equal(made.status, 201);
  assert.equal(made.headers['cache-control'], 'no-store');
  const { id, since, until, leftSeconds, ...view } = made.body as RevocationView;
  assert.deepEqual(view, {
    kind: 'subject',
    issuer: 'main',
    value: 'ann',
    issuedUntil: null,
    reason: 'left',
    node: 'n1',
    saved: false,
  });
  const lastsMs = Date.parse(until) - Date.parse(since);
  assert.ok(lastsMs > 50_000 && lastsMs <= 60_000 && leftSeconds > 50 && leftSeconds <= 60);
  assert.ok(has('subject', 'ann'), 'in force when it is answered');
  assert.equal(has('client', 'ann'), false);
  for (const [query, total] of [
    ['', 1],
    ['?key=ann', 1],
    ['?key=bob', 0],
  ] as const) {
    const list = await ask(port, 'GET', `/revocations${query}`);
    assert.deepEqual(
      [list.status, list.body.total, list.body.revocations.length, list.body.next],
      [200, total, total, null],
    );
  }
  assert.equal((await ask(port, 'DELETE', `/revocations/${id}`)).status, 200);
  assert.equal(has('subject', 'ann'), false);
  const gone = await ask(port, 'DELETE', `/revocations/${id}`);
  assert.deepEqual([gone.status, gone.body.detail], [404, 'No revocation with this id holds.']);
  const anew = await ask(port, 'POST', '/revocations', { ...ORDER, issuedUntil: 'now' });
  assert.deepEqual([anew.status, anew.body.id], [201, id]);
  assert.ok(has('subject', 'ann'));
  const told = lines as { by?: string; message: string }[];
  assert.deepEqual(
    told.map(({ by, message }) => [by, message]),
    [
      ['127.0.0.1', 'revocation added by an operator'],
      ['127.0.0.1', 'revocation lifted by an operator'],
      ['127.0.0.1', 'revocation added by an operator'],
    ],
  );
});

test('any name can be revoked, whatever its characters', async () => {
  const { port, has } = await startRevocationAdmin();
  const names = ['a\u200db', 'a\nb', '\u202e', '\ue000', '\ud800', '__proto__', 'é', '😀', ' ', '\u0000'];
  for (const value of names) {
    const { status, body } = await ask(port, 'POST', '/revocations', { ...ORDER, value });
    assert.deepEqual([status, body.value, has('subject', value)], [201, value, true], JSON.stringify(value));
  }
  assert.equal((await ask(port, 'GET', '/revocations')).body.total, names.length);
});

test('a key is revoked by its id; a key in its place is refused, and told nowhere', async () => {
  const { port, keeper, has, lines } = await startRevocationAdmin();
  assert.equal((await ask(port, 'POST', '/revocations', KEY_ORDER)).status, 201);
  assert.ok(has('key', KEY_ORDER.value, ''));
  const key = `sp_live_${'x'.repeat(32)}_111111`;
  for (const value of [key, 'k1', KEY_ORDER.value.toUpperCase(), `${KEY_ORDER.value} `]) {
    const { status, body } = await ask(port, 'POST', '/revocations', { ...KEY_ORDER, value });
    assert.equal(status, 422);
    assert.match(body.detail, /id of an API key/);
    assert.ok(!JSON.stringify([body, lines]).includes(value));
  }
  assert.equal(keeper.inUse, 1);
});

test('orders are checked member by member; nothing of a wrong one takes effect', async () => {
  const { port, keeper } = await startRevocationAdmin();
  const { seconds: _seconds, ...endless } = ORDER;
  const cases = [
    [[], /must be a JSON object/],
    ['null', /must be a JSON object/],
    ['"x"', /must be a JSON object/],
    [{ ...ORDER, who: 'me' }, /The members are/],
    ['{"__proto__":{"kind":"subject"}}', /The members are/],
    [{ ...ORDER, kind: 'session' }, /kind must be one of token, subject, client, key/],
    [{ ...ORDER, kind: ['subject'] }, /kind must be one of/],
    [{ ...ORDER, issuer: undefined }, /issuer must be a name/],
    [{ ...ORDER, issuer: 'mian' }, /issuer must be a name .*main/],
    [{ ...ORDER, issuer: 'main subject' }, /issuer must be the name/],
    [{ ...ORDER, issuer: 7 }, /issuer must be the name/],
    [{ ...KEY_ORDER, issuer: 'main' }, /has no issuer/],
    [{ ...ORDER, value: '' }, /value must be text/],
    [{ ...ORDER, value: 7 }, /value must be text/],
    [{ ...ORDER, value: 'x'.repeat(2_049) }, /value must be text/],
    [{ ...ORDER, seconds: 0 }, /seconds must be/],
    [{ ...ORDER, seconds: 1.5 }, /seconds must be/],
    [{ ...ORDER, seconds: '60' }, /seconds must be/],
    [{ ...ORDER, seconds: null }, /seconds must be/],
    [{ ...ORDER, seconds: 31_536_001 }, /a year/],
    [{ ...ORDER, until: '2040-01-01T00:00:00Z' }, /not both/],
    [{ ...endless, until: '2040-01-01' }, /until must be a moment/],
    [{ ...endless, until: '2040-02-30T00:00:00Z' }, /until must be a moment/],
    [{ ...endless, until: '2040-01-01T25:00:00Z' }, /until must be a moment/],
    [{ ...endless, until: null }, /until must be a moment/],
    [{ ...endless, until: '2001-01-01T00:00:00Z' }, /in the future/],
    [{ ...endless, kind: 'token' }, /say how long/],
    [{ ...ORDER, kind: 'token', issuedUntil: 'now' }, /issued once/],
    [{ ...ORDER, issuedUntil: 'later' }, /issuedUntil must be a moment/],
    [{ ...ORDER, issuedUntil: '2999-01-01T00:00:00Z' }, /not be later than the end/],
    [{ ...ORDER, reason: 'x'.repeat(201) }, /reason must be text/],
    [{ ...ORDER, reason: 'a\nb' }, /reason must be text/],
    [{ ...ORDER, reason: null }, /reason must be text/],
  ] as const;
  for (const [body, words] of cases) {
    const answer = await ask(port, 'POST', '/revocations', body);
    assert.equal(answer.status, 422, JSON.stringify(body));
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    assert.match(answer.body.detail, words);
  }
  assert.equal(cases.length, 33);
  assert.equal(keeper.inUse, 0);
});

test('no room: 409, and what holds goes on', async () => {
  const { port, keeper, has } = await startRevocationAdmin();
  const until = Date.now() + 600_000;
  for (let i = 0; i < CAPACITY; i += 1) {
    const value = `t${i}`;
    await keeper.add({ kind: 'token', issuer: 'main', value, untilMs: until, issuedUntilMs: null, reason: '' }, '');
  }
  const full = await ask(port, 'POST', '/revocations', ORDER);
  assert.equal(full.status, 409);
  assert.match(full.body.detail, /revocations\.max/);
  assert.ok(has('token', 't0') && !has('subject', 'ann'));
  const again = await ask(port, 'POST', '/revocations', { ...ORDER, kind: 'token', value: 't0', seconds: 1_200 });
  assert.equal(again.status, 201, 'what holds already needs no more room');
});

test('pages', async () => {
  const { port } = await startRevocationAdmin();
  for (let i = 0; i < 5; i += 1) await ask(port, 'POST', '/revocations', { ...ORDER, value: `p${i}` });
  const seen: string[] = [];
  let after = '';
  for (let pages = 0; pages < 3; pages += 1) {
    const query: string = `?limit=2${after === '' ? '' : `&after=${after}`}`;
    const { body } = await ask(port, 'GET', `/revocations${query}`);
    assert.equal(body.total, 5);
    for (const { value } of body.revocations as RevocationView[]) seen.push(value);
    after = body.next ?? '';
  }
  assert.deepEqual([seen.sort(), after], [['p0', 'p1', 'p2', 'p3', 'p4'], '']);
  for (const query of ['limit=0', 'limit=1001', 'limit=1&limit=2', 'after=x', 'key=', 'owner=ann']) {
    assert.equal((await ask(port, 'GET', `/revocations?${query}`)).status, 400, query);
  }
});

test('hostile bodies: size, type, encoding, endings', async () => {
  const { port, keeper } = await startRevocationAdmin();
  const whole = JSON.stringify(ORDER);
  for (const [body, headers, status] of [
    [' '.repeat(16_385 - whole.length) + whole, {}, 413],
    [whole, { 'content-type': 'text/plain' }, 415],
    [whole, { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['{"value":', {}, 400],
    [`${'['.repeat(8_000)}${']'.repeat(8_000)}`, {}, 422],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {}, 400],
  ] as const) {
    const answer = await ask(port, 'POST', '/revocations', body, headers);
    assert.equal(answer.status, status, String(body).slice(0, 40));
    assert.equal(answer.headers.connection, 'close');
  }
  const socket = connect(port, '127.0.0.1');
  const head = 'POST /revocations HTTP/1.1\r\nHost: localhost\r\nx-sallyport-admin: 1\r\n';
  socket.write(`${head}Content-Type: application/json\r\nContent-Length: 500\r\n\r\n${whole}`, () => socket.destroy());
  await once(socket, 'close');
  assert.equal((await ask(port, 'GET', '/revocations')).body.total, 0);
  assert.equal(keeper.inUse, 0);
});

test('what changes anything needs the field, from loopback, or the token', async () => {
  const open = await startRevocationAdmin();
  const { id } = (await ask(open.port, 'POST', '/revocations', ORDER)).body as RevocationView;
  for (const [method, path, body] of [
    ['POST', '/revocations', { ...ORDER, value: 'bob' }],
    ['DELETE', `/revocations/${id}`, ''],
  ] as const) {
    const without = { 'x-sallyport-admin': '0', 'content-type': 'application/json' };
    assert.equal((await ask(open.port, method, path, body, without)).status, 403, method);
    assert.equal((await ask(open.port, method, path, body, { host: 'rebound.example' })).status, 421, method);
  }
  assert.equal((await ask(open.port, 'GET', '/revocations', '', { host: 'rebound.example' })).status, 421);
  assert.deepEqual([open.has('subject', 'ann'), open.has('subject', 'bob')], [true, false]);
  assert.equal(open.refused.length, 5);

  const closed = await startRevocationAdmin('correct-horse');
  assert.equal((await ask(closed.port, 'POST', '/revocations', ORDER)).status, 401);
  assert.equal((await ask(closed.port, 'GET', '/revocations')).status, 401);
  assert.equal((await ask(closed.port, 'DELETE', `/revocations/${ID}`)).status, 401);
  assert.equal(closed.keeper.inUse, 0);
  const bearer = { authorization: 'Bearer correct-horse', 'x-sallyport-admin': '' };
  assert.equal((await ask(closed.port, 'POST', '/revocations', ORDER, bearer)).status, 201);
});

test('methods, ids and bodies where none belong', async () => {
  const { port } = await startRevocationAdmin();
  for (const [method, path, status] of [
    ['PUT', '/revocations', 405],
    ['DELETE', '/revocations', 405],
    ['GET', `/revocations/${ID}`, 405],
    ['POST', `/revocations/${ID}`, 405],
    ['DELETE', `/revocations/${ID}`, 404],
    ['DELETE', `/revocations/${ID.toUpperCase()}A`, 404],
    ['DELETE', '/revocations/', 404],
    ['DELETE', '/revocations/../revocations', 404],
    ['GET', '/revocationsX', 404],
  ] as const) {
    assert.equal((await ask(port, method, path)).status, status, `${method} ${path}`);
  }
  const { status, headers } = await ask(port, 'PUT', '/revocations');
  assert.deepEqual([status, headers.allow], [405, 'GET, HEAD, POST']);
  assert.equal((await ask(port, 'DELETE', `/revocations/${ID}`, '{}')).status, 413);
});
