import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

// dist/test/scripts/bootstrap.test.js -> project
const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

/** Stands where npm's own script would; what it "installs" is the compiler below. */
const NPM = `
import { cpSync, mkdirSync, writeFileSync, appendFileSync } from 'node:fs';
appendFileSync('calls', 'npm ' + process.argv.slice(2, 3) + '\\n');
console.log('npm says something');
if (process.env.FAKE_NPM_EXIT) process.exit(Number(process.env.FAKE_NPM_EXIT));
mkdirSync('node_modules/typescript/bin', { recursive: true });
cpSync('fake-tsc.mjs', 'node_modules/typescript/bin/tsc');
cpSync('package-lock.json', 'node_modules/.package-lock.json');
writeFileSync('node_modules/typescript/package.json', '{"type":"module"}');
`;

/** Stands for the compiler: a gateway that tells its arguments, then waits for a signal when asked to. */
const COMPILER = `
import { mkdirSync, writeFileSync, appendFileSync } from 'node:fs';
appendFileSync('calls', 'tsc\\n');
if (process.env.FAKE_TSC_EXIT) process.exit(Number(process.env.FAKE_TSC_EXIT));
mkdirSync('dist/src/cli', { recursive: true });
writeFileSync('dist/package.json', '{"type":"module"}');
writeFileSync('dist/src/cli/main.js', \`
export async function main(args) {
  console.log('gateway ' + args.join(' '));
  if (!args.includes('wait')) return 5;
  const alive = setInterval(() => {}, 1000);
  const signal = await new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(name, resolve);
    console.log('waiting');
  });
  clearInterval(alive);
  console.log('got ' + signal);
  return 7;
}\`);
`;

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-bootstrap-'));
  cpSync(join(PROJECT, 'scripts/bootstrap.mjs'), join(folder, 'scripts/bootstrap.mjs'));
  cpSync(join(PROJECT, 'scripts/ensure-tools.mjs'), join(folder, 'scripts/ensure-tools.mjs'));
  mkdirSync(join(folder, 'src/cli'), { recursive: true });
  const files = {
    'npm-cli.mjs': NPM,
    'fake-tsc.mjs': COMPILER,
    'package.json': '{"type":"module"}',
    'package-lock.json': lockWith('1.0.0'),
    'tsconfig.json': '{}',
    'src/cli/main.ts': '',
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function lockWith(version: string): string {
  return JSON.stringify({
    packages: { '': {}, 'node_modules/a': { version }, 'node_modules/other-os': { optional: true } },
  });
}

function launch(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(process.execPath, ['scripts/bootstrap.mjs', ...args], {
    cwd: folder,
    env: { ...process.env, npm_execpath: join(folder, 'npm-cli.mjs'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function bootstrap(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = launch(args, env);
  const pieces = { stdout: '', stderr: '' };
  child.stdout?.on('data', (piece: Buffer) => {
    pieces.stdout += piece.toString();
  });
  child.stderr?.on('data', (piece: Buffer) => {
    pieces.stderr += piece.toString();
  });
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, ...pieces };
}

/** What was called since the last look. */
function calls(): string[] {
  const path = join(folder, 'calls');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  rmSync(path, { force: true });
  return lines;
}

test('a fresh clone: installs, builds, runs; standard output is the target’s alone', async () => {
  const { exitCode, stdout, stderr } = await bootstrap(['start', '--config', 'x.yaml']);
  assert.equal(stdout, 'gateway serve --config x.yaml\n');
  assert.equal(exitCode, 5);
  assert.match(stderr, /installing[\s\S]*npm says something[\s\S]*building/);
  assert.deepEqual(calls(), ['npm ci', 'tsc']);
});

test('nothing to do: nothing is said', async () => {
  await bootstrap(['start']);
  calls();
  const { stderr, stdout } = await bootstrap(['start']);
  assert.deepEqual([stderr, stdout, calls()], ['', 'gateway serve\n', []]);
});

test('a changed lock file installs and builds again, a changed source only builds', async () => {
  await bootstrap(['start']);
  calls();
  writeFileSync(join(folder, 'package-lock.json'), lockWith('2.0.0'));
  await bootstrap(['start']);
  assert.deepEqual(calls(), ['npm ci', 'tsc']);
  writeFileSync(join(folder, 'src/cli/main.ts'), '// changed');
  await bootstrap(['start']);
  assert.deepEqual(calls(), ['tsc']);
});

test('what somebody’s own npm ci put in place is left alone, anything else is not', async () => {
  await bootstrap(['install']);
  calls();
  rmSync(join(folder, 'node_modules/.sallyport-install'));
  await bootstrap(['install']);
  assert.deepEqual(calls(), []);
  rmSync(join(folder, 'node_modules/.sallyport-install'));
  writeFileSync(join(folder, 'node_modules/.package-lock.json'), lockWith('0.9.0'));
  await bootstrap(['install']);
  assert.deepEqual(calls(), ['npm ci']);
});

test('an install made for another Node is made anew', async () => {
  await bootstrap(['install']);
  calls();
  const stamp = join(folder, 'node_modules/.sallyport-install');
  writeFileSync(stamp, readFileSync(stamp, 'utf8').replace(/-\d+ /, '-1 '));
  await bootstrap(['install']);
  assert.deepEqual(calls(), ['npm ci']);
});

test('what is built from a deleted source goes, what belongs to a source stays', async () => {
  await bootstrap(['build']);
  mkdirSync(join(folder, 'dist/test'), { recursive: true });
  for (const name of ['gone.test.js', 'gone.test.js.map', 'notes.txt'])
    writeFileSync(join(folder, 'dist/test', name), '');
  writeFileSync(join(folder, 'src/cli/main.ts'), '// changed');
  await bootstrap(['build']);
  const left = ['test/gone.test.js', 'test/gone.test.js.map', 'test/notes.txt', 'src/cli/main.js'];
  assert.deepEqual(
    left.map((path) => existsSync(join(folder, 'dist', path))),
    [false, false, true, true],
  );
});

test('npm fails: its code, a remedy, and another try next time', async () => {
  const { exitCode, stdout, stderr } = await bootstrap(['start'], { FAKE_NPM_EXIT: '3' });
  assert.deepEqual([exitCode, stdout], [1, '']);
  assert.match(stderr, /npm ci failed with exit code 3;.*network.*proxy/);
  assert.doesNotMatch(stderr, /\n {4}at /);
  assert.deepEqual(calls(), ['npm ci']);
  assert.equal((await bootstrap(['start'])).exitCode, 5);
});

test('the build fails: nothing runs, and another try next time', async () => {
  const { exitCode, stdout, stderr } = await bootstrap(['start'], { FAKE_TSC_EXIT: '2' });
  assert.deepEqual([exitCode, stdout], [1, '']);
  assert.match(stderr, /the build failed/);
  calls();
  assert.equal((await bootstrap(['start'])).exitCode, 5);
  assert.deepEqual(calls(), ['tsc']);
});

test('an unknown target is a usage error that lists the others', async () => {
  for (const target of ['nope', '__proto__', 'toString']) {
    const { exitCode, stderr } = await bootstrap([target]);
    assert.equal(exitCode, 2, target);
    assert.match(stderr, /unknown target.*start.*conformance:http1/);
  }
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} reaches the gateway itself, and its exit code comes back`, async () => {
    const child = launch(['start', 'wait']);
    let stdout = '';
    child.stdout?.on('data', (piece: Buffer) => {
      stdout += piece.toString();
      if (stdout.endsWith('waiting\n')) child.kill(signal);
    });
    const [exitCode] = (await once(child, 'close')) as [number];
    assert.equal(stdout, `gateway serve wait\nwaiting\ngot ${signal}\n`);
    assert.equal(exitCode, 7);
  });
}
