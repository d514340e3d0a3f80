import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DIST, type Gateway, startGateway } from '../support/gateway.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { NO_MATERIAL, sharedMaterial } from '../support/shared-material.ts';
import { until } from '../support/wait.ts';

const crs = sharedMaterial('crs');
/** Caught by @detectSQLi and by patterns, whose ids the Core Rule Set has had for years. */
const ATTACK = "/items?id=1'%20UNION%20SELECT%20password%20FROM%20users--%20-";
const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

describe('the Core Rule Set by one line', { skip: crs === null ? NO_MATERIAL : false }, () => {
  let upstream: RecordingUpstream;
  let gateway: Gateway;
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-crs-e2e-'));
  const audit = join(folder, 'audit.log');

  before(async () => {
    upstream = await startRecordingUpstream();
    gateway = await startGateway({
      config: {
        upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
        routes: [{ name: 'all', upstream: 'main' }],
        waf: { crs, audit: { path: audit } },
      },
    });
  });

  after(async () => {
    assert.equal(await gateway.stop(), 0);
    await upstream.close();
    rmSync(folder, { recursive: true });
  });

  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${gateway.http}${path}`, {
      ...init,
      headers: { 'user-agent': USER_AGENT, accept: '*/*', ...init.headers },
    });

  test('honest requests go on', async () => {
    for (const path of ['/', '/items?page=2&q=blue%20shoes', '/search?q=O%27Brien+and+sons']) {
      assert.equal((await ask(path)).status, 200, path);
    }
    const order = { customer: "Siobhan O'Brien", lines: [{ sku: 'A-1', count: 2 }], note: 'Ring twice, please.' };
    const body = JSON.stringify(order);
    const headers = { 'content-type': 'application/json' };
    assert.equal((await ask('/orders', { method: 'POST', body, headers })).status, 200);
    assert.equal(upstream.requests.at(-1)?.body.toString(), body);
  });

  test('an attack is refused with a problem document; the audit log and `waf test` say why', async () => {
    const seen = upstream.requests.length;
    const answer = await ask(ATTACK);
    const problem = (await answer.json()) as Record<string, unknown>;
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [403, 'application/problem+json']);
    assert.equal(problem.type, 'urn:problem-type:gateway:waf-blocked');
    assert.equal(upstream.requests.length, seen);

    const record = await until('the audit record', () => recordOf(audit, String(problem.request_id)), 10_000);
    const audited = record.messages.map(({ details }) => Number(details.ruleId));
    assert.ok(audited.includes(942_100) && audited.includes(942_190) && audited.includes(949_110), audited.join());
    const line = await gateway.line('of the request', ({ requestId }) => requestId === problem.request_id);
    const { rules } = line.waf as { rules: number[] };
    // 980170 reports the scores of every blocked request: `log`, and `noauditlog`.
    assert.deepEqual(rules, [...audited, 980_170]);

    const told = wafTest(['--url', `http://127.0.0.1${ATTACK}`]);
    assert.equal(told.status, 1, told.stderr);
    assert.deepEqual(
      [...told.stdout.matchAll(/^rule (\d+)/gm)].map(([, id]) => Number(id)),
      rules,
    );
    assert.match(told.stdout, /^blocked by rule 949110: 403$/m);
  });

  test('a body is inspected as what it is', async () => {
    const cases: readonly [string, string][] = [
      ['application/json', '{"a":[{"b":"<script>alert(1)</script>"}]}'],
      ['application/x-www-form-urlencoded', 'a=%3Cscript%3Ealert(1)%3C/script%3E'],
      ['text/xml', '<a><b>&lt;script&gt;alert(1)&lt;/script&gt;</b></a>'],
      [
        'multipart/form-data; boundary=xx',
        '--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\n<script>alert(1)</script>\r\n--xx--\r\n',
      ],
    ];
    for (const [type, body] of cases) {
      const answer = await ask('/', { method: 'POST', body, headers: { 'content-type': type } });
      assert.equal(answer.status, 403, type);
    }
    const broken = await ask('/', { method: 'POST', body: '{"a":', headers: { 'content-type': 'application/json' } });
    assert.equal(broken.status, 400);
  });

  test('a long one is inspected by an inspect thread', async () => {
    const note = 'Please ring twice, the bell is broken. '.repeat(9);
    const rows = Array.from({ length: 200 }, (_, at) => ({ sku: `A-${at}`, note: `${at} ${note}` }));
    const headers = { 'content-type': 'application/json' };
    const send = async (more: object): Promise<number> => {
      const body = JSON.stringify([...rows, more]);
      assert.ok(body.length > 65_536, String(body.length));
      return (await ask('/', { method: 'POST', body, headers })).status;
    };
    assert.equal(await send({ note: "1' UNION SELECT password FROM users-- -" }), 403);
    assert.equal(await send({ note: 'the same again' }), 200);
    assert.equal(await gateway.metric('sallyport_waf_offloads_total'), 2);
  });

  function wafTest(args: readonly string[]) {
    const fields = ['--header', `user-agent: ${USER_AGENT}`, '--header', 'accept: */*'];
    return spawnSync(
      process.execPath,
      [join(DIST, 'src/cli/main.js'), 'waf', 'test', '--config', gateway.configFile, ...args, ...fields],
      {
        encoding: 'utf8',
      },
    );
  }
});

interface AuditRecord {
  readonly unique_id: string;
  readonly messages: readonly { readonly details: { readonly ruleId: string } }[];
}

function recordOf(file: string, requestId: string): AuditRecord | undefined {
  if (!existsSync(file)) return undefined;
  const records = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return records
    .map((line) => (JSON.parse(line) as { transaction: AuditRecord }).transaction)
    .find(({ unique_id }) => unique_id === requestId);
}
