import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { LoadProcess } from '../../bench/load.ts';
import type { LoadJob } from '../../bench/load-wire.ts';
import { ANSWER, requestsOf, TRANSFER_BYTES } from '../../bench/requests.ts';
import { problemsOf } from '../../bench/rounds.ts';

const load = new LoadProcess();
after(() => load.stop());

const EMPTY = {
  answered: 0,
  errors: 0,
  non2xx: 0,
  limited: 0,
  mismatches: 0,
  bodyBytes: 0,
  sentBodyBytes: 0,
  attacks: 0,
  attacksPassed: 0,
  seconds: 1,
  p50Ms: 1,
  p90Ms: 1,
  p99Ms: 1,
  p999Ms: 1,
};
const job: LoadJob = { port: 0, tls: false, load: 'browse', connections: 4, requests: 50, fresh: false, seed: 0 };

describe('requests', () => {
  test('vary, and are the same in every run', () => {
    const browse = requestsOf({ load: 'browse', requests: 9, seed: 0 });
    assert.equal(browse.length, 400);
    assert.equal(new Set(browse.map(({ path }) => path)).size, 400);
    assert.ok(new Set(browse.map(({ headers }) => headers.Cookie)).size > 390);
    assert.deepEqual(requestsOf({ load: 'browse', requests: 8, seed: 1 }), browse);
    assert.equal(requestsOf({ load: 'upload', requests: 9, seed: 0 })[0]?.body?.length, TRANSFER_BYTES);
    assert.equal(Buffer.byteLength(ANSWER), 90);
    assert.doesNotThrow(() => JSON.parse(ANSWER));
  });
});

describe('load', { timeout: 30_000 }, () => {
  test('keeps connections, asks for different things, counts answers and bytes', async () => {
    const paths = new Set<string>();
    const seen = await serving(
      (request, response) => {
        paths.add(request.url ?? '');
        response.end(ANSWER);
      },
      (port) => load.run({ ...job, port }),
    );
    const { answered, errors, non2xx, mismatches, bodyBytes, seconds, p50Ms, p99Ms } = seen.result;
    assert.deepEqual({ answered, errors, non2xx, mismatches }, { answered: 50, errors: 0, non2xx: 0, mismatches: 0 });
    assert.equal(bodyBytes, 50 * 90);
    assert.ok(seconds > 0 && p50Ms > 0 && p99Ms >= p50Ms);
    assert.equal(seen.connections, 4);
    // Each connection begins elsewhere in the list.
    assert.equal(paths.size, 50);
  });

  test('connects anew for every request where that is the case', async () => {
    const { result, connections, requests } = await serving(
      (_request, response) => response.end(ANSWER),
      (port) => load.run({ ...job, port, fresh: true }),
    );
    assert.deepEqual([result.answered, result.errors, result.bodyBytes, requests], [50, 0, 4_500, 50]);
    // autocannon opens one more per client before it sees that nothing is left to ask.
    assert.ok(connections >= 50 && connections <= 54, `${connections} connections`);
  });

  test('sends bodies and reads long answers', async () => {
    let received = 0;
    const upload = await serving(
      (request, response) => {
        request.on('data', (piece: Buffer) => {
          received += piece.length;
        });
        request.once('end', () => response.end(ANSWER));
      },
      (port) => load.run({ ...job, port, load: 'upload', requests: 8 }),
    );
    const { answered, sentBodyBytes } = upload.result;
    assert.deepEqual([answered, received, sentBodyBytes], [8, 8 * TRANSFER_BYTES, 8 * TRANSFER_BYTES]);
    const download = await serving(
      (_request, response) => response.end(Buffer.alloc(TRANSFER_BYTES, 'x')),
      (port) => load.run({ ...job, port, load: 'download', requests: 8 }),
    );
    assert.equal(download.result.bodyBytes, 8 * TRANSFER_BYTES);
  });

  test('tells refusals, wrong bodies and lost connections', async () => {
    let count = 0;
    const { result } = await serving(
      (request, response) => {
        count += 1;
        if (count % 10 === 1) response.writeHead(503);
        if (count % 10 === 2) response.end(`${ANSWER} `);
        else if (count % 10 === 3) request.socket.resetAndDestroy();
        else response.end(ANSWER);
      },
      (port) => load.run({ ...job, port }),
    );
    assert.ok(result.non2xx > 0 && result.mismatches > 0 && result.errors > 0, JSON.stringify(result));
    assert.ok(result.answered < 50);
  });
});

describe('what speaks against a figure', () => {
  const result = { ...EMPTY, answered: 50, bodyBytes: 4_500 };
  const arrived = { requests: 50, bodyBytes: null };

  test('nothing when all was done', () => {
    assert.deepEqual(problemsOf(job, result, arrived), []);
    const upload = { ...job, load: 'upload' as const };
    const sent = { ...result, sentBodyBytes: 50 * TRANSFER_BYTES };
    assert.deepEqual(problemsOf(upload, sent, { requests: 50, bodyBytes: 50 * TRANSFER_BYTES }), []);
  });

  test('anything else', () => {
    assert.deepEqual(problemsOf(job, { ...result, errors: 1 }, arrived), ['errors: 1, not 0']);
    assert.deepEqual(problemsOf(job, { ...result, non2xx: 1 }, arrived), ['answers other than 2xx: 1, not 0']);
    assert.deepEqual(problemsOf(job, { ...result, mismatches: 1 }, arrived), ['wrong bodies: 1, not 0']);
    assert.deepEqual(problemsOf(job, { ...result, answered: 49 }, arrived), ['answers: 49, not 50']);
    assert.deepEqual(problemsOf(job, { ...result, bodyBytes: 1 }, arrived), ['body bytes: 1, not 4500']);
    assert.deepEqual(problemsOf(job, result, { ...arrived, requests: 51 }), ['requests at the upstream: 51, not 50']);
    const cut = problemsOf(
      { ...job, load: 'upload' },
      { ...result, sentBodyBytes: 50 * TRANSFER_BYTES },
      { requests: 50, bodyBytes: 7 },
    );
    assert.deepEqual(cut, [`body bytes at the upstream: 7, not ${50 * TRANSFER_BYTES}`]);
  });
});

describe('attacks in the mix', { timeout: 30_000 }, () => {
  const form: LoadJob = { ...job, load: 'crs-form', requests: 208, seed: 5 };
  const wanted = requestsOf(form);
  const attacks = new Set(wanted.filter(({ isAttack }) => isAttack).map(({ body }) => body?.toString()));
  const firewall =
    (refuses: (isAttack: boolean) => boolean): RequestListener =>
    async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      if (refuses(attacks.has(Buffer.concat(pieces).toString()))) response.writeHead(403).end('no');
      else response.end(ANSWER);
    };
  const run = async (refuses: (isAttack: boolean) => boolean) => {
    const { result } = await serving(firewall(refuses), (port) => load.run({ ...form, port }));
    return result;
  };

  test('each request is sent once, and refused attacks are what is wanted', async () => {
    const result = await run((isAttack) => isAttack);
    const honest = wanted.filter(({ isAttack }) => !isAttack);
    const sentBodyBytes = honest.reduce((sum, { body }) => sum + (body?.length ?? 0), 0);
    assert.deepEqual([result.answered, result.attacks, result.attacksPassed, result.non2xx], [208, 3, 0, 0]);
    assert.deepEqual([result.sentBodyBytes, result.bodyBytes], [sentBodyBytes, 205 * 90]);
    assert.deepEqual(problemsOf(form, result, { requests: 205, bodyBytes: sentBodyBytes }), []);
    const unread = problemsOf(form, result, { requests: 205, bodyBytes: 1 });
    assert.deepEqual(unread, [`body bytes at the upstream: 1, not ${sentBodyBytes}`]);
  });

  test('an attack that passes voids the figure, as does a refused visitor', async () => {
    const open = await run(() => false);
    assert.deepEqual([open.attacks, open.attacksPassed, open.non2xx], [3, 3, 0]);
    const [passed] = problemsOf(form, open, { requests: 208, bodyBytes: null });
    assert.equal(passed, 'attacks that were not answered with 403: 3, not 0');
    const shut = await run(() => true);
    assert.deepEqual([shut.attacks, shut.attacksPassed, shut.non2xx, shut.mismatches], [3, 0, 205, 205]);
    assert.equal(problemsOf(form, shut, { requests: 0, bodyBytes: null })[0], 'answers other than 2xx: 205, not 0');
  });

  test('a run without one proves nothing', () => {
    const none = { ...form, requests: 4 };
    const found = problemsOf(none, { ...EMPTY, answered: 4, bodyBytes: 360 }, { requests: 4, bodyBytes: null });
    assert.deepEqual(found, ['no attack was sent']);
  });
});

async function serving<T>(listener: RequestListener, use: (port: number) => Promise<T>) {
  let connections = 0;
  let requests = 0;
  const server: Server = createServer(listener);
  server.on('connection', () => {
    connections += 1;
  });
  server.on('request', () => {
    requests += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const result = await use((server.address() as AddressInfo).port);
    return { result, connections, requests };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
