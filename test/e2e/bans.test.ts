import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ConfigDocument, type Gateway, startGateway } from '../support/gateway.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { TestRedis, WITHOUT_REDIS } from '../support/redis.ts';
import { until } from '../support/wait.ts';

const ATTACKER = '198.51.100.7';
const CLEAN = '203.0.113.9';
const UNAUTHORIZED = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno';

let upstream: RecordingUpstream;
/** Requests that came through, by client address. */
const reached = new Map<string, number>();

before(async () => {
  upstream = await startRecordingUpstream({
    onRequest: (request, reply) => {
      const client = request.fields.find(([name]) => name.toLowerCase() === 'x-forwarded-for')?.[1] ?? '';
      const first = client.split(',')[0] ?? '';
      reached.set(first, (reached.get(first) ?? 0) + 1);
      if (request.target.startsWith('/login')) reply.raw(UNAUTHORIZED);
      else reply.ok('fine');
    },
  });
});

after(async () => {
  await upstream.close();
});

const banning = (abuse: ConfigDocument, more: ConfigDocument = {}): ConfigDocument => ({
  // The test stands for a proxy in front, so that it may be many clients.
  trustedProxies: ['127.0.0.1'],
  upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
  routes: [
    { name: 'login', paths: ['/login'], upstream: 'main' },
    { name: 'shop', paths: ['/shop/*'], upstream: 'main' },
  ],
  abuse,
  ...more,
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

async function ask(gateway: Gateway, path: string, client: string, fields: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${gateway.http}${path}`, {
    headers: { 'x-forwarded-for': client, ...fields },
  });
  return { status: response.status, headers: response.headers, body: await response.text() } satisfies Answer;
}

async function admin(gateway: Gateway, method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${gateway.admin}${path}`, {
    method,
    headers: { 'x-sallyport-admin': '1', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await response.json()) as Record<string, unknown>;
}

function bansOf(page: Record<string, unknown>): readonly Record<string, unknown>[] {
  return page.bans as readonly Record<string, unknown>[];
}

test('1,000 failed logins from one address end in a ban after the configured count; a clean one is untouched', async (t) => {
  reached.clear();
  const gateway = await startGateway({
    config: banning({ rules: { logins: { statuses: [401], failures: 20, windowMs: 600_000 } } }, { threads: 4 }),
  });
  try {
    const statuses = new Map<number, number>();
    let last: Answer | null = null;
    for (let i = 0; i < 1_000; i += 1) {
      last = await ask(gateway, '/login', ATTACKER);
      statuses.set(last.status, (statuses.get(last.status) ?? 0) + 1);
      if (i % 100 === 0) assert.equal((await ask(gateway, '/shop/1', CLEAN)).status, 200);
    }
    t.diagnostic(`answers by status: ${JSON.stringify([...statuses])}; reached the upstream: ${reached.get(ATTACKER)}`);
    assert.deepEqual(
      [...statuses],
      [
        [401, 20],
        [403, 980],
      ],
    );
    assert.equal(reached.get(ATTACKER), 20);
    assert.equal(reached.get(CLEAN), 10);
    assert.match(last?.headers.get('content-type') ?? '', /^application\/problem\+json/);
    const seconds = Number(last?.headers.get('retry-after'));
    assert.ok(seconds > 30 && seconds <= 60, `retry-after ${seconds}`);
    // Everything of it, not the logins alone; and other paths than the known ones say no more than these.
    assert.equal((await ask(gateway, '/shop/1', ATTACKER)).status, 403);
    assert.equal((await ask(gateway, '/nowhere', ATTACKER)).status, 403);
    assert.equal((await ask(gateway, '/nowhere', CLEAN)).status, 404);
    const line = await gateway.line('a refusal', (one) => one.code === 'SP_BANNED');
    assert.equal(line.policy, 'logins');
    const banned = await gateway.line('the ban', (one) => one.msg === 'banned');
    assert.deepEqual([banned.rule, banned.value, banned.strikes], ['logins', ATTACKER, 1]);
    assert.equal(await gateway.metric('sallyport_bans_made_total'), 1);
    assert.equal(await gateway.metric('sallyport_policy_requests_total', 'kind="ban"', 'policy="logins"'), 982);
    const page = await admin(gateway, 'GET', '/bans');
    assert.deepEqual([page.total, bansOf(page)[0]?.value, bansOf(page)[0]?.rule], [1, ATTACKER, 'logins']);
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

test('failures by several connections at once: one ban, and not many more reach the upstream than the rule allows', async () => {
  reached.clear();
  const gateway = await startGateway({
    config: banning({ rules: { logins: { statuses: [401], failures: 50, windowMs: 600_000 } } }, { threads: 4 }),
  });
  try {
    const one = async (): Promise<void> => {
      for (let i = 0; i < 60; i += 1) await ask(gateway, '/login', ATTACKER);
    };
    await Promise.all(Array.from({ length: 16 }, one));
    const count = reached.get(ATTACKER) ?? 0;
    assert.ok(count >= 50 && count < 50 + 16, `${count} reached the upstream`);
    assert.equal(await gateway.metric('sallyport_bans_made_total'), 1);
    const [ban] = bansOf(await admin(gateway, 'GET', '/bans'));
    assert.equal(ban?.strikes, 1);
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

test('the gateway’s own refusals count; those before the client is known count for it and not for the proxy', async () => {
  const gateway = await startGateway({
    config: banning({ rules: { probing: { statuses: [400, 404], failures: 3 } } }),
  });
  try {
    for (let i = 0; i < 3; i += 1) assert.equal((await ask(gateway, '/nowhere', ATTACKER)).status, 404);
    assert.equal((await ask(gateway, '/shop/1', ATTACKER)).status, 403);
    // A path that the guard refuses: by then nobody has looked at X-Forwarded-For.
    const other = '198.51.100.8';
    for (let i = 0; i < 3; i += 1) assert.equal((await ask(gateway, '/shop/%00', other)).status, 400);
    assert.equal((await ask(gateway, '/shop/1', other)).status, 403);
    assert.equal((await ask(gateway, '/shop/1', CLEAN)).status, 200);
    const values = bansOf(await admin(gateway, 'GET', '/bans')).map(({ value }) => value);
    assert.deepEqual(values.sort(), [ATTACKER, other]);
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

test('bans end by themselves, double, and are lifted and made by operators', async () => {
  const gateway = await startGateway({
    config: banning({
      rules: { logins: { statuses: [401], failures: 2, windowMs: 1_000, banMs: 1_000, banMsMax: 60_000 } },
      exempt: ['192.0.2.0/24'],
    }),
  });
  const fail = async (client: string): Promise<void> => {
    for (let i = 0; i < 2; i += 1) assert.equal((await ask(gateway, '/login', client)).status, 401);
    assert.equal((await ask(gateway, '/login', client)).status, 403);
  };
  const served = (client: string) => async (): Promise<boolean> =>
    (await ask(gateway, '/shop/1', client)).status === 200;
  try {
    await fail(ATTACKER);
    await until('the first ban ends', served(ATTACKER), 10_000);
    await fail(ATTACKER);
    const [second] = bansOf(await admin(gateway, 'GET', `/bans?key=${ATTACKER}`));
    assert.deepEqual([second?.strikes, second?.rule], [2, 'logins']);
    const lengthMs = Date.parse(String(second?.until)) - Date.parse(String(second?.since));
    assert.ok(lengthMs >= 2_000 && lengthMs < 3_000, `the second ban lasts ${lengthMs} ms`);
    await admin(gateway, 'DELETE', `/bans/${second?.id}`);
    assert.equal((await ask(gateway, '/shop/1', ATTACKER)).status, 200);

    const made = await admin(gateway, 'POST', '/bans', { value: CLEAN, seconds: 60, reason: 'by hand' });
    const refused = await ask(gateway, '/shop/1', CLEAN);
    assert.equal(refused.status, 403);
    // Right to a tenth of a second, never too short.
    assert.match(refused.headers.get('retry-after') ?? '', /^6[01]$/);
    assert.equal((await gateway.line('it', (one) => one.code === 'SP_BANNED' && one.policy === 'manual')).status, 403);
    await admin(gateway, 'DELETE', `/bans/${made.id}`);
    assert.equal((await ask(gateway, '/shop/1', CLEAN)).status, 200);

    for (let i = 0; i < 6; i += 1) assert.equal((await ask(gateway, '/login', '192.0.2.1')).status, 401);
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

test('bans outlive a restart and a reload; a rule that is gone bans nobody', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bans-'));
  const file = join(folder, 'bans.jsonl');
  const rules = { logins: { statuses: [401], failures: 2, banMs: 600_000 } };
  const config = banning({ rules, file });
  let gateway = await startGateway({ config });
  try {
    for (let i = 0; i < 2; i += 1) await ask(gateway, '/login', ATTACKER);
    assert.equal((await ask(gateway, '/login', ATTACKER)).status, 403);
    assert.equal(await gateway.stop(), 0);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.match(readFileSync(file, 'utf8'), /198\.51\.100\.7/);

    gateway = await startGateway({ config });
    assert.equal((await ask(gateway, '/shop/1', ATTACKER)).status, 403, 'with the first request');
    assert.equal((await ask(gateway, '/shop/1', CLEAN)).status, 200);
    const again = await gateway.reload(banning({ rules: { ...rules, more: { failures: 5 } }, file }));
    assert.ok(again.ok, again.text);
    assert.equal((await ask(gateway, '/shop/1', ATTACKER)).status, 403, 'after a reload');
    const without = await gateway.reload(banning({ rules: {}, file }));
    assert.ok(without.ok, without.text);
    assert.equal((await ask(gateway, '/shop/1', ATTACKER)).status, 200);
    const moved = await gateway.reload(banning({ rules, file: `${file}.other` }));
    assert.equal(moved.ok, false);
    assert.match(moved.text, /abuse\.file/);
  } finally {
    assert.equal(await gateway.stop(), 0);
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a key of a field bans the user and not the address', async () => {
  const gateway = await startGateway({
    config: banning({ rules: { users: { key: ['header:x-user'], statuses: [401], failures: 3, banMs: 60_000 } } }),
  });
  try {
    for (let i = 0; i < 3; i += 1) await ask(gateway, '/login', `198.51.100.${i}`, { 'x-user': 'eve' });
    assert.equal((await ask(gateway, '/shop/1', CLEAN, { 'x-user': 'eve' })).status, 403);
    assert.equal((await ask(gateway, '/shop/1', CLEAN, { 'x-user': 'bob' })).status, 200);
    assert.equal((await ask(gateway, '/shop/1', '198.51.100.1')).status, 200);
    for (let i = 0; i < 6; i += 1) assert.equal((await ask(gateway, '/login', CLEAN)).status, 401, 'nobody to count');
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

test('exempt clients are never banned: not with their prefix, not with their user, and not any more after a reload', async () => {
  const rules = {
    logins: { statuses: [401], failures: 2, banMs: 60_000 },
    users: { key: ['header:x-user'], statuses: [401], failures: 2, banMs: 60_000 },
  };
  const own = '2001:db8:1:2::5';
  const more = { limiter: { ipv6PrefixBits: 56 } };
  const gateway = await startGateway({ config: banning({ rules, exempt: [own] }, more) });
  try {
    for (let i = 0; i < 2; i += 1) await ask(gateway, '/login', '2001:db8:1:2::66', { 'x-user': 'eve' });
    assert.equal((await ask(gateway, '/shop/1', '2001:db8:1:3::77')).status, 403);
    assert.equal((await ask(gateway, '/shop/1', own)).status, 200);
    assert.equal((await ask(gateway, '/shop/1', CLEAN, { 'x-user': 'eve' })).status, 403);
    assert.equal((await ask(gateway, '/shop/1', own, { 'x-user': 'eve' })).status, 200);
    const now = await gateway.reload(banning({ rules, exempt: [own, '2001:db8:1:3::77'] }, more));
    assert.ok(now.ok, now.text);
    assert.equal((await ask(gateway, '/shop/1', '2001:db8:1:3::77')).status, 200);
    assert.equal((await ask(gateway, '/shop/1', '2001:db8:1:2::66')).status, 403);
    const found = await admin(gateway, 'GET', '/bans?key=2001:db8:1:3::77');
    assert.equal(bansOf(found)[0]?.value, '2001:db8:1::/56');
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

test('nobody gets a stranger banned: a repeated field counts for neither value, a forged address for nobody', async () => {
  const rules = {
    users: { key: ['header:x-user'], statuses: [400], failures: 1, banMs: 60_000 },
    probing: { statuses: [400], failures: 1, banMs: 60_000 },
  };
  const gateway = await startGateway({ config: banning({ rules }, { trustedProxies: ['192.0.2.0/24'] }) });
  const send = (fields: string) => rawStatus(gateway.http, `GET /shop/1 HTTP/1.1\r\nhost: a\r\n${fields}\r\n`);
  try {
    // We are no trusted proxy here: what we say of ourselves is nobody's address.
    assert.equal(await send(`x-user: eve\r\nx-user: bob\r\nx-forwarded-for: ${CLEAN}\r\n`), 400);
    const bans = bansOf(await admin(gateway, 'GET', '/bans'));
    assert.deepEqual(
      bans.map(({ rule, value }) => [rule, value]),
      [['probing', '127.0.0.1']],
    );
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

test('a WebSocket that an upstream refuses counts like any other answer', async () => {
  const gateway = await startGateway({
    config: banning(
      { rules: { logins: { statuses: [401], failures: 2 } } },
      { routes: [{ name: 'login', paths: ['/login'], upstream: 'main', policies: { websocket: { enabled: true } } }] },
    ),
  });
  const handshake =
    'GET /login HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
    `sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-forwarded-for: ${ATTACKER}\r\n\r\n`;
  try {
    for (const status of [401, 401, 403]) assert.equal(await rawStatus(gateway.http, handshake), status);
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

/** Sends bytes, and reads the status of the answer. */
async function rawStatus(port: number, request: string): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  try {
    await once(socket, 'connect');
    socket.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
    });
    socket.write(request);
    await until('a status line', () => text.includes('\r\n'), 10_000);
  } finally {
    socket.destroy();
  }
  return Number(text.slice(9, 12));
}

test('a ban and a lift reach the other gateways through Redis, and one that comes later', {
  skip: WITHOUT_REDIS,
}, async (t) => {
  const redis = await TestRedis.start(t);
  const config = banning(
    { rules: { logins: { statuses: [401], failures: 3, banMs: 600_000 } } },
    { redis: { mode: 'single', nodes: [`127.0.0.1:${redis.port}`], timeoutMs: 1_000 } },
  );
  const [one, two] = await Promise.all([startGateway({ config }), startGateway({ config })]);
  const all = [one, two];
  const statusAt = async (gateway: Gateway) => (await ask(gateway, '/shop/1', ATTACKER)).status;
  try {
    for (let i = 0; i < 3; i += 1) assert.equal((await ask(one, '/login', ATTACKER)).status, 401);
    assert.equal(await statusAt(one), 403);
    const bannedAt = performance.now();
    await until('the ban on the other gateway', async () => (await statusAt(two)) === 403, 10_000);
    t.diagnostic(`a ban reached the other gateway after ${Math.round(performance.now() - bannedAt)} ms`);
    const [seen] = bansOf(await admin(two, 'GET', '/bans'));
    assert.deepEqual([seen?.value, seen?.rule, seen?.strikes], [ATTACKER, 'logins', 1]);
    assert.equal((await ask(two, '/shop/1', CLEAN)).status, 200);

    await redis.kill();
    assert.deepEqual([await statusAt(one), await statusAt(two)], [403, 403], 'bans hold without Redis');
    await redis.start();
    const late = await startGateway({ config });
    all.push(late);
    await until('the ban on a gateway that came later', async () => (await statusAt(late)) === 403, 20_000);
    await admin(late, 'DELETE', `/bans/${seen?.id}`);
    for (const gateway of all) await until('the lift', async () => (await statusAt(gateway)) === 200, 10_000);
  } finally {
    for (const gateway of all) assert.equal(await gateway.stop(), 0);
  }
});
