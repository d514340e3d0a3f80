import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LogWriter } from '../../src/telemetry/log-writer.ts';

const PROGRAM = fileURLToPath(new URL('./log-writer-process.js', import.meta.url));

interface Outcome {
  readonly longestMs: number;
  readonly lost: number;
  readonly done: number;
  readonly broken: boolean;
}

const SHELL = { socket: '"$@"; echo "exit $?" >&2', pipe: '{ "$@"; echo "exit $?" >&2; } | cat' };

/**
 * Starts the program. Node.js gives its children sockets; before `cat` they have a real pipe, and `cat` is held back by
 * whoever reads from it. The shell tells when the program has ended.
 */
function start(
  kind: 'socket' | 'pipe',
  args: readonly (string | number)[],
  env: Record<string, string> = {},
): ChildProcess {
  return spawn('/bin/sh', ['-c', SHELL[kind], 'sh', process.execPath, PROGRAM, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
}

/** What the program said on standard error, once it has ended by itself. */
async function ended(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stderr ?? []) {
    text += chunk;
    if (text.includes('exit ')) break;
  }
  assert.match(text, /exit 0\n$/);
  return text;
}

async function all(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = '';
  for await (const chunk of stream ?? []) text += chunk;
  return text;
}

function outcome(errors: string): Outcome {
  return JSON.parse(errors.split('\n').find((line) => line.startsWith('{')) ?? '');
}

for (const kind of ['socket', 'pipe'] as const) {
  test(`${kind}: a reader that reads gets every line once, in order`, async () => {
    const child = start(kind, [50_000, 64 * 1024 * 1024, 5_000]);
    const [output, errors] = await Promise.all([all(child.stdout), ended(child)]);
    assert.deepEqual({ ...outcome(errors), longestMs: 0 }, { longestMs: 0, lost: 0, done: 500, broken: false });
    const seen = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).i);
    assert.deepEqual(
      seen,
      Array.from({ length: 50_000 }, (_, i) => i),
    );
  });

  test(`${kind}: a reader that does not read never holds the process nor its end; losses are counted`, async () => {
    const child = start(kind, [50_000, 200_000, 100]);
    const errors = await ended(child);
    const { longestMs, lost, done } = outcome(errors);
    assert.ok(longestMs < 1_000, `${longestMs}`);
    assert.equal(done, 500);
    // The kernel and `cat` hold some 100 to 300 KB of the 2 MB; all else is lost.
    assert.ok(lost > 35_000 && lost < 50_000, `${lost}`);
    child.stdout?.destroy();
  });

  test(`${kind}: once a slow reader reads again, lines tell how many are missing`, async () => {
    const child = start(kind, [20_000, 200_000, 5_000], { LATER: '1' });
    let errors = '';
    const output = new Promise<string>((resolve, reject) => {
      child.stderr?.on('data', (chunk) => {
        errors += chunk;
        if (errors.startsWith('read\n') && child.stdout?.listenerCount('data') === 0)
          all(child.stdout).then(resolve, reject);
      });
    });
    const records = (await output)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    await once(child, 'close');
    const { lost } = outcome(errors);
    assert.ok(lost > 1_000);
    const reports = records.filter(({ msg }) => msg === 'log lines lost');
    assert.equal(
      reports.reduce((sum, report) => sum + report.lost, 0),
      lost,
    );
    assert.ok(reports.every((report) => report.thread === -1 && report.level === 40));
    assert.equal(records.filter(({ msg }) => msg === 'line').length, 20_000 - lost);
    assert.equal(records.at(-1).msg, 'after');
  });

  test(`${kind}: a reader that goes away ends the writing, not the process`, async () => {
    const child = start(kind, [20_000, 64 * 1024 * 1024, 1_000]);
    child.stdout?.destroy();
    const errors = await ended(child);
    const { lost, done, broken } = outcome(errors);
    assert.deepEqual({ broken, done }, { broken: true, done: 200 });
    assert.ok(lost > 5_000);
  });
}

test('pretty lines come out of the same pipe', async () => {
  const child = start('pipe', [100, 1_000_000, 1_000, 'pretty']);
  const [output, errors] = await Promise.all([all(child.stdout), ended(child)]);
  assert.equal(outcome(errors).lost, 0);
  assert.equal(output.trimEnd().split('\n').length, 100);
  assert.match(output, /INFO.*: line \{"i":0\}/);
});

test('a file is appended to where it stands; closing twice and writing after it do no harm', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-log-'));
  try {
    const file = join(folder, 'log');
    writeFileSync(file, 'before\n');
    const fd = openSync(file, 'a');
    const writer = new LogWriter({ fd, format: 'auto' });
    for (let i = 0; i < 1_000; i++) writer.line(`{"i":${i}}`);
    await writer.close();
    await writer.close();
    writer.line('{"late":1}');
    assert.equal(writer.lost, 1);
    closeSync(fd);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    assert.deepEqual([lines.length, lines[0], lines[1_000]], [1_001, 'before', '{"i":999}']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a full disk loses lines and nothing else', async () => {
  const fd = openSync('/dev/full', 'w');
  const writer = new LogWriter({ fd, format: 'json' });
  let done = 0;
  for (let i = 0; i < 10; i++) writer.write(`{"i":${i}}\n`, () => done++);
  await writer.close();
  assert.deepEqual([writer.lost, done, writer.broken], [10, 10, false]);
  closeSync(fd);
});
