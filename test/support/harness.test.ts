import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { judge } from '../conformance/case.ts';
import { OWN_CASES } from '../conformance/cases.ts';
import { AnswerParser } from './answer-parser.ts';
import { startLoad } from './load.ts';
import { exchange } from './raw-client.ts';
import { startNodeUpstream, startRecordingUpstream } from './recording-upstream.ts';
import { strictComplaints } from './strict-head.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

test('the answer parser reads the same answers whole, and split at every byte', () => {
  const text =
    'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc' +
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n' +
    'HTTP/1.1 200 OK\r\n\r\nuntil the end';
  const read = (pieces: Buffer[]) => {
    const parser = new AnswerParser();
    for (const piece of pieces) parser.push(piece);
    parser.end();
    assert.equal(parser.error, null);
    return parser.answers.map((a) => `${a.interim.join()} ${a.status} ${a.framing} ${a.body.toString()}`);
  };
  const whole = read([bytes(text)]);
  assert.deepEqual(whole, ['103 200 length abc', ' 200 chunked abc', ' 204 none ', ' 200 eof until the end']);
  for (let at = 1; at < text.length; at += 1)
    assert.deepEqual(read([bytes(text.slice(0, at)), bytes(text.slice(at))]), whole);
});

test('the answer parser refuses what a strict client would', () => {
  const wrong = [
    'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na',
    'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na',
    'HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc',
    'garbage\r\n\r\n',
  ];
  for (const text of wrong) {
    const parser = new AnswerParser();
    parser.push(bytes(text));
    parser.end();
    assert.notEqual(parser.error, null, text);
  }
});

test('the strict head check finds what two readers may read differently', () => {
  assert.deepEqual(strictComplaints('GET /a HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n'), []);
  const wrong = [
    'GET /a HTTP/1.1\nHost: h\r\n\r\n',
    'GET /a b HTTP/1.1\r\nHost: h\r\n\r\n',
    'GET /a HTTP/1.1\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: h\r\nContent_Length: 5\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 05\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n',
  ];
  for (const head of wrong) assert.notDeepEqual(strictComplaints(head), [], head);
});

test('the recording upstream sees smuggled requests that node:http would refuse', async () => {
  const upstream = await startRecordingUpstream();
  const smuggle =
    'POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\nHost: h\n\n';
  await exchange({ port: upstream.port, segments: [bytes(smuggle)], answersMax: 2 });
  assert.deepEqual(
    upstream.requests.map((request) => request.target),
    ['/a', '/admin'],
  );
  assert.ok(upstream.requests.every((request) => request.complaints.length > 0));
  await upstream.close();

  const strict = await startNodeUpstream();
  await exchange({ port: strict.port, segments: [bytes(smuggle)] });
  assert.deepEqual(strict.requests, []);
  assert.equal(strict.parseErrors.length, 1);
  await strict.close();
});

test('the judge fires when a server forwards what it must refuse', async () => {
  const upstream = await startRecordingUpstream();
  for (const name of [
    'te-twice',
    'name-space-before-colon',
    'spoof-real-ip',
    'target-half-encoded-dots',
    'body-over-limit',
  ]) {
    const one = OWN_CASES.find((own) => own.name === name);
    assert.ok(one, name);
    const from = upstream.requests.length;
    const seen = await exchange({ port: upstream.port, segments: [one.bytes] });
    const verdict = judge(one, seen, upstream.requests.slice(from), '127.0.0.1');
    assert.notDeepEqual(verdict.findings, [], name);
  }
  await upstream.close();
});

test('the load generator counts right answers, wrong ones, and each kind of broken connection', async () => {
  const server = createServer((request, response) => {
    const id = Number(/id=(\d+)/.exec(request.url ?? '')?.[1]);
    if (id === 3) response.writeHead(503).end();
    else if (id === 5) request.socket.destroy();
    else if (id === 7) response.end('something else');
    else if (id === 9) {
      response.writeHead(200, { 'Content-Length': 100 });
      response.write('cut');
      setTimeout(() => request.socket.destroy(), 20);
    } else response.end(JSON.stringify({ target: request.url }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const result = await startLoad({ port, connections: 2, requestsMax: 200 }).done;
  assert.equal(result.ok, 196);
  const causes = result.failures.map((failure) => `${failure.id} ${failure.cause}`).sort();
  assert.deepEqual(causes, ['3 status 503', '5 closed before answer', '7 wrong body', '9 cut']);
  server.close();
  server.closeAllConnections();
  const refused = await startLoad({ port, connections: 1, requestsMax: 1 }).done;
  assert.equal(refused.words, '1 sent, 0 ok, 1 failed (1 x refused)');
});
