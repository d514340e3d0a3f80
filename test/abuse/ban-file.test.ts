import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { banFile } from '../../src/abuse/ban-file.ts';
import { type BanRecord, formatRecord, parseRecord } from '../../src/abuse/record.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-bans-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const NOW = 1_800_000_000_000;
const record = (value: string): BanRecord => ({
  rule: 'probing',
  kind: 'address',
  value,
  sinceMs: NOW - 1_000,
  untilMs: NOW + 60_000,
  rememberedMs: NOW + 600_000,
  strikes: 2,
  reason: '30 failures',
  node: 'n1',
  changedMs: NOW - 1_000,
  liftedMs: 0,
});
const lines = ['192.0.2.1', '2001:db8:1:2::/64', 'with \u0001 " \n and é'].map((value) => formatRecord(record(value)));

test('what was written is read', async () => {
  const file = banFile(join(folder, 'sound'), 1_024);
  assert.deepEqual(await file.load(NOW), { records: [], damage: null });
  await file.write(lines);
  const { records, damage } = await file.load(NOW);
  assert.equal(damage, null);
  assert.deepEqual(records.map(formatRecord), lines);
  assert.equal(statSync(file.path).mode & 0o777, 0o600, 'keys of strangers are for nobody else to read');
  await file.write([]);
  assert.deepEqual(await file.load(NOW), { records: [], damage: null });
});

test('many lines, in pieces', async () => {
  const file = banFile(join(folder, 'many'), 1_024);
  const many = Array.from({ length: 5_001 }, (_, i) => formatRecord(record(`key-${i}`)));
  await file.write(many);
  assert.equal((await file.load(NOW)).records.length, 5_001);
});

test('an empty file is none', async () => {
  writeFileSync(join(folder, 'empty'), '');
  assert.deepEqual(await banFile(join(folder, 'empty'), 1_024).load(NOW), { records: [], damage: null });
});

test('a damaged file is kept aside, and its sound lines are used', async () => {
  const path = join(folder, 'damaged');
  const file = banFile(path, 1_024);
  await file.write(lines);
  const whole = readFileSync(path, 'utf8');
  let cases = 0;
  for (const [damaged, sound, found] of [
    [whole.slice(0, whole.lastIndexOf('{')), 3, /last line is missing/],
    [whole.slice(0, whole.indexOf('192.0.2.1')), 0, /last line is missing/],
    [whole.replace('"strikes":2', '"strikes":-2'), 2, /1 lines are no bans/],
    [whole.replace('"strikes":2', '"strikes":1e99'), 2, /1 lines are no bans/],
    [whole.replace('"node":"n1"', '"node":"n1","more":1'), 2, /1 lines are no bans/],
    [whole.replace('{"end":3}', '{"end":4}'), 3, /counts others/],
    [whole.replace(lines[1] as string, '\0\0\0\0'), 2, /1 lines are no bans/],
    [whole.replace(`"untilMs":${NOW + 60_000}`, `"untilMs":${NOW * 2}`), 2, /1 lines are no bans/],
  ] as const) {
    writeFileSync(path, damaged);
    const { records, damage } = await file.load(NOW);
    assert.equal(records.length, sound, String(found));
    assert.match(damage?.found ?? '', found);
    assert.equal(damage?.keptAs, `${path}.bad`);
    assert.equal(readFileSync(`${path}.bad`, 'utf8'), damaged);
    assert.equal(existsSync(path), false);
    cases += 1;
  }
  assert.equal(cases, 8);
});

test('a file of something else is left alone, and named with a remedy', async () => {
  for (const [name, text, words] of [
    ['gateway.yaml', 'listen: { port: 1 }\n', /is not a file of bans: name another file/],
    ['binary', '\x7fELF'.repeat(100), /is not a file of bans/],
    ['newer', '{"sallyport":"bans","version":2}\n{"end":0}\n', /another version/],
  ] as const) {
    const path = join(folder, name);
    writeFileSync(path, text);
    await assert.rejects(banFile(path, 1_024).load(NOW), (error: Error & { code: string }) => {
      assert.equal(error.code, 'SP_CONFIG');
      assert.match(error.message, words);
      assert.ok(error.message.includes(`abuse.file ${path} `), error.message);
      return true;
    });
    assert.equal(readFileSync(path, 'utf8'), text);
  }
  mkdirSync(join(folder, 'directory'));
  await assert.rejects(banFile(join(folder, 'directory'), 1_024).load(NOW), /no regular file/);
  await assert.rejects(banFile(join(folder, 'absent', 'bans'), 1_024).load(NOW), /folder that is not there/);
  writeFileSync(join(folder, 'huge'), `{"sallyport":"bans","version":1}\n${'x'.repeat(4 * 16_384)}`);
  await assert.rejects(banFile(join(folder, 'huge'), 1).load(NOW), /more than abuse\.bansMax bans can fill/);
});

test('two that write one file at once: one whole file is there, whichever came last', async () => {
  const path = join(folder, 'shared');
  // Two processes may bear one number: each in its own container.
  const [one, other] = [banFile(path, 1_024), banFile(path, 1_024)];
  const many = (name: string) => Array.from({ length: 1_500 }, (_, i) => formatRecord(record(`${name}-${i}`)));
  for (let round = 0; round < 20; round += 1) {
    await Promise.all([one.write(many('one')), other.write(many('other'))]);
    const { records, damage } = await one.load(NOW);
    assert.deepEqual([records.length, damage], [1_500, null]);
  }
});

test('what a killed process left is removed once nobody can be writing it, and nothing else', async () => {
  const home = mkdtempSync(join(folder, 'leftovers-'));
  const file = banFile(join(home, 'bans'), 1_024);
  const old = ['bans.0123456789abcdef.tmp', 'bans.fedcba9876543210.tmp'];
  const others = ['bans.bad', 'bans.1.tmp', 'bans.0123456789abcdef.tmp2', 'other.0123456789abcdef.tmp'];
  for (const name of [...old, ...others]) writeFileSync(join(home, name), 'x');
  mkdirSync(join(home, 'bans.00000000000000ff.tmp'));
  await file.load(Date.now());
  assert.equal(readdirSync(home).length, 7, 'somebody may be writing');
  await file.load(Date.now() + 120_000);
  assert.deepEqual(readdirSync(home).sort(), ['bans.00000000000000ff.tmp', ...others].sort());
});

test('a folder that is closed to us: writing fails and leaves the file of before; reading says why', async () => {
  const closed = join(folder, 'closed');
  mkdirSync(closed, { mode: 0o777 });
  chmodSync(closed, 0o777);
  // Root may do everything: be somebody else meanwhile.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) {
    chmodSync(folder, 0o755);
    process.seteuid?.(65_534);
  }
  try {
    const file = banFile(join(closed, 'bans'), 1_024);
    await file.write(lines);
    if (isRoot) process.seteuid?.(0);
    chmodSync(closed, 0o555);
    if (isRoot) process.seteuid?.(65_534);
    await assert.rejects(file.write([]), { code: 'EACCES' });
    assert.equal((await file.load(NOW)).records.length, 3);
    chmodSync(file.path, 0o000);
    await assert.rejects(file.load(NOW), { code: 'SP_CONFIG', message: /cannot be read .*EACCES.*let the gateway/ });
    if (isRoot) process.seteuid?.(0);
    chmodSync(closed, 0o333);
    if (isRoot) process.seteuid?.(65_534);
    await assert.rejects(file.load(NOW), { code: 'SP_CONFIG', message: /folder that cannot be read .*EACCES/ });
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(closed, 0o755);
  }
});

test('records from outside: only what this program writes is taken', () => {
  const good = formatRecord(record('192.0.2.1'));
  assert.notEqual(parseRecord(good, NOW), null);
  const value = JSON.parse(good) as Record<string, unknown>;
  for (const name of Object.keys(value)) {
    for (const bad of [undefined, null, true, [], {}, -1, 1.5, 1e300, 'x'.repeat(2_000)]) {
      assert.equal(parseRecord(JSON.stringify({ ...value, [name]: bad }), NOW), null, `${name} ${bad}`);
    }
  }
  for (const text of ['', 'null', '[]', '1', '{}', `${good} `.padEnd(20_000), '['.repeat(16_000)]) {
    assert.equal(parseRecord(text, NOW), null);
  }
});

test('killed at any moment, 20 times: the file is whole, and holds all that a finished writing held', async () => {
  const path = join(folder, 'killed');
  const writer = fileURLToPath(new URL('./file-writer.js', import.meta.url));
  let before = 0;
  let inWriting = 0;
  for (let round = 0; round < 20; round += 1) {
    const child = spawn(process.execPath, [writer, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    const closed = once(child, 'close');
    await new Promise<void>((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        // Some moment of the 2nd to 4th writing.
        if (said.split('begins').length > 2 + (round % 3)) setTimeout(resolve, round % 4);
      });
      child.once('exit', () => resolve());
    });
    child.kill('SIGKILL');
    await closed;
    assert.doesNotMatch(said, /error/);
    const saved = [...said.matchAll(/^saved (\d+)$/gm)].map(([, count]) => Number(count));
    assert.ok(saved.length >= 1, said);
    inWriting += readdirSync(folder).filter((name) => name.startsWith('killed.')).length;
    const { records, damage } = await banFile(path, 65_536).load(Date.now() + 120_000);
    assert.equal(damage, null);
    assert.ok(records.length >= Math.max(before, ...saved), `${records.length} of ${saved.at(-1)}`);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('killed.')),
      [],
      'what a killed process left is removed',
    );
    before = records.length;
  }
  assert.ok(inWriting > 0, 'no process was killed while it wrote');
});
