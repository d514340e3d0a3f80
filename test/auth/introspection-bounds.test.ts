import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Introspection } from '../../src/auth/introspection.ts';
import type { Introspected } from '../../src/auth/introspection-client.ts';
import type { IntrospectionSettings } from '../../src/auth/introspection-settings.ts';
import type { Judged } from '../../src/identity.ts';

const SETTINGS: IntrospectionSettings = {
  name: 'main',
  url: 'http://127.0.0.1:9/',
  clientId: 'gateway',
  clientSecret: 'secret',
  method: 'client_secret_basic',
  audiences: [],
  issuer: '',
  scopeClaim: 'scope',
  timeoutMs: 1_000,
  cacheMs: 30_000,
  negativeCacheMs: 5_000,
  cacheMax: 16,
  connectionsMax: 2,
};

const DOWN: Introspected = { kind: 'failed', reason: 'connection', detail: 'ECONNREFUSED', status: 0 };
const ODD: Introspected = { kind: 'failed', reason: 'type', detail: 'no JSON', status: 200 };
const NOT_TAKEN: Introspected = { kind: 'failed', reason: 'status', detail: 'status 400', status: 400 };
const LATE: Introspected = { kind: 'not-asked' };
const says = (members: Readonly<Record<string, unknown>>): Introspected => ({
  kind: 'answer',
  bytes: Buffer.from(JSON.stringify(members)),
});
const ACTIVE = says({ active: true, sub: 'ann' });

/** A judge whose clock and whose server's answers are the test's. */
class Bench {
  nowMs = 1_000_000;
  readonly asked: string[] = [];
  readonly counts: string[] = [];
  readonly warnings: string[] = [];
  hasRoom = true;
  readonly judge: Introspection;
  readonly #answers: ((answer: Introspected) => void)[] = [];

  constructor(more: Partial<IntrospectionSettings> = {}, revoked: () => boolean = () => false) {
    this.judge = new Introspection(
      { ...SETTINGS, ...more },
      {
        client: {
          ask: (token, done) => {
            if (!this.hasRoom) return false;
            this.asked.push(token);
            this.#answers.push(done);
            return true;
          },
          dropQueue: () => void this.asked.push('-'),
        },
        revoked,
        warn: (_context, message) => void this.warnings.push(message),
        count: (result) => void this.counts.push(result),
        nowMs: () => this.nowMs,
      },
    );
  }

  /** @returns  The reason of a refusal, or the kind. */
  say(token: string): string {
    return wordOf(this.judge.judge(token, this.nowMs));
  }

  /** The oldest question is answered. */
  answer(answer: Introspected): void {
    const done = this.#answers.shift();
    assert.ok(done !== undefined);
    done(answer);
  }

  /** Asks, and answers at once. @returns  What somebody who waited is told. */
  ask(token: string, answer: Introspected): string {
    const judged = this.judge.judge(token, this.nowMs);
    if (judged.kind !== 'wait') return wordOf(judged);
    let word = '';
    judged.wait(() => {
      word = this.say(token);
    });
    this.answer(answer);
    return word;
  }
}

const wordOf = (judged: Judged): string => (judged.kind === 'refused' ? judged.reason : judged.kind);

test('after five failures in a row the server rests; one question a second tries it, and an answer ends it', () => {
  const bench = new Bench();
  for (let i = 0; i < 5; i += 1) assert.equal(bench.ask(`down-${i}`, DOWN), 'introspection-unavailable');
  assert.equal(bench.asked.pop(), '-', 'what waits for a connection is let go');
  for (let i = 0; i < 1_000; i += 1) assert.equal(bench.say(`storm-${i}`), 'introspection-unavailable');
  assert.equal(bench.asked.length, 5);
  bench.nowMs += 999;
  assert.equal(bench.say('early'), 'introspection-unavailable');
  bench.nowMs += 1;
  assert.equal(bench.say('probe'), 'wait');
  assert.equal(bench.say('beside'), 'introspection-unavailable');
  bench.answer(DOWN);
  assert.equal(bench.say('after'), 'introspection-unavailable');
  bench.nowMs += 1_000;
  // A probe that was not asked after all leaves the way open for the next.
  assert.equal(bench.ask('unasked', LATE), 'busy');
  assert.equal(bench.ask('second', ACTIVE), 'known');
  assert.equal(bench.say('free-1'), 'wait');
  assert.equal(bench.say('free-2'), 'wait');
  assert.deepEqual(bench.warnings, [
    'introspection brought no usable answer',
    'introspection server does not answer: it is left alone for a while',
    'introspection server answers again',
  ]);
  assert.deepEqual(bench.counts, [...Array(6).fill('connection'), 'late', 'active']);
});

test('a client cannot make the server rest with tokens of its choice', () => {
  const bench = new Bench();
  for (let i = 0; i < 40; i += 1) {
    assert.equal(bench.ask(`odd-${i}`, ODD), 'introspection-unavailable');
    assert.equal(bench.ask(`jwt-${i}`, NOT_TAKEN), 'inactive');
    assert.equal(bench.ask(`empty-${i}`, says({})), 'introspection-unavailable');
    assert.equal(bench.ask(`late-${i}`, LATE), 'busy');
  }
  assert.equal(bench.ask('honest', ACTIVE), 'known');
  assert.equal(bench.warnings.length, 1, 'nor fill the log');
});

test('which statuses are failures of the server, and which may be the token’s', () => {
  const status = (code: number): Introspected => ({
    ...DOWN,
    reason: 'status',
    detail: `status ${code}`,
    status: code,
  });
  for (const [code, expected] of [
    [401, true],
    [429, true],
    [500, true],
    [503, true],
    [204, false],
    [400, false],
    [403, false],
    [404, false],
    [413, false],
  ] as const) {
    const bench = new Bench();
    for (let i = 0; i < 5; i += 1) {
      assert.equal(bench.ask(`a-${i}`, status(code)), code === 400 ? 'inactive' : 'introspection-unavailable');
    }
    assert.equal(bench.say('b') !== 'wait', expected, `${code}`);
  }
});

test('a failure is remembered for a second, a question that was never asked not at all', () => {
  const bench = new Bench();
  assert.equal(bench.ask('a', DOWN), 'introspection-unavailable');
  bench.nowMs += 999;
  assert.equal(bench.say('a'), 'introspection-unavailable');
  bench.nowMs += 1;
  assert.equal(bench.ask('a', LATE), 'busy');
  assert.equal(bench.ask('a', ACTIVE), 'known');
  assert.equal(bench.asked.length, 3);
});

test('cacheMs 0 and negativeCacheMs 0: who waits is served by one answer, who comes later by the next', () => {
  const bench = new Bench({ cacheMs: 0, negativeCacheMs: 0 });
  for (const [answer, expected] of [
    [ACTIVE, 'known'],
    [says({ active: false }), 'inactive'],
  ] as const) {
    const words: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      const judged = bench.judge.judge('a', bench.nowMs);
      assert.ok(judged.kind === 'wait');
      judged.wait(() => void words.push(bench.say('a')));
    }
    bench.answer(answer);
    assert.deepEqual(words, Array(5).fill(expected));
  }
  assert.equal(bench.asked.length, 2);
  assert.deepEqual([bench.judge.active.count, bench.judge.others.count], [0, 0]);
});

test('nothing is remembered past the end of the token', () => {
  const bench = new Bench();
  assert.equal(bench.ask('a', says({ active: true, exp: bench.nowMs / 1_000 + 2 })), 'known');
  bench.nowMs += 1_999;
  assert.equal(bench.say('a'), 'known');
  bench.nowMs += 1;
  assert.equal(bench.ask('a', says({ active: true, exp: bench.nowMs / 1_000 })), 'expired');
});

test('made-up tokens push out no honest one, and none is kept beyond cacheMax', () => {
  const bench = new Bench();
  for (let i = 0; i < 16; i += 1) assert.equal(bench.ask(`honest-${i}`, ACTIVE), 'known');
  for (let i = 0; i < 2_000; i += 1) assert.equal(bench.ask(`made-up-${i}`, says({ active: false })), 'inactive');
  for (let i = 0; i < 16; i += 1) assert.equal(bench.say(`honest-${i}`), 'known');
  assert.deepEqual([bench.judge.active.count, bench.judge.others.count], [16, 16]);
  assert.equal(bench.ask('one-more', ACTIVE), 'known');
  assert.equal(bench.judge.active.count, 16);
});

test('who was revoked is refused though remembered, and while others wait for the answer', () => {
  let isRevoked = false;
  const bench = new Bench({}, () => isRevoked);
  assert.equal(bench.ask('a', ACTIVE), 'known');
  isRevoked = true;
  assert.equal(bench.say('a'), 'revoked');
  assert.equal(bench.ask('b', ACTIVE), 'revoked');
  isRevoked = false;
  assert.equal(bench.say('a'), 'known');
});

test('no room is 503 and counted; nothing of it stays behind', () => {
  const bench = new Bench();
  bench.hasRoom = false;
  assert.equal(bench.say('a'), 'busy');
  bench.hasRoom = true;
  assert.equal(bench.ask('a', ACTIVE), 'known');
  assert.deepEqual(bench.counts, ['full', 'active']);
});

test('a token that its server calls bound must be bound to a key', () => {
  const bench = new Bench();
  const jkt = 'x'.repeat(43);
  assert.equal(bench.ask('a', says({ active: true, token_type: 'DPoP' })), 'claims');
  assert.equal(bench.ask('b', says({ active: true, token_type: 'dpop', cnf: { jkt: 'short' } })), 'claims');
  assert.equal(bench.ask('c', says({ active: true, token_type: 'DPoP', cnf: { jkt } })), 'known');
  assert.equal(bench.ask('d', says({ active: true, token_type: 'Bearer' })), 'known');
});
