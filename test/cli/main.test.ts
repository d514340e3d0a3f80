import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

function sallyport(...args: readonly string[]) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SALLYPORT_')));
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('version: one line that a bug report needs', () => {
  const { status, stdout } = sallyport('version');
  assert.equal(status, 0);
  assert.match(stdout, /^sallyport \d+\.\d+\.\d+ \(node \d+\.\d+\.\d+, \w+ \w+\)\n$/);
});

test('--help lists every command, and is no error', () => {
  const { status, stdout } = sallyport('--help');
  assert.equal(status, 0);
  for (const command of ['serve', 'check', 'reload', 'bans', 'version'])
    assert.match(stdout, new RegExp(`^  ${command}\\b`, 'm'));
});

test('called wrongly: what is wrong, and exit code 2', () => {
  const cases: readonly (readonly [args: readonly string[], words: RegExp])[] = [
    [['chek'], /unknown command 'chek'[\s\S]*check/],
    [['serve', 'x'], /too many arguments/],
    [['--nope'], /unknown option '--nope'/],
    [['reload', '--url'], /argument missing/],
  ];
  for (const [args, words] of cases) {
    const { status, stdout, stderr } = sallyport(...args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, words);
  }
});

test('a broken configuration stops the boot: every problem, no stack, exit code 1', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-'));
  try {
    const file = join(folder, 'gateway.yaml');
    writeFileSync(file, 'threads: -1\nroutez: []\n');
    // With and without the command's name.
    for (const args of [
      ['serve', '--config', file],
      ['-c', file],
    ]) {
      const { status, stdout, stderr } = sallyport(...args);
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, /2 problems[\s\S]*threads .*gateway\.yaml:1[\s\S]*routez .*did you mean "routes"\?/);
      assert.doesNotMatch(stderr, /\n {4}at /);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
