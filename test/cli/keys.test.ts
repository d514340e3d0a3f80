import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startKeyAdmin } from '../api-keys/key-admin.ts';
import { FACTS, freshPath, made, ringOf } from '../api-keys/support.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** The command as a person calls it. The server is in this process: nothing here may block. */
async function sallyport(args: readonly string[], input = '', more: Record<string, string> = {}) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SALLYPORT_')));
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...env, ...more } });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
  // It may have ended without reading.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, out, err };
}

test('keys are made, listed, shown, rotated, verified and revoked from a terminal', async () => {
  const { url, book } = await startKeyAdmin();
  const ring = ringOf(book);
  const at = ['-u', url];
  const created = await sallyport(
    [
      'keys',
      'create',
      '-n',
      'deploy',
      '-o',
      'team-a',
      '-s',
      'read',
      '-s',
      'write',
      '--rate-limit',
      'gold',
      ...at,
    ].concat(['--cidr', '192.0.2.0/24', '--origin', 'https://a.example', '--route', 'orders', '-e', '90000d']),
  );
  assert.equal(created.status, 0, created.err);
  const key = /^(sp_test_\w{32}_\w{6})\n$/.exec(created.out)?.[1] ?? assert.fail(created.out);
  const row =
    /^([0-9a-f]{24}) {2}active {2}deploy {2}owner team-a {2}scopes read,write {2}cidrs 192\.0\.2\.0\/24 {2}origins https:\/\/a\.example {2}routes orders {2}rate limit gold {2}until \S+Z\nthis is the only time/;
  const id = row.exec(created.err)?.[1] ?? assert.fail(created.err);
  assert.equal(ring.judge(key, { ...FACTS, origin: 'https://a.example' }).kind, 'known');
  const line = created.err.split('\n', 1)[0];
  assert.deepEqual(await sallyport(['keys', 'list', ...at]), { status: 0, out: `${line}\n`, err: '' });
  assert.equal((await sallyport(['keys', 'list', '-o', 'team-b', ...at])).out, '');
  assert.equal((await sallyport(['keys', 'show', id, ...at])).out, `${line}\n`);
  assert.equal((await sallyport(['keys', 'verify', ...at], `${key}\n`)).out, `${line}\n`);
  const file = freshPath();
  writeFileSync(file, `${key}\n`);
  assert.equal((await sallyport(['keys', 'verify', file, ...at])).out, `${line}\n`);
  const rotated = await sallyport(['keys', 'rotate', id, '--grace', '1h', '--json', ...at]);
  assert.equal(rotated.status, 0);
  const second = JSON.parse(rotated.out) as Record<string, string>;
  assert.equal(second.formerSecretUntil, new Date(FACTS.nowMs + 3_600_000).toISOString());
  assert.equal(ring.judge(second.key ?? '', { ...FACTS, origin: 'https://a.example' }).kind, 'known');
  for (const [word, state] of [
    ['disable', 'disabled'],
    ['enable', 'active'],
    ['revoke', 'revoked'],
  ] as const) {
    const { status, out } = await sallyport(['keys', word, id, ...at]);
    assert.deepEqual([status, out.split('  ')[1]], [0, state]);
  }
  const again = await sallyport(['keys', 'enable', id, ...at]);
  assert.deepEqual([again.status, again.out], [1, '']);
  assert.match(again.err, /refused with status 409: The key is revoked, and that is for ever/);
});

test('a key is never taken from the command line, where others see it', async () => {
  const { url, keeper } = await startKeyAdmin();
  const { key } = await made(keeper);
  const { status, out, err } = await sallyport(['keys', 'verify', key, '-u', url]);
  assert.deepEqual([status, out, err.includes(key)], [2, '', false]);
  assert.match(err, /process list/);
  for (const [input, words] of [
    ['', /no API key in it/],
    ['x'.repeat(100_000), /no API key in it, or more than one/],
    ['hello\n', /refused with status 422: This is no API key/],
  ] as const) {
    const answer = await sallyport(['keys', 'verify', '-u', url], input);
    assert.equal(answer.status, 1);
    assert.match(answer.err, words);
  }
  const absent = await sallyport(['keys', 'verify', `${freshPath()}.absent`, '-u', url]);
  assert.deepEqual([absent.status, /cannot be read from .*ENOENT/.test(absent.err)], [1, true]);
});

test('a long list is read page by page, up to the limit', async () => {
  const { url, keeper } = await startKeyAdmin();
  await Promise.all(Array.from({ length: 2_100 }, () => made(keeper)));
  const all = await sallyport(['keys', 'list', '-n', '5000', '--json', '-u', url]);
  const ids = all.out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: string }).id);
  assert.deepEqual([ids.length, new Set(ids).size], [2_100, 2_100]);
  const some = await sallyport(['keys', 'list', '-n', '1010', '-u', url]);
  assert.equal(some.out.trimEnd().split('\n').length, 1_010);
  assert.match(some.err, /the first 1010 of 2100; --limit shows more/);
});

test('what the gateway refuses is told, with exit code 1; called wrongly, 2', async () => {
  const closed = await startKeyAdmin('correct-horse');
  const without = await sallyport(['keys', 'list', '-u', closed.url]);
  assert.equal(without.status, 1);
  assert.match(without.err, /SALLYPORT_ADMIN_TOKEN/);
  const env = { SALLYPORT_ADMIN_TOKEN: 'correct-horse' };
  assert.equal((await sallyport(['keys', 'list', '-u', closed.url], '', env)).status, 0);
  const wrong = await sallyport(['keys', 'create', '-n', 'a', '-o', 'b', '--route', 'x', '-u', closed.url], '', env);
  assert.deepEqual([wrong.status, wrong.out], [1, '']);
  for (const args of [
    ['keys'],
    ['keys', 'nope'],
    ['keys', 'create', '-n', 'a'],
    ['keys', 'create', '-n', 'a', '-o', 'b', '-e', 'soon'],
    ['keys', 'create', '-n', 'a', '-o', 'b', '-e', '0d'],
    ['keys', 'rotate', 'x'],
    ['keys', 'rotate', 'x', '-g', '5'],
    ['keys', 'revoke'],
    ['keys', 'list', '-n', '0'],
  ]) {
    const { status, out } = await sallyport(args);
    assert.deepEqual([status, out], [2, ''], args.join(' '));
  }
});

test('a stranger’s answer cannot steer the terminal, as words or as JSON', async (t) => {
  const name = '\u001b[2J\u009b2J\u202e\u{e0001}';
  const key = { id: 'x', state: 'active', name, owner: name, scopes: [name], key: name };
  const server = createServer((_request, response) => {
    response.end(JSON.stringify({ ...key, keys: [key], total: 1, next: null }));
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const args of [
    ['keys', 'list'],
    ['keys', 'show', 'x'],
    ['keys', 'rotate', 'x', '--grace', '1h'],
  ]) {
    const words = await sallyport([...args, '-u', url]);
    assert.equal(words.status, 0, words.err);
    assert.doesNotMatch(words.out + words.err, /[^\P{C}\n]/u, args.join(' '));
    const json = await sallyport([...args, '--json', '-u', url]);
    assert.equal(json.status, 0, json.err);
    assert.doesNotMatch(json.out + json.err, /[^\P{C}\n]/u, args.join(' '));
    assert.equal((JSON.parse(json.out.split('\n', 1)[0] ?? '') as { name: string }).name, name);
  }
});
