import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { exchange } from '../support/raw-client.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';

const request = (line: string, more = '') => Buffer.from(`${line} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`);

test('without any configuration the demo answers through the gateway, and a banner says what to do next', async (t) => {
  const gateway = await startGateway();
  try {
    const { answers } = await exchange({ port: gateway.http, segments: [request('GET /')] });
    assert.equal(answers[0]?.status, 200);
    const banner = await until('the banner', () => gateway.stderr().includes('npm start') && gateway.stderr());
    assert.ok(banner.includes(`:${gateway.http}`), banner);
    assert.ok(banner.includes(`:${gateway.admin}`), banner);
    assert.equal(banner.match(/^\s*curl /gm)?.length, 4, banner);
    assert.match(banner, /SALLYPORT_UPSTREAM=http:\S+ npm start/);
    assert.match(banner, /SALLYPORT_CONFIG=\S+ npm start/);
    t.diagnostic(`the demo answered: ${answers[0]?.body.toString().replace(/\s+/g, ' ').slice(0, 100)}`);

    const line = await gateway.line('GET /', (one) => one.path === '/' && one.status === 200);
    assert.equal(line.method, 'GET');
    assert.equal(typeof line.requestId, 'string');
    assert.deepEqual(
      gateway.lines.filter((one) => 'unparsable' in one),
      [],
    );
    for (const text of gateway.text().split('\n')) assert.ok(text === '' || text.startsWith('{'), `not JSON: ${text}`);
  } finally {
    assert.equal(await gateway.stop(), 0);
  }
});

test('the curl lines of the banner do what they say', async () => {
  const gateway = await startGateway();
  try {
    const echoed = await exchange({
      port: gateway.http,
      segments: [
        request('POST /echo', 'Content-Type: application/json\r\nContent-Length: 17\r\n'),
        Buffer.from('{"hello":"world"}'),
      ],
    });
    assert.equal(echoed.answers[0]?.status, 200);
    assert.ok(echoed.answers[0]?.body.toString().includes('world'));
    const refused = await exchange({ port: gateway.http, segments: [request('GET /items%2F1')] });
    assert.equal(refused.answers[0]?.status, 400);
    const problem = JSON.parse(refused.answers[0]?.body.toString() ?? '') as Record<string, unknown>;
    assert.equal(problem.status, 400);
    assert.equal(typeof problem.type, 'string');
    const attack = await exchange({ port: gateway.http, segments: [request('GET /items?id=1%27%20OR%201=1--')] });
    assert.equal(attack.answers[0]?.status, 403);
  } finally {
    await gateway.stop();
  }
});

test('SALLYPORT_UPSTREAM fronts a real service', async () => {
  const upstream = await startRecordingUpstream();
  const gateway = await startGateway({ env: { SALLYPORT_UPSTREAM: `http://127.0.0.1:${upstream.port}` } });
  try {
    const { answers } = await exchange({ port: gateway.http, segments: [request('GET /mine?x=1')] });
    assert.equal(answers[0]?.status, 200);
    assert.deepEqual(
      upstream.requests.map((one) => one.target),
      ['/mine?x=1'],
    );
    assert.deepEqual(upstream.requests[0]?.complaints, []);
  } finally {
    assert.equal(await gateway.stop(), 0);
    await upstream.close();
  }
});

test('no answer names the product or the server behind it', async () => {
  const gateway = await startGateway();
  try {
    const heads: string[] = [];
    const lines = [
      'GET /',
      'HEAD /',
      'GET /none-such',
      'GET /a%zz',
      'TRACE /',
      'POST /echo',
      'OPTIONS /',
      `GET /${'a'.repeat(9_000)}`,
    ];
    for (const line of lines) {
      const { answers, bytes } = await exchange({
        port: gateway.http,
        segments: [request(line)],
        methods: [line.split(' ')[0] ?? ''],
      });
      const [answer] = answers;
      assert.ok(answer, `${line} got no answer: ${bytes.toString('latin1')}`);
      heads.push(answer.rawHead);
    }
    for (const head of heads) {
      assert.doesNotMatch(head, /^(server|x-powered-by|uwebsockets|via):/im);
      assert.doesNotMatch(head, /sallyport|uwebsockets|node/i);
    }
    assert.equal(heads.length, lines.length);
  } finally {
    await gateway.stop();
  }
});
