import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { newSigner, type Signer, signToken } from '../auth/support.ts';
import { type ConfigDocument, type Gateway, startGateway } from '../support/gateway.ts';
import { RawProvider } from '../support/issuers.ts';
import { exchange } from '../support/raw-client.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { until } from '../support/wait.ts';

/** Longer than anything here takes: who is answered sooner did not wait it out. */
const WAIT_MS = 30_000;

interface Stage {
  readonly upstream: RecordingUpstream;
  readonly gateway: Gateway;
  /** The provider has new keys, and tells of them when `answer` is called. */
  rotate(): { readonly token: string; readonly answer: () => void };
  config(issuer?: object): ConfigDocument;
}

async function start(t: TestContext): Promise<Stage> {
  const upstream = await startRecordingUpstream({ onRequest: (_request, reply) => reply.ok('{}') });
  t.after(() => upstream.close());
  const provider = await RawProvider.start(t);
  let signers: Signer[] = [newSigner('ES256', 'k0')];
  let held: Promise<void> = Promise.resolve();
  provider.answer = (_request, response) => {
    void held.then(() => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ keys: signers.map(({ jwk }) => jwk) }));
    });
  };
  const config = (issuer: object = {}): ConfigDocument => ({
    authentication: { waitMs: WAIT_MS },
    upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
    issuers: {
      main: {
        issuer: provider.url,
        audiences: ['api'],
        keys: { source: 'jwks', url: `${provider.url}/jwks`, coolDownMs: 100, refreshMs: 600_000, timeoutMs: 30_000 },
        ...issuer,
      },
    },
    routes: [{ name: 'guarded', upstream: 'main', policies: { auth: { issuers: ['main'] } } }],
  });
  const gateway = await startGateway({ config: config() });
  t.after(() => gateway.stop());
  const rotate = (): { token: string; answer: () => void } => {
    const signer = newSigner('ES256', `k${signers.length}`);
    signers = [...signers, signer];
    let answer = (): void => undefined;
    held = new Promise((resolve) => {
      answer = resolve;
    });
    const exp = Math.floor(Date.now() / 1_000) + 3_000;
    return { token: signToken(signer, { iss: provider.url, aud: 'api', sub: 'alice', exp }), answer };
  };
  return { upstream, gateway, rotate, config };
}

const inFlight = (gateway: Gateway): Promise<number> => gateway.metric('sallyport_requests_in_flight');
const isWaiting = (gateway: Gateway, count: number): Promise<unknown> =>
  until(`${count} requests to wait`, async () => (await inFlight(gateway)) === count, 10_000);

test('bodies that come while keys are fetched arrive whole; clients that leave meanwhile leave nothing behind', async (t) => {
  const { gateway, upstream, rotate } = await start(t);
  const { token, answer } = rotate();
  const head = `POST /a HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\ntransfer-encoding: chunked\r\n\r\n`;
  const chunk = Buffer.concat([Buffer.from('8000\r\n'), Buffer.alloc(32_768, 'x'), Buffer.from('\r\n')]);
  const end = Buffer.from('0\r\n\r\n');
  const send = (segments: readonly Buffer[]) =>
    exchange({ port: gateway.http, segments, pauseMs: 2, methods: ['POST'], timeoutMs: 20_000 });
  const large = send([Buffer.from(head), ...Array.from({ length: 40 }, () => chunk), end]);
  const empty = send([Buffer.from(head), end]);
  await isWaiting(gateway, 2);
  const leavers = Array.from({ length: 50 }, () => {
    const socket = connect(gateway.http, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`GET /left HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n\r\n`);
    return socket;
  });
  await isWaiting(gateway, 52);
  for (const socket of leavers) socket.destroy();
  await isWaiting(gateway, 2);
  answer();
  assert.deepEqual(
    (await Promise.all([large, empty])).map(({ answers }) => answers[0]?.status),
    [200, 200],
  );
  const seen = upstream.requests.map(({ target, bodyBytes, complete }) => `${target} ${bodyBytes} ${complete}`);
  assert.deepEqual(seen.sort(), ['/a 0 true', `/a ${40 * 32_768} true`]);
  await isWaiting(gateway, 0);
});

test('a reload that changes the issuer answers who waits; one that does not, lets them wait on', async (t) => {
  const { gateway, rotate, config } = await start(t);
  const ask = (token: string) =>
    fetch(`http://127.0.0.1:${gateway.http}/a`, { headers: { authorization: `Bearer ${token}` } });
  const first = rotate();
  const waits = ask(first.token);
  await isWaiting(gateway, 1);
  assert.ok((await gateway.reload(config({ audiences: ['api', 'more'] }))).ok);
  assert.equal(await inFlight(gateway), 1);
  first.answer();
  assert.equal((await waits).status, 200);
  const second = rotate();
  const caught = ask(second.token);
  await isWaiting(gateway, 1);
  const startedAt = performance.now();
  assert.ok((await gateway.reload(config({ algorithms: ['ES256'] }))).ok);
  const { status, headers } = await caught;
  assert.deepEqual([status, headers.get('retry-after')], [503, '1']);
  assert.ok(performance.now() - startedAt < WAIT_MS - 5_000, 'did not wait out its time');
  second.answer();
});
