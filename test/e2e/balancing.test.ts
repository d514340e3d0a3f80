import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldOf } from '../support/answer-parser.ts';
import { type EchoProcess, startEchoProcess } from '../support/echo-process.ts';
import { simpleConfig, startGateway } from '../support/gateway.ts';
import { type LoadResult, startLoad } from '../support/load.ts';
import { exchange } from '../support/raw-client.ts';
import { until } from '../support/wait.ts';

const GETS = 10_000;
/** Failed GETs allowed when one of two targets is killed under them. */
const FAILED_MAX = 5;
const QUICK_EJECTION = { passive: { failuresMax: 3, ejectMs: 1_000 } };

/** What the hash looks at: another value for each request. */
const keyOf = (n: number) => `X-Key: ${n}\r\n`;

async function whoAnswers(port: number, fields = '', path = '/who'): Promise<string> {
  const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;
  const { answers, end } = await exchange({ port, segments: [Buffer.from(head)], timeoutMs: 5_000 });
  const [answer] = answers;
  if (answer === undefined) return end;
  return answer.status === 200 ? (fieldOf(answer, 'x-upstream') ?? 'nobody') : `status ${answer.status}`;
}

for (const balance of ['round-robin', 'least-request', 'hash'] as const) {
  test(`two targets, ${balance}, one killed under ${GETS} GETs: at most ${FAILED_MAX} fail, and it comes back`, {
    timeout: 90_000,
  }, async (t) => {
    const [a, b] = await Promise.all([startEchoProcess('a'), startEchoProcess('b')]);
    const hash = balance === 'hash' ? { hashBy: 'header:x-key' } : {};
    const gateway = await startGateway({
      config: simpleConfig([a.port, b.port], {}, { balance, ...hash, health: QUICK_EJECTION }),
    });
    let again: EchoProcess | null = null;
    try {
      const load = startLoad({ port: gateway.http, connections: 16, requestsMax: GETS, fields: keyOf });
      await until('3,000 requests', () => load.sent() >= 3_000, 60_000, 2);
      await b.kill();
      const result = await load.done;
      const codes = gateway.lines
        .filter((line) => line.status === 502)
        .map((line) => `${line.code} ${line.reason ?? ''}`);
      if (codes.length > 0) t.diagnostic(`refusals: ${[...new Set(codes)].join('; ')}`);
      t.diagnostic(`${balance}, one of two killed: ${result.words} in ${(result.ms / 1_000).toFixed(1)} s`);
      assert.equal(result.sent, GETS);
      assert.ok(result.failures.length <= FAILED_MAX, result.words);

      const backAt = performance.now();
      again = await startEchoProcess('b', b.port);
      let asked = 0;
      await until(
        'the target to return',
        async () => (await whoAnswers(gateway.http, keyOf(asked++))) === 'b',
        30_000,
        5,
      );
      t.diagnostic(`the target returned ${Math.round(performance.now() - backAt)} ms after it was back`);
      const after = await startLoad({ port: gateway.http, connections: 4, requestsMax: 500 }).done;
      assert.equal(after.failures.length, 0, after.words);
    } finally {
      await gateway.stop();
      await Promise.all([a.kill(), b.kill(), again?.kill()]);
    }
  });
}

test('active probes take a dead target out before any request meets it, and bring it back', {
  timeout: 60_000,
}, async (t) => {
  const [a, b] = await Promise.all([startEchoProcess('a'), startEchoProcess('b')]);
  const active = { path: '/health', intervalMs: 200, timeoutMs: 200, healthyAfter: 2, unhealthyAfter: 2 };
  const gateway = await startGateway({ config: simpleConfig([a.port, b.port], {}, { health: { active } }) });
  let again: EchoProcess | null = null;
  try {
    await b.kill();
    await until('the probes to notice', async () => {
      for (let i = 0; i < 6; i += 1) if ((await whoAnswers(gateway.http)) !== 'a') return false;
      return true;
    });
    for (let i = 0; i < 20; i += 1) assert.equal(await whoAnswers(gateway.http, '', '/measured'), 'a');
    const measured = () => gateway.lines.filter((line) => line.path === '/measured');
    await until('the log lines of these requests', () => measured().length >= 20);
    const retried = measured().filter((line) => Number(line.tries) > 1);
    assert.deepEqual(retried, [], 'a request was tried on the dead target');
    const startedAt = performance.now();
    again = await startEchoProcess('b', b.port);
    await until('the target to return', async () => (await whoAnswers(gateway.http)) === 'b', 15_000, 10);
    t.diagnostic(
      `with probes every 200 ms the target returned ${Math.round(performance.now() - startedAt)} ms after its restart`,
    );
  } finally {
    await gateway.stop();
    await Promise.all([a.kill(), b.kill(), again?.kill()]);
  }
});

test('the only upstream killed under load: refusals with a code, and service back by itself', {
  timeout: 60_000,
}, async (t) => {
  const only = await startEchoProcess('only');
  const gateway = await startGateway({ config: simpleConfig(only.port, {}, { health: QUICK_EJECTION }) });
  let again: EchoProcess | null = null;
  try {
    const load = startLoad({ port: gateway.http, connections: 8, pauseMs: 2 });
    await until('1,000 requests', () => load.sent() >= 1_000, 30_000, 2);
    await only.kill();
    await until('a failure', () => load.failures.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    again = await startEchoProcess('only', only.port);
    const backAt = performance.now();
    const okBefore = load.ok();
    await until('service again', () => load.ok() > okBefore, 20_000, 1);
    const backMs = performance.now() - backAt;
    await until('500 more', () => load.ok() > okBefore + 500, 20_000);
    const result: LoadResult = await load.stop();
    t.diagnostic(
      `only upstream killed for 0.5 s: ${result.words}; first answer ${Math.round(backMs)} ms after it was back`,
    );
    for (const failure of result.failures) assert.match(failure.cause, /^status 50[234]$/);
    const codes = new Set(gateway.lines.filter((line) => Number(line.status) >= 500).map((line) => line.code));
    for (const code of codes) assert.match(String(code), /^SP_UPSTREAM_/);
    assert.ok(codes.size > 0);
  } finally {
    await gateway.stop();
    await Promise.all([only.kill(), again?.kill()]);
  }
});
