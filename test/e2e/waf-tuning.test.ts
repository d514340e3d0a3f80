import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { type ConfigDocument, DIST, type Gateway, startGateway } from '../support/gateway.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { NO_MATERIAL, sharedMaterial } from '../support/shared-material.ts';
import { until } from '../support/wait.ts';
import { attackTraffic } from '../tuning/attack-traffic.ts';
import { honestTraffic, type MadeRequest, SITE_ROUTES } from '../tuning/honest-traffic.ts';

const crs = sharedMaterial('crs/rules') === null ? null : sharedMaterial('crs');
const HONEST = 200;
const ATTACKS = 40;

describe('from a log of detection only to rules that block', { skip: crs === null ? NO_MATERIAL : false }, () => {
  let upstream: RecordingUpstream;
  let gateway: Gateway;
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-tuning-e2e-'));
  const log = join(folder, 'audit.log');
  const honest = honestTraffic(HONEST, 7);
  const attacks = attackTraffic()
    .filter(({ fields }) => !fields.includes('cookie'))
    .slice(0, ATTACKS);
  const alarms: MadeRequest[] = [];
  let yaml = '';

  const configWith = (mode: string, proposal: string): ConfigDocument => {
    const proposed = (parse(proposal) as { routes: { name: string }[] }).routes;
    const routes = (parse(`routes:${SITE_ROUTES}`) as { routes: { name: string }[] }).routes;
    return {
      threads: 1,
      upstreams: { api: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
      routes: routes.map((route) => ({ ...route, ...proposed.find(({ name }) => name === route.name) })),
      waf: { crs, mode, paranoia: 2, audit: { path: log, format: 'native', parts: 'ABCHZ', redact: ['password'] } },
    };
  };

  before(async () => {
    upstream = await startRecordingUpstream();
    gateway = await startGateway({ config: configWith('detect', 'routes: []') });
  });

  after(async () => {
    assert.equal(await gateway.stop(), 0);
    await upstream.close();
    rmSync(folder, { recursive: true });
  });

  async function send({ id, method, target, fields, body }: MadeRequest): Promise<number> {
    const headers = new Headers();
    fields.forEach((name, index) => {
      const isName = index % 2 === 0 && name !== 'host' && name !== 'content-length';
      if (isName) headers.set(name, encodeURI(fields[index + 1] ?? '').replaceAll('%20', ' '));
    });
    headers.set('x-request-id', id);
    const init = { method, headers, ...(body === '' ? {} : { body }) };
    const answer = await fetch(`http://127.0.0.1:${gateway.http}${target}`, init);
    await answer.arrayBuffer();
    return answer.status;
  }

  async function sallyport(...args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    const child = spawn(process.execPath, [join(DIST, 'src/cli/main.js'), 'waf', ...args, '-c', gateway.configFile]);
    const [stdout, stderr, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { status, stdout, stderr };
  }

  test('honest traffic is recorded, and tuned by', async (t) => {
    for (const request of honest) assert.equal(await send(request), 200, request.id);
    const answered = (): typeof gateway.lines => gateway.lines.filter(({ msg }) => msg === 'request');
    await until('the access log', () => answered().length >= HONEST || null, 10_000);
    const outcomes = answered().map(({ waf }) => (waf as { outcome: string } | undefined)?.outcome);
    alarms.push(...honest.filter((_, index) => outcomes[index] === 'detected'));
    const recorded = outcomes.filter((outcome) => outcome !== undefined).length;
    await until('the log', () => readFileSync(log, 'utf8').split('-Z--').length >= recorded || null, 10_000);
    const attackFile = join(folder, 'attacks.jsonl');
    writeFileSync(attackFile, attacks.map(lineOf).join(''));
    const told = await sallyport('tune', log, '--attacks', attackFile, '--json');
    assert.equal(told.status, 0, told.stderr);
    const proposal = JSON.parse(told.stdout);
    yaml = proposal.yaml;
    t.diagnostic(`${proposal.freed} of ${proposal.blocked} false alarms of ${HONEST} requests`);
    assert.deepEqual([proposal.blocked, proposal.passedOver.malformed], [alarms.length, 0]);
    assert.ok(proposal.blocked >= 15);
  });

  test('an entry of the log is excluded by its id', async () => {
    const [id] = /(?<=\] )[0-9a-zA-Z_-]+(?= )/.exec(readFileSync(log, 'latin1')) ?? [];
    assert.ok(id);
    const told = await sallyport('exclude', log, id);
    assert.match(told.stderr, new RegExp(`^request ${id} `));
  });

  test('with the proposal nearly all goes on, and attacks do not', async () => {
    const { ok, text: words } = await gateway.reload(configWith('block', yaml));
    assert.ok(ok, words);
    const replayed = await sallyport('replay', log, '--json');
    const { verdicts, undecided } = JSON.parse(replayed.stdout);
    const statuses = await all(alarms);
    const blocked = statuses.filter((status) => status === 403).length;
    // Passwords are withheld: what they set off is not foretold, and said to be so.
    assert.equal(verdicts.blocked + undecided, blocked, 'replay foretells what the gateway does');
    assert.ok(blocked <= alarms.length * 0.1, `${blocked} of ${alarms.length}`);
    assert.equal(replayed.status, verdicts.blocked === 0 ? 0 : 1);
    const refused = (await all(attacks)).filter((status) => status === 403).length;
    assert.ok(refused >= ATTACKS - 2, `${refused} of ${ATTACKS}`);
  });

  async function all(requests: readonly MadeRequest[]): Promise<number[]> {
    const statuses: number[] = [];
    for (const request of requests) statuses.push(await send(request));
    return statuses;
  }
});

function lineOf({ id, method, target, fields, body }: MadeRequest): string {
  const headers = fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1]]] : []));
  return `${JSON.stringify({ id, method, url: target, headers, ...(body === '' ? {} : { body }) })}\n`;
}
