import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DIST, type Gateway, startGateway } from '../support/gateway.ts';
import { type Load, startLoad } from '../support/load.ts';
import { startReflectingUpstream } from '../support/reflecting-upstream.ts';
import { until } from '../support/wait.ts';

const OFFLOAD_BYTES = 2_000;
const CONNECTIONS = 8;
const PAUSE_MS = 30;
/** From a change of the folder to the last request that it does not hold for, milliseconds. */
const LIVE_MS = 2_000;
const OWN_RULE = 'SecRule ARGS:q "@streq forbidden" "id:100,phase:2,deny,status:406,log,msg:\'of waf.rules\'"\n';
const blocks = (id: number, word: string, status = 403): string =>
  `SecRule ARGS "@contains ${word}" "id:${id},phase:2,t:lowercase,deny,status:${status},log,msg:'a patch'"\n`;

const folder = mkdtempSync(join(tmpdir(), 'sallyport-patches-'));
const patches = join(folder, 'patches');
let upstream: Awaited<ReturnType<typeof startReflectingUpstream>>;
let gateway: Gateway;
/** Requests that no patch is about, all the time: each of them must be answered. */
let honest: Load;

const put = (name: string, text: string): void => {
  // As editors do: nobody sees half of it.
  writeFileSync(join(patches, `.${name}.new`), text);
  renameSync(join(patches, `.${name}.new`), join(patches, name));
};
const take = (name: string): void => unlinkSync(join(patches, name));
const statusOf = async (word: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${gateway.http}/?q=${word}`)).status;
const listed = async (): Promise<{ patches: { file: string; ids: number[]; expires: string | null }[] }> =>
  (await fetch(`http://127.0.0.1:${gateway.admin}/waf/patches`)).json() as never;

before(async () => {
  mkdirSync(patches);
  writeFileSync(join(folder, 'own.conf'), OWN_RULE);
  upstream = await startReflectingUpstream();
  gateway = await startGateway({
    config: {
      threads: 2,
      offloadBytes: OFFLOAD_BYTES,
      upstreams: { main: { targets: [{ url: `http://127.0.0.1:${upstream.port}` }] } },
      routes: [{ name: 'all', upstream: 'main' }],
      waf: { rules: [join(folder, 'own.conf')], patches, inspectThreads: 1, inspectWaiting: 1_000 },
    },
  });
  honest = startLoad({
    port: gateway.http,
    connections: CONNECTIONS,
    pauseMs: PAUSE_MS,
    target: (n) => `/honest/${n}?q=fine`,
    isRight: ({ status }) => status === 200,
  });
});

after(async () => {
  const { ok, failures, words, ms } = await honest.stop();
  console.log(`honest requests beside it: ${words} in ${Math.round(ms)} ms`);
  assert.deepEqual(failures, []);
  assert.ok(ok > 100, words);
  assert.equal(await gateway.metric('sallyport_handler_errors_total'), 0);
  assert.equal(await gateway.metric('sallyport_thread_restarts_total'), 0);
  assert.equal(await gateway.metric('sallyport_inspect_thread_restarts_total'), 0);
  assert.equal(await gateway.stop(), 0, gateway.stderr());
  await upstream.close();
  rmSync(folder, { recursive: true });
});

/** Attacks over kept connections to both threads, short ones and ones that an inspect thread gets. */
function startAttacks(word: string) {
  const passed: { last: number; total: number }[] = [
    { last: 0, total: 0 },
    { last: 0, total: 0 },
  ];
  const loadOf = (kind: 0 | 1): Load =>
    startLoad({
      port: gateway.http,
      connections: CONNECTIONS,
      pauseMs: PAUSE_MS,
      target: (n) => (kind === 0 ? `/attack/${n}?q=${word}` : `/long/${n}`),
      ...(kind === 0
        ? {}
        : {
            method: 'POST',
            body: () => Buffer.from(JSON.stringify({ padding: PADDING, a: word })),
            fields: () => JSON_TYPE,
          }),
      isRight: ({ status }) => {
        const seen = passed[kind] as (typeof passed)[number];
        Object.assign(seen, { last: performance.now(), total: seen.total + 1 });
        return status === 200;
      },
    });
  return { passed, loads: [loadOf(0), loadOf(1)] };
}

const JSON_TYPE = 'content-type: application/json\r\n';
const PADDING = 'x'.repeat(OFFLOAD_BYTES);

describe('virtual patches', () => {
  test('are live on every thread in less than two seconds, and no request fails of it', async () => {
    const offloads = await gateway.metric('sallyport_waf_offloads_total');
    const attacks = startAttacks('exploit');
    await until('attacks that pass', () => attacks.passed.every(({ total }) => total > 3 * CONNECTIONS));
    const droppedAt = performance.now();
    put('a.conf', blocks(201, 'exploit'));
    await until('attacks that do not', () => attacks.loads.every((load) => load.failures.length > 3 * CONNECTIONS));
    await delay(300);
    const results = await Promise.all(attacks.loads.map((load) => load.stop()));
    const liveMs = attacks.passed.map(({ last }) => Math.round(last - droppedAt));
    console.log(`live on all threads after ${liveMs[0]} ms, for long bodies after ${liveMs[1]} ms`);
    assert.ok(Math.max(...liveMs) < LIVE_MS, `${liveMs}`);
    const others = results.flatMap(({ failures }) => failures.filter(({ cause }) => cause !== 'status 403'));
    assert.deepEqual(others, []);
    assert.ok((await gateway.metric('sallyport_waf_offloads_total')) > offloads);
    const threads = new Set(gateway.lines.filter(({ reason }) => reason === 'rule 201').map(({ thread }) => thread));
    assert.deepEqual([...threads].sort(), [0, 1]);
    assert.equal(await gateway.metric('sallyport_waf_patches'), 1);
    assert.equal(await statusOf('forbidden'), 406);
  });

  test('are listed, with ids, since when and until when', async () => {
    const { patches: rows } = await listed();
    assert.deepEqual(
      rows.map(({ file, ids, expires }) => [file, ids, expires]),
      [[join(patches, 'a.conf'), [201], null]],
    );
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(DIST, 'src/cli/main.js'),
      ...['waf', 'patches', '-u', `http://127.0.0.1:${gateway.admin}`],
    ]);
    assert.match(stdout, /a\.conf {2}rules 201 {2}since 20\S+Z {2}never expires\n$/);
  });

  test('are lifted by themselves when their time comes', async () => {
    const endMs = Date.now() + 1_500;
    put(
      'b.conf',
      `# Until the upstream is mended.\n# expires: ${new Date(endMs).toISOString()}\n${blocks(202, 'brief')}`,
    );
    await until('the patch', async () => (await statusOf('brief')) === 403);
    assert.ok(Date.now() < endMs);
    await until('its end', async () => (await statusOf('brief')) === 200);
    assert.ok(Date.now() >= endMs);
    console.log(`lifted ${Date.now() - endMs} ms after its time`);
    await gateway.line(
      'of its end',
      ({ msg, file }) => msg === 'patch has expired, and is lifted' && /b.conf$/.test(`${file}`),
    );
    assert.deepEqual(
      (await listed()).patches.map(({ ids }) => ids),
      [[201]],
    );
    assert.equal(await gateway.metric('sallyport_waf_patches_expired_total'), 1);
  });

  test('that are broken are refused with file and line, and those of before stay', async () => {
    const from = gateway.lines.length;
    put('c.conf', `# one\n${blocks(203, 'third')}SecRule ARGS "@nothing x" "id:204,phase:2,deny"\n`);
    const line = await gateway.line('of the refusal', ({ msg }) => /^patches refused/.test(`${msg}`), from);
    assert.match(JSON.stringify(line.problems), /c\.conf:3 \(rule 204\): @nothing is not an operator/);
    assert.deepEqual([await statusOf('exploit'), await statusOf('third')], [403, 200]);
    assert.equal(await gateway.metric('sallyport_waf_patches_refused'), 1);
    // Ids that are taken, by rules and by patches.
    put('c.conf', blocks(100, 'third') + blocks(201, 'third'));
    const other = await gateway.line('of the ids', ({ problems }) => /id 201 is that of/.test(`${problems}`), from);
    assert.match(JSON.stringify(other.problems), /c\.conf:1 \(rule 100\): id 100 is that of the rule at .*own\.conf:1/);
    take('c.conf');
    await gateway.line('of its end', ({ msg }) => msg === 'patches are right again', from);
    assert.equal(await gateway.metric('sallyport_waf_patches_refused'), 0);
    assert.equal(await gateway.metric('sallyport_waf_patch_refusals_total'), 2);
    assert.equal(gateway.lines.slice(from).filter(({ msg }) => /^patches refused/.test(`${msg}`)).length, 2);
  });

  test('outlive a reload, which refuses what is wrong with them', async () => {
    const { ok } = await gateway.reload();
    assert.ok(ok);
    assert.equal(await statusOf('exploit'), 403);
    writeFileSync(join(folder, 'own.conf'), OWN_RULE + blocks(201, 'other'));
    const refused = await gateway.reload();
    assert.deepEqual([refused.ok, /id 201 is that of the rule/.test(refused.text)], [false, true]);
    writeFileSync(join(folder, 'own.conf'), `${OWN_RULE}# new\n`);
    assert.ok((await gateway.reload()).ok);
    assert.equal(await statusOf('exploit'), 403);
  });

  test('go with their files, and come with links that are swapped', async () => {
    take('a.conf');
    await until('the end of a.conf', async () => (await statusOf('exploit')) === 200);
    // As Kubernetes does with a ConfigMap: a link to a folder is swapped, and the files are links through it.
    for (const [name, word] of [
      ['v1', 'first'],
      ['v2', 'second'],
    ] as const) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'k.conf'), blocks(205, word));
    }
    const swap = (to: string): void => {
      symlinkSync(join(folder, to), join(folder, 'next'));
      renameSync(join(folder, 'next'), join(patches, '..data'));
    };
    swap('v1');
    symlinkSync('..data/k.conf', join(patches, 'k.conf'));
    await until('the first', async () => (await statusOf('first')) === 403);
    swap('v2');
    await until('the second', async () => (await statusOf('second')) === 403);
    assert.equal(await statusOf('first'), 200);
  });
});
