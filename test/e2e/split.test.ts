import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestAuthority } from '../support/certificates.ts';
import { type Gateway, simpleConfig, startGateway } from '../support/gateway.ts';
import { type Exchange, exchange } from '../support/raw-client.ts';
import { type RecordingUpstream, type SeenRequest, startRecordingUpstream } from '../support/recording-upstream.ts';

/** Enough for the gateway to read the first segment by itself: loopback delivers in microseconds. */
const PAUSE_MS = 3;
const CONCURRENCY = 16;

const REQUESTS = {
  'a GET':
    'GET /split/get?x=1&id=ID HTTP/1.1\r\nHost: localhost\r\nUser-Agent: split/1\r\nAccept: */*\r\nCookie: a=b; c=d\r\n\r\n',
  'a POST with a length':
    'POST /split/post?id=ID HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz',
  'a chunked body':
    'POST /split/chunked?id=ID HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n' +
    '5\r\nhello\r\n1\r\n,\r\nA\r\n wide worl\r\n1\r\nd\r\n0\r\n\r\n',
} as const;

const authority = new TestAuthority();
let gateway: Gateway;
let upstream: RecordingUpstream;

before(async () => {
  upstream = await startRecordingUpstream();
  const { certificateFile, keyFile } = authority.issue({ names: ['localhost'] });
  gateway = await startGateway({
    https: true,
    config: simpleConfig(upstream.port, {
      tls: { redirect: false, certificates: [{ certificate: certificateFile, key: keyFile }] },
    }),
  });
});

after(async () => {
  await gateway.stop();
  await upstream.close();
  authority.remove();
});

for (const tls of [false, true]) {
  for (const [what, text] of Object.entries(REQUESTS)) {
    test(`${what}, split at every byte and byte by byte, over ${tls ? 'TLS' : 'plain TCP'}`, {
      timeout: 60_000,
    }, async (t) => {
      const port = tls ? gateway.https : gateway.http;
      const send = (id: number, cut: (request: Buffer) => Uint8Array[]) =>
        exchange({
          port,
          tls,
          segments: cut(Buffer.from(text.replace('ID', String(1_000 + id)))),
          pauseMs: PAUSE_MS,
          timeoutMs: 10_000,
        });
      const from = upstream.requests.length;
      const whole = await send(0, (request) => [request]);
      assert.equal(whole.answers[0]?.status, 200);

      const length = Buffer.byteLength(text.replace('ID', '1000'));
      const jobs = Array.from(
        { length: length - 1 },
        (_, i) => () => send(i + 1, (request) => [request.subarray(0, i + 1), request.subarray(i + 1)]),
      );
      jobs.push(() => send(length, (request) => [...request].map((byte) => Uint8Array.of(byte))));
      const results = await inTurns(jobs);

      const wanted = comparable(whole, 0);
      for (const [i, result] of results.entries())
        assert.deepEqual(comparable(result, i + 1), wanted, `split after byte ${i + 1}`);
      const seen = upstream.requests.slice(from).map(meaning);
      assert.equal(seen.length, length + 1);
      for (const one of seen) assert.deepEqual(one, seen[0]);
      t.diagnostic(`${jobs.length} ways to cut ${length} bytes: ${results.length} answers equal to the whole one's`);
    });
  }
}

/** What must not depend on how the request arrived: everything but the date and the request's own number. */
function comparable(result: Exchange, id: number): unknown {
  const answer = result.answers[0];
  return {
    end: result.end,
    error: result.error,
    status: answer?.status,
    fields: answer?.fields.map(([name, value]) => (VARYING.has(name) ? name : `${name}: ${value}`)),
    body: answer?.body.toString().replace(`id=${1_000 + id}`, 'id=ID'),
  };
}

const VARYING = new Set(['date', 'x-request-id', 'traceparent']);

function meaning(request: SeenRequest): unknown {
  return {
    method: request.method,
    target: request.target.replace(/id=\d+/, 'id=ID'),
    fields: request.fields.map(([name, value]) => (VARYING.has(name) ? name : `${name}: ${value}`)),
    body: request.body.toString(),
    complete: request.complete,
    complaints: request.complaints,
  };
}

async function inTurns<T>(jobs: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < jobs.length; i = next++) {
      const job = jobs[i];
      if (job) results[i] = await job();
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return results;
}
