import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Claims } from '../../src/config/schema-fields.ts';
import { type Answer, fieldOf } from '../support/answer-parser.ts';
import { type Gateway, simpleConfig, startGateway } from '../support/gateway.ts';
import { exchange } from '../support/raw-client.ts';
import { type RecordingUpstream, type SeenRequest, startRecordingUpstream } from '../support/recording-upstream.ts';

const CLAIMS = Claims.default as readonly string[];
/** Said again by what the gateway writes: nobody may. */
const NEVER = ['x-forwarded-port', 'x-forwarded-ssl', 'x-forwarded-scheme', 'x-forwarded-protocol', 'front-end-https'];
const LOUD =
  'HTTP/1.1 200 OK\r\nServer: leaky/1.2\r\nX-POWERED-BY: leaky\r\nX-Request-Id: theirs\r\nx-request-id: theirs-too\r\n' +
  'Strict-Transport-Security: max-age=1\r\nX-Kept: yes\r\nContent-Length: 2\r\n\r\nok';

let upstream: RecordingUpstream;
/** Trusts nobody; trusts us, and keeps what may be kept. */
let strict: Gateway;
let trusting: Gateway;

before(async () => {
  upstream = await startRecordingUpstream({ onRequest: (_request, reply) => reply.raw(LOUD) });
  strict = await startGateway({ config: simpleConfig(upstream.port, { threads: 1 }) });
  trusting = await startGateway({
    config: simpleConfig(upstream.port, {
      threads: 1,
      trustedProxies: ['127.0.0.1'],
      answers: { keep: ['server', 'strict-transport-security', 'x-powered-by'] },
    }),
  });
});

after(async () => {
  const exits = [await strict.stop(), await trusting.stop()];
  await upstream.close();
  assert.deepEqual(exits, [0, 0]);
});

interface Asked {
  readonly answer: Answer;
  readonly seen: SeenRequest | undefined;
}

async function ask(gateway: Gateway, fields: readonly string[]): Promise<Asked> {
  const from = upstream.requests.length;
  const head = ['GET / HTTP/1.1', 'Host: localhost', ...fields, '', ''].join('\r\n');
  const { answers, error } = await exchange({ port: gateway.http, segments: [Buffer.from(head)], timeoutMs: 8_000 });
  assert.equal(error, null);
  return { answer: answers[0] ?? assert.fail('no answer'), seen: upstream.requests[from] };
}

function valuesOf(seen: SeenRequest | undefined, name: string): string[] {
  return (seen ?? assert.fail('nothing arrived')).fields.filter(([other]) => other === name).map(([, value]) => value);
}

describe('claims about the client', () => {
  // The Node 20 front takes 48 fields and 4 KiB in one read.
  const batches = [CLAIMS.slice(0, 24), CLAIMS.slice(24)];

  test('of a stranger go no further', async () => {
    for (const names of batches) {
      const { seen } = await ask(strict, [...names.map((name) => `${name}: 1.2.3.4`), 'X-Kept: 1']);
      for (const name of names) assert.deepEqual(valuesOf(seen, name), [], name);
      assert.deepEqual(valuesOf(seen, 'x-kept'), ['1']);
      assert.deepEqual(valuesOf(seen, 'x-forwarded-for'), ['127.0.0.1']);
    }
  });

  test('of a trusted proxy go on, and Connection cannot name them away', async () => {
    for (const names of batches) {
      const fields = names.map((name) => `${name}: 1.2.3.4`);
      const { seen } = await ask(trusting, [...fields, `Connection: ${names.slice(0, 6).join()}, x-hop`, 'X-Hop: 1']);
      for (const name of names) assert.deepEqual(valuesOf(seen, name), ['1.2.3.4'], name);
      assert.deepEqual(valuesOf(seen, 'x-hop'), []);
    }
  });

  test('that would contradict our own words go no further, whoever makes them', async () => {
    for (const gateway of [strict, trusting]) {
      const { seen } = await ask(gateway, [...NEVER.map((name) => `${name}: 1`), 'X-HTTP-Method-Override: DELETE']);
      for (const name of [...NEVER, 'x-http-method-override']) assert.deepEqual(valuesOf(seen, name), [], name);
    }
  });
});

describe('fields of answers', () => {
  test('one request id, the one of the log; no fingerprints; no word about HTTPS', async () => {
    const from = strict.lines.length;
    const { answer } = await ask(strict, ['X-Request-Id: of-a-stranger']);
    const ids = answer.fields.filter(([name]) => name === 'x-request-id').map(([, value]) => value);
    assert.equal(ids.length, 1);
    const id = ids[0] ?? '';
    assert.match(id, /^[0-9a-z]{26}$/);
    await strict.line('the access line', (line) => line.requestId === id, from);
    for (const name of ['server', 'x-powered-by', 'strict-transport-security']) {
      assert.equal(fieldOf(answer, name), undefined, name);
    }
    assert.equal(fieldOf(answer, 'x-kept'), 'yes');
    assert.equal(answer.body.toString(), 'ok');
  });

  test('what answers.keep names stays, and the id of a trusted proxy comes back', async () => {
    // Twice: the second head is one that the connection remembers.
    for (const id of ['from-the-edge.1', 'from-the-edge-2']) {
      const { answer, seen } = await ask(trusting, [`X-Request-Id: ${id}`]);
      assert.equal(fieldOf(answer, 'server'), 'leaky/1.2');
      assert.equal(fieldOf(answer, 'x-powered-by'), 'leaky');
      assert.equal(fieldOf(answer, 'strict-transport-security'), 'max-age=1');
      const ids = answer.fields.filter(([name]) => name === 'x-request-id');
      assert.deepEqual(ids, [['x-request-id', id]]);
      assert.deepEqual(valuesOf(seen, 'x-request-id'), [id]);
    }
  });

  test('answers.keep cannot change while the gateway runs', async () => {
    const result = await strict.reload(simpleConfig(upstream.port, { threads: 1, answers: { keep: ['server'] } }));
    assert.equal(result.ok, false);
    assert.match(result.text, /answers\.keep/);
  });
});
