import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { banFile } from '../../src/abuse/ban-file.ts';
import type { BanAnswer } from '../../src/abuse/ban-orders.ts';
import { ON_THE_WAY_MAX } from '../../src/abuse/ban-table.ts';
import { type BanRecord, formatRecord } from '../../src/abuse/record.ts';
import { until } from '../support/wait.ts';
import { machine } from './keeper-support.ts';
import { abuseOf } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-bans-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const order = { rule: 'manual', value: '192.0.2.1', seconds: 60, reason: 'scanner' };

const RECORD: BanRecord = {
  rule: 'probing',
  kind: 'address',
  value: '192.0.2.1',
  sinceMs: 1,
  untilMs: 2,
  rememberedMs: 3,
  strikes: 1,
  reason: '',
  node: 'n1',
  changedMs: 1,
  liftedMs: 0,
};

function idOf(answer: BanAnswer): string {
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer.ban.id;
}

test('a ban that a thread made is listed with its key, rule, end, strikes and reason', () => {
  const one = machine();
  one.fail('192.0.2.1');
  const [ban, ...others] = one.bans();
  assert.equal(others.length, 0);
  assert.match(ban?.id ?? '', /^[0-9a-f]{24}$/);
  const { rule, kind, value, strikes, node, since, leftSeconds } = ban ?? assert.fail();
  assert.deepEqual(
    [rule, kind, value, strikes, node, since],
    ['probing', 'address', '192.0.2.1', 1, 'n1', '2027-01-15T08:00:00.000Z'],
  );
  assert.ok(leftSeconds >= 1 && leftSeconds <= 2);
  assert.deepEqual(
    one.lines.map(({ level, message, context }) => [level, message, context.value]),
    [['info', 'banned', '192.0.2.1']],
  );
  one.pass(1_200);
  assert.deepEqual(one.bans(), []);
  one.fail('192.0.2.1');
  assert.equal(one.bans()[0]?.strikes, 2);
});

test('an operator bans and lifts: threads know with their next look, and the log knows who', () => {
  const one = machine();
  const id = idOf(one.keeper.add(order, '127.0.0.1'));
  assert.ok(one.leftMs('192.0.2.1') >= 60_000);
  assert.equal(one.judge.rule, 'manual');
  assert.equal(idOf(one.keeper.lift(id, '127.0.0.1')), id);
  assert.equal(one.leftMs('192.0.2.1'), 0);
  assert.deepEqual(one.bans(), []);
  assert.deepEqual(
    one.lines.map(({ message, context }) => [message, context.by, context.value]),
    [
      ['ban added by an operator', '127.0.0.1', '192.0.2.1'],
      ['ban lifted by an operator', '127.0.0.1', '192.0.2.1'],
    ],
  );
  assert.deepEqual(one.keeper.lift(id, ''), { ok: false, found: 'absent', words: 'No ban with this id runs.' });
});

test('a lift forgives: the next ban is a first one, and needs all its failures', () => {
  const one = machine({ abuse: abuseOf({ probing: { failures: 3 } }) });
  for (let i = 0; i < 3; i += 1) one.fail('192.0.2.1');
  one.keeper.lift(one.bans()[0]?.id ?? '', '');
  for (let i = 0; i < 2; i += 1) one.fail('192.0.2.1');
  assert.deepEqual(one.bans(), []);
  one.fail('192.0.2.1');
  assert.equal(one.bans()[0]?.strikes, 1);
});

test('an order may shorten or lengthen a ban', () => {
  const one = machine();
  idOf(one.keeper.add({ ...order, seconds: 3_600 }, ''));
  idOf(one.keeper.add({ ...order, seconds: 5 }, ''));
  assert.ok(one.leftMs('192.0.2.1') <= 5_100);
  idOf(one.keeper.add({ ...order, seconds: 50 }, ''));
  assert.ok(one.leftMs('192.0.2.1') >= 50_000);
  assert.equal(one.bans().length, 1);
});

test('orders are for single clients: an IPv6 address stands for its prefix', () => {
  const abuse = abuseOf({ probing: {}, users: { key: ['header:x-user'] } }, ['10.0.0.0/8']);
  const one = machine({ abuse });
  for (const [value, kept] of [
    ['2001:db8:1:2:3::4', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::/64', '2001:db8:1:2::/64'],
    ['::ffff:192.0.2.9', '192.0.2.9'],
  ] as const) {
    const answer = one.keeper.add({ ...order, value }, '');
    assert.equal(answer.ok && answer.ban.value, kept);
  }
  assert.ok(one.leftMs('2001:db8:1:2::/64') > 0);
  for (const [value, words] of [
    ['192.0.2.0/24', /one IPv4 or IPv6 address/],
    ['192.0.2.1/32', /one IPv4 or IPv6 address/],
    ['2001:db8::/32', /one IPv4 or IPv6 address/],
    ['2001:db8::1/64', /one IPv4 or IPv6 address/],
    ['fe80::1%eth0', /one IPv4 or IPv6 address/],
    ['', /one IPv4 or IPv6 address/],
    ['nobody', /one IPv4 or IPv6 address/],
    ['010.0.0.1', /one IPv4 or IPv6 address/],
    ['10.1.2.3', /abuse\.exempt/],
  ] as const) {
    const answer = one.keeper.add({ ...order, value }, '');
    assert.ok(!answer.ok && words.test(answer.words), value);
  }
  for (const rule of ['nothing', 'users', '__proto__', 'constructor']) {
    const answer = one.keeper.add({ ...order, rule }, '');
    assert.ok(!answer.ok && /rule must be manual/.test(answer.words), rule);
  }
  const ruled = one.keeper.add({ ...order, rule: 'probing' }, '');
  assert.equal(ruled.ok && ruled.ban.rule, 'probing');
});

test('pages go from the newest to the oldest, each ban once, whatever changes between them', () => {
  const one = machine();
  for (let i = 0; i < 25; i += 1) {
    idOf(one.keeper.add({ ...order, value: `192.0.2.${i}` }, ''));
    if (i % 3 === 0) one.pass(10);
  }
  const seen: string[] = [];
  let cursor: string | null = null;
  let pages = 0;
  do {
    const page = one.keeper.list({ limit: 10, after: cursor, key: null });
    assert.equal(page.total >= 20, true);
    seen.push(...page.bans.map(({ value }) => value));
    cursor = page.next;
    pages += 1;
    // The last one shown goes away: the cursor holds.
    if (pages === 1) one.keeper.lift(page.bans.at(-1)?.id ?? '', '');
  } while (cursor !== null);
  assert.deepEqual([pages, seen.length, new Set(seen).size], [3, 25, 25]);
  assert.deepEqual(
    one.bans('192.0.2.7').map(({ value }) => value),
    ['192.0.2.7'],
  );
  assert.deepEqual(one.bans('192.0.2'), []);
});

test('secrets are shown as digests, in lists and in the log', () => {
  for (const [part, isSecret] of [
    ['cookie:session', true],
    ['header:authorization', true],
    ['header:x-api-key', true],
    ['header:X-Session-Id', true],
    ['header:password', true],
    ['header:x-user', false],
  ] as const) {
    const one = machine({ abuse: abuseOf({ users: { key: [part], failures: 1 } }) });
    one.judge.ended({ client: '192.0.2.1', user: 's3cret' }, 401, null, one.clock.steadyMs);
    for (const ban of one.made.splice(0)) one.keeper.receive(ban);
    const shown = one.bans()[0]?.value;
    assert.equal(shown?.startsWith('sha256:'), isSecret, part);
    assert.equal(JSON.stringify(one.lines).includes('s3cret'), !isSecret, part);
    assert.equal(one.bans('s3cret').length, 1, 'who knows it finds it');
  }
});

test('the full table drops the record with the ban, unless a thread has banned the key again', () => {
  const one = machine({ bansMax: 4 });
  for (let i = 0; i < 4; i += 1) idOf(one.keeper.add({ ...order, value: `192.0.2.${i}`, seconds: 60 + i }, ''));
  idOf(one.keeper.add({ ...order, value: '192.0.2.200', seconds: 600 }, ''));
  assert.deepEqual(
    one
      .bans()
      .map(({ value }) => value)
      .sort(),
    ['192.0.2.1', '192.0.2.2', '192.0.2.200', '192.0.2.3'],
  );
  assert.equal(one.keeper.size, 4);
  // Told late: the key that made room is banned by then.
  one.judge.ended({ client: '192.0.2.77' }, 404, null, one.clock.steadyMs);
  const [late] = one.made.splice(0);
  assert.ok(late?.madeRoom !== null && late !== undefined);
  idOf(one.keeper.add({ ...order, value: '192.0.2.1', seconds: 900 }, ''));
  one.keeper.receive(late);
  assert.ok(one.bans().some(({ value }) => value === '192.0.2.1'));
  assert.equal(one.table.inUse, 4);
  assert.ok(one.keeper.size <= 4);
});

test('bans of threads that make room for one another leave no records behind', () => {
  const one = machine({ bansMax: 4 });
  for (let i = 0; i < 40; i += 1) one.fail(`192.0.2.${i}`);
  assert.deepEqual([one.keeper.size, one.table.inUse, one.keeper.evicted], [4, 4, 36]);
});

test('a flood of bans does not fill the memory: past a bound they work and are not told of', () => {
  const one = machine({ bansMax: 4 });
  const ban = (client: string): number => {
    one.judge.ended({ client }, 404, null, one.clock.steadyMs);
    return one.made.length;
  };
  for (let i = 1; i < ON_THE_WAY_MAX; i += 1) assert.ok(one.table.announce());
  assert.equal(ban('192.0.2.1'), 1);
  assert.deepEqual([ban('192.0.2.2'), ban('192.0.2.3'), one.keeper.untold], [1, 1, 2]);
  assert.ok(one.leftMs('192.0.2.3') > 0, 'it works all the same');
  for (const made of one.made.splice(0)) one.keeper.receive(made);
  assert.deepEqual([ban('192.0.2.4'), ban('192.0.2.5'), one.keeper.untold], [1, 1, 3]);
  // The rest died with its thread: after a quiet time there is room again.
  one.made.length = 0;
  one.keeper.sweep();
  assert.equal(ban('192.0.2.6'), 0);
  one.keeper.sweep();
  assert.equal(ban('192.0.2.7'), 1);
  for (const made of one.made.splice(0)) one.keeper.receive(made);
  for (let i = 0; i < 25; i += 1) one.keeper.sweep();
  assert.ok(one.keeper.size <= 4, 'records of keys that made room are gone, whether that was told of or not');
  // A message that was given up, and comes after all.
  one.table.heard();
  for (let i = 0; i < ON_THE_WAY_MAX; i += 1) assert.ok(one.table.announce());
  assert.equal(one.table.announce(), false);
});

test('an order under a rule goes on from the bans of the rule, and they go on from it', () => {
  const one = machine();
  one.fail('192.0.2.1');
  one.pass(1_200);
  one.fail('192.0.2.1');
  const again = one.keeper.add({ ...order, rule: 'probing' }, '');
  assert.equal(again.ok && again.ban.strikes, 2);
  one.pass(70_000);
  for (let i = 0; i < 25; i += 1) one.keeper.sweep();
  one.fail('192.0.2.1');
  assert.equal(one.bans()[0]?.strikes, 3);
});

test('what is forgotten leaves table and lists', () => {
  const one = machine();
  for (let i = 0; i < 30; i += 1) one.fail(`192.0.2.${i}`);
  one.pass(50_000);
  for (let i = 0; i < 25; i += 1) one.keeper.sweep();
  assert.deepEqual([one.keeper.size, one.table.inUse], [30, 30], 'strikes are remembered');
  one.pass(200_000);
  for (let i = 0; i < 25; i += 1) one.keeper.sweep();
  assert.deepEqual([one.keeper.size, one.table.inUse], [0, 0]);
});

test('a restart restores bans with their remaining time, and the strikes of ended ones', async () => {
  const file = join(folder, 'restart');
  const before = machine({ file });
  await before.keeper.start();
  before.fail('192.0.2.1');
  before.pass(5_000);
  idOf(before.keeper.add({ ...order, value: '192.0.2.2', seconds: 100 }, ''));
  idOf(before.keeper.add({ ...order, value: '192.0.2.3', seconds: 100 }, ''));
  before.keeper.lift(before.bans('192.0.2.3')[0]?.id ?? '', '');
  await before.keeper.stop();

  const clock = { wallMs: before.clock.wallMs + 40_000, steadyMs: 77 };
  const later = machine({ file, clock });
  await later.keeper.start();
  const left = later.leftMs('192.0.2.2');
  assert.ok(left > 59_000 && left <= 60_100, `${left}`);
  assert.deepEqual([later.leftMs('192.0.2.1'), later.leftMs('192.0.2.3')], [0, 0]);
  later.fail('192.0.2.1');
  assert.equal(later.bans('192.0.2.1')[0]?.strikes, 2);
  await later.keeper.stop();
});

test('a change is on disk soon, without a stop', async () => {
  const file = join(folder, 'soon');
  const one = machine({ file });
  await one.keeper.start();
  one.fail('192.0.2.1');
  await until('the ban on disk', () => readFileSync(file, 'utf8').includes('192.0.2.1'));
  await one.keeper.stop();
});

test('a damaged file does not stop the start; a foreign one and a missing folder do', async () => {
  const file = join(folder, 'damaged');
  const before = machine({ file });
  await before.keeper.start();
  idOf(before.keeper.add(order, ''));
  idOf(before.keeper.add({ ...order, value: '192.0.2.2' }, ''));
  await before.keeper.stop();
  writeFileSync(file, readFileSync(file, 'utf8').replace('"value":"192.0.2.2"', '"value":7'));
  const later = machine({ file });
  await later.keeper.start();
  assert.deepEqual(
    later.bans().map(({ value }) => value),
    ['192.0.2.1'],
  );
  const [line] = later.lines;
  assert.equal(line?.level, 'error');
  assert.deepEqual([line?.context.keptAs, line?.context.restored], [`${file}.bad`, 1]);
  await later.keeper.stop();

  writeFileSync(file, 'listen: {}\n');
  await assert.rejects(machine({ file }).keeper.start(), { code: 'SP_CONFIG', message: /is not a file of bans/ });
  const absent = machine({ file: join(folder, 'absent', 'bans') });
  await assert.rejects(absent.keeper.start(), { code: 'SP_CONFIG', message: /folder that is not there/ });
});

test('a disk that fails is told of once, and written to when it works again', async () => {
  const home = mkdtempSync(join(folder, 'gone-'));
  const file = join(home, 'bans');
  const one = machine({ file });
  await one.keeper.start();
  rmSync(home, { recursive: true });
  one.fail('192.0.2.1');
  await until('the failure', () => one.lines.some(({ message }) => message === 'bans cannot be saved'));
  one.fail('192.0.2.2');
  await one.keeper.stop();
  assert.equal(one.lines.filter(({ message }) => message === 'bans cannot be saved').length, 1);
});

test('a ban is found by the address in any form, and by a long key', () => {
  const one = machine({ abuse: abuseOf({ users: { key: ['header:x-user'], failures: 1 } }) });
  idOf(one.keeper.add({ ...order, value: '2001:db8:1:2::5' }, ''));
  idOf(one.keeper.add(order, ''));
  for (const key of [
    '2001:db8:1:2::/64',
    '2001:db8:1:2::5',
    '2001:DB8:1:2:0:0:0:77',
    '::ffff:192.0.2.1',
    '192.0.2.1',
  ]) {
    assert.equal(one.bans(key).length, 1, key);
  }
  assert.deepEqual(one.bans('2001:db8:1:3::5'), []);
  const user = 'x'.repeat(2_000);
  one.judge.ended({ client: '192.0.2.2', user }, 401, null, one.clock.steadyMs);
  for (const ban of one.made.splice(0)) one.keeper.receive(ban);
  assert.equal(one.bans(user).length, 1);
});

test('a thread bans while an operator lifts: what came last holds, in the table and in the list', () => {
  const one = machine();
  one.fail('192.0.2.1');
  one.pass(1_200);
  // The second ban is in the table; the first one has ended, and the message is on its way.
  one.judge.ended({ client: '192.0.2.1' }, 404, null, one.clock.steadyMs);
  const [late] = one.made.splice(0);
  const id = idOf(one.keeper.add({ ...order, rule: 'probing' }, ''));
  idOf(one.keeper.lift(id, ''));
  one.keeper.receive(late ?? assert.fail());
  assert.deepEqual([one.leftMs('192.0.2.1'), one.bans()], [0, []]);
  assert.equal(one.lines.filter(({ message }) => message === 'banned').length, 1);
  one.pass(200);
  one.fail('192.0.2.1');
  assert.equal(one.bans()[0]?.strikes, 1);
  assert.ok(one.leftMs('192.0.2.1') > 0);
});

test('a short ban by hand of a rule starts its count from zero, too', () => {
  const one = machine({ abuse: abuseOf({ probing: { failures: 3, windowMs: 60_000, forgetMs: 1_000 } }) });
  for (let i = 0; i < 2; i += 1) one.fail('192.0.2.1');
  idOf(one.keeper.add({ ...order, rule: 'probing', seconds: 1 }, ''));
  one.pass(5_000);
  for (let i = 0; i < 25; i += 1) one.keeper.sweep();
  one.fail('192.0.2.1');
  assert.deepEqual(one.bans(), []);
});

test('the wall clock is set: bans keep their length, and lists, lifts and the file follow', async () => {
  for (const stepMs of [3_600_000, -3_600_000, 90 * 86_400_000]) {
    const file = join(folder, `step${stepMs}`);
    const one = machine({ file });
    await one.keeper.start();
    idOf(one.keeper.add(order, ''));
    idOf(one.keeper.add({ ...order, value: '192.0.2.2', seconds: 5 }, ''));
    const id = one.bans('192.0.2.1')[0]?.id ?? '';
    one.clock.wallMs += stepMs;
    assert.deepEqual(
      one
        .bans()
        .map(({ leftSeconds }) => leftSeconds)
        .sort(),
      [5, 60],
      `${stepMs}`,
    );
    one.pass(10_000);
    assert.deepEqual(
      one.bans().map(({ value, leftSeconds }) => [value, leftSeconds]),
      [['192.0.2.1', 50]],
    );
    assert.ok(one.leftMs('192.0.2.1') > 49_000 && one.leftMs('192.0.2.1') <= 50_100);
    await one.keeper.stop();
    const later = machine({ file, clock: { wallMs: one.clock.wallMs + 20_000, steadyMs: 77 } });
    await later.keeper.start();
    assert.ok(later.leftMs('192.0.2.1') > 29_000 && later.leftMs('192.0.2.1') <= 30_100);
    idOf(later.keeper.lift(id, ''));
    assert.equal(later.leftMs('192.0.2.1'), 0);
    await later.keeper.stop();
  }
});

test('an order that comes before the file is read costs nothing that is in it', async () => {
  const file = join(folder, 'early');
  const before = machine({ file });
  await before.keeper.start();
  idOf(before.keeper.add(order, ''));
  await before.keeper.stop();
  const later = machine({ file });
  idOf(later.keeper.add({ ...order, value: '192.0.2.2' }, ''));
  // Longer than any writing is put off: what it wrote now would be all there is.
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(readFileSync(file, 'utf8').includes('"192.0.2.1"'));
  await later.keeper.start();
  await later.keeper.stop();
  const last = machine({ file });
  await last.keeper.start();
  assert.deepEqual(
    last
      .bans()
      .map(({ value }) => value)
      .sort(),
    ['192.0.2.1', '192.0.2.2'],
  );
  await last.keeper.stop();
});

test('a start that failed before the file was read leaves it as it is', async () => {
  const file = join(folder, 'failed-start');
  writeFileSync(file, 'listen: {}\n');
  const one = machine({ file });
  idOf(one.keeper.add(order, ''));
  await assert.rejects(one.keeper.start(), { code: 'SP_CONFIG' });
  await one.keeper.stop();
  assert.equal(readFileSync(file, 'utf8'), 'listen: {}\n');
});

test('a full disk does not stop the start: bans go on in memory, and are written when there is room', async (t) => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
  if (status !== 0) {
    t.skip('no right to mount a small disk');
    return;
  }
  try {
    const file = join(disk, 'bans');
    const before = machine({ file });
    await before.keeper.start();
    idOf(before.keeper.add(order, ''));
    await before.keeper.stop();
    assert.throws(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(100_000)), { code: 'ENOSPC' });
    const long = formatRecord({ ...RECORD, reason: 'x'.repeat(200) });
    await assert.rejects(banFile(file, 1_024).write(new Array(500).fill(long)), { code: 'ENOSPC' });
    assert.deepEqual(readdirSync(disk).sort(), ['bans', 'filler'], 'a part of a file would keep the disk full');
    const later = machine({ file });
    await later.keeper.start();
    assert.ok(later.leftMs('192.0.2.1') > 0);
    await until('the failure', () => later.lines.some(({ message }) => message === 'bans cannot be saved'));
    idOf(later.keeper.add({ ...order, value: '192.0.2.2' }, ''));
    rmSync(join(disk, 'filler'));
    await until('the writing', () => later.lines.some(({ message }) => message === 'bans are saved again'));
    await later.keeper.stop();
    assert.equal(later.lines.filter(({ level }) => level === 'error').length, 1);
    assert.deepEqual(readdirSync(disk), ['bans'], 'no part of a file is left');
    assert.match(readFileSync(file, 'utf8'), /192\.0\.2\.1".*\n.*192\.0\.2\.2"/);
  } finally {
    spawnSync('umount', [disk]);
  }
});
