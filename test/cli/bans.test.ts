import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startBanAdmin } from '../abuse/ban-admin.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
/** The command as a person calls it. The server is in this process: nothing here may block. */
async function sallyport(args: readonly string[], more: Record<string, string> = {}) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SALLYPORT_')));
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...env, ...more } });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, out, err };
}

test('bans are added, listed and lifted from a terminal', async () => {
  const { url, leftMs } = await startBanAdmin();
  const added = await sallyport(['bans', 'add', '192.0.2.1', '-s', '60', '-r', 'scanner', '-u', url]);
  assert.deepEqual([added.status, added.err], [0, '']);
  const row =
    /^banned: ([0-9a-f]{24}) {2}192\.0\.2\.1 {2}manual\/address {2}until \S+Z {2}strike 1 {2}n1 {2}\(scanner\)\n$/;
  const id = row.exec(added.out)?.[1] ?? assert.fail(added.out);
  assert.ok(leftMs('192.0.2.1') > 0);
  const listed = await sallyport(['bans', 'list', '--url', url]);
  assert.deepEqual([listed.status, listed.out], [0, added.out.replace('banned: ', '')]);
  assert.equal((await sallyport(['bans', 'list', '--url', url, '--key', '192.0.2.2'])).out, '');
  const lifted = await sallyport(['bans', 'lift', id, '--url', url]);
  assert.equal(lifted.status, 0);
  assert.match(lifted.out, /^lifted: /);
  assert.equal(leftMs('192.0.2.1'), 0);
  const again = await sallyport(['bans', 'lift', id, '--url', url]);
  assert.deepEqual([again.status, again.out], [1, '']);
  assert.match(again.err, /refused with status 404: No ban with this id runs\./);
});

test('a long list is read page by page, up to the limit', async () => {
  const { url, keeper } = await startBanAdmin();
  for (let i = 0; i < 2_300; i += 1) {
    keeper.add({ rule: 'manual', value: `10.0.${i >> 8}.${i & 255}`, seconds: 600, reason: '' }, '');
    // Room for 1,024: the others made way.
  }
  const all = await sallyport(['bans', 'list', '-n', '5000', '--url', url]);
  assert.equal(all.out.trimEnd().split('\n').length, 1_024);
  const some = await sallyport(['bans', 'list', '-n', '1010', '--url', url]);
  assert.equal(some.out.trimEnd().split('\n').length, 1_010);
  assert.match(some.err, /the first 1010 of 1024; --limit shows more/);
});

test('what the gateway refuses is told, with exit code 1', async () => {
  const { url } = await startBanAdmin();
  const range = await sallyport(['bans', 'add', '10.0.0.0/8', '-s', '60', '-u', url]);
  assert.equal(range.status, 1);
  assert.match(range.err, /refused with status 422: .*ranges belong in access\.deny/);
  const closed = await startBanAdmin('correct-horse');
  const without = await sallyport(['bans', 'list', '-u', closed.url]);
  assert.equal(without.status, 1);
  assert.match(without.err, /SALLYPORT_ADMIN_TOKEN/);
  const env = { SALLYPORT_ADMIN_TOKEN: 'correct-horse' };
  assert.equal((await sallyport(['bans', 'list', '-u', closed.url], env)).status, 0);
});

test('called wrongly: exit code 2', async () => {
  for (const args of [
    ['bans', 'add', '192.0.2.1'],
    ['bans', 'add', '192.0.2.1', '-s', '-1'],
    ['bans', 'add', '192.0.2.1', '-s', '1h'],
    ['bans', 'add', '-s', '60'],
    ['bans', 'lift'],
    ['bans', 'list', '-n', '0'],
    ['bans', 'nope'],
    ['bans'],
  ]) {
    const { status, out } = await sallyport(args);
    assert.deepEqual([status, out], [2, ''], args.join(' '));
  }
});

test('nobody there: says where it looked; a stranger’s answer cannot steer the terminal', async () => {
  const server = createServer((_request, response) => {
    response.end(JSON.stringify({ bans: [null, 7, { id: '\u001b[2J', value: '\u202e' }], total: 3, next: null }));
  }).listen(0, '127.0.0.1');
  const url = await new Promise<string>((resolve) =>
    server.once('listening', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)),
  );
  const strange = await sallyport(['bans', 'list', '-u', url]);
  server.close();
  server.closeAllConnections();
  assert.equal(strange.status, 0);
  assert.match(strange.out, /^\?\[2J {2}\? /);
  const nobody = await sallyport(['bans', 'list', '-u', url]);
  assert.equal(nobody.status, 1);
  assert.match(nobody.err, /no answer from http:\/\/127\.0\.0\.1:\d+\/bans.*--url/);
});
