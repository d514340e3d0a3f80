import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { canaryHash, canaryShare } from '../../src/pipeline/canary-share.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { exchange } from '../support/raw-client.ts';
import { startReflectingUpstream } from '../support/reflecting-upstream.ts';

const OFFLOAD_BYTES = 1_000;
const SEED = 'a test';
const PERCENT = 40;
const RULES = `
SecRule ARGS "@contains canary" "id:1,phase:2,t:lowercase,deny,status:406,log,tag:new"
SecRule ARGS "@contains told" "id:2,phase:2,deny,status:406,log,setvar:tx.told=1"
SecRule TX:told "@eq 1" "id:3,phase:2,deny,status:409,log"
`;
const CLIENTS = Array.from({ length: 40 }, (_, n) => `127.0.3.${n + 1}`);

const folder = mkdtempSync(join(tmpdir(), 'sallyport-canary-'));
let upstream: Awaited<ReturnType<typeof startReflectingUpstream>>;
let gateway: Gateway;

before(async () => {
  writeFileSync(join(folder, 'rules.conf'), RULES);
  upstream = await startReflectingUpstream();
  const waf = { detect: { ids: ['2'] }, canary: [{ tags: ['new'], percent: PERCENT }] };
  gateway = await startGateway({
    config: {
      offloadBytes: OFFLOAD_BYTES,
      upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
      routes: [{ name: 'all', upstream: 'main', policies: { waf } }],
      waf: { rules: [join(folder, 'rules.conf')], canarySeed: SEED, inspectThreads: 1, inspectWaiting: 1_000 },
    },
  });
});

after(async () => {
  assert.equal(await gateway.metric('sallyport_handler_errors_total'), 0);
  assert.equal(await gateway.stop(), 0, gateway.stderr());
  await upstream.close();
  rmSync(folder, { recursive: true });
});

async function statusOf(word: string, localAddress: string, padding = 0): Promise<number> {
  const body = `{"a":"${word}","padding":"${'x'.repeat(padding)}"}`;
  const head = `POST / HTTP/1.1\r\nhost: a.test\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const segments = [Buffer.from(head + body)];
  const { answers } = await exchange({ port: gateway.http, localAddress, segments, methods: ['POST'] });
  return answers[0]?.status ?? 0;
}

const heldBy = (rule: number, action: string): Promise<number> =>
  gateway.metric('sallyport_waf_rule_matches_total', `rule="${rule}"`, `action="${action}"`);

describe('rules of a route', () => {
  test('act for the clients that are drawn, the same on all threads, and only tell for the others', async () => {
    const hash = canaryHash(SEED);
    const expected = CLIENTS.map((client) => (canaryShare(hash, client) < PERCENT ? 406 : 200));
    const drawn = expected.filter((status) => status === 406).length;
    assert.ok(drawn > 5 && drawn < 35, `${drawn}`);
    assert.deepEqual(await Promise.all(CLIENTS.map((client) => statusOf('canary', client))), expected);
    // Longer ones, which an inspect thread has.
    assert.deepEqual(await Promise.all(CLIENTS.map((client) => statusOf('canary', client, 2_000))), expected);
    assert.ok((await gateway.metric('sallyport_waf_offloads_total')) >= CLIENTS.length);
    assert.equal(await heldBy(1, 'blocked'), 2 * drawn);
    assert.equal(await heldBy(1, 'detected'), 2 * (CLIENTS.length - drawn));
  });

  test('in detect are told, and change nothing', async () => {
    assert.equal(await statusOf('told', '127.0.0.1'), 200);
    const line = await gateway.line('of it', ({ waf }) => JSON.stringify(waf ?? '').includes('"rules":[2]'));
    assert.deepEqual(line.waf, { outcome: 'detected', rules: [2] });
    assert.deepEqual([await heldBy(2, 'detected'), await heldBy(3, 'blocked')], [1, 0]);
  });
});
