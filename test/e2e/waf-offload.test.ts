import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
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
SecAction "id:7,phase:1,pass,nolog,initcol:global=all,setvar:global.count=+1"
SecRule GLOBAL:count "@ge 1" "id:8,phase:5,pass,log,msg:'count %{GLOBAL.count}'"
`;
const OTHER_RULES = RULES.replace('status:406', 'status:409');

const folder = mkdtempSync(join(tmpdir(), 'sallyport-offload-'));
const rulesFile = join(folder, 'rules.conf');
const JSON_TYPE = { 'content-type': 'application/json' };
const BYTES = { 'content-type': 'application/octet-stream' };
/** Long enough to be handed over. */
const PADDING = 'x'.repeat(OFFLOAD_BYTES);

let upstream: RecordingUpstream;

before(async () => {
  upstream = await startRecordingUpstream({
    onRequest: (_, reply) => reply.ok('fine', 'content-type: text/plain\r\nx-plain: yes\r\n'),
  });
});

after(async () => {
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
    policies: { waf: { mode, ...(mode === 'block' ? {} : {}) } },
  })),
  ...more,
});

async function withGateway(
  options: Pick<GatewayOptions, 'env'> & { readonly config?: object },
  run: (gateway: Gateway) => Promise<void>,
): Promise<void> {
  writeFileSync(rulesFile, RULES);
  const preload = [join(DIST, 'test/support/break-inspector.js')];
  const gateway = await startGateway({ config: config(), preload, ...options } as GatewayOptions);
  try {
    await run(gateway);
    assert.equal(await gateway.metric('sallyport_handler_errors_total'), 0);
  } finally {
    assert.equal(await gateway.stop(), 0, gateway.stderr());
  }
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

async function ask(gateway: Gateway, asked: Asked): Promise<Exchange & { readonly status: number }> {
  const body = Buffer.from(asked.body ?? '');
  const pieces = asked.pieces ?? 1;
  const size = Math.ceil(body.length / pieces);
  const cut = Array.from({ length: pieces }, (_, at) => body.subarray(at * size, (at + 1) * size));
  const done = await exchange({
    port: gateway.http,
    segments: [Buffer.from(headOf(asked, body.length)), ...cut],
    methods: ['POST'],
    timeoutMs: 10_000,
  });
  return { ...done, status: done.answers[0]?.status ?? 0 };
}

const json = (members: object): string => JSON.stringify({ ...members, padding: PADDING });
const offloads = (gateway: Gateway): Promise<number> => gateway.metric('sallyport_waf_offloads_total');
const underWay = (gateway: Gateway): Promise<number> => gateway.metric('sallyport_waf_offloads_under_way');
const bodiesSince = (from: number): Buffer[] => upstream.requests.slice(from).map(({ body }) => body);
const quiet = { 'x-none': '1' };

describe('long bodies', () => {
  test('are inspected by inspect threads, as short ones are inline', async () => {
    await withGateway({}, async (gateway) => {
      const from = upstream.requests.length;
      const short = await ask(gateway, { body: '{"a":"an attack"}' });
      assert.deepEqual([short.status, await offloads(gateway)], [406, 0]);
      const long = await ask(gateway, { body: json({ a: 'an attack' }) });
      assert.deepEqual([long.status, await offloads(gateway)], [406, 1]);
      const line = await gateway.line(
        'of the long one',
        ({ bytesIn, status }) => status === 406 && Number(bytesIn) > 1_000,
      );
      assert.deepEqual([line.reason, (line.waf as { rules: number[] }).rules], ['rule 2', [2, 8]]);
      assert.deepEqual(bodiesSince(from), []);
    });
  });

  test('go on byte for byte, however they come', async () => {
    await withGateway({}, async (gateway) => {
      const honest = randomBytes(700_001);
      const from = upstream.requests.length;
      for (const pieces of [1, 7, 40]) {
        const { status } = await ask(gateway, { host: 'detect', body: honest, pieces, fields: BYTES });
        assert.equal(status, 200);
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
      assert.equal(await offloads(gateway), 4);
      assert.equal(await underWay(gateway), 0);
    });
  });

  test('are those that are long when inflated', async () => {
    await withGateway({}, async (gateway) => {
      const fields = { ...JSON_TYPE, 'content-encoding': 'gzip' };
      const attack = gzipSync(json({ a: 'an attack' }));
      assert.ok(attack.length < OFFLOAD_BYTES);
      assert.equal((await ask(gateway, { body: attack, fields })).status, 406);
      assert.equal(await offloads(gateway), 1);
      const honest = gzipSync(json({ mark: 'quiet' }));
      const from = upstream.requests.length;
      assert.equal((await ask(gateway, { body: honest, fields })).status, 200);
      assert.deepEqual(bodiesSince(from), [honest]);
    });
  });

  test('leave to later phases what rules made of them', async () => {
    await withGateway({}, async (gateway) => {
      // A variable set in phase 2 is read in phase 3; a rule that phase 2 takes out does not run there.
      for (const [mark, status] of [
        ['later', 451],
        ['quiet', 200],
        ['none', 418],
      ] as const) {
        assert.equal((await ask(gateway, { body: json({ mark }) })).status, status, mark);
        assert.equal((await ask(gateway, { body: `{"mark":"${mark}"}` })).status, status, mark);
      }
      // Six requests: phase 1 counted each of them once.
      const audit = await until('the log', () => gateway.lines.filter(({ waf }) => waf !== undefined).length >= 6);
      assert.ok(audit);
      assert.equal(await offloads(gateway), 3);
    });
  });

  test('SALLYPORT_OFFLOAD_BYTES=0 hands over every body', async () => {
    const env = { SALLYPORT_OFFLOAD_BYTES: '0' };
    await withGateway({ config: { ...config(), offloadBytes: undefined }, env }, async (gateway) => {
      assert.equal((await ask(gateway, { body: '{"a":"an attack"}' })).status, 406);
      assert.equal((await ask(gateway, { body: '1' })).status, 418);
      assert.equal(await offloads(gateway), 2);
      assert.equal((await ask(gateway, { body: '' })).status, 418);
      assert.equal(await offloads(gateway), 2);
    });
  });
});

describe('an inspect thread that dies with a body', () => {
  for (const word of ['exit', 'throw']) {
    test(`lets it pass nowhere but in detection (${word}), and is replaced`, async () => {
      await withGateway({}, async (gateway) => {
        const from = upstream.requests.length;
        const answer = await ask(gateway, { body: json({ a: `{{${word}}}` }) });
        assert.equal(answer.status, 500);
        assert.match(answer.bytes.toString('latin1'), /waf-failed/);
        assert.deepEqual(bodiesSince(from), []);
        const restarts = () => gateway.metric('sallyport_inspect_thread_restarts_total');
        await until('the replacement', async () => (await restarts()) === 1);
        assert.equal((await ask(gateway, { body: json({ a: 'an attack' }) })).status, 406);
        assert.equal((await ask(gateway, { body: json({ mark: 'quiet' }) })).status, 200);
        assert.equal((await ask(gateway, { host: 'detect', body: json({ a: `{{${word}}}` }) })).status, 200);
        await until('the second replacement', async () => (await restarts()) === 2);
        assert.equal(await gateway.metric('sallyport_thread_restarts_total'), 0);
        assert.equal(await underWay(gateway), 0);
      });
    });
  }
});

describe('when inspect threads have no time', () => {
  const stall = (ms: number, more = {}): string => json({ ...more, a: `{{stall:${ms}}}`, mark: 'quiet' });

  test('bodies wait, and what is too many gets 503; in detection it passes unseen', async () => {
    await withGateway({}, async (gateway) => {
      const first = ask(gateway, { body: stall(1_500) });
      await until('the first', async () => (await underWay(gateway)) === 1);
      const second = ask(gateway, { body: stall(0) });
      await until('the second', async () => (await underWay(gateway)) === 2);
      const third = await ask(gateway, { body: stall(0) });
      assert.deepEqual(
        [third.status, third.answers[0]?.fields.find(([name]) => name === 'retry-after')?.[1]],
        [503, '1'],
      );
      assert.match(third.bytes.toString('latin1'), /waf-busy/);
      const detected = await ask(gateway, { host: 'detect', body: json({ a: 'an attack' }) });
      assert.equal(detected.status, 200);
      // Short ones do not wait.
      assert.equal((await ask(gateway, { body: '{"a":"an attack"}' })).status, 406);
      assert.deepEqual([(await first).status, (await second).status], [200, 200]);
      assert.equal(await gateway.metric('sallyport_waf_offloads_refused_total', 'full'), 2);
      assert.equal(await gateway.metric('sallyport_waf_unseen_bodies_total', 'request-busy'), 1);
      assert.equal(await underWay(gateway), 0);
    });
  });

  test('a verdict that comes too late is none', async () => {
    await withGateway({ config: config({ inspectDeadlineMs: 300 }) }, async (gateway) => {
      const from = upstream.requests.length;
      const late = await ask(gateway, { body: stall(1_200) });
      assert.deepEqual([late.status, late.ms < 1_200], [503, true]);
      assert.equal(await gateway.metric('sallyport_waf_offloads_refused_total', 'late'), 1);
      await delay(1_200);
      assert.deepEqual(bodiesSince(from), []);
      assert.equal((await ask(gateway, { body: json({ a: 'an attack' }) })).status, 406);
    });
  });

  test('a client may leave, waiting or under inspection', async () => {
    await withGateway({}, async (gateway) => {
      const from = upstream.requests.length;
      const sockets = [stall(800), stall(0)].map((body) => {
        const socket = open({ port: gateway.http });
        socket.on('error', () => {});
        socket.write(headOf({}, body.length) + body);
        return socket;
      });
      await until('both', async () => (await underWay(gateway)) === 2);
      for (const socket of sockets) socket.destroy();
      await until('their end', async () => (await underWay(gateway)) === 0);
      assert.equal(await gateway.metric('sallyport_requests_in_flight'), 0);
      assert.equal((await ask(gateway, { body: json({ mark: 'quiet' }) })).status, 200);
      assert.equal(bodiesSince(from).length, 1);
    });
  });

  test('a reload meanwhile leaves a request with the rules that it began with', async () => {
    await withGateway({}, async (gateway) => {
      const running = ask(gateway, { body: stall(1_000, { b: 'an attack' }) });
      await until('the first', async () => (await underWay(gateway)) === 1);
      const waiting = ask(gateway, { body: stall(0, { b: 'an attack' }) });
      await until('the second', async () => (await underWay(gateway)) === 2);
      writeFileSync(rulesFile, OTHER_RULES);
      const reload = await gateway.reload();
      assert.ok(reload.ok, reload.text);
      assert.deepEqual([(await running).status, (await waiting).status], [406, 406]);
      assert.equal((await ask(gateway, { body: json({ b: 'an attack' }) })).status, 409);
      // A replacement begins with the rules of now.
      await ask(gateway, { body: json({ b: '{{exit}}' }) });
      assert.equal((await ask(gateway, { body: json({ b: 'an attack' }) })).status, 409);
    });
  });

  test('a drain waits for the verdict', async () => {
    let answer: Promise<{ status: number }> | undefined;
    await withGateway({}, async (gateway) => {
      answer = ask(gateway, { body: stall(1_000) });
      await until('it', async () => (await underWay(gateway)) === 1);
    });
    assert.equal((await answer)?.status, 200);
  });

  test('a drain that ends before the verdict passes nothing', async () => {
    const from = upstream.requests.length;
    let answer: Promise<{ status: number }> | undefined;
    await withGateway({ config: config({}, { drain: { deadlineMs: 300 } }) }, async (gateway) => {
      answer = ask(gateway, { body: stall(2_000) });
      await until('it', async () => (await underWay(gateway)) === 1);
    });
    assert.equal((await answer)?.status, 503);
    assert.deepEqual(bodiesSince(from), []);
  });
});

test('short requests keep their latency while long bodies are inspected', async (t) => {
  // Enough work for a second or so on each body, of which the ingress thread has none.
  const slow = Array.from(
    { length: 60 },
    (_, at) =>
      `SecRule ARGS "@rx (?i)(?:union|select${at}).{1,40}from" "id:${1_000 + at},phase:2,deny,t:urlDecodeUni,t:lowercase"`,
  ).join('\n');
  await withGateway({ config: config({ argumentsMax: 100_000 }) }, async (gateway) => {
    writeFileSync(rulesFile, `${RULES}\n${slow}`);
    assert.ok((await gateway.reload()).ok);
    const members = Array.from({ length: 12_000 }, (_, at) => [`name${at}`, `value ${at} ${'pad '.repeat(16)}`]);
    const long = JSON.stringify({ mark: 'quiet', ...Object.fromEntries(members) });
    assert.ok(long.length > 1_000_000 && long.length < BODY_BYTES_MAX, String(long.length));
    const latency = async (requests: number): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < requests; i += 1) {
        const answer = await ask(gateway, { body: '{"mark":"quiet"}' });
        assert.equal(answer.status, 200);
        times.push(answer.ms);
      }
      return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] as number;
    };
    const alone = await latency(40);
    const startedAt = performance.now();
    const body = ask(gateway, { body: long });
    await until('the long one', async () => (await underWay(gateway)) === 1, 10_000, 5);
    const beside = await latency(20);
    const stillThere = await underWay(gateway);
    assert.equal((await body).status, 200);
    const tookMs = performance.now() - startedAt;
    t.diagnostic(
      `${long.length} bytes: ${tookMs.toFixed(0)} ms; beside it ${beside.toFixed(1)} ms, alone ${alone.toFixed(1)} ms`,
    );
    assert.equal(stillThere, 1, 'the long body was done before the short ones');
    assert.ok(beside < tookMs / 4, `${beside} of ${tookMs} ms`);
  });
});
