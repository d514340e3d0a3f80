import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { modsecurity } from '../../bench/peers/modsecurity.ts';

const MAIN = fileURLToPath(new URL('../../bench/main.js', import.meta.url));

interface Results {
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: { readonly cores: number };
  readonly cases: readonly {
    readonly name: string;
    readonly rounds: readonly { readonly peer: string; readonly upstream: { readonly requests: number } }[];
    readonly summary: readonly {
      readonly peer: string;
      readonly answered: number;
      readonly attacks: number;
      readonly problems: string[];
    }[];
  }[];
}

test('a short run measures Sallyport and writes what it found', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-test-'));
  try {
    const out = join(folder, 'new', 'run.json');
    const small = [
      '--case',
      'plain,duties',
      '--peer',
      'sallyport',
      '--rounds',
      '1',
      '--requests',
      '64',
      '--no-open-loop',
    ];
    const { code, text } = await bench([...small, '--out', out]);
    assert.equal(code, 0, text);
    assert.equal(text.match(/^sallyport.* ok$/gm)?.length, 3, text);
    const results = JSON.parse(readFileSync(out, 'utf8')) as Results;
    assert.ok(results.machine.cores > 0);
    assert.match(results.versions.sallyport ?? '', /^sallyport \d/);
    assert.deepEqual(
      results.cases.map(({ name }) => name),
      ['plain', 'duties'],
    );
    for (const { name, summary, rounds } of results.cases) {
      // A second one without duties tells what they add.
      const peers = name === 'plain' ? ['sallyport'] : ['sallyport', 'sallyport-plain'];
      assert.deepEqual(
        summary.map(({ peer, answered, problems }) => ({ peer, answered, problems })),
        peers.map((peer) => ({ peer, answered: 64, problems: [] })),
      );
      assert.deepEqual(
        rounds.map(({ peer, upstream }) => [peer, upstream.requests]),
        peers.map((peer) => [peer, 64]),
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('rules are read, and refuse the attacks in the mix; without rules there is nothing to measure', {
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-test-'));
  try {
    const peers = modsecurity.version() === null ? ['sallyport'] : ['modsecurity', 'sallyport'];
    const attack = '<script|UNION SELECT|/etc/passwd|jndi:|onerror=';
    mkdirSync(join(folder, 'rules'));
    writeFileSync(
      join(folder, 'rules', 'A.conf'),
      `SecRule ARGS "@rx ${attack}" "id:942001,phase:2,deny,status:403,nolog,ver:'OWASP_CRS/4.0.0'"\n`,
    );
    const out = join(folder, 'run.json');
    const small = ['--case', 'crs-form', '--peer', peers.join(','), '--rounds', '1', '--requests', '64'];
    writeFileSync(join(folder, 'crs-setup.conf'), '# nothing\n');
    const { code, text } = await bench([...small, '--crs', folder, '--out', out]);
    assert.equal(code, 0, text);
    const { cases, versions } = JSON.parse(readFileSync(out, 'utf8')) as Results;
    assert.equal(versions.crs, 'OWASP_CRS/4.0.0');
    assert.deepEqual(
      cases[0]?.summary.map(({ peer, answered, attacks, problems }) => ({ peer, answered, attacks, problems })),
      peers.map((peer) => ({ peer, answered: 64, attacks: 1, problems: [] })),
    );
    const absent = await bench([...small, '--crs', join(folder, 'absent'), '--out', out]);
    assert.equal(absent.code, 1);
    assert.match(absent.text, /crs-form needs a Core Rule Set, which is not in .*absent, and is left out/);
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
