import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ERROR_CODES, ERRORS } from '../../src/errors.ts';
import type { Identity } from '../../src/identity.ts';
import { LOG_BATCH_BYTES } from '../../src/limits.ts';
import { AccessLog, type AccessLogOptions } from '../../src/telemetry/access-log.ts';
import { compileQueryRedaction } from '../../src/telemetry/query-redaction.ts';
import { type Downstream, type Route, Transaction, type TransactionOwner } from '../../src/transaction.ts';

const NOW = 1_700_000_000_042;

/** The log reads plain fields only: neither the client's connection nor the pipeline is touched. */
function transaction(fields: Partial<Transaction> = {}): Transaction {
  const untouched = {} as Downstream & TransactionOwner;
  return Object.assign(new Transaction(untouched, untouched, NOW, 0), fields);
}

function write(tx: Transaction, options: Partial<AccessLogOptions> = {}, durationMs = 1.5): string[] {
  const chunks: string[] = [];
  const log = new AccessLog({ thread: 2, query: false, redact: [], ...options }, (chunk) => chunks.push(chunk) > 0);
  log.write(tx, NOW, durationMs);
  log.flush();
  return chunks.join('').split('\n').slice(0, -1);
}

function record(tx: Transaction, options: Partial<AccessLogOptions> = {}, durationMs = 1.5): Record<string, unknown> {
  const lines = write(tx, options, durationMs);
  assert.equal(lines.length, 1);
  return JSON.parse(lines[0] ?? '');
}

test('a request is one line with the members of docs/logs.md', () => {
  const tx = transaction({
    requestId: 'id1',
    client: '192.0.2.1',
    method: 'GET',
    host: 'api.example',
    path: '/a/b',
    rawPath: '/a/./b',
    query: '?token=s3cret&x=1',
    status: 504,
    code: 'SP_UPSTREAM_TIMEOUT',
    policy: 'per-client',
    reason: 'no head after 30000 ms',
    identity: { kind: 'jwt', issuer: 'main', subject: 'ann "x"', client: 'a'.repeat(300) } as Identity,
    route: { kind: 'route', index: 0, name: 'orders' } as Route,
    upstreamName: 'shop',
    upstreamTarget: 'http://10.0.0.1:80',
    upstreamMs: 30_000.25,
    waitedMs: 0.75,
    tries: 2,
    bytesReceived: 10,
    bytesSent: 300,
    userAgent: 'curl/8',
    wafText: ',"waf":{"outcome":"matched","rules":[942100]}',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  });
  const full = record(tx, { query: true, redact: ['token'] }, 30_001.2345);
  assert.deepEqual(full, {
    level: 50,
    time: NOW,
    msg: 'request',
    thread: 2,
    requestId: 'id1',
    client: '192.0.2.1',
    method: 'GET',
    host: 'api.example',
    path: '/a/b',
    query: 'token=[redacted]&x=1',
    status: 504,
    code: 'SP_UPSTREAM_TIMEOUT',
    policy: 'per-client',
    reason: 'no head after 30000 ms',
    caller: 'jwt',
    issuer: 'main',
    subject: 'ann "x"',
    clientId: `${'a'.repeat(256)}...[+44]`,
    waf: { outcome: 'matched', rules: [942100] },
    route: 'orders',
    upstream: 'shop',
    target: 'http://10.0.0.1:80',
    tries: 2,
    durationMs: 30_001.235,
    upstreamMs: 30_000.25,
    waitMs: 0.75,
    bytesIn: 10,
    bytesOut: 300,
    userAgent: 'curl/8',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  });
  const page = readFileSync(resolve('docs/logs.md'), 'utf8');
  const documented = [...page.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  assert.deepEqual(
    documented,
    Object.keys(full).filter((name) => !['level', 'time', 'msg'].includes(name)),
  );
});

test('what there is not is null or left out', () => {
  const bare = record(transaction(), {}, -3);
  for (const name of ['query', 'code', 'reason', 'upstreamMs', 'waitMs', 'traceId']) assert.ok(!(name in bare), name);
  assert.deepEqual([bare.route, bare.upstream, bare.target], [null, null, null]);
  assert.equal(bare.durationMs, 0);
  assert.equal(record(transaction({ query: '?token=x' })).query, undefined);
  assert.equal(record(transaction({ query: '?' }), { query: true }).query, undefined);
});

test('durations and times keep their value', () => {
  for (const ms of [
    0.0004, 0.0005, 0.001, 0.9994, 0.9996, 1, 999.9999, 1_000, 59_999.5, 1_999_999.999, 2_000_001.4, 1e12,
  ]) {
    const written = Number(record(transaction(), {}, ms).durationMs);
    assert.ok(Math.abs(written - ms) <= (ms > 2_000_000 ? 0.5 : 0.000_501), `${ms}: ${written}`);
  }
  fc.assert(
    fc.property(fc.double({ min: 0, max: 2_000_000, noNaN: true }), (ms) => {
      assert.ok(Math.abs(Number(record(transaction(), {}, ms).durationMs) - ms) <= 0.000_501);
    }),
  );
  const chunks: string[] = [];
  const log = new AccessLog({ thread: 0, query: false, redact: [] }, (chunk) => chunks.push(chunk) > 0);
  const times = [NOW, NOW + 1, NOW + 958, NOW + 957, NOW + 3_600_000, 0, 999, 1_000];
  for (const time of times) log.write(transaction(), time, 1);
  log.flush();
  const written = chunks.join('').trimEnd().split('\n');
  assert.deepEqual(
    written.map((line) => JSON.parse(line).time),
    times,
  );
});

test('the level is that of the code, at least info, and log.level leaves lines out', () => {
  const numbers: Record<string, number> = { debug: 30, info: 30, warn: 40, error: 50, fatal: 60 };
  for (const code of ERROR_CODES) {
    assert.equal(record(transaction({ code })).level, numbers[ERRORS[code].level], code);
  }
  const counts = ['trace', 'info', 'warn', 'error', 'fatal', 'silent'].map(
    (level) =>
      write(transaction(), { level }).length + write(transaction({ code: 'SP_UPSTREAM_TIMEOUT' }), { level }).length,
  );
  assert.deepEqual(counts, [2, 2, 1, 1, 0, 0]);
});

test('whatever a client sends, a line is one line of printable ASCII and parses back', () => {
  const nasty = fc.string({ unit: 'binary', maxLength: 80 });
  const halves = fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
    .map((units) => String.fromCharCode(...units));
  const controls = fc.constantFrom(
    '"',
    '\\',
    '\n',
    '\r',
    '\u0000',
    '\u001b[2J',
    '\u009b31m',
    '\u007f',
    '\u2028',
    '\u202e',
    '\ud800',
    '","level":60,"x":"',
  );
  const text = fc.oneof(
    nasty,
    halves,
    fc.array(controls, { maxLength: 8 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, text, text, text, text, text, (method, host, path, query, userAgent, reason) => {
      const tx = transaction({ method, host, path: `/${path}`, query: `?${query}`, userAgent, reason, client: host });
      const lines = write(tx, { query: true, redact: ['token'] });
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? '', /^[ -~]+$/);
      const parsed = JSON.parse(lines[0] ?? '');
      assert.equal(parsed.level, 30);
      assert.equal(parsed.path, `/${path}`);
      assert.equal(parsed.userAgent, userAgent);
      assert.equal(parsed.client, host);
      assert.equal(parsed.reason ?? '', reason);
    }),
    { numRuns: 3_000 },
  );
});

test('long values are cut and say so', () => {
  const long = 'é'.repeat(5_000);
  const cut = record(
    transaction({ method: long, host: long, path: long, query: `?${long}`, reason: long, userAgent: long }),
    { query: true },
  );
  for (const [name, max] of [
    ['method', 32],
    ['host', 255],
    ['path', 1_024],
    ['query', 1_024],
    ['reason', 512],
    ['userAgent', 256],
  ] as const) {
    assert.equal(cut[name], `${'é'.repeat(max)}...[+${5_000 - max}]`);
  }
  // Redacted before it is cut: the cut must not bring a value back.
  const query = `?${'a=1&'.repeat(255)}token=${'s'.repeat(100)}`;
  assert.ok(!JSON.stringify(record(transaction({ query }), { query: true, redact: ['token'] })).includes('sss'));
});

test('a path that was refused is written without query and password', () => {
  const paths = ['/a%00b', '/a?token=x', '/a#b?token=x', 'http://user:pass@host/a?b', 'http://u:p@q@host/a'];
  assert.deepEqual(
    paths.map((rawPath) => record(transaction({ rawPath })).path),
    ['/a%00b', '/a', '/a', 'http://[redacted]@host/a', 'http://[redacted]@host/a'],
  );
});

test('values of listed parameters are replaced, however the name is written', () => {
  const redact = compileQueryRedaction(['token', 'API_Key', 'code']);
  for (const [query, expected] of [
    ['token=x', 'token=[redacted]'],
    ['a=1&TOKEN=x&b=2', 'a=1&TOKEN=[redacted]&b=2'],
    ['%74oken=x&t%4Fken=y', '%74oken=[redacted]&t%4Fken=[redacted]'],
    ['api_key=x', 'api_key=[redacted]'],
    ['token=a=b=c', 'token=[redacted]'],
    ['a=1;token=x;b=2', 'a=1;token=[redacted];b=2'],
    [
      'token[]=x&user[token]=y&user%5Btoken%5D=z&auth.code=w',
      'token[]=[redacted]&user[token]=[redacted]&user%5Btoken%5D=[redacted]&auth.code=[redacted]',
    ],
    ['+token=x&token%20=y&%0atoken=z', '+token=[redacted]&token%20=[redacted]&%0atoken=[redacted]'],
    ['token', 'token'],
    ['tokens=x&mytoken=y&a=token', 'tokens=x&mytoken=y&a=token'],
    ['%=1&%zz=2&%E4=3', '%=1&%zz=2&%E4=3'],
    ['', ''],
    ['=token&&=', '=token&&='],
  ] as const) {
    assert.equal(redact(query), expected);
  }
  assert.equal(compileQueryRedaction([])('token=x'), 'token=x');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (before, after) => {
      const told = redact(`${before}&token=S3CRET&${after}`);
      assert.ok(!told.includes('S3CRET') || before.includes('S3CRET') || after.includes('S3CRET'));
    }),
  );
});

test('lines leave in whole chunks, in order, when full or on flush', () => {
  const chunks: string[] = [];
  const log = new AccessLog({ thread: 0, query: false, redact: [] }, (chunk) => chunks.push(chunk) > 0);
  // Lines are 250 bytes on average: three chunks and a rest.
  const count = Math.ceil(LOG_BATCH_BYTES / 75);
  for (let i = 0; i < count; i++) {
    if (i % 10 === 5) log.append(`{"own":${i}}`);
    else log.write(transaction({ tries: i }), NOW, 1);
  }
  const early = chunks.length;
  log.flush();
  log.flush();
  assert.ok(early >= 1 && chunks.length === early + 1);
  assert.ok(
    chunks.slice(0, -1).every((chunk) => chunk.length >= LOG_BATCH_BYTES && chunk.length < LOG_BATCH_BYTES + 1_000),
  );
  const seen = chunks.flatMap((chunk) => chunk.slice(0, -1).split('\n')).map((line) => JSON.parse(line));
  assert.deepEqual(
    seen.map(({ own, tries }) => own ?? tries),
    Array.from({ length: count }, (_, i) => i),
  );
});

test('lines that find no room are counted, and told once there is room', () => {
  const chunks: string[] = [];
  const told: number[] = [];
  let room = false;
  const log = new AccessLog({ thread: 7, query: false, redact: [], onLost: (lines) => told.push(lines) }, (chunk) => {
    if (room) chunks.push(chunk);
    return room;
  });
  log.write(transaction(), NOW, 1);
  log.write(transaction(), NOW, 1);
  log.flush();
  log.write(transaction(), NOW, 1);
  log.flush();
  log.flush();
  assert.equal(log.lost, 3);
  assert.deepEqual(told, [2, 1]);
  room = true;
  log.write(transaction({ tries: 9 }), NOW, 1);
  log.flush();
  log.flush();
  assert.equal(chunks.length, 1);
  const [report, line] = (chunks[0] ?? '').split('\n').map((text) => (text === '' ? null : JSON.parse(text)));
  assert.equal(report.msg, 'log lines lost');
  assert.deepEqual([report.lost, report.thread, report.level], [3, 7, 40]);
  assert.equal(line.tries, 9);
  assert.equal(log.lost, 3);
});
