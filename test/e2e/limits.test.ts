import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { parseList } from 'structured-headers';
import { type ConfigDocument, type Gateway, startGateway } from '../support/gateway.ts';
import { startLoad } from '../support/load.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';

let upstream: RecordingUpstream;

before(async () => {
  upstream = await startRecordingUpstream({
    onRequest: (request, reply) => reply.ok(JSON.stringify({ target: request.target })),
  });
});

after(async () => {
  await upstream.close();
});

/** Routes by their path, each with policies; rate limits by name. */
const limited = (rateLimits: ConfigDocument, routes: Readonly<Record<string, ConfigDocument>>, more = {}) => ({
  upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
  rateLimits,
  routes: Object.entries(routes).map(([path, policies], index) => ({
    name: `r${index}`,
    paths: [path],
    upstream: 'main',
    policies,
  })),
  ...more,
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

async function ask(gateway: Gateway, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${gateway.http}${path}`, { headers });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

/** Items of a Structured Fields list of strings with integer parameters (RFC 9651). */
function items(text: string | null): { name: string; parameters: Record<string, unknown> }[] {
  return parseList(text ?? '').map(([name, parameters]) => {
    assert.equal(typeof name, 'string');
    return { name: name as string, parameters: Object.fromEntries(parameters) };
  });
}

/** Holds the parts of a 429 against each other. @returns  What it asks to wait, seconds. */
function agreeing({ status, headers, body }: Answer): number {
  assert.equal(status, 429);
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
  const document = JSON.parse(body) as Record<string, unknown>;
  const seconds = Number(headers.get('retry-after'));
  assert.ok(Number.isInteger(seconds) && seconds >= 1, `retry-after ${seconds}`);
  assert.deepEqual(
    { status: document.status, error: document.error, message: document.message, retry_after: document.retry_after },
    {
      status: 429,
      error: 'Too Many Requests',
      message: `You've reached the API limit. Please wait ${seconds} second${seconds === 1 ? '' : 's'}.`,
      retry_after: seconds,
    },
  );
  const policies = items(headers.get('ratelimit-policy'));
  const [state, ...others] = items(headers.get('ratelimit'));
  assert.deepEqual(others, []);
  assert.deepEqual(state?.parameters, { r: 0, t: seconds });
  assert.ok(
    policies.some(({ name }) => name === state?.name),
    `${state?.name} is a policy`,
  );
  for (const { parameters } of policies) {
    assert.ok(Number(parameters.q) >= 1 && Number(parameters.w) >= 1, JSON.stringify(parameters));
  }
  return seconds;
}

test('100 clients that obey retry_after are admitted, 100 of 100; headers and body agree in every 429', async (t) => {
  const gateway = await startGateway({
    config: limited(
      { keyed: { key: ['header:x-client'], windows: [{ limit: 3, windowMs: 1_500 }] } },
      { '/*': { rateLimits: ['keyed'] } },
    ),
  });
  try {
    let refusals = 0;
    let admitted = 0;
    const one = async (client: number): Promise<void> => {
      const headers = { 'x-client': `client-${client}` };
      // Clients differ in where in the window they come.
      await delay((client * 37) % 1_500);
      for (let i = 0; ; i += 1) {
        const answer = await ask(gateway, `/obey/${client}/${i}`, headers);
        if (answer.status === 200) continue;
        refusals += 1;
        await delay(agreeing(answer) * 1_000);
        break;
      }
      const again = await ask(gateway, `/obey/${client}/again`, headers);
      if (again.status === 200) admitted += 1;
      else t.diagnostic(`client ${client}: ${again.status} ${again.body}`);
    };
    await Promise.all(Array.from({ length: 100 }, (_, client) => one(client)));
    t.diagnostic(`${admitted} of 100 admitted after waiting; ${refusals} refusals agreed with themselves`);
    assert.equal(refusals, 100);
    assert.equal(admitted, 100);
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

test('one counter over all threads and connections: admitted equals the limit, to the request', async (t) => {
  const gateway = await startGateway({
    config: limited(
      { all: { key: ['address'], windows: [{ limit: 1_000, windowMs: 3_600_000 }] } },
      { '/*': { rateLimits: ['all'] } },
      { threads: 4 },
    ),
  });
  try {
    const load = startLoad({ port: gateway.http, connections: 32, requestsMax: 3_000 });
    const result = await load.done;
    const refused = result.failures.filter(({ cause }) => cause === 'status 429').length;
    t.diagnostic(result.words);
    assert.deepEqual([result.ok, refused], [1_000, 2_000]);
    assert.equal(await gateway.metric('sallyport_policy_requests_total', 'policy="all"', 'outcome="admitted"'), 1_000);
    assert.equal(await gateway.metric('sallyport_policy_requests_total', 'policy="all"', 'outcome="refused"'), 2_000);
    const line = await gateway.line('a refusal', (one) => one.code === 'SP_RATE_LIMITED');
    assert.equal(line.policy, 'all');
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

test('scope, weights, exemptions, several windows and everyRoute', async () => {
  const gateway = await startGateway({
    config: limited(
      {
        shared: { windows: [{ limit: 6, windowMs: 3_600_000 }] },
        own: { windows: [{ limit: 2, windowMs: 3_600_000 }], perRoute: true },
        exempted: { windows: [{ limit: 1, windowMs: 3_600_000 }], exempt: ['127.0.0.0/8'] },
        everywhere: {
          windows: [
            { limit: 50, windowMs: 60_000 },
            { limit: 60, windowMs: 3_600_000 },
          ],
          everyRoute: true,
        },
      },
      {
        '/cheap': { rateLimits: ['shared'] },
        '/dear': { rateLimits: ['shared'], cost: 4 },
        '/free': { rateLimits: ['shared'], cost: 0 },
        '/own-a': { rateLimits: ['own'] },
        '/own-b': { rateLimits: ['own'] },
        '/exempt': { rateLimits: ['exempted'] },
        '/plain': {},
      },
    ),
  });
  try {
    const statuses = async (path: string, count: number): Promise<number[]> => {
      const all: number[] = [];
      for (let i = 0; i < count; i += 1) all.push((await ask(gateway, path)).status);
      return all;
    };
    assert.deepEqual(await statuses('/dear', 2), [200, 429], 'a cost of 4 fits once into 6');
    assert.deepEqual(await statuses('/cheap', 3), [200, 200, 429], 'and leaves 2');
    assert.deepEqual(await statuses('/free', 4), [200, 200, 200, 200]);
    assert.deepEqual(await statuses('/own-a', 3), [200, 200, 429]);
    assert.deepEqual(await statuses('/own-b', 3), [200, 200, 429]);
    assert.deepEqual(await statuses('/exempt', 3), [200, 200, 200]);
    const plain = await ask(gateway, '/plain');
    assert.equal(plain.status, 200);
    const names = items(plain.headers.get('ratelimit-policy')).map(({ name }) => name);
    assert.deepEqual(names, ['everywhere-60000ms', 'everywhere-3600000ms']);
    // Admitted so far, by cost: one dear, two cheap ones, two of each own, three exempt ones, this one.
    const used = 4 + 2 + 2 + 2 + 3 + 1;
    assert.equal(items(plain.headers.get('ratelimit'))[0]?.parameters.r, 50 - used);
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

test('a missing key counts by address, or not at all; a repeated one is refused', async () => {
  const gateway = await startGateway({
    config: limited(
      {
        addressed: { key: ['header:x-client'], windows: [{ limit: 2, windowMs: 3_600_000 }] },
        skipped: {
          key: ['header:x-client'],
          windows: [{ limit: 2, windowMs: 3_600_000 }],
          whenMissing: 'skip',
        },
      },
      { '/addressed': { rateLimits: ['addressed'] }, '/skipped': { rateLimits: ['skipped'] } },
    ),
  });
  try {
    for (const expected of [200, 200, 429]) assert.equal((await ask(gateway, '/addressed')).status, expected);
    for (const expected of [200, 200, 200]) assert.equal((await ask(gateway, '/skipped')).status, expected);
    // Nobody can use up what an address has left by sending the address as a key.
    assert.equal((await ask(gateway, '/addressed', { 'x-client': '127.0.0.1' })).status, 200);
    const { open } = await import('../support/raw-client.ts');
    const socket = open({ port: gateway.http });
    socket.write('GET /addressed HTTP/1.1\r\nHost: a\r\nX-Client: one\r\nX-Client: two\r\n\r\n');
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await until('the refusal', () => text.includes('}'));
    assert.match(text, /^HTTP\/1\.1 400 /);
    socket.destroy();
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

test('counts live through reloads; a new limit holds at once', async () => {
  const config = (limit: number) =>
    limited({ one: { windows: [{ limit, windowMs: 3_600_000 }] } }, { '/*': { rateLimits: ['one'] } });
  const gateway = await startGateway({ config: config(3) });
  try {
    for (const expected of [200, 200, 200, 429]) assert.equal((await ask(gateway, '/a')).status, expected);
    assert.ok((await gateway.reload(config(5))).ok);
    for (const expected of [200, 200, 429]) assert.equal((await ask(gateway, '/a')).status, expected);
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

test('a full table refuses, or admits where it is told to, and says so', async () => {
  for (const whenFull of ['refuse', 'admit']) {
    const gateway = await startGateway({
      config: limited(
        { keyed: { key: ['header:x-client'], windows: [{ limit: 1, windowMs: 3_600_000 }] } },
        { '/*': { rateLimits: ['keyed'] } },
        { limiter: { slots: 1_024, whenFull } },
      ),
    });
    try {
      const statuses = new Map<number, number>();
      const many = startLoad({
        port: gateway.http,
        connections: 8,
        requestsMax: 1_500,
        fields: (n) => `x-client: c${n}\r\n`,
        isRight: () => true,
      });
      const result = await many.done;
      for (const { cause } of result.failures) {
        const status = Number(cause.slice('status '.length));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      const full = await gateway.metric('sallyport_policy_requests_total', 'policy="keyed"', 'outcome="full"');
      assert.ok(full >= 1_500 - 1_024, `${full} found no room`);
      assert.deepEqual([...statuses], whenFull === 'refuse' ? [[503, full]] : []);
      assert.equal(await gateway.metric('sallyport_limiter_full_total'), full);
      assert.ok((await gateway.metric('sallyport_limiter_slots_used')) > 900);
    } finally {
      assert.equal(await gateway.stop(), 0);
    }
  }
});

test('deny and allow lists of the gateway and of a route', async () => {
  const routes = {
    '/open': {},
    '/closed': { access: { deny: ['127.0.0.1'] } },
    '/some': { access: { allow: ['10.0.0.0/8'] } },
    '/mine': { access: { allow: ['127.0.0.0/8'] } },
  };
  const gateway = await startGateway({ config: limited({}, routes) });
  try {
    const statusOf = async (path: string) => (await ask(gateway, path)).status;
    assert.deepEqual(
      [await statusOf('/open'), await statusOf('/closed'), await statusOf('/some'), await statusOf('/mine')],
      [200, 403, 403, 200],
    );
    assert.ok((await gateway.reload(limited({}, routes, { access: { deny: ['127.0.0.0/8'] } }))).ok);
    const answer = await ask(gateway, '/open');
    assert.equal(answer.status, 403);
    assert.match(answer.body, /address-denied/);
    // Lists in files, 20,000 lines long; each reload reads them anew.
    const file = `${gateway.configFile}.deny`;
    const strangers = Array.from({ length: 20_000 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}\n`).join('');
    writeFileSync(file, strangers);
    const listed = limited({}, routes, { access: { denyFiles: [file] } });
    assert.ok((await gateway.reload(listed)).ok);
    assert.equal(await statusOf('/open'), 200);
    writeFileSync(file, `${strangers}127.0.0.0/8 # the test itself\n`);
    assert.ok((await gateway.reload()).ok);
    assert.equal(await statusOf('/open'), 403);
    writeFileSync(file, `${strangers}localhost\n`);
    const refused = await gateway.reload();
    assert.equal(refused.ok, false);
    assert.match(refused.text, /line 20001 has/);
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});
