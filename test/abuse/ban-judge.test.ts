import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BanTable } from '../../src/abuse/ban-table.ts';
import { KEY_LENGTH_MAX } from '../../src/abuse/key-text.ts';
import { createBanWords } from '../../src/abuse/layout.ts';
import { compileBanRules } from '../../src/abuse/rules.ts';
import type { BanMade } from '../../src/abuse/wire.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { saltOf } from '../../src/limiter/decision.ts';
import { createLimiterWords } from '../../src/limiter/layout.ts';
import { type Asked, abuseOf, judgeOf } from './support.ts';

const ONE: Asked = { client: '192.0.2.1' };

function start(
  rules: Parameters<typeof abuseOf>[0] = { probing: {} },
  isExempt: (asked: Asked) => boolean = () => false,
) {
  const words = createBanWords(1_024);
  const made: BanMade[] = [];
  const judge = judgeOf(words, createLimiterWords(1_024, 0), abuseOf(rules), (ban) => made.push(ban), isExempt);
  return { judge, made, table: new BanTable(words) };
}

test('the n-th failure in the window bans at once, the one before does not', () => {
  const { judge, made } = start();
  for (const status of [401, 404]) judge.ended(ONE, status, null, 1_000);
  assert.equal(judge.leftMs(ONE, 1_000), 0);
  judge.ended(ONE, 403, null, 1_500);
  assert.ok(judge.leftMs(ONE, 1_500) >= 1_000);
  assert.equal(judge.rule, 'probing');
  assert.equal(judge.leftMs({ client: '192.0.2.2' }, 1_500), 0);
  assert.equal(made.length, 1);
  const { rule, keyKind, value, reason, madeRoom } = made[0] as BanMade;
  assert.deepEqual(
    [rule, keyKind, value, reason, madeRoom],
    ['probing', 'address', '192.0.2.1', '3 failures in 60000 ms, the last with status 403', null],
  );
});

test('what counts: the statuses of the rule, from upstreams and from the gateway alike', () => {
  for (const [status, code, bans] of [
    [404, null, true],
    [404, 'SP_ROUTE_NOT_FOUND', true],
    [403, 'SP_ADDRESS_DENIED', true],
    [200, null, false],
    [400, 'SP_REQUEST_TARGET', false],
    [500, null, false],
    [0, 'SP_REQUEST_ABORTED', false],
  ] as const) {
    const { judge } = start();
    for (let i = 0; i < 3; i += 1) judge.ended(ONE, status, code, 1_000);
    assert.equal(judge.leftMs(ONE, 1_000) > 0, bans, `${status} ${code}`);
  }
});

test('what never counts, even where its status does: bans, and what is no doing of the client', () => {
  const statuses = [403, 429, 500, 502, 503, 504];
  for (const [status, code, bans] of [
    // Not a row of the table in every build of it: the judge must know the name.
    [403, 'SP_BANNED' as ErrorCode, false],
    [503, 'SP_UPSTREAM_UNAVAILABLE', false],
    [502, 'SP_UPSTREAM_RESET', false],
    [500, 'SP_INTERNAL', false],
    [503, 'SP_LIMITER_FULL', false],
    // The operator named 429: who does not heed limits is banned.
    [429, 'SP_RATE_LIMITED', true],
    [503, null, true],
  ] as const) {
    const { judge } = start({ all: { statuses } });
    const ended = () => judge.ended(ONE, status, code, 1_000);
    if (code === ('SP_BANNED' as ErrorCode)) for (let i = 0; i < 100; i += 1) ended();
    for (let i = 0; i < 3; i += 1) ended();
    assert.equal(judge.leftMs(ONE, 1_000) > 0, bans, `${status} ${code}`);
  }
});

test('by default 429 is no failure', () => {
  const { judge } = start();
  for (let i = 0; i < 100; i += 1) judge.ended(ONE, 429, 'SP_RATE_LIMITED', 1_000);
  assert.equal(judge.leftMs(ONE, 1_000), 0);
});

test('failures during a ban do not count, and a ban starts the count from zero', () => {
  const { judge, made } = start();
  for (let i = 0; i < 50; i += 1) judge.ended(ONE, 404, null, 1_000);
  assert.equal(made.length, 1);
  // The window still holds all of them.
  judge.ended(ONE, 404, null, 3_000);
  judge.ended(ONE, 404, null, 3_000);
  assert.equal(judge.leftMs(ONE, 3_000), 0);
  judge.ended(ONE, 404, null, 3_000);
  assert.ok(judge.leftMs(ONE, 3_000) >= 2_000, 'the second ban is twice as long');
});

test('failures spread wider than the window do not ban', () => {
  const { judge } = start({ probing: { windowMs: 1_000 } });
  for (let nowMs = 0; nowMs < 60_000; nowMs += 1_100) {
    judge.ended(ONE, 404, null, nowMs);
    assert.equal(judge.leftMs(ONE, nowMs), 0);
  }
});

test('exempt clients are asked about when a failure would count or a ban is found, and never otherwise', () => {
  let asked = 0;
  const isExempt = ({ client }: Asked) => {
    asked += 1;
    return client === '192.0.2.1';
  };
  const { judge } = start({ probing: {} }, isExempt);
  for (let i = 0; i < 10; i += 1) {
    judge.leftMs(ONE, 1_000);
    judge.ended(ONE, 200, null, 1_000);
    judge.ended(ONE, 400, null, 1_000);
  }
  assert.equal(asked, 0);
  for (let i = 0; i < 10; i += 1) judge.ended(ONE, 404, null, 1_000);
  assert.deepEqual([asked, judge.leftMs(ONE, 1_000)], [10, 0]);
  // Bans that hit an exempt client all the same: of its user, of a prefix around it, of before it was exempt.
  const users = start({ users: { key: ['header:x-user'], failures: 1 } }, isExempt);
  users.judge.ended({ client: '192.0.2.2', user: 'eve' }, 401, null, 1_000);
  assert.equal(users.judge.leftMs({ client: '192.0.2.1', user: 'eve' }, 1_000), 0);
  assert.ok(users.judge.leftMs({ client: '192.0.2.2', user: 'eve' }, 1_000) > 0);
});

test('rules count each for itself; a key without its part counts nowhere', () => {
  const { judge, made } = start({ probing: { failures: 5 }, users: { key: ['header:x-user'], failures: 2 } });
  const user: Asked = { client: '192.0.2.1', user: 'u1' };
  judge.ended(user, 401, null, 1_000);
  for (let i = 0; i < 2; i += 1) judge.ended({ client: '192.0.2.8' }, 401, null, 1_000);
  judge.ended({ client: '192.0.2.9', user: 'u1' }, 401, null, 1_000);
  assert.deepEqual(
    made.map(({ rule, value }) => [rule, value]),
    [['users', 'u1']],
  );
  assert.ok(judge.leftMs(user, 1_000) > 0);
  assert.equal(judge.rule, 'users');
  assert.equal(judge.leftMs(ONE, 1_000), 0);
  assert.equal(judge.leftMs({ client: '192.0.2.1', user: 'u2' }, 1_000), 0);
});

test('a rule that gets another key does not find its bans of before by values of the new one', () => {
  const words = createBanWords(1_024);
  const judgeBy = (part: string) =>
    judgeOf(words, createLimiterWords(1_024, 0), abuseOf({ users: { key: [part], failures: 1 } }), () => undefined);
  const before = judgeBy('header:x-user');
  before.ended({ client: '192.0.2.1', user: '192.0.2.9' }, 401, null, 1_000);
  assert.ok(before.leftMs({ client: '192.0.2.2', user: '192.0.2.9' }, 1_000) > 0);
  assert.equal(judgeBy('address').leftMs({ client: '192.0.2.9' }, 1_000), 0);
  assert.equal(judgeBy('header:x-account').leftMs({ client: '192.0.2.2', user: '192.0.2.9' }, 1_000), 0);
});

test('a rule that gets another window counts from zero', () => {
  for (let startMs = 1_000_000; startMs < 12_000_000; startMs += 70_000) {
    const [banWords, limiterWords] = [createBanWords(1_024), createLimiterWords(1_024, 0)];
    const judgeWith = (windowMs: number) =>
      judgeOf(banWords, limiterWords, abuseOf({ probing: { windowMs } }), (ban) => made.push(ban));
    const made: BanMade[] = [];
    for (let i = 0; i < 2; i += 1) judgeWith(600_000).ended(ONE, 404, null, startMs);
    const next = judgeWith(10_000);
    for (let i = 0; i < 5; i += 1) next.ended(ONE, 404, null, startMs + i * 20_001);
    assert.deepEqual(made, [], `${startMs}`);
  }
});

test('a throttle says no for lack of room: that counts for nobody', () => {
  const { judge } = start({ all: { statuses: [503] } });
  for (let i = 0; i < 10; i += 1) judge.ended(ONE, 503, 'SP_THROTTLED' as ErrorCode, 1_000);
  assert.equal(judge.leftMs(ONE, 1_000), 0);
});

test('long keys are told by their digest, and banned all the same', () => {
  const { judge, made } = start({ users: { key: ['header:x-user'], failures: 1 } });
  const user = 'x'.repeat(8_000);
  judge.ended({ client: '192.0.2.1', user }, 401, null, 1_000);
  assert.ok(judge.leftMs({ client: '192.0.2.7', user }, 1_000) > 0);
  assert.equal(judge.leftMs({ client: '192.0.2.7', user: `${user}x` }, 1_000), 0);
  const { value } = made[0] as BanMade;
  assert.ok(value.startsWith('sha256:') && value.length < KEY_LENGTH_MAX);
});

test('a rule named as bans of operators are is refused', () => {
  assert.throws(() => compileBanRules(abuseOf({ manual: {} }), saltOf), {
    code: 'SP_CONFIG',
    message: /abuse\.rules\.manual .*another name/,
  });
});
