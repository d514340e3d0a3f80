import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { DIST, type Gateway, type GatewayOptions, startGateway } from '../support/gateway.ts';
import { type Exchange, exchange, open } from '../support/raw-client.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';

const OFFLOAD_BYTES = 10_000;
const BODY_BYTES_MAX = 1_500_000;

const RULES = `
SecRule REQUEST_HEADERS:Content-Type "@contains json" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule ARGS "@contains attack" "id:2,phase:2,deny,status:406,log,auditlog,msg:'attack in %{MATCHED_VAR_NAME}'"
SecRule ARGS:json.mark "@rx ^(later|quiet)$" "id:3,phase:2,pass,capture,log,setvar:tx.mark=%{TX.1}"
SecRule TX:mark "@streq later" "id:4,phase:3,deny,status:451,log"
SecRule ARGS:json.mark "@streq quiet" "id:5,phase:2,pass,nolog,ctl:ruleRemoveById=6"
SecRule RESPONSE_HEADERS:X-Plain "@streq yes" "id:6,phase:3,deny,status:418,log"
SecRule REQUEST_HEADERS:X-Client "@rx ." "id:7,phase:1,pass,nolog,initcol:ip=%{MATCHED_VAR},setvar:ip.count=+1"
SecAction "id:8,phase:2,pass,nolog,setvar:ip.count=+10"
SecRule IP:count "@streq 11" "id:9,phase:3,deny,status:410,log"
`;
const OTHER_RULES = RULES.replace('status:406', 'status:409');

const folder = mkdtempSync(join(tmpdir(), 'sallyport-offload-'));
const rulesFile = join(folder, 'rules.conf');
const JSON_TYPE = { 'content-type': 'application/json' };
const BYTES = { 'content-type': 'application/octet-stream' };
/** Long enough to be handed over. */
const PADDING = 'x'.repeat(OFFLOAD_BYTES);

let upstream: RecordingUpstream;
let gateway: Gateway;

before(async () => {
  upstream = await startRecordingUpstream({
    onRequest: (_, reply) => reply.ok('fine', 'content-type: text/plain\r\nx-plain: yes\r\n'),
  });
  gateway = await startOf();
});

after(async () => {
  assert.equal(await gateway.metric('sallyport_handler_errors_total'), 0);
  assert.equal(await gateway.metric('sallyport_thread_restarts_total'), 0);
  assert.equal(await gateway.stop(), 0, gateway.stderr());
  await upstream.close();
  rmSync(folder, { recursive: true });
});

const config = (waf = {}, more = {}) => ({
  threads: 1,
  offloadBytes: OFFLOAD_BYTES,
  upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
  waf: { rules: [rulesFile], requestBodyBytesMax: BODY_BYTES_MAX, inspectThreads: 1, inspectWaiting: 1, ...waf },
  routes: ['block', 'detect'].map((mode) => ({
    name: mode,
    hosts: [`${mode}.test`],
    upstream: 'main',
    policies: { waf: { mode } },
  })),
  ...more,
});

async function startOf(options: Pick<GatewayOptions, 'env'> & { readonly config?: object } = {}): Promise<Gateway> {
  writeFileSync(rulesFile, RULES);
  const preload = [join(DIST, 'test/support/break-inspector.js')];
  return startGateway({ config: config(), preload, ...options } as GatewayOptions);
}

interface Asked {
  readonly host?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly pieces?: number;
}

const headOf = ({ host = 'block', fields = JSON_TYPE }: Asked, length: number): string => {
  const lines = Object.entries({ host: `${host}.test`, 'content-length': String(length), ...fields });
  return `POST / HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
};

async function ask(asked: Asked, port = gateway.http): Promise<Exchange & { readonly status: number }> {
  const body = Buffer.from(asked.body ?? '');
  const pieces = asked.pieces ?? 1;
  const size = Math.ceil(body.length / pieces);
  const cut = Array.from({ length: pieces }, (_, at) => body.subarray(at * size, (at + 1) * size));
  const done = await exchange({
    port,
    segments: [Buffer.from(headOf(asked, body.length)), ...cut],
    methods: ['POST'],
    timeoutMs: 10_000,
  });
  return { ...done, status: done.answers[0]?.status ?? 0 };
}

const json = (members: object): string => JSON.stringify({ ...members, padding: PADDING });
const offloads = (of = gateway): Promise<number> => of.metric('sallyport_waf_offloads_total');
const underWay = (of = gateway): Promise<number> => of.metric('sallyport_waf_offloads_under_way');
const untilUnderWay = (bodies: number, of = gateway): Promise<true> =>
  until(`${bodies} under way`, async () => (await underWay(of)) === bodies, 10_000, 5);
const refused = (why: string): Promise<number> => gateway.metric('sallyport_waf_offloads_refused_total', why);
const bodiesSince = (from: number): Buffer[] => upstream.requests.slice(from).map(({ body }) => body);

describe('long bodies', () => {
  test('are inspected by inspect threads, as short ones are inline', async () => {
    const from = upstream.requests.length;
    assert.deepEqual([(await ask({ body: '{"a":"an attack"}' })).status, await offloads()], [406, 0]);
    assert.deepEqual([(await ask({ body: json({ a: 'an attack' }) })).status, await offloads()], [406, 1]);
    const isIt = ({ bytesIn, status }: Readonly<Record<string, unknown>>) => status === 406 && Number(bytesIn) > 1_000;
    const line = await gateway.line('of the long one', isIt);
    assert.deepEqual([line.reason, (line.waf as { rules: number[] }).rules], ['rule 2', [2]]);
    assert.deepEqual(bodiesSince(from), []);
  });

  test('go on byte for byte, however they come', async () => {
    const honest = randomBytes(700_001);
    const before = await offloads();
    const from = upstream.requests.length;
    for (const pieces of [1, 7, 40]) {
      assert.equal((await ask({ host: 'detect', body: honest, pieces, fields: BYTES })).status, 200);
    }
    // Chunked, in pieces that no length announces.
    const chunks = [honest.subarray(0, 9_000), honest.subarray(9_000, 30_000), honest.subarray(30_000)];
    const chunked = await exchange({
      port: gateway.http,
      segments: [
        Buffer.from('POST / HTTP/1.1\r\nhost: detect.test\r\ntransfer-encoding: chunked\r\n\r\n'),
        ...chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
        Buffer.from('0\r\n\r\n'),
      ],
      methods: ['POST'],
      timeoutMs: 10_000,
    });
    assert.equal(chunked.answers[0]?.status, 200);
    assert.deepEqual(
      bodiesSince(from).map((body) => body.equals(honest)),
      [true, true, true, true],
    );
    assert.deepEqual([(await offloads()) - before, await underWay()], [4, 0]);
  });

  test('that are too long to be inspected whole go on whole, in detection', async () => {
    const longer = randomBytes(BODY_BYTES_MAX + 900_000);
    const from = upstream.requests.length;
    assert.equal((await ask({ host: 'detect', body: longer, pieces: 20, fields: BYTES })).status, 200);
    assert.deepEqual(
      bodiesSince(from).map((body) => body.equals(longer)),
      [true],
    );
  });

  test('are those that are long when inflated', async () => {
    const before = await offloads();
    const fields = { ...JSON_TYPE, 'content-encoding': 'gzip' };
    const attack = gzipSync(json({ a: 'an attack' }));
    assert.ok(attack.length < OFFLOAD_BYTES);
    assert.equal((await ask({ body: attack, fields })).status, 406);
    const honest = gzipSync(json({ mark: 'quiet' }));
    const from = upstream.requests.length;
    assert.equal((await ask({ body: honest, fields })).status, 200);
    assert.deepEqual(bodiesSince(from), [honest]);
    assert.equal((await offloads()) - before, 2);
  });

  test('leave to later phases what rules made of them', async () => {
    // A variable set in phase 2 is read in phase 3; a rule that phase 2 takes out does not run there.
    for (const [mark, status] of [
      ['later', 451],
      ['quiet', 200],
      ['none', 418],
    ] as const) {
      assert.equal((await ask({ body: json({ mark }) })).status, status, mark);
      assert.equal((await ask({ body: `{"mark":"${mark}"}` })).status, status, mark);
    }
  });

  test('are counted once in collections that outlive a request', async () => {
    const of = (client: string) => ({ ...JSON_TYPE, 'x-client': client });
    assert.equal((await ask({ body: json({ mark: 'quiet' }), fields: of('long') })).status, 410);
    assert.equal((await ask({ body: '{"mark":"quiet"}', fields: of('short') })).status, 410);
    // Both sides write into the same: the second time it is 22.
    assert.equal((await ask({ body: '{"mark":"quiet"}', fields: of('long') })).status, 200);
  });
});

describe('an inspect thread that dies with a body', () => {
  for (const word of ['exit', 'throw']) {
    test(`lets it pass nowhere but in detection (${word}), and is replaced`, async () => {
      const from = upstream.requests.length;
      const restarts = () => gateway.metric('sallyport_inspect_thread_restarts_total');
      const before = await restarts();
      const answer = await ask({ body: json({ a: `{{${word}}}` }) });
      assert.equal(answer.status, 500);
      assert.match(answer.bytes.toString('latin1'), /waf-failed/);
      assert.deepEqual(bodiesSince(from), []);
      await until('the replacement', async () => (await restarts()) === before + 1);
      assert.equal((await ask({ body: json({ a: 'an attack' }) })).status, 406);
      assert.equal((await ask({ body: json({ mark: 'quiet' }) })).status, 200);
      assert.equal((await ask({ host: 'detect', body: json({ a: `{{${word}}}` }) })).status, 200);
      await until('the second replacement', async () => (await restarts()) === before + 2);
      assert.equal(await underWay(), 0);
    });
  }
});

const stall = (ms: number, more = {}): string => json({ ...more, a: `{{stall:${ms}}}`, mark: 'quiet' });

describe('when inspect threads have no time', () => {
  test('bodies wait, and what is too many gets 503; in detection it passes unseen', async () => {
    // Behind the deaths of before: a thread is there again.
    assert.equal((await ask({ body: stall(0) })).status, 200);
    const first = ask({ body: stall(2_000) });
    await untilUnderWay(1);
    const second = ask({ body: stall(0) });
    await untilUnderWay(2);
    const third = await ask({ body: stall(0) });
    const retryAfter = third.answers[0]?.fields.find(([name]) => name === 'retry-after')?.[1];
    assert.deepEqual([third.status, retryAfter], [503, '1']);
    assert.match(third.bytes.toString('latin1'), /waf-busy/);
    assert.equal((await ask({ host: 'detect', body: json({ a: 'an attack' }) })).status, 200);
    // Short ones do not wait.
    assert.equal((await ask({ body: '{"a":"an attack"}' })).status, 406);
    assert.deepEqual([(await first).status, (await second).status], [200, 200]);
    assert.equal(await refused('full'), 2);
    assert.equal(await gateway.metric('sallyport_waf_unseen_bodies_total', 'request-busy'), 1);
    assert.equal(await underWay(), 0);
  });

  test('a client may leave, waiting or under inspection', async () => {
    const from = upstream.requests.length;
    const sockets = [stall(800), stall(0)].map((body) => {
      const socket = open({ port: gateway.http });
      socket.on('error', () => {});
      socket.write(headOf({}, body.length) + body);
      return socket;
    });
    await untilUnderWay(2);
    for (const socket of sockets) socket.destroy();
    await untilUnderWay(0);
    assert.equal(await gateway.metric('sallyport_requests_in_flight'), 0);
    assert.equal((await ask({ body: json({ mark: 'quiet' }) })).status, 200);
    assert.equal(bodiesSince(from).length, 1);
  });

  test('a verdict that comes too late is none', async () => {
    assert.ok((await gateway.reload(config({ inspectDeadlineMs: 300 }))).ok);
    const from = upstream.requests.length;
    const late = await ask({ body: stall(1_200) });
    assert.deepEqual([late.status, await refused('late')], [503, 1]);
    assert.ok((await gateway.reload(config())).ok);
    assert.equal((await ask({ body: json({ a: 'an attack' }) })).status, 406);
    assert.deepEqual(bodiesSince(from), []);
  });

  test('a reload meanwhile leaves a request with the rules that it began with', async () => {
    const running = ask({ body: stall(1_000, { b: 'an attack' }) });
    await untilUnderWay(1);
    const waiting = ask({ body: stall(0, { b: 'an attack' }) });
    await untilUnderWay(2);
    writeFileSync(rulesFile, OTHER_RULES);
    const reload = await gateway.reload();
    assert.ok(reload.ok, reload.text);
    assert.deepEqual([(await running).status, (await waiting).status], [406, 406]);
    assert.equal((await ask({ body: json({ b: 'an attack' }) })).status, 409);
    // A replacement begins with the rules of now.
    assert.equal((await ask({ body: json({ b: '{{exit}}' }) })).status, 500);
    assert.equal((await ask({ body: json({ b: 'an attack' }) })).status, 409);
  });
});

test('short requests keep their latency while long bodies are inspected', async (t) => {
  // Work for a good part of a second, of which the ingress thread has none.
  const slow = Array.from({ length: 60 }, (_, at) => {
    const what = `"@rx (?i)(?:union|select${at}).{1,40}from" "id:${1_000 + at},phase:2,deny`;
    return `SecRule ARGS ${what},t:urlDecodeUni,t:lowercase"`;
  });
  writeFileSync(rulesFile, [RULES, ...slow].join('\n'));
  assert.ok((await gateway.reload(config({ argumentsMax: 100_000 }))).ok);
  const members = Array.from({ length: 12_000 }, (_, at) => [`name${at}`, `value ${at} ${'pad '.repeat(16)}`]);
  const long = JSON.stringify({ mark: 'quiet', ...Object.fromEntries(members) });
  assert.ok(long.length > 1_000_000 && long.length < BODY_BYTES_MAX, String(long.length));
  const times = async (requests: number): Promise<number> => {
    const list: number[] = [];
    for (let i = 0; i < requests; i += 1) {
      const { status, ms } = await ask({ body: '{"mark":"quiet"}' });
      assert.equal(status, 200);
      list.push(ms);
    }
    return list.sort((a, b) => a - b)[Math.floor(requests / 2)] as number;
  };
  const alone = await times(20);
  const beside: number[] = [];
  const took: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const startedAt = performance.now();
    const body = ask({ body: long });
    await untilUnderWay(1);
    beside.push(await times(5));
    assert.equal((await body).status, 200);
    took.push(performance.now() - startedAt);
  }
  const median = (list: number[]): number => list.sort((a, b) => a - b)[1] as number;
  const [besideMs, tookMs] = [median(beside), median(took)];
  const words = `${besideMs.toFixed(1)} ms beside it, ${alone.toFixed(1)} ms alone`;
  t.diagnostic(`a body of ${long.length} bytes ${tookMs.toFixed(0)} ms; a short request ${words}`);
  assert.ok(besideMs < tookMs / 3, `${besideMs} of ${tookMs} ms`);
});

describe('other gateways', { concurrency: true }, () => {
  test('SALLYPORT_OFFLOAD_BYTES=0 hands over every body; a drain waits for the verdict', async () => {
    const env = { SALLYPORT_OFFLOAD_BYTES: '0' };
    const other = await startOf({ config: { ...config(), offloadBytes: undefined }, env });
    assert.equal((await ask({ body: '{"a":"an attack"}' }, other.http)).status, 406);
    assert.equal((await ask({ body: '1' }, other.http)).status, 418);
    assert.equal(await offloads(other), 2);
    assert.equal((await ask({ body: '' }, other.http)).status, 418);
    assert.equal(await offloads(other), 2);
    const answer = ask({ body: stall(1_000) }, other.http);
    await untilUnderWay(1, other);
    assert.equal(await other.stop(), 0, other.stderr());
    assert.equal((await answer).status, 200);
  });

  test('whatever dies or leaves among many bodies, no attack passes', async () => {
    // Its threads die fast again: those that died before come back later and later.
    const other = await startOf({ config: config({ inspectWaiting: 100 }) });
    const bodies = Array.from({ length: 60 }, (_, at) => {
      if (at % 20 === 7) return json({ storm: at, b: '{{throw}} an attack' });
      return json(at % 2 === 0 ? { storm: at, b: 'an attack' } : { storm: at, mark: 'quiet' });
    });
    const statuses = await Promise.all(
      bodies.map(async (body, at) => {
        if (at % 10 !== 9) return (await ask({ body }, other.http)).status;
        const socket = open({ port: other.http });
        socket.on('error', () => {});
        socket.write(headOf({}, body.length) + body, () => socket.destroy());
        return 0;
      }),
    );
    const passed = upstream.requests.map(({ body }) => body.toString()).filter((body) => body.includes('"storm"'));
    assert.deepEqual(
      passed.filter((body) => body.includes('attack') || !bodies.includes(body)),
      [],
    );
    for (const [at, status] of statuses.entries()) {
      if (at % 10 === 9) continue;
      // A body that a dying thread had is refused whatever it is.
      assert.ok([at % 2 === 0 ? 406 : 200, 500].includes(status) || at % 20 === 7, `${at}: ${status}`);
      assert.equal(status === 200, passed.includes(bodies[at] as string), `${at}: ${status}`);
    }
    // One thread of each kind: the one body that each death takes with it.
    assert.equal(statuses.filter((status) => status === 500).length, 3);
    await untilUnderWay(0, other);
    assert.equal(await other.stop(), 0, other.stderr());
  });

  test('a drain that ends before the verdict passes nothing', async () => {
    const other = await startOf({ config: config({}, { drain: { deadlineMs: 300 } }) });
    const answer = ask({ body: stall(2_500) }, other.http);
    await untilUnderWay(1, other);
    assert.equal(await other.stop(), 0, other.stderr());
    assert.equal((await answer).status, 503);
    const passed = upstream.requests.filter(({ body }) => body.includes('{{stall:2500}}'));
    assert.deepEqual(passed, []);
  });
});
