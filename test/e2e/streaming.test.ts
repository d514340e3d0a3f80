import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Gateway, simpleConfig, startGateway } from '../support/gateway.ts';
import { PatternCheck, patternAt } from '../support/pattern.ts';
import { exchange, open } from '../support/raw-client.ts';
import { until } from '../support/wait.ts';

const GIB = 1_073_741_824;
const MIB = 1_048_576;
/** uWebSockets.js for Node 20 closes on a Content-Length of ten digits (docs/decisions/0001). */
const DECLARED_MAX = Number.parseInt(process.versions.node, 10) < 22 ? 999_999_999 : GIB;
const BLOCK = 262_144;
/** Peak RSS of the gateway may grow by so much. */
const GROWTH_MAX = 64 * MIB;
const SLOW_BYTES_PER_SECOND = 1_000_000;
const SLOW_MS = 10_000;

let upstream: Server;
let gateway: Gateway;
/** Peak RSS once everything has run once, bytes. */
let peakAtFirst = 0;
/** What the upstream found in the last upload, by id. */
const uploads = new Map<string, { check: PatternCheck; complete: boolean; aborted: boolean; rate: number }>();
/** Downloads under way at the upstream. */
let downloads = 0;

before(async () => {
  upstream = createServer({ requestTimeout: 0, highWaterMark: MIB }, (request, response) => {
    const url = new URL(request.url ?? '/', 'http://upstream');
    const bytes = Number(url.searchParams.get('bytes'));
    const id = url.searchParams.get('id') ?? '';
    if (url.pathname === '/down') {
      if (url.searchParams.get('framing') === 'length') response.setHeader('Content-Length', bytes);
      downloads += 1;
      response.once('close', () => {
        downloads -= 1;
      });
      // A client that aborts ends the write loop through `destroyed`.
      void send(response, bytes, () => response.destroyed).then(() => response.end());
      return;
    }
    const rate = Number(url.searchParams.get('rate')) || Number.POSITIVE_INFINITY;
    const entry = { check: new PatternCheck(), complete: false, aborted: false, rate };
    uploads.set(id, entry);
    request.on('error', () => {
      entry.aborted = true;
    });
    void receive(request, entry).then((complete) => {
      entry.complete = complete;
      if (complete) response.end(String(entry.check.bytes));
    });
  });
  upstream.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  gateway = await startGateway({
    config: simpleConfig(
      (upstream.address() as AddressInfo).port,
      { limits: { bodyBytesMax: 0 }, threads: 1 },
      { timeouts: { idleMs: 15_000 } },
    ),
  });
  // One of each, so that code and buffers are there before memory is measured.
  for (const framing of ['length', 'chunked']) {
    await download(framing, MIB);
    await upload(framing, MIB, `warm-${framing}`);
  }
  peakAtFirst = gateway.memory().peak;
});

after(async () => {
  const exit = await gateway.stop();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
  assert.equal(exit, 0);
});

for (const framing of ['length', 'chunked']) {
  test(`1 GiB down, ${framing}: every byte right, memory flat`, { timeout: 120_000 }, async (t) => {
    const figures = await measured(() => download(framing, GIB));
    t.diagnostic(`1 GiB down, ${framing}: ${figures.words}`);
    assert.equal(figures.result.bytes, GIB);
    assert.equal(figures.result.firstWrong, -1);
    assert.ok(figures.growth <= GROWTH_MAX, figures.words);
  });

  const bytes = framing === 'length' ? DECLARED_MAX : GIB;
  test(`${bytes} bytes up, ${framing}: every byte right, memory flat`, { timeout: 120_000 }, async (t) => {
    const figures = await measured(() => upload(framing, bytes, `up-${framing}`));
    t.diagnostic(`${bytes} bytes up, ${framing}: ${figures.words}`);
    assert.deepEqual(figures.result, { status: 200, body: String(bytes) });
    const seen = uploads.get(`up-${framing}`);
    assert.deepEqual([seen?.check.bytes, seen?.check.firstWrong, seen?.complete], [bytes, -1, true]);
    assert.ok(figures.growth <= GROWTH_MAX, figures.words);
  });
}

test('1 GiB down to readers of 1 MB/s, who then leave: memory flat, the upstream is let go', {
  timeout: 60_000,
}, async (t) => {
  const figures = await measured(async () => {
    const slow = ['length', 'chunked'].map(async (framing) => {
      const check = new PatternCheck();
      const response = await ask('GET', `/down?bytes=${GIB}&framing=${framing}`);
      const startedAt = performance.now();
      response.on('data', (chunk: Buffer) => {
        check.push(chunk);
        const dueMs = (check.bytes / SLOW_BYTES_PER_SECOND) * 1_000;
        const ahead = dueMs - (performance.now() - startedAt);
        if (ahead > 5) {
          response.pause();
          setTimeout(() => response.resume(), ahead);
        }
      });
      let ended = false;
      // The abort below is ours; an earlier end is the gateway's doing and fails the test.
      response.on('close', () => {
        ended = true;
      });
      response.on('error', () => {
        ended = true;
      });
      await delay(SLOW_MS);
      const early = ended;
      response.destroy();
      return { early, check };
    });
    return Promise.all(slow);
  });
  const read = figures.result.map((one) => `${(one.check.bytes / MIB).toFixed(1)} MiB`).join(' and ');
  t.diagnostic(`2 readers of 1 MB/s for ${SLOW_MS / 1_000} s read ${read}: ${figures.words}`);
  for (const { early, check } of figures.result) {
    assert.equal(early, false, 'cut before the reader left');
    assert.equal(check.firstWrong, -1);
    assert.ok(check.bytes > (SLOW_BYTES_PER_SECOND * SLOW_MS) / 1_000 / 2, `only ${check.bytes} bytes came`);
  }
  assert.ok(figures.growth <= GROWTH_MAX, figures.words);
  await until('the upstream to be let go', () => downloads === 0, 5_000);
});

test('an upstream that reads 1 MB/s holds a fast uploader back: memory flat', { timeout: 60_000 }, async (t) => {
  const figures = await measured(async () => {
    const request = start('POST', `/up?id=slow&rate=${SLOW_BYTES_PER_SECOND}`, {});
    // Destroyed below, in the middle.
    request.on('error', () => {});
    void send(request, GIB, () => request.destroyed);
    await delay(SLOW_MS);
    const sent = request.socket?.bytesWritten ?? 0;
    request.destroy();
    return sent;
  });
  const seen = uploads.get('slow');
  t.diagnostic(
    `upload to a reader of 1 MB/s for ${SLOW_MS / 1_000} s: ${((seen?.check.bytes ?? 0) / MIB).toFixed(1)} MiB arrived, ${figures.words}`,
  );
  assert.equal(seen?.check.firstWrong, -1);
  assert.ok((seen?.check.bytes ?? 0) > (SLOW_BYTES_PER_SECOND * SLOW_MS) / 1_000 / 2);
  assert.ok(figures.growth <= GROWTH_MAX, figures.words);
  // What the kernels' buffers hold comes first; no need to wait for that at 1 MB/s.
  if (seen) seen.rate = Number.POSITIVE_INFINITY;
  await until('the upstream to notice the abort', () => seen?.aborted === true, 5_000);
  assert.equal(seen?.complete, false);
});

test('20 clients that abort in the middle of a download: every upstream connection is let go', async () => {
  const responses = await Promise.all(
    Array.from({ length: 20 }, () => ask('GET', `/down?bytes=${GIB}&framing=length`)),
  );
  for (const response of responses) {
    response.on('error', () => {});
    await once(response, 'data');
    response.destroy();
  }
  await until('the upstream to be let go', () => downloads === 0, 5_000);
  const { status } = await upload('length', 1_000, 'after-aborts');
  assert.equal(status, 200);
});

test('a download client that takes nothing is cut at the deadline, and no sooner', { timeout: 60_000 }, async (t) => {
  const patient = await startGateway({
    config: simpleConfig((upstream.address() as AddressInfo).port, { timeouts: { responseIdleMs: 14_000 } }),
  });
  try {
    const socket = open({ port: patient.http });
    socket.on('error', () => {});
    socket.pause();
    const startedAt = performance.now();
    socket.write(`GET /down?bytes=${GIB}&framing=length HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await until('the download to begin', () => downloads === 1);
    await until('the deadline', () => downloads === 0, 30_000, 50);
    const ms = performance.now() - startedAt;
    t.diagnostic(`a client that took nothing was cut after ${(ms / 1_000).toFixed(1)} s; the deadline is 14 s`);
    assert.ok(ms > 12_500, `cut after ${ms} ms already`);
    socket.destroy();
  } finally {
    await patient.stop();
  }
});

test('Expect: 100-continue brings one 100, and the body then arrives', async () => {
  const head = 'POST /up?id=expect HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n';
  const body = patternAt(0, 5);
  const result = await exchange({ port: gateway.http, segments: [Buffer.from(head), body], pauseMs: 200 });
  assert.equal(result.answers[0]?.status, 200);
  assert.equal(result.answers[0]?.body.toString(), '5');
  assert.deepEqual(result.answers[0]?.interim, [100]);
});

/** Runs one thing and tells how far the gateway's peak memory has risen above where it stood at first. */
async function measured<T>(work: () => Promise<T>): Promise<{ result: T; growth: number; words: string }> {
  const cpuBefore = gateway.cpuMs();
  const startedAt = performance.now();
  const result = await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  const growth = gateway.memory().peak - peakAtFirst;
  const cpu = (gateway.cpuMs() - cpuBefore) / 1_000;
  const mib = (bytes: number) => (bytes / MIB).toFixed(1);
  return {
    result,
    growth,
    words: `peak RSS +${mib(growth)} MiB above ${mib(peakAtFirst)}, ${seconds.toFixed(1)} s, ${cpu.toFixed(2)} s CPU`,
  };
}

async function download(framing: string, bytes: number): Promise<PatternCheck> {
  const check = new PatternCheck();
  const response = await ask('GET', `/down?bytes=${bytes}&framing=${framing}`);
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers['content-length'], framing === 'length' ? String(bytes) : undefined);
  assert.equal(response.headers['transfer-encoding'], framing === 'length' ? undefined : 'chunked');
  response.on('data', (chunk: Buffer) => check.push(chunk));
  await once(response, 'end');
  assert.equal(response.complete, true);
  return check;
}

async function upload(
  framing: string,
  bytes: number,
  id: string,
): Promise<{ status: number | undefined; body: string }> {
  const request = start('POST', `/up?id=${id}`, framing === 'length' ? { 'Content-Length': bytes } : {});
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  await send(request, bytes, () => request.destroyed);
  request.end();
  const [response] = await answered;
  let body = '';
  response.setEncoding('utf8').on('data', (text: string) => {
    body += text;
  });
  await once(response, 'end');
  return { status: response.statusCode, body };
}

function start(method: string, path: string, headers: Record<string, string | number>): ClientRequest {
  return httpRequest({ host: '127.0.0.1', port: gateway.http, method, path, headers, agent: false });
}

async function ask(method: string, path: string): Promise<IncomingMessage> {
  const request = start(method, path, {});
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

async function send(into: NodeJS.WritableStream, bytes: number, isGone: () => boolean): Promise<void> {
  for (let at = 0; at < bytes && !isGone(); at += BLOCK) {
    if (!into.write(patternAt(at, Math.min(BLOCK, bytes - at)))) {
      // 'close' comes instead of 'drain' when the other side leaves.
      await new Promise<void>((resolve) => {
        const go = () => {
          into.removeListener('drain', go);
          into.removeListener('close', go);
          resolve();
        };
        into.once('drain', go);
        into.once('close', go);
      });
    }
  }
}

/** @returns  True when the whole body came. */
function receive(request: IncomingMessage, upload: { check: PatternCheck; rate: number }): Promise<boolean> {
  const { check } = upload;
  const startedAt = performance.now();
  request.on('data', (chunk: Buffer) => {
    check.push(chunk);
    const ahead = (check.bytes / upload.rate) * 1_000 - (performance.now() - startedAt);
    if (ahead > 5) {
      request.pause();
      setTimeout(() => request.resume(), ahead);
    }
  });
  return new Promise((resolve) => {
    request.once('end', () => resolve(true));
    request.once('close', () => resolve(false));
  });
}
