import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyWithSecret } from '../../src/api-keys/orders.ts';
import { startKeyAdmin } from '../api-keys/key-admin.ts';
import { FACTS, made, ringOf } from '../api-keys/support.ts';

const ORDER = { name: 'deploy', owner: 'team-a', scopes: ['read'] };
type Answer = Record<string, unknown> & { readonly detail?: string };

async function ask(url: string, method: string, path: string, body?: unknown, fields: Record<string, string> = {}) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      'x-sallyport-admin': '1',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...fields,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) as Answer };
}

test('a key is made, seen, rotated, verified, disabled, enabled and revoked; its secrets are shown once', async () => {
  const { url, book, lines, refused } = await startKeyAdmin();
  const ring = ringOf(book);
  const kindOf = (key: string) => ring.judge(key, FACTS).kind;
  const order = {
    ...ORDER,
    rateLimit: 'gold',
    cidrs: ['192.0.2.0/24'],
    origins: [],
    routes: ['orders'],
    notBefore: '2020-01-01T00:00:00Z',
    expires: '2040-01-01T00:00:00+01:00',
  };
  const created = await ask(url, 'POST', '/keys', order);
  assert.equal(created.status, 201);
  assert.equal(created.headers.get('cache-control'), 'no-store');
  const { id, key, ...view } = created.body as unknown as KeyWithSecret;
  assert.match(key, /^sp_test_[1-9A-Za-z]{32}_[1-9A-Za-z]{6}$/);
  assert.deepEqual(view, {
    name: 'deploy',
    owner: 'team-a',
    state: 'active',
    scopes: ['read'],
    rateLimit: 'gold',
    cidrs: ['192.0.2.0/24'],
    origins: [],
    routes: ['orders'],
    notBefore: '2020-01-01T00:00:00.000Z',
    expires: '2039-12-31T23:00:00.000Z',
    created: new Date(FACTS.nowMs).toISOString(),
    changed: new Date(FACTS.nowMs).toISOString(),
    formerSecretUntil: null,
  });
  assert.equal(kindOf(key), 'known', 'in force when it is answered');
  const shown = await ask(url, 'GET', `/keys/${id}`);
  assert.deepEqual([shown.status, shown.body], [200, { id, ...view }]);
  assert.deepEqual((await ask(url, 'GET', '/keys')).body, { keys: [{ id, ...view }], total: 1, next: null });
  const verified = await ask(url, 'POST', '/keys/verify', { key });
  assert.deepEqual([verified.status, verified.body], [200, { id, ...view }]);
  const rotated = await ask(url, 'POST', `/keys/${id}/rotate`, { graceSeconds: 60 });
  assert.equal(rotated.status, 200);
  const second = (rotated.body as unknown as KeyWithSecret).key;
  assert.deepEqual([kindOf(key), kindOf(second)], ['known', 'known']);
  const disabled = await ask(url, 'POST', `/keys/${id}/disable`);
  assert.deepEqual([disabled.status, disabled.body.state, kindOf(second)], [200, 'disabled', 'refused']);
  const enabled = await ask(url, 'POST', `/keys/${id}/enable`);
  assert.deepEqual([enabled.status, enabled.body.state, kindOf(second)], [200, 'active', 'known']);
  const revoked = await ask(url, 'POST', `/keys/${id}/revoke`);
  assert.deepEqual([revoked.status, revoked.body.state, kindOf(second)], [200, 'revoked', 'refused']);
  assert.equal((await ask(url, 'POST', `/keys/${id}/revoke`)).status, 200, 'again: as it should be');
  assert.equal((await ask(url, 'POST', `/keys/${id}/enable`)).status, 409);
  assert.equal((await ask(url, 'POST', `/keys/${id}/rotate`, { graceSeconds: 0 })).status, 409);
  assert.equal((await ask(url, 'POST', '/keys/verify', { key: second })).body.state, 'revoked');
  assert.deepEqual(
    lines
      .filter(({ context }) => context.by !== undefined)
      .map(({ message, context }) => [message, context.key, context.by]),
    ['created', 'rotated', 'disabled', 'enabled', 'revoked'].map((word) => [`API key ${word}`, id, '127.0.0.1']),
  );
  const told = JSON.stringify([lines, refused]);
  for (const secret of [key, second]) assert.equal(told.includes(secret) || told.includes(secret.slice(8, 40)), false);
});

test('pages, by owner', async () => {
  const { url, keeper, clock } = await startKeyAdmin();
  for (let i = 0; i < 5; i += 1) {
    clock.nowMs += i % 2;
    await made(keeper, { owner: i < 3 ? 'team-a' : 'team-b', name: `key ${i}` });
  }
  const first = await ask(url, 'GET', '/keys?limit=3');
  const second = await ask(url, 'GET', `/keys?limit=3&after=${first.body.next}`);
  const names = [first, second].flatMap(({ body }) => (body.keys as KeyWithSecret[]).map(({ name }) => name));
  assert.deepEqual([first.body.total, second.body.next, new Set(names).size], [5, null, 5]);
  const some = (await ask(url, 'GET', '/keys?owner=team-b')).body;
  assert.deepEqual([some.total, (some.keys as KeyWithSecret[]).map(({ owner }) => owner)], [2, ['team-b', 'team-b']]);
  for (const query of [
    'limit=0',
    'limit=1001',
    'after=x',
    'owner=',
    'owner=a&owner=b',
    'nope=1',
    `owner=${'x'.repeat(129)}`,
  ]) {
    assert.equal((await ask(url, 'GET', `/keys?${query}`)).status, 400, query);
  }
});

test('orders are checked member by member; nothing of a wrong one takes effect', async () => {
  const { url, book } = await startKeyAdmin();
  const many = (count: number) => Array.from({ length: count }, (_, i) => `x${i}`);
  const bad: readonly (readonly [body: unknown, words: RegExp])[] = [
    [[ORDER], /JSON object/],
    ['"text"', /JSON object/],
    ['null', /JSON object/],
    [{ ...ORDER, more: 1 }, /members are/],
    [{ ...ORDER, digest: 'x' }, /members are/],
    [{ owner: 'a' }, /Name must/],
    [{ name: 'a' }, /Owner must/],
    [{ ...ORDER, name: '' }, /Name must/],
    [{ ...ORDER, name: ' a' }, /Name must/],
    [{ ...ORDER, name: 'a\u001b[2J' }, /Name must/],
    [{ ...ORDER, name: 'a\u202e' }, /Name must/],
    [{ ...ORDER, owner: 'x'.repeat(129) }, /Owner must/],
    [{ ...ORDER, owner: 7 }, /Owner must/],
    [{ ...ORDER, scopes: 'read' }, /Scopes must/],
    [{ ...ORDER, scopes: ['a b'] }, /Scopes must/],
    [{ ...ORDER, scopes: ['a"'] }, /Scopes must/],
    [{ ...ORDER, scopes: ['a', 'a'] }, /Scopes must/],
    [{ ...ORDER, scopes: [7] }, /Scopes must/],
    [{ ...ORDER, scopes: many(65) }, /Scopes must/],
    [{ ...ORDER, rateLimit: 'bronze' }, /RateLimit bronze is not in rateLimits.*gold, silver/],
    [{ ...ORDER, rateLimit: null }, /RateLimit must/],
    [{ ...ORDER, cidrs: ['10.0.0.0/33'] }, /Cidrs must/],
    [{ ...ORDER, cidrs: ['fe80::1%eth0'] }, /Cidrs must/],
    [{ ...ORDER, cidrs: 'all' }, /Cidrs must/],
    [{ ...ORDER, origins: ['https://a.example/'] }, /Origins must/],
    [{ ...ORDER, origins: ['https://A.example'] }, /Origins must/],
    [{ ...ORDER, origins: ['https://a.example:443'] }, /Origins must/],
    [{ ...ORDER, origins: ['null'] }, /Origins must/],
    [{ ...ORDER, origins: ['*'] }, /Origins must/],
    [{ ...ORDER, routes: ['nowhere'] }, /Route nowhere is not in the configuration.*orders, people/],
    [{ ...ORDER, routes: ['a\n'] }, /Routes must/],
    [{ ...ORDER, expires: 'tomorrow' }, /expires must be a time/],
    [{ ...ORDER, expires: '2040-01-01' }, /expires must be a time/],
    [{ ...ORDER, expires: '2040-13-01T00:00:00Z' }, /expires must be a time/],
    [{ ...ORDER, expires: '2040-02-30T00:00:00Z' }, /expires must be a time/],
    [{ ...ORDER, expires: 4_000_000_000_000 }, /expires must be a time/],
    [{ ...ORDER, expires: '2020-01-01T00:00:00Z' }, /Expires must be in the future/],
    [
      { ...ORDER, notBefore: '2041-01-01T00:00:00Z', expires: '2040-01-01T00:00:00Z' },
      /Expires must be after notBefore/,
    ],
    [{ ...ORDER, notBefore: '' }, /notBefore must be a time/],
  ];
  for (const [body, words] of bad) {
    const { status, body: answer } = await ask(url, 'POST', '/keys', body);
    assert.equal(status, 422, JSON.stringify(body));
    assert.match(answer.detail ?? '', words, JSON.stringify(body));
  }
  assert.equal((await ask(url, 'POST', '/keys', '{"__proto__":{"name":"a"},"owner":"b"}')).status, 422);
  assert.equal((await ask(url, 'POST', '/keys', '{')).status, 400);
  assert.equal((await ask(url, 'POST', '/keys', { ...ORDER, name: 'x'.repeat(20_000) })).status, 413);
  assert.equal(book.size, 0);
});

test('keys that are none are told apart from those that nobody has', async () => {
  const { url, keeper } = await startKeyAdmin();
  const { key, id } = await made(keeper);
  const other = key.endsWith('1') ? '2' : '1';
  for (const [text, status, words] of [
    ['hello', 422, /no API key: they look like sp_test_RANDOM_CHECKSUM/],
    [`${key.slice(0, -1)}${other}`, 422, /checksum is wrong/],
    [key.replace('sp_test_', 'sp_live_'), 422, /another environment than test/],
    ['x'.repeat(257), 422, /as text/],
    [7, 422, /as text/],
  ] as const) {
    const { status: found, body } = await ask(url, 'POST', '/keys/verify', { key: text });
    assert.deepEqual([found, words.test(body.detail ?? '')], [status, true], `${text}: ${body.detail}`);
  }
  await keeper.rotate(id, 0, '');
  assert.equal((await ask(url, 'POST', '/keys/verify', { key })).status, 404);
  const again = await keeper.rotate(id, 1, '');
  assert.ok(again.ok);
});

test('methods, ids, bodies and the field', async () => {
  const { url, keeper } = await startKeyAdmin();
  const { id } = await made(keeper);
  const absent = '0'.repeat(24);
  for (const [method, path, body, status] of [
    ['PUT', '/keys', undefined, 405],
    ['DELETE', `/keys/${id}`, undefined, 405],
    ['POST', `/keys/${id}`, undefined, 405],
    ['GET', `/keys/${id}/rotate`, undefined, 405],
    ['GET', '/keys/verify', undefined, 405],
    ['GET', `/keys/${absent}`, undefined, 404],
    ['GET', '/keys/', undefined, 404],
    ['GET', '/keys/hello', undefined, 404],
    ['POST', `/keys/${absent}/revoke`, undefined, 404],
    ['POST', '/keys/hello/revoke', undefined, 404],
    ['POST', `/keys/${id}/open`, undefined, 404],
    ['POST', `/keys/${id}/revoke/x`, undefined, 404],
    ['POST', `/keys/${id}/revoke`, {}, 413],
    ['POST', `/keys/${id}/rotate`, {}, 422],
    ['POST', `/keys/${id}/rotate`, { graceSeconds: -1 }, 422],
    ['POST', `/keys/${id}/rotate`, { graceSeconds: '5' }, 422],
    ['POST', `/keys/${id}/rotate`, { graceSeconds: 31_536_001 }, 422],
    ['POST', `/keys/${id}/rotate`, { graceSeconds: 1, more: 1 }, 422],
  ] as const) {
    assert.equal((await ask(url, method, path, body)).status, status, `${method} ${path} ${JSON.stringify(body)}`);
  }
  for (const [path, body] of [
    ['/keys', ORDER],
    [`/keys/${id}/revoke`, undefined],
    ['/keys/verify', { key: 'x' }],
  ] as const) {
    assert.equal((await ask(url, 'POST', path, body, { 'x-sallyport-admin': '0' })).status, 403, path);
  }
  const shown = keeper.show(id);
  assert.ok(shown.ok && shown.key.state === 'active');
  const closed = await startKeyAdmin('correct-horse');
  assert.equal((await ask(closed.url, 'GET', '/keys')).status, 401);
  assert.equal((await ask(closed.url, 'POST', '/keys', ORDER)).status, 401);
  assert.equal(closed.book.size, 0);
});

test('a key in the place of its id is in no log line', async () => {
  const { url, refused } = await startKeyAdmin('correct-horse');
  const key = `sp_live_${'x'.repeat(32)}_111111`;
  assert.equal((await ask(url, 'GET', `/keys/${key}`)).status, 401);
  assert.equal((await ask(url, 'POST', `/keys/${key}/rotate`, { graceSeconds: 0 })).status, 401);
  const paths = (refused as { readonly path: string }[]).map(({ path }) => path);
  assert.deepEqual(paths, ['/keys/sp_...', '/keys/sp_.../rotate']);
});
