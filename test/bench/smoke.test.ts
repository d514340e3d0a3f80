import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../bench/main.js', import.meta.url));

interface Results {
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: { readonly cores: number };
  readonly cases: readonly {
    readonly name: string;
    readonly rounds: readonly { readonly peer: string; readonly upstream: { readonly requests: number } }[];
    readonly summary: readonly { readonly peer: string; readonly answered: number; readonly problems: string[] }[];
  }[];
}

test('a short run measures Sallyport and writes what it found', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-test-'));
  try {
    const out = join(folder, 'new', 'run.json');
    const small = ['--case', 'plain,duties', '--peer', 'sallyport', '--rounds', '1', '--requests', '64'];
    const { code, text } = await bench([...small, '--out', out]);
    assert.equal(code, 0, text);
    assert.equal(text.match(/^sallyport .* ok$/gm)?.length, 2, text);
    const results = JSON.parse(readFileSync(out, 'utf8')) as Results;
    assert.ok(results.machine.cores > 0);
    assert.match(results.versions.sallyport ?? '', /^sallyport \d/);
    assert.deepEqual(
      results.cases.map(({ name }) => name),
      ['plain', 'duties'],
    );
    for (const { summary, rounds } of results.cases) {
      assert.deepEqual(
        summary.map(({ peer, answered, problems }) => ({ peer, answered, problems })),
        [{ peer: 'sallyport', answered: 64, problems: [] }],
      );
      assert.deepEqual(
        rounds.map(({ peer, upstream }) => [peer, upstream.requests]),
        [['sallyport', 64]],
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('options that make no sense end it with 2 and the help', { timeout: 60_000 }, async () => {
  const { code, text } = await bench(['--case', 'nothing']);
  assert.equal(code, 2);
  assert.match(text, /^--case does not know "nothing"/);
  assert.match(text, /--rounds N/);
});

async function bench(args: readonly string[]): Promise<{ code: number; text: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  child.stderr.on('data', (piece: Buffer) => pieces.push(piece));
  const [code] = (await once(child, 'close')) as [number];
  return { code, text: Buffer.concat(pieces).toString() };
}
