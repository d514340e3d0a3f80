import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DIST, startGateway } from '../support/gateway.ts';

/** The command as a person calls it. */
async function sallyport(...args: readonly string[]) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SALLYPORT_')));
  const child = spawn(process.execPath, [join(DIST, 'src/cli/main.js'), ...args], { env });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, out, err };
}

test('revocations are made, listed and lifted from a terminal, and a kill -9 behind the answer loses none', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-revoked-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const config = {
    threads: 1,
    upstreams: { main: { targets: [{ url: 'http://127.0.0.1:9' }] } },
    routes: [{ name: 'all', upstream: 'main' }],
    issuers: {
      main: {
        issuer: 'https://login.example.com',
        audiences: ['api'],
        keys: { source: 'jwks', url: 'https://login.example.com/keys' },
      },
    },
    revocations: { file: join(folder, 'revocations') },
  };
  const first = await startGateway({ config });
  const url = `http://127.0.0.1:${first.admin}`;
  const made = await sallyport(
    'revoke',
    'subject',
    'ann',
    '-i',
    'main',
    '--issued-until',
    'now',
    '-r',
    'left',
    '-u',
    url,
  );
  assert.deepEqual([made.status, made.err], [0, '']);
  const id = /^revoked: ([0-9a-f]{24}) {2}subject\/main {2}ann {2}until \S+Z {2}issued until \S+Z /.exec(made.out)?.[1];
  assert.ok(id, made.out);
  const typo = await sallyport('revoke', 'client', 'app', '-i', 'mian', '-u', url);
  assert.equal(typo.status, 1);
  assert.match(typo.err, /refused with status 422: issuer must be a name/);
  assert.match((await sallyport('revoke', 'token', 'x', '-i', 'main', '-u', url)).err, /422: say how long/);
  assert.equal((await sallyport('revoke', 'key', '0'.repeat(24), '-s', '60', '-u', url)).status, 0);
  assert.equal(await first.metric('sallyport_revocations'), 2);
  const key = `sp_live_${'x'.repeat(32)}_111111`;
  for (const words of [
    ['revoke', 'key', key],
    ['keys', 'show', key],
    ['keys', 'rotate', key, '-g', '1h'],
    ['keys', 'revoke', key],
  ]) {
    const misplaced = await sallyport(...words, '-u', url);
    assert.deepEqual([misplaced.status, misplaced.out, misplaced.err.includes(key)], [2, '', false], words.join(' '));
    assert.match(misplaced.err, /the key itself does not belong here/);
  }
  const line = await first.line('the order', (one) => one.msg === 'revocation added by an operator');
  assert.deepEqual([line.kind, line.value, line.by], ['subject', 'ann', '127.0.0.1']);
  await first.stop('SIGKILL');

  const second = await startGateway({ config });
  const again = `http://127.0.0.1:${second.admin}`;
  const listed = await sallyport('revocations', 'list', '-u', again);
  assert.equal(listed.out.trimEnd().split('\n').length, 2);
  assert.ok(listed.out.includes(id));
  assert.equal((await sallyport('revocations', 'lift', id, '-u', again)).status, 0);
  assert.match((await sallyport('revocations', 'lift', id, '-u', again)).err, /404/);
  assert.equal(await second.metric('sallyport_revocations'), 1);
  assert.equal(await second.stop(), 0);
});
