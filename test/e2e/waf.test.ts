import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { gzipSync } from 'node:zlib';
import { testRequest } from '../../src/cli/waf-test.ts';
import { loadConfig } from '../../src/config/load.ts';
import { requestOfBytes } from '../../src/tuning/asked-request.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { exchange } from '../support/raw-client.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';

const RULES = `
SecRule REQUEST_HEADERS:X-Evil "@streq yes" "id:1,phase:1,deny,status:403,log,auditlog,msg:'evil field'"
SecRule ARGS "@contains attack" "id:2,phase:2,deny,status:406,log,auditlog,msg:'attack in %{MATCHED_VAR_NAME}'"
SecRule RESPONSE_BODY "@contains hidden-word" "id:3,phase:4,deny,log,auditlog,msg:'a word leaks'"
SecRule RESPONSE_HEADERS:X-Leak "@streq yes" "id:4,phase:3,deny,status:500,log,auditlog,msg:'a field leaks'"
SecRule REQUEST_URI "@beginsWith /away" "id:5,phase:1,redirect:https://example.com/elsewhere,log"
SecRule REQUEST_URI "@beginsWith /drop" "id:6,phase:1,drop,log"
SecRule ARGS:note "@streq curious" "id:7,phase:2,pass,log,msg:'only told'"
SecRule REQUEST_BODY "@contains raw-attack" "id:8,phase:2,deny,log"
SecResponseBodyMimeType text/plain text/html text/csv
`;

let upstream: RecordingUpstream;
let gateway: Gateway;
const folder = mkdtempSync(join(tmpdir(), 'sallyport-waf-'));
const rulesFile = join(folder, 'rules.conf');
const auditFile = join(folder, 'audit.log');

const route = (name: string, waf = {}) => ({ name, hosts: [`${name}.test`], upstream: 'main', policies: { waf } });

const config = (port: number, waf = {}) => ({
  upstreams: { main: { targets: [{ url: `http://127.0.0.1:${port}` }] } },
  waf: {
    rules: [rulesFile],
    requestBodyBytesMax: 4_096,
    responseBodyBytesMax: 4_096,
    audit: { path: auditFile },
    ...waf,
  },
  throttles: { steady: { requests: 50 } },
  routes: [
    route('block'),
    route('detect', { mode: 'detect' }),
    route('off', { mode: 'off' }),
    { ...route('slow'), policies: { throttle: 'steady' } },
    route('without', { without: { ids: ['1'], targets: [{ target: 'ARGS:essay', ids: [], tag: '' }] } }),
  ],
});

const ANSWERS: Readonly<Record<string, string>> = {
  '/leak': 'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\na hidden-word.\n',
  '/leak-chunked':
    'HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n' +
    '5\r\nhidde\r\n6\r\nn-word\r\n0\r\n\r\n',
  '/leak-two-types':
    'HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-type: Text/HTML;a=b\r\ncontent-length: 11\r\n\r\nhidden-word',
  '/leak-csv': 'HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 11\r\n\r\nhidden-word',
  '/leak-image': 'HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 11\r\n\r\nhidden-word',
  '/leak-coded':
    'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-encoding: br\r\ncontent-length: 11\r\n\r\nhidden-word',
  '/refused': 'HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nno',
  '/leak-field': 'HTTP/1.1 200 OK\r\nx-leak: yes\r\ncontent-length: 2\r\n\r\nok',
  '/long': `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 300000\r\n\r\n${'x'.repeat(300_000)}`,
  '/long-leak': `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 300011\r\n\r\nhidden-word${'x'.repeat(300_000)}`,
};

before(async () => {
  writeFileSync(rulesFile, RULES);
  upstream = await startRecordingUpstream({
    onRequest: (request, reply) => {
      const answer = ANSWERS[request.target];
      if (request.target === '/broken') {
        reply.raw('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\nhalf');
        setTimeout(() => reply.reset(), 50);
        return;
      }
      if (answer === undefined) reply.ok('fine', 'content-type: text/plain\r\n');
      else reply.raw(answer);
    },
  });
  gateway = await startGateway({ config: config(upstream.port) });
});

after(async () => {
  assert.equal(await gateway.stop(), 0);
  await upstream.close();
  rmSync(folder, { recursive: true });
});

interface Asked {
  readonly host?: string;
  readonly method?: string;
  readonly path?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly segments?: readonly (string | Buffer)[];
}

function verbOf({ method, body, segments }: Asked): string {
  return method ?? (body === undefined && segments === undefined ? 'GET' : 'POST');
}

function headOf(asked: Asked): string {
  const { host = 'block', path = '/', fields = {}, body } = asked;
  const lines = Object.entries({ host: `${host}.test`, ...fields }).map(([name, value]) => `${name}: ${value}\r\n`);
  if (body !== undefined) lines.push(`content-length: ${Buffer.byteLength(body)}\r\n`);
  return `${verbOf(asked)} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

function bytesToSend(asked: Asked): Buffer {
  return Buffer.concat([Buffer.from(headOf(asked)), Buffer.from(asked.body ?? '')]);
}

async function ask(asked: Asked) {
  const { body, segments } = asked;
  const verb = verbOf(asked);
  const head = headOf(asked);
  const pieces = segments ?? (body === undefined ? [] : [body]);
  const seen = upstream.requests.length;
  const { answers, end } = await exchange({
    port: gateway.http,
    segments: [Buffer.from(head), ...pieces.map((piece) => Buffer.from(piece))],
    methods: [verb],
    timeoutMs: 5_000,
  });
  const [answer] = answers;
  return { status: answer?.status ?? 0, answer, end, reached: upstream.requests.slice(seen) };
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe('requests', () => {
  test('a clean one goes on', async () => {
    const { status, reached } = await ask({});
    assert.deepEqual([status, reached.length], [200, 1]);
  });

  test('a field ends it; the client is not told which rule', async () => {
    const { status, answer, reached } = await ask({ fields: { 'X-Evil': 'yes' } });
    assert.deepEqual([status, reached.length], [403, 0]);
    const problem = JSON.parse(answer?.body.toString() ?? '') as Record<string, unknown>;
    assert.deepEqual(Object.keys(problem), ['type', 'title', 'status', 'detail', 'request_id']);
    assert.equal(problem.type, 'urn:problem-type:gateway:waf-blocked');
    assert.doesNotMatch(JSON.stringify(problem), /evil|rule/i);
    const line = await gateway.line('of the request', ({ requestId }) => requestId === problem.request_id);
    assert.deepEqual(
      [line.code, line.reason, line.waf],
      ['SP_WAF_BLOCKED', 'rule 1', { outcome: 'blocked', rules: [1] }],
    );
  });

  test('an argument of the query, or of the body, with the status of the rule', async () => {
    assert.equal((await ask({ path: '/?a=an%20attack' })).status, 406);
    const { status, reached } = await ask({ body: 'x=1&y=attack', fields: FORM });
    assert.deepEqual([status, reached.length], [406, 0]);
    const json = { body: '{"a":{"b":["attack"]}}', fields: { 'content-type': 'application/json' } };
    assert.equal((await ask(json)).status, 406);
  });

  test('a body goes on byte for byte, in whatever pieces it came', async () => {
    const bytes = Buffer.from(Array.from({ length: 3_000 }, (_, index) => (index * 7) % 256));
    const segments = [bytes.subarray(0, 1), bytes.subarray(1, 1_500), bytes.subarray(1_500)];
    const { status, reached } = await ask({ segments, fields: { 'content-length': '3000' } });
    assert.equal(status, 200);
    assert.deepEqual(reached[0]?.body, bytes);
  });

  test('a chunked one too', async () => {
    const fields = { ...FORM, 'transfer-encoding': 'chunked' };
    const bad = await ask({ segments: ['4\r\nx=at\r\n', '4\r\ntack\r\n', '0\r\n\r\n'], fields });
    assert.deepEqual([bad.status, bad.reached.length], [406, 0]);
    const good = await ask({ segments: ['4\r\nx=at\r\n', '2\r\nom\r\n', '0\r\n\r\n'], fields });
    assert.deepEqual([good.status, good.reached[0]?.body.toString()], [200, 'x=atom']);
  });

  test('a coded one is inflated to be seen, and goes on as it came', async () => {
    const fields = { ...FORM, 'content-encoding': 'gzip' };
    assert.equal((await ask({ body: gzipSync('x=attack'), fields })).status, 406);
    const coded = gzipSync('x=atom');
    const { status, reached } = await ask({ body: coded, fields });
    assert.deepEqual([status, reached[0]?.body], [200, coded]);
    assert.equal((await ask({ body: 'x=1', fields })).status, 415);
    assert.equal((await ask({ body: 'x=1', fields: { ...FORM, 'content-encoding': 'zstd' } })).status, 415);
    assert.equal((await ask({ body: gzipSync('x'.repeat(5_000)), fields })).status, 413);
  });

  test('a body over the bound is refused, declared or not', async () => {
    const body = 'x'.repeat(4_097);
    assert.equal((await ask({ body, fields: FORM })).status, 413);
    const fields = { 'transfer-encoding': 'chunked' };
    const { status, reached } = await ask({ segments: [`1001\r\n${body}\r\n`, '0\r\n\r\n'], fields });
    assert.deepEqual([status, reached.length], [413, 0]);
    assert.equal((await ask({ body: 'x'.repeat(4_096), fields: FORM })).status, 200);
  });

  test('a redirect, and a closed connection', async () => {
    const { status, answer } = await ask({ path: '/away' });
    assert.equal(status, 302);
    assert.equal(
      answer?.fields.find(([name]) => name.toLowerCase() === 'location')?.[1],
      'https://example.com/elsewhere',
    );
    const dropped = await ask({ path: '/drop' });
    assert.deepEqual([dropped.status, dropped.reached.length], [0, 0]);
    assert.notEqual(dropped.end, 'timeout');
  });
});

describe('answers', () => {
  test('a body ends the exchange before its first byte left', async () => {
    for (const path of ['/leak', '/leak-chunked', '/leak-two-types', '/leak-csv']) {
      const { status, answer } = await ask({ path });
      assert.equal(status, 403, path);
      assert.doesNotMatch(answer?.body.toString() ?? '', /hidden/);
    }
  });

  test('a field too', async () => {
    assert.equal((await ask({ path: '/leak-field' })).status, 500);
  });

  test('other media types and coded ones pass', async () => {
    assert.equal((await ask({ path: '/leak-image' })).answer?.body.toString(), 'hidden-word');
    assert.equal((await ask({ path: '/leak-coded' })).answer?.body.toString(), 'hidden-word');
    assert.equal((await ask({ path: '/leak', method: 'HEAD' })).status, 200);
    assert.ok((await gateway.metric('sallyport_waf_unseen_bodies_total', 'answer-coded')) >= 1);
  });

  test('of a long one the beginning is seen', async () => {
    const { status, answer } = await ask({ path: '/long' });
    assert.deepEqual([status, answer?.body.length], [200, 300_000]);
    assert.equal((await ask({ path: '/long-leak' })).status, 403);
  });
});

describe('exchanges that break', () => {
  test('a client that leaves in the middle of its body: nothing goes on, nothing is left', async () => {
    const from = gateway.lines.length;
    const seen = upstream.requests.length;
    const socket = connect(gateway.http, '127.0.0.1');
    socket.write('POST /left HTTP/1.1\r\nhost: block.test\r\ncontent-length: 100\r\n\r\nhalf');
    await until('the request under way', async () => (await gateway.metric('sallyport_requests_in_flight')) === 1);
    socket.destroy();
    const line = await gateway.line('of the request', ({ path }) => path === '/left', from);
    assert.deepEqual([line.status, line.code], [499, 'SP_REQUEST_ABORTED']);
    assert.deepEqual([upstream.requests.length, await gateway.metric('sallyport_requests_in_flight')], [seen, 0]);
  });

  test('an upstream that breaks in the middle of a held answer: a whole 502', async () => {
    const { status, answer } = await ask({ path: '/broken' });
    assert.equal(status, 502);
    assert.doesNotMatch(answer?.body.toString() ?? '', /half/);
  });

  test('a body that waits for its turn behind the rules goes on whole', async () => {
    const asks = Array.from({ length: 4 }, (_, index) => ask({ host: 'slow', body: `a=${index}`, fields: FORM }));
    assert.deepEqual(
      (await Promise.all(asks)).map(({ status }) => status),
      [200, 200, 200, 200],
    );
    const bodies = upstream.requests.filter(({ fields }) => fields.some(([, value]) => value === 'slow.test'));
    assert.deepEqual(bodies.map(({ body }) => body.toString()).sort(), ['a=0', 'a=1', 'a=2', 'a=3']);
  });

  test('a WebSocket handshake', async () => {
    const fields = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const { status, reached } = await ask({ fields: { ...fields, 'X-Evil': 'yes' } });
    assert.deepEqual([status, reached.length], [403, 0]);
    // The upstream takes none: its plain answer goes through the rules, too.
    assert.equal((await ask({ fields, path: '/leak-chunked' })).status, 403);
    assert.equal((await ask({ fields, path: '/refused' })).status, 404);
  });
});

describe('modes', () => {
  test('detect lets pass and tells', async () => {
    for (const asked of [{ fields: { 'X-Evil': 'yes' } }, { path: '/?a=attack' }, { path: '/leak' }]) {
      const { status } = await ask({ host: 'detect', ...asked });
      assert.equal(status, 200);
    }
    const body = `x=attack&y=${'x'.repeat(10_000)}`;
    const { status, reached } = await ask({ host: 'detect', body, fields: FORM });
    assert.deepEqual([status, reached[0]?.body.toString()], [200, body]);
    assert.equal(await gateway.metric('sallyport_waf_requests_total', 'route="detect"', 'outcome="detected"'), 4);
    assert.equal(await gateway.metric('sallyport_waf_unseen_bodies_total', 'route="detect"', 'request-cut'), 1);
  });

  test('off looks at nothing', async () => {
    assert.equal((await ask({ host: 'off', fields: { 'X-Evil': 'yes' }, path: '/leak?a=attack' })).status, 200);
    assert.equal(await gateway.metric('sallyport_waf_requests_total', 'route="off"'), 0);
  });

  test('what a route leaves out', async () => {
    assert.equal((await ask({ host: 'without', fields: { 'X-Evil': 'yes' } })).status, 200);
    assert.equal((await ask({ host: 'without', path: '/?essay=attack' })).status, 200);
    assert.equal((await ask({ host: 'without', path: '/?other=attack' })).status, 406);
  });

  test('a rule that only tells is in the log', async () => {
    const from = gateway.lines.length;
    assert.equal((await ask({ path: '/?note=curious' })).status, 200);
    const matched = { outcome: 'matched', rules: [7] };
    await gateway.line('with a rule', ({ waf }) => isDeepStrictEqual(waf, matched), from);
    const ruled = (...labels: string[]): Promise<number> =>
      gateway.metric('sallyport_waf_rule_matches_total', ...labels);
    assert.ok((await ruled('rule="7"', 'action="matched"')) >= 1);
    assert.equal(await ruled('rule="7"', 'action="blocked"'), 0);
    assert.ok((await ruled('action="blocked"')) >= 1);
    assert.ok((await ruled('action="detected"')) >= 1);
  });
});

describe('sallyport waf test', () => {
  const coded = (bytes: Buffer, coding: string, host = 'block') => ({
    host,
    body: bytes,
    fields: { ...FORM, 'content-encoding': coding },
  });
  const cases: readonly Asked[] = [
    {},
    { path: '/?' },
    { fields: { 'X-Evil': 'yes' } },
    { fields: { 'X-Evil': ' yes\t' } },
    { path: '/away' },
    { path: '/x/..//%61way' },
    { path: '/away/../x' },
    { path: '/?a=attack' },
    { method: 'GET', body: 'a=attack', fields: FORM },
    { body: 'raw-attack' },
    { body: 'x'.repeat(4_096) },
    { body: 'x'.repeat(4_097) },
    coded(gzipSync('a=attack'), 'GZIP'),
    coded(gzipSync('a=fine'), 'x-gzip'),
    coded(gzipSync('a=fine'), 'gzip, gzip'),
    coded(Buffer.concat([gzipSync('a=fine'), Buffer.from('&')]), 'gzip'),
    coded(gzipSync('x'.repeat(5_000)), 'gzip'),
    coded(Buffer.from('a=attack'), 'zstd'),
    coded(Buffer.from('a=attack'), 'identity'),
    coded(gzipSync('x'.repeat(5_000)), 'gzip', 'detect'),
    { host: 'detect', body: `a=attack${'x'.repeat(5_000)}`, fields: FORM },
    { host: 'without', fields: { 'X-Evil': 'yes' } },
  ];

  test('tells what the gateway does', async () => {
    const loaded = loadConfig({ file: gateway.configFile, env: {}, cwd: folder });
    for (const asked of cases) {
      const bytes = bytesToSend(asked);
      let text = '';
      const out = (piece: string): void => {
        text += piece;
      };
      const code = testRequest(
        loaded.config,
        { request: requestOfBytes(bytes), route: undefined, client: '127.0.0.1' },
        out,
      );
      const { status } = await ask(asked);
      const said = code === 0 ? '200' : /(?:refused with|blocked by rule \d+:) (\d+)/.exec(text)?.[1];
      assert.equal(said, String(status), `${bytes.toString('latin1').slice(0, 200)}\n${text}`);
    }
  });
});

describe('audit log', () => {
  test('a record per request in which a rule held, in the file', async () => {
    const { answer } = await ask({ path: '/?a=attack&password=hunter2', fields: { cookie: 'hunter2' } });
    const { request_id: id } = JSON.parse(answer?.body.toString() ?? '');
    const records = () =>
      readFileSync(auditFile, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line).transaction);
    const record = await until('the record', () => records().find(({ unique_id }) => unique_id === id));
    assert.deepEqual([record.route, record.outcome, record.response.http_code], ['block', 'blocked', 406]);
    assert.equal(record.request.headers.cookie, '[redacted]');
    assert.equal(record.messages[0].message, 'attack in ARGS:a');
    assert.doesNotMatch(readFileSync(auditFile, 'utf8'), /hunter2/);
    const rows = records().length;
    assert.equal((await ask({})).status, 200);
    assert.equal(records().length, rows);
  });
});

describe('reload', () => {
  test('the audit log goes on in a new file where the old one was moved away', async () => {
    renameSync(auditFile, `${auditFile}.1`);
    assert.equal((await gateway.reload()).ok, true);
    assert.equal((await ask({ path: '/?a=attack' })).status, 406);
    await until('a record', () => readFileSync(auditFile, 'utf8').includes('attack in ARGS:a') || undefined);
  });

  test('rules that do not load keep those of before; new ones are taken', async () => {
    writeFileSync(rulesFile, `${RULES}SecRule ARGS "@nothing x" "id:9,phase:2,deny"\n`);
    const refused = await gateway.reload();
    assert.equal(refused.ok, false);
    assert.match(refused.text, /rules\.conf:11.*nothing/);
    assert.equal((await ask({ fields: { 'X-Evil': 'yes' } })).status, 403);
    writeFileSync(rulesFile, 'SecRule REQUEST_HEADERS:X-Evil "@streq new" "id:1,phase:1,deny,log"\n');
    assert.equal((await gateway.reload()).ok, true);
    assert.equal((await ask({ fields: { 'X-Evil': 'yes' } })).status, 200);
    assert.equal((await ask({ fields: { 'X-Evil': 'new' } })).status, 403);
  });
});
