import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { saltOf } from '../../src/limiter/decision.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import type { RecordChannel } from '../../src/records/record-channel.ts';
import { RedisClient } from '../../src/redis/client.ts';
import { type RevocationKind, revocationSalt } from '../../src/revocation/kinds.ts';
import { createRevocationWords } from '../../src/revocation/layout.ts';
import type { RevocationOrder } from '../../src/revocation/orders.ts';
import { redisRevocations } from '../../src/revocation/redis-revocations.ts';
import { revocationFile } from '../../src/revocation/revocation-file.ts';
import { RevocationKeeper, recordsMax } from '../../src/revocation/revocation-keeper.ts';
import { RevocationTable } from '../../src/revocation/revocation-table.ts';
import { RevocationWriter } from '../../src/revocation/revocation-writer.ts';
import { redisConfig, TestRedis, WITHOUT_REDIS } from '../support/redis.ts';
import { until } from '../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-revocations-'));
const keepers: RevocationKeeper[] = [];
after(async () => {
  for (const keeper of keepers) await keeper.stop();
  rmSync(folder, { recursive: true });
});

interface MachineOptions {
  readonly file?: string;
  readonly channel?: RecordChannel;
  readonly max?: number;
  readonly clock?: { ms: number };
}

function machine({ file, channel, max = 1_024, clock }: MachineOptions = {}) {
  const words = createRevocationWords(max);
  const writer = new RevocationWriter(words);
  const lines: [string, string][] = [];
  const at = (level: string) => (_context: object, message: string) => void lines.push([level, message]);
  const keeper = new RevocationKeeper({
    writer,
    hash: new KeyHash(1, 2),
    saltOf,
    revocationsMax: max,
    node: 'n1',
    log: () => ({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }),
    file: file === undefined ? null : revocationFile(file, recordsMax(writer.room)),
    channel: channel ?? null,
    ...(clock === undefined ? {} : { nowMs: () => clock.ms }),
    saveEveryMs: 5,
  });
  keeper.configure(
    new Map([
      ['main', 0],
      ['short', 600_000],
    ]),
  );
  keepers.push(keeper);
  const table = new RevocationTable(words);
  const hash = new KeyHash(1, 2);
  return {
    keeper,
    lines,
    has(kind: RevocationKind, issuer: string, value: string, issuedAtMs = 0): boolean {
      hash.hash(value, revocationSalt(kind, issuer, saltOf));
      return table.has(hash.high, hash.low, issuedAtMs, clock?.ms ?? Date.now());
    },
  };
}

const order = (over: Partial<RevocationOrder> = {}): RevocationOrder => ({
  kind: 'token',
  issuer: 'main',
  value: 'id-1',
  untilMs: Date.now() + 600_000,
  issuedUntilMs: null,
  reason: 'stolen',
  ...over,
});

async function idOf(keeper: RevocationKeeper, one: RevocationOrder): Promise<string> {
  const answer = await keeper.add(one, '127.0.0.1');
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer.revocation.id;
}

test('orders that are wrong are refused with what is wrong', async () => {
  const { keeper } = machine();
  for (const [over, words] of [
    [{ issuer: 'typo' }, /issuer must be a name .*main, short/],
    [{ untilMs: null }, /say how long/],
    [{ untilMs: Date.now() - 1 }, /in the future/],
    [{ untilMs: Date.now() + 4e10 }, /a year/],
    [{ kind: 'key' }, /has no issuer/],
    [{ issuedUntilMs: 5 }, /issued once/],
  ] as const) {
    const answer = await keeper.add(order(over as Partial<RevocationOrder>), '');
    assert.ok(!answer.ok && answer.found === 'wrong');
    assert.match(answer.words, words);
  }
  assert.equal(keeper.inUse, 0);
});

test('without an end: as long as tokens of the issuer live, a day where nobody says, a year for keys', async () => {
  const clock = { ms: Date.now() };
  const { keeper } = machine({ clock });
  for (const [kind, issuer, seconds] of [
    ['subject', 'short', 600],
    ['client', 'main', 86_400],
    ['key', '', 31_536_000],
  ] as const) {
    const answer = await keeper.add(order({ kind, issuer, untilMs: null }), '');
    assert.ok(answer.ok);
    assert.equal(answer.revocation.leftSeconds, seconds);
  }
});

test('a second order never makes a revocation shorter or narrower; a lift ends it, and it can be made anew', async () => {
  const clock = { ms: Date.now() };
  const { keeper, has, lines } = machine({ clock });
  const [near, far] = [clock.ms + 60_000, clock.ms + 600_000];
  const ann = { kind: 'subject', value: 'ann' } as const;
  const id = await idOf(keeper, order({ ...ann, untilMs: far }));
  await idOf(keeper, order({ ...ann, untilMs: near, issuedUntilMs: clock.ms - 1_000 }));
  clock.ms += 120_000;
  assert.ok(has('subject', 'main', 'ann', clock.ms), 'as the first order said');
  assert.ok((await keeper.lift(id, '')).ok);
  assert.equal(has('subject', 'main', 'ann'), false);
  assert.equal((await keeper.lift(id, '')).ok, false);
  await idOf(keeper, order({ ...ann, untilMs: clock.ms + 10_000, issuedUntilMs: clock.ms }));
  assert.deepEqual(
    [has('subject', 'main', 'ann', clock.ms), has('subject', 'main', 'ann', clock.ms + 2_000)],
    [true, false],
  );
  clock.ms += 11_000;
  keeper.sweep();
  keeper.sweep();
  assert.equal(keeper.inUse, 0);
  assert.equal(lines.filter(([, message]) => message === 'revocation added by an operator').length, 3);
});

test('when as many hold as may, one more is refused and none is given up; what is over makes room', async () => {
  const clock = { ms: Date.now() };
  const { keeper, has } = machine({ clock });
  for (let i = 0; i < 1_024; i += 1) await keeper.add(order({ value: `t${i}`, untilMs: clock.ms + 10_000 + i }), '');
  const answer = await keeper.add(order({ value: 'more' }), '');
  assert.ok(!answer.ok && answer.found === 'full' && /revocations\.max/.test(answer.words));
  assert.equal(keeper.refused, 1);
  for (let i = 0; i < 1_024; i += 1) assert.ok(has('token', 'main', `t${i}`));
  clock.ms += 10_001;
  assert.ok((await keeper.add(order({ value: 'more' }), '')).ok);
});

test('an issuer that is renamed leaves its revocations behind, and that is told', async () => {
  const { keeper, lines } = machine();
  const id = await idOf(keeper, order());
  await idOf(keeper, order({ kind: 'key', issuer: '', value: '0'.repeat(24) }));
  const warnings = () => lines.filter(([level]) => level === 'warn').map(([, message]) => message);
  keeper.configure(new Map([['main', 600_000]]));
  assert.deepEqual(warnings(), []);
  keeper.configure(new Map([['other', 0]]));
  assert.deepEqual(warnings(), ['revocations name issuers that the configuration does not have: they hit nobody']);
  await keeper.lift(id, '');
  keeper.configure(new Map([['other', 0]]));
  assert.equal(warnings().length, 1);
});

test('a restart keeps what was answered; a damaged file stops the start', async () => {
  const file = join(folder, 'kept');
  const one = machine({ file });
  await one.keeper.start();
  const answer = await one.keeper.add(order(), '');
  assert.ok(answer.ok && answer.saved);
  const lifted = await idOf(one.keeper, order({ value: 'lifted' }));
  await one.keeper.lift(lifted, '');
  // As after a kill: nothing is written at its end.
  const two = machine({ file });
  await two.keeper.start();
  assert.deepEqual([two.has('token', 'main', 'id-1'), two.has('token', 'main', 'lifted')], [true, false]);
  await two.keeper.stop();
  await one.keeper.stop();
  const text = readFileSync(file, 'utf8');
  const cut = join(folder, 'cut');
  writeFileSync(cut, text.slice(0, -15));
  await assert.rejects(machine({ file: cut }).keeper.start(), /revocations\.file .* is damaged/);
  assert.equal(readFileSync(cut, 'utf8'), text.slice(0, -15), 'it stays as it is');
});

test('revocations and lifts reach another machine in under two seconds, and one that comes later', {
  skip: WITHOUT_REDIS,
}, async (t) => {
  const { channel } = await shared(t);
  const [one, two] = [machine({ channel: channel() }), machine({ channel: channel() })];
  await one.keeper.start();
  await two.keeper.start();
  const took: number[] = [];
  for (let i = 0; i < 10; i += 1) {
    const startedMs = performance.now();
    const id = await idOf(one.keeper, order({ value: `t${i}` }));
    await until('the revocation on the other machine', () => two.has('token', 'main', `t${i}`), 10_000, 5);
    took.push(performance.now() - startedMs);
    if (i > 0) continue;
    assert.ok((await two.keeper.lift(id, '')).ok);
    await until('the lift', () => !one.has('token', 'main', 't0'));
  }
  took.sort((a, b) => a - b);
  t.diagnostic(`to the other machine: median ${took[5]?.toFixed(0)} ms, longest ${took[9]?.toFixed(0)} ms`);
  const three = machine({ channel: channel() });
  await three.keeper.start();
  assert.ok(three.has('token', 'main', 't9'), 'what others know holds before the first request');
  assert.equal(three.has('token', 'main', 't0'), false);
  for (const each of [one, two, three]) {
    await each.keeper.stop();
    assert.deepEqual(
      each.lines.filter(([level]) => level === 'warn' || level === 'error'),
      [],
    );
  }
});

async function shared(t: TestContext): Promise<{ redis: TestRedis; channel: () => RecordChannel }> {
  const redis = await TestRedis.start(t);
  const client = new RedisClient(redisConfig(redis.port, { prefix: 'test:' }), []);
  t.after(() => client.stop());
  await client.connect();
  return { redis, channel: () => redisRevocations((...call) => client.runScript(...call), 'test:') };
}

test('two machines that revoke one thing at once both come to know all that was ordered', {
  skip: WITHOUT_REDIS,
}, async (t) => {
  const { channel } = await shared(t);
  const [one, two] = [machine({ channel: channel() }), machine({ channel: channel() })];
  await one.keeper.start();
  await two.keeper.start();
  const nowMs = Date.now();
  const later = nowMs + 300_000;
  for (let i = 0; i < 10; i += 1) {
    const subject = { kind: 'subject', value: `p${i}` } as const;
    const [wide, narrow] = i % 2 === 0 ? [one, two] : [two, one];
    const orders = [
      wide.keeper.add(order({ ...subject, untilMs: nowMs + 600_000 }), ''),
      narrow.keeper.add(order({ ...subject, untilMs: nowMs + 60_000, issuedUntilMs: nowMs }), ''),
    ];
    for (const answer of await Promise.all(orders)) assert.ok(answer.ok);
  }
  const knows = ({ has }: ReturnType<typeof machine>) =>
    Array.from({ length: 10 }, (_, i) => has('subject', 'main', `p${i}`, later)).every(Boolean);
  await until('both to know the wider one', () => knows(one) && knows(two), 20_000);
});

test('what one machine lets go of as over, and another makes anew meanwhile, goes on', {
  skip: WITHOUT_REDIS,
}, async (t) => {
  const { channel } = await shared(t);
  const clock = { ms: Date.now() };
  let held = Promise.resolve();
  const slow = channel();
  const one = machine({ channel: { ...slow, tell: (changes) => held.then(() => slow.tell(changes)) }, clock });
  const two = machine({ channel: channel() });
  await one.keeper.start();
  await two.keeper.start();
  await idOf(two.keeper, order({ value: 'again', untilMs: clock.ms + 60_000 }));
  await until('the revocation on the first machine', () => one.has('token', 'main', 'again'));
  let release = () => {};
  held = new Promise((resolve) => {
    release = resolve;
  });
  clock.ms += 61_000;
  one.keeper.sweep();
  one.keeper.sweep();
  assert.equal(one.keeper.inUse, 0);
  await idOf(two.keeper, order({ value: 'again', untilMs: Date.now() + 600_000 }));
  const three = machine({ channel: channel() });
  await until('it to be told', async () => {
    const { texts } = await channel().ask(null);
    const far = texts.map((text) => (JSON.parse(text) as { untilMs: number }).untilMs > Date.now() + 300_000);
    return far.includes(true);
  });
  release();
  await until('it to hold on the first machine again', () => one.has('token', 'main', 'again'));
  await three.keeper.start();
  assert.ok(three.has('token', 'main', 'again'));
});

test('a Redis that lost its state alone numbers anew, and all is heard', { skip: WITHOUT_REDIS }, async (t) => {
  const { redis, channel } = await shared(t);
  const set = Array.from({ length: 600 }, (_, i) => [`id-${i}`, `text ${i}`] as const);
  await channel().tell({ set, forget: [] });
  redis.ask('DEL', 'test:{revocations}:state');
  const heard = new Set<string>();
  let cursor: string | null = null;
  for (let asked = 0; asked < 5; asked += 1) {
    const news = await channel().ask(cursor);
    assert.equal(news.isLost, false);
    for (const text of news.texts) heard.add(text);
    cursor = news.cursor;
    if (!news.isMore) break;
  }
  assert.equal(heard.size, 600);
  await channel().tell({ set: [['new', 'the last']], forget: [] });
  assert.deepEqual((await channel().ask(cursor)).texts, ['the last']);
});
