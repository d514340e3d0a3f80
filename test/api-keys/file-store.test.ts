import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FileStore } from '../../src/api-keys/file-store.ts';
import { SallyportError } from '../../src/errors.ts';
import { until } from '../support/wait.ts';
import { deskOver, FACTS, fileDesk, freshPath, made, ringOf, SECRET } from './support.ts';

const WRITER = fileURLToPath(new URL('./key-writer.js', import.meta.url));
const overFile = (path: string, secret = SECRET) => deskOver((book, log) => new FileStore(path, secret, book, log));

/** Starts over a file and stops; gives what the book had. */
async function reopened(path: string, secret = SECRET) {
  const desk = overFile(path, secret);
  try {
    await desk.keeper.start();
    return desk;
  } finally {
    await desk.keeper.stop();
  }
}

async function refusalOf(path: string, secret = SECRET): Promise<string> {
  try {
    await reopened(path, secret);
  } catch (error) {
    assert.ok(error instanceof SallyportError && error.code === 'SP_CONFIG', String(error));
    assert.ok(error.message.startsWith(`apiKeys.file ${path} `), error.message);
    return error.message;
  }
  return assert.fail('it started');
}

test('what is made outlives the process; nobody else can read it, and no secret is in it', async () => {
  const { keeper, path } = await fileDesk();
  const first = await made(keeper, { rateLimit: 'gold', cidrs: ['10.0.0.0/8'], origins: ['https://a.example'] });
  const second = await made(keeper, { name: 'Schlüssel „zwei“', owner: 'équipe' });
  await keeper.disable(first.id, '');
  const rotated = await keeper.rotate(second.id, 60_000, '');
  assert.ok(rotated.ok);
  const before = keeper.list({ limit: 10, after: null, owner: null });
  await keeper.stop();
  const text = readFileSync(path, 'utf8');
  for (const secret of [first.key, second.key, rotated.key.key, SECRET]) {
    assert.equal(text.includes(secret) || text.includes(secret.slice(8, 40)), false);
  }
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const again = overFile(path);
  again.clock.nowMs += 1;
  await again.keeper.start();
  try {
    assert.deepEqual(again.keeper.list({ limit: 10, after: null, owner: null }), before);
    const ring = ringOf(again.book);
    for (const key of [second.key, rotated.key.key]) assert.equal(ring.judge(key, FACTS).kind, 'known');
    assert.equal(ring.judge(first.key, FACTS).kind, 'refused');
  } finally {
    await again.keeper.stop();
  }
  assert.deepEqual(readdirSync(dirname(path)), ['keys'], 'nothing is left beside it');
});

test('kill -9 amidst 200 and more writes, at random moments: it opens each time, with all that was acknowledged', async (t) => {
  const path = freshPath();
  const states = new Map<string, string>();
  const keys = new Map<string, string>();
  let acknowledged = 0;
  let torn = 0;
  let round = 0;
  for (; acknowledged < 800 || round < 12; round += 1) {
    const child = spawn(process.execPath, [WRITER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    await until('the writer to start', () => text.includes('started') || child.exitCode !== null);
    // Random in time, and in how much was written by then.
    const enough = Math.floor(Math.random() * 120);
    await until('some writes', () => text.split('\n').length > enough || child.exitCode !== null, 20_000, 1);
    child.kill('SIGKILL');
    const [code, signal] = await once(child, 'close');
    assert.deepEqual([code, signal], [null, 'SIGKILL']);
    // A line that was cut is no acknowledgement.
    for (const line of text.slice(0, text.lastIndexOf('\n')).split('\n')) {
      const [word = '', id = '', key = ''] = line.split(' ');
      if (word !== 'made' && word !== 'revoked') continue;
      acknowledged += 1;
      states.set(id, word === 'made' ? 'active' : 'revoked');
      if (word === 'made') keys.set(id, key);
    }
    const { book, lines } = await reopened(path);
    torn += lines.filter(({ message }) => message.includes('cut off')).length;
    for (const [id, state] of states) {
      const record = book.get(id);
      assert.ok(record !== undefined, `key ${id} is lost in round ${round}`);
      // A revocation may be on disk before it was acknowledged; never the other way round.
      if (record.state !== state) assert.deepEqual([state, record.state], ['active', 'revoked']);
      states.set(id, record.state);
    }
  }
  const { book } = await reopened(path);
  const ring = ringOf(book);
  for (const [id, key] of keys) {
    assert.equal(ring.judge(key, FACTS).kind, states.get(id) === 'active' ? 'known' : 'refused');
  }
  t.diagnostic(
    `killed ${round} times; ${acknowledged} changes of ${states.size} keys acknowledged, all there; ${torn} torn ends`,
  );
});

test('a line that was not finished is dropped, whatever is left of it; nothing else is', async () => {
  const { keeper, path } = await fileDesk();
  const first = await made(keeper);
  const size = statSync(path).size;
  await made(keeper);
  await keeper.stop();
  const whole = readFileSync(path);
  for (let length = size + 1; length < whole.length; length += 7) {
    writeFileSync(path, whole.subarray(0, length));
    const { book, lines } = await reopened(path);
    assert.deepEqual(book.ids(), [first.id], `cut at ${length} of ${whole.length}`);
    assert.ok(lines.some(({ level, message }) => level === 'warn' && message.includes('cut off')));
  }
  writeFileSync(path, Buffer.concat([whole.subarray(0, size), Buffer.alloc(4_096)]));
  assert.deepEqual((await reopened(path)).book.ids(), [first.id], 'zeros, as some file systems leave them');
});

test('a damaged file is refused, with its path, the line and a remedy, and is left as it is', async () => {
  const { keeper, path } = await fileDesk();
  for (let i = 0; i < 3; i += 1) await made(keeper);
  await keeper.stop();
  await reopened(path);
  const second = overFile(path);
  await second.keeper.start();
  await made(second.keeper);
  await second.keeper.stop();
  const whole = readFileSync(path);
  const ends = [...whole.keys()].filter((at) => whole[at] === 0x0a);
  assert.equal(ends.length, 3, 'header, what was there, one more');
  let cases = 0;
  // Any byte, but the end of the last line: without it the line was never finished.
  for (let at = 0; at < whole.length - 1; at += 11) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] as number) ^ 0x01;
    writeFileSync(path, bytes);
    const words = await refusalOf(path);
    assert.match(words, /put back a copy|move (?:it|this one) away|set that one/, words);
    if (at > (ends[0] as number)) assert.match(words, /damaged in line [23]:/);
    assert.deepEqual(readFileSync(path), bytes);
    cases += 1;
  }
  assert.ok(cases > 100);
  writeFileSync(path, whole.subarray(0, (ends[0] as number) + 1));
  assert.match(await refusalOf(path), /has 0 of the 1 lines/);
  writeFileSync(path, whole.subarray(0, 30));
  assert.match(await refusalOf(path), /cut off in its first line/);
  writeFileSync(path, Buffer.concat([whole, Buffer.from('hello\n'), whole.subarray((ends[0] as number) + 1)]));
  assert.match(await refusalOf(path), /damaged in line 4: .*; put back a copy/);
  writeFileSync(path, whole);
  assert.equal((await reopened(path)).book.size, 4);
});

test('files that are not ours, or cannot be used, stop the boot', async () => {
  const path = freshPath();
  for (const text of ['hello', '{"sallyport":"bans","version":1}\n', '\n', '{}']) {
    writeFileSync(path, text);
    assert.match(await refusalOf(path), /is not a file of API keys: name another file/);
    assert.equal(readFileSync(path, 'utf8'), text);
  }
  writeFileSync(path, '');
  assert.equal((await reopened(path)).book.size, 0);
  const whole = readFileSync(path, 'utf8');
  writeFileSync(path, whole.replace('"version":1', '"version":2'));
  assert.match(await refusalOf(path), /another version of the gateway/);
  writeFileSync(path, whole);
  assert.match(await refusalOf(path, `${SECRET}!`), /another apiKeys\.secret/);
  const folder = join(dirname(path), 'folder');
  mkdirSync(folder);
  assert.match(await refusalOf(folder), /no regular file/);
  assert.match(await refusalOf(join(dirname(path), 'absent', 'keys')), /folder that is not there/);
  if (process.getuid?.() === 0) return;
  chmodSync(path, 0o000);
  assert.match(await refusalOf(path), /cannot be read/);
  chmodSync(path, 0o600);
  chmodSync(dirname(path), 0o500);
  assert.match(await refusalOf(path), /cannot be locked/);
  chmodSync(dirname(path), 0o700);
});

test('two processes on one file: the second is refused; one that died is no hindrance', async () => {
  const path = freshPath();
  const child = spawn(process.execPath, [WRITER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  try {
    await until('a key', () => text.includes('made'));
    const words = await refusalOf(path);
    assert.match(words, /in use by another process.*store: redis/);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  assert.ok(existsSync(`${path}.lock`));
  assert.ok((await reopened(path)).book.size > 0);
  assert.equal(existsSync(`${path}.lock`), false);
  const { keeper } = await fileDesk(path);
  assert.match(await refusalOf(path), /in use by another process/, 'within one process, too');
  await keeper.stop();
});

test('many that begin at once beside the lock of a dead one: one gets it', async () => {
  const path = freshPath();
  const child = spawn(process.execPath, [WRITER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
  const desks = Array.from({ length: 8 }, () => overFile(path));
  const started = await Promise.allSettled(desks.map(({ keeper }) => keeper.start()));
  assert.equal(started.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const { keeper } of desks) await keeper.stop();
});

test('a long path has its lock, too', async () => {
  const folder = join(dirname(freshPath()), 'x'.repeat(120));
  mkdirSync(folder);
  const path = join(folder, 'keys');
  const { keeper } = await fileDesk(path);
  await made(keeper);
  assert.match(await refusalOf(path), /in use by another process/);
  await keeper.stop();
  assert.equal((await reopened(path)).book.size, 1);
});

test('a file that somebody else touched takes no change; the keys known go on', async () => {
  for (const touch of [
    (path: string) => appendFileSync(path, 'x'),
    (path: string) => truncateSync(path, 50),
    (path: string) => unlinkSync(path),
    (path: string) => {
      writeFileSync(`${path}.other`, readFileSync(path));
      renameSync(`${path}.other`, path);
    },
  ]) {
    const { keeper, book, path, lines } = await fileDesk();
    const { id, key } = await made(keeper);
    assert.equal(keeper.isUp, true);
    touch(path);
    const refused = await keeper.revoke(id, '');
    assert.ok(!refused.ok && refused.found === 'unavailable');
    assert.match(refused.words, /somebody else changed|no such file/);
    assert.equal(keeper.isUp, false);
    assert.equal(ringOf(book).judge(key, FACTS).kind, 'known');
    await keeper.revoke(id, '');
    assert.equal(lines.filter(({ level }) => level === 'error').length, 1, 'told once');
    await keeper.stop();
  }
});

test('changes at once share a line, and one after the other holds', async () => {
  const { keeper, path } = await fileDesk();
  const keys = await Promise.all(Array.from({ length: 300 }, () => made(keeper)));
  const rows = readFileSync(path, 'utf8').trimEnd().split('\n').length;
  assert.ok(rows < 100, `${rows} lines for 300 keys`);
  const { id } = keys[0] ?? assert.fail();
  const answers = await Promise.all([keeper.disable(id, ''), keeper.enable(id, ''), keeper.disable(id, '')]);
  assert.deepEqual(
    answers.map((answer) => answer.ok && answer.key.state),
    ['disabled', 'active', 'disabled'],
  );
  const rotations = await Promise.all([keeper.rotate(id, 0, ''), keeper.rotate(id, 0, ''), keeper.revoke(id, '')]);
  assert.deepEqual(
    rotations.map(({ ok }) => ok),
    [true, true, true],
  );
  await keeper.stop();
  const { book } = await reopened(path);
  assert.deepEqual([book.size, book.get(id)?.state, book.get(id)?.version], [300, 'revoked', 7]);
});

test('a file that grew is written anew while changes go on; nothing is lost', async () => {
  const { keeper, book, path } = await fileDesk();
  const key = await made(keeper);
  const inode = statSync(path).ino;
  let longest = 0;
  for (let i = 0; i < 4_000 || statSync(path).ino === inode; i += 20) {
    const others = Array.from({ length: 19 }, () => keeper[i % 40 === 0 ? 'disable' : 'enable'](key.id, ''));
    await Promise.all([...others, keeper.rotate(key.id, 1_000, '')]);
    longest = Math.max(longest, statSync(path).size);
  }
  assert.ok(longest < 3_500_000, `${longest} bytes for one key`);
  const version = book.get(key.id)?.version;
  await keeper.stop();
  assert.equal((await reopened(path)).book.get(key.id)?.version, version);
});

test('keysMax bounds keys, those that are being made included', async () => {
  const { keeper } = await fileDesk(undefined, 20);
  const answers = await Promise.all(
    Array.from({ length: 30 }, () =>
      keeper.create(
        {
          name: 'n',
          owner: 'o',
          scopes: [],
          rateLimit: '',
          cidrs: [],
          origins: [],
          routes: [],
          notBeforeMs: 0,
          expiresAtMs: 0,
        },
        '',
      ),
    ),
  );
  assert.equal(answers.filter(({ ok }) => ok).length, 20);
  const refused = answers.find(({ ok }) => !ok);
  assert.ok(refused && !refused.ok && refused.found === 'conflict');
  assert.match(refused.words, /20 keys already: raise apiKeys\.keysMax/);
});

test('what a killed process left beside it goes after a minute; a link is replaced', async () => {
  const path = freshPath();
  const old = `${path}.0123456789abcdef.tmp`;
  const young = `${path}.fedcba9876543210.tmp`;
  const foreign = `${path}.tmp`;
  for (const name of [old, young, foreign]) writeFileSync(name, 'x');
  utimesSync(old, new Date(0), new Date(0));
  const target = join(dirname(path), 'target');
  writeFileSync(target, '');
  symlinkSync(target, path);
  await reopened(path);
  assert.deepEqual([old, young, foreign].map(existsSync), [false, true, true]);
  assert.deepEqual([statSync(target).size, existsSync(path)], [0, true]);
  rmSync(path);
});

test('revoked keys go after 30 days, and leave the file with the next writing', async () => {
  const { keeper, book, clock, path } = await fileDesk();
  const [gone, kept] = [await made(keeper), await made(keeper)];
  await keeper.revoke(gone.id, '');
  clock.nowMs += 30 * 86_400_000;
  await keeper.sweep();
  assert.equal(book.size, 2);
  clock.nowMs += 1;
  await keeper.sweep();
  assert.deepEqual(book.ids(), [kept.id]);
  await keeper.stop();
  const again = overFile(path);
  again.clock.nowMs = clock.nowMs;
  await again.keeper.start();
  assert.deepEqual(again.book.ids(), [kept.id]);
  await again.keeper.stop();
});
