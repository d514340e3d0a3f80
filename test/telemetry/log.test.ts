import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SallyportError } from '../../src/errors.ts';
import { createLog, type LogLevel } from '../../src/telemetry/log.ts';
import { createPretty } from '../../src/telemetry/log-pretty.ts';

function capture(level: LogLevel = 'info', redact: string[] = ['password', 'Set-Cookie']) {
  const lines: string[] = [];
  const log = createLog({ level, redact, base: { thread: 4 }, sink: (line) => lines.push(line) });
  const last = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '');
  return { lines, log, last };
}

test('a line has pino form: level, epoch milliseconds, base, context, message', () => {
  const { log, lines, last } = capture();
  const before = Date.now();
  log.warn({ path: '/x', n: 1 }, 'a %s message');
  const { time, ...rest } = last();
  assert.deepEqual(rest, { level: 40, thread: 4, path: '/x', n: 1, msg: 'a %s message' });
  assert.ok(typeof time === 'number' && time >= before && time <= Date.now());
  log.debug({}, 'below the level');
  assert.equal(lines.length, 1);
  assert.equal(log.level, 'info');
  for (const name of ['info', 'warn', 'error', 'fatal'] as const) log[name]({}, name);
  assert.deepEqual(
    lines.slice(1).map((line) => JSON.parse(line).level),
    [30, 40, 50, 60],
  );
  capture('silent').log.fatal({}, 'nobody hears');
});

test('an error code is written although codes of a query are secrets', () => {
  const { log, last } = capture('info', ['code']);
  const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  log.error({ code: 'SP_THREAD', err: new SallyportError('SP_UPSTREAM_CONNECT', 'no', {}, { cause }) }, 'x');
  const line = last() as { code: string; err: { code: string; cause: { code: string } } };
  assert.deepEqual(
    [line.code, line.err.code, line.err.cause.code],
    ['SP_THREAD', 'SP_UPSTREAM_CONNECT', 'ECONNREFUSED'],
  );
  log.error({ code: 'SplxlOBeZQQYbYS6WxSbIA', query: { code: 'EVIL secret' } }, 'x');
  const hidden = last() as { code: string; query: { code: string } };
  assert.deepEqual([hidden.code, hidden.query.code], ['[redacted]', '[redacted]']);
});

test('listed members are replaced at any depth and in any case, in children and errors too', () => {
  const { log, lines, last } = capture();
  const error = Object.assign(new Error('boom'), { PassWord: 's3cret', code: 'E1' });
  const deep = {
    password: 's3cret',
    'SET-COOKIE': 's3cret',
    a: [{ b: { Password: { c: 's3cret' } } }],
    m: new Map([['password', 's3cret']]),
  };
  log.child({ PASSWORD: 's3cret', kept: 1 }).error({ ...deep, err: error, passwords: 'kept' }, 'x');
  assert.ok(!lines.join('').includes('s3cret'));
  const line = last();
  assert.equal(line.PASSWORD, '[redacted]');
  assert.deepEqual(line.a, [{ b: { Password: '[redacted]' } }]);
  assert.deepEqual([line.kept, line.passwords], [1, 'kept']);
  assert.equal((line.err as Record<string, unknown>).PassWord, '[redacted]');
});

test('errors have type, message, stack, code, context and causes, wherever they stand', () => {
  const { log, last } = capture();
  const root = Object.assign(new TypeError('root'), { code: 'ECONNREFUSED', address: '10.0.0.1' });
  const error = new SallyportError('SP_LISTEN', 'cannot', { port: 80, password: 'x' }, { cause: root });
  log.error({ err: error, other: { failure: root } }, 'x');
  const { err, other } = last() as Record<string, Record<string, Record<string, unknown>>>;
  assert.equal(err?.type, 'SallyportError');
  assert.equal(err?.code, 'SP_LISTEN');
  assert.deepEqual(err?.context, { port: 80, password: '[redacted]' });
  assert.match(String(err?.stack), /log\.test/);
  assert.equal(err?.cause?.code, 'ECONNREFUSED');
  assert.equal(err?.cause?.address, '10.0.0.1');
  assert.equal(other?.failure?.type, 'TypeError');
  log.error(new AggregateError([root, new Error('second')], 'both'), 'x');
  const whole = last().err as { message: string; errors: { message: string }[] };
  assert.equal(whole.message, 'both');
  assert.deepEqual(
    whole.errors.map(({ message }) => message),
    ['root', 'second'],
  );
});

test('no context can break or flood the log', () => {
  const { log, lines, last } = capture();
  const cycle: Record<string, unknown> = { n: Number.NaN, big: 10n, f: () => 1, u: undefined, s: Symbol('s') };
  for (let i = 0; i < 300; i++) cycle[`m${i}`] = cycle;
  log.info({ cycle }, 'cycle');
  assert.ok((lines.at(-1) ?? '').length < 100_000);
  const hostile = {
    get broken(): string {
      throw new Error('getter');
    },
    date: new Date(Number.NaN),
    url: new URL('http://user:pw@host/p?token=x'),
    bytes: Buffer.alloc(10),
    set: new Set([1, 2]),
    level: 5,
    'a":1,"msg': 'forged',
    long: 'x'.repeat(10_000),
  };
  log.info(hostile, 'hostile');
  const line = last();
  assert.equal(line.broken, '[unreadable: getter]');
  assert.equal(line.date, 'Invalid Date');
  assert.equal(line.url, 'http://host/p');
  assert.equal(line.bytes, '[10 bytes]');
  assert.deepEqual(line.set, [1, 2]);
  assert.deepEqual([line.level, line.level_, line.msg], [30, 5, 'hostile']);
  assert.equal(line['a_:1,_msg'], 'forged');
  assert.equal(line.long, `${'x'.repeat(8_192)}...[+1808]`);
});

test('whatever is logged, a line is one line of printable ASCII and parses back', () => {
  const { log, lines, last } = capture('trace', []);
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  );
  fc.assert(
    fc.property(text, text, text, fc.object(), (message, value, name, any) => {
      log.info({ value, nested: { [name]: value, any }, [name]: 1 }, message);
      assert.match(lines.pop() ?? '', /^[ -~]+$/);
      log.child({ [name]: value }).info({ value }, message);
      const line = last();
      assert.match(lines.pop() ?? '', /^[ -~]+$/);
      assert.equal(line.msg, message);
      assert.ok(line.value === value || name === 'value');
    }),
    { numRuns: 1_000 },
  );
});

test('pretty lines carry no control characters of strangers, and show requests at a glance', () => {
  const pretty = createPretty(false);
  const request = pretty(
    JSON.stringify({
      level: 30,
      time: 0,
      msg: 'request',
      method: 'GET',
      host: 'a.example',
      path: '/x',
      status: 200,
      durationMs: 1.5,
      userAgent: 'evil\u001b[2J\u009b31m\u202e\r\nINFO forged',
      route: null,
    }),
  );
  assert.match(request, /GET a\.example\/x 200 1\.5 ms/);
  assert.ok(request.includes('evil\\u{1b}[2J\\u{9b}31m\\u{202e}\\u{d}\\u{a}INFO forged'), request);
  assert.ok(!request.includes('route'));
  assert.equal(request.split('\n').length, 2);
  const failure = pretty(
    JSON.stringify({
      level: 50,
      time: 0,
      msg: 'x\u001b',
      err: { type: 'E', message: 'm\u001b', stack: 'E: m\n    at a\u001b' },
    }),
  );
  assert.ok(failure.split('\n').length >= 3);
  assert.equal(pretty('no \u001b json'), 'no \\u{1b} json\n');
  fc.assert(
    fc.property(fc.object({ key: fc.string({ unit: 'binary' }), values: [fc.string({ unit: 'binary' })] }), (any) => {
      const text = pretty(JSON.stringify({ level: 30, time: 0, msg: 'm', any, ...any }));
      assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\u2028\u2029]/u);
    }),
  );
});
