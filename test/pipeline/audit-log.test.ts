import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesOf, byteTextOf } from '../../src/base/byte-text.ts';
import { compileAudit } from '../../src/pipeline/audit-log.ts';
import type { RequestFacts } from '../../src/waf/inspection.ts';
import { load, MINIMAL } from '../config/support.ts';
import { engineOf, factsOf } from '../support/waf.ts';

const RULES = `
SecRule REQUEST_HEADERS:X-Parts "@streq 1" "id:8,phase:1,pass,nolog,ctl:auditLogParts=+C,ctl:auditLogParts=-F"
SecRule REQUEST_URI|REQUEST_URI_RAW "@contains attack" "id:9,phase:2,pass,log,auditlog,logdata:'in %{MATCHED_VAR}'"
SecRule ARGS|REQUEST_HEADERS|REQUEST_BODY "@rx (?i)attack[^ ]*" "id:10,phase:2,deny,status:403,capture,log,auditlog,\\
  msg:'an attack',logdata:'found %{TX.0} in %{MATCHED_VAR_NAME}: %{MATCHED_VAR}',severity:CRITICAL,tag:'t/one',ver:'v/1'"
`;

interface Asked extends Partial<RequestFacts> {
  readonly body?: string;
}

function recordOf(asked: Asked, audit: string, path = '/audit.log'): string {
  const { body = '', ...facts } = asked;
  const { config } = load(`waf: { rules: [/srv/*.conf], audit: { path: "${path}", ${audit} } }\n${MINIMAL}`);
  const records: string[] = [];
  const sink = compileAudit(config, 3, {
    file: (record) => void records.push(path === '-' ? assert.fail('to a file') : record),
    log: (line) => void records.push(path === '-' ? line : assert.fail('to the log')),
  });
  assert.ok(sink);
  const own = factsOf(facts);
  const inspection = engineOf(RULES, 'block', config).begin(own);
  inspection.requestHeaders();
  const outcome = inspection.requestBody(body, false);
  inspection.logging();
  assert.equal(inspection.wantsAudit, true);
  sink.write({
    facts: own,
    inspection,
    route: 'all',
    outcome: 'blocked',
    interruption: outcome.kind === 'interrupt' ? outcome.interruption : null,
    status: 403,
    requestBody: bytesOf(body),
    answerBody: Buffer.alloc(0),
    answerFields: ['content-type', 'text/html', 'set-cookie', 'a=secret-cookie'],
    endedAtMs: own.startedAtMs + 12,
  });
  assert.equal(records.length, 1);
  assert.match(records[0] ?? '', /^[ -~\n]*$/, 'not printable ASCII');
  return records[0] ?? '';
}

describe('json', () => {
  test('a record has what was asked for, and what rules found', () => {
    const text = recordOf(
      { target: '/p?x=attack%0a1', fields: ['host', 'a.test', 'x-a', 'é', 'x-a', '2'] },
      'format: json',
    );
    const { transaction } = JSON.parse(text);
    assert.equal(transaction.unique_id, 'id-1');
    assert.equal(transaction.time_stamp, '2026-02-03T04:05:06.000Z');
    assert.deepEqual([transaction.outcome, transaction.action, transaction.rule_id], ['blocked', 'deny', '10']);
    assert.equal(transaction.request.uri, '/p?x=attack%0a1');
    assert.deepEqual(transaction.request.headers['x-a'], '\ufffd, 2');
    assert.deepEqual(transaction.response.headers, { 'content-type': 'text/html', 'set-cookie': '[redacted]' });
    assert.ok(!('body' in transaction.request), 'C was not asked for');
    const message = transaction.messages.at(-1);
    assert.equal(message.message, 'an attack');
    const { ruleId, phase, variable, value, data, severity, tags, ver } = message.details;
    assert.deepEqual([ruleId, phase, variable, value], ['10', 2, 'ARGS:x', 'attack\n1']);
    assert.equal(data, 'found attack\n1 in ARGS:x: attack\n1');
    assert.deepEqual([severity, tags, ver], ['2', ['t/one'], 'v/1']);
  });

  test('into the log stream as a line of its own', () => {
    const { transaction, ...line } = JSON.parse(recordOf({ target: '/?x=attack' }, 'format: json', '-'));
    assert.deepEqual(line, { level: 40, time: 1_770_091_506_012, msg: 'audit', thread: 3, requestId: 'id-1' });
    assert.equal(transaction.request.uri, '/?x=attack');
  });
});

test('rules may change the parts of a record', () => {
  const asked = { body: 'x=attack', fields: ['content-type', 'application/x-www-form-urlencoded', 'x-parts', '1'] };
  const { request, response } = JSON.parse(recordOf(asked, 'parts: ABFHZ')).transaction;
  assert.deepEqual([request.body, response.headers], ['x=attack', undefined]);
  assert.match(recordOf(asked, 'format: native, parts: ABFHZ'), /-A--\n.*-B--\n.*-C--\nx=attack\n.*-H--\n.*-Z--/s);
});

describe('what is withheld', () => {
  const SECRET = 'attack-hunter2';

  const cases: Readonly<Record<string, Asked>> = {
    'an argument': { target: `/?password=${SECRET}` },
    'an argument, encoded': { target: `/?password=%61ttack-hunter2` },
    'an argument within another': { target: `/?user[password]=${SECRET}` },
    'a field': { fields: ['authorization', `Bearer ${SECRET}`] },
    'a cookie': { fields: ['cookie', `a=1; b=${SECRET}`] },
    'a form': { fields: ['content-type', 'application/x-www-form-urlencoded'], body: `password=${SECRET}&a=1` },
    'an argument with a plus, as REQUEST_URI has it': { target: '/?password=attack-hunter2+%61%20b' },
    'the target of a Referer': { fields: ['referer', `http://a.test/?password=${SECRET}`] },
    'a form, encoded': {
      fields: ['content-type', 'application/x-www-form-urlencoded'],
      body: `password=${SECRET}%21+and+more`,
    },
    'a JSON body with an escaped name': {
      fields: ['content-type', 'application/json'],
      body: `{"pass\\u0077ord":"${SECRET}"}`,
    },
    'a body of no type': { body: `password=${SECRET}` },
    'a JSON body': { fields: ['content-type', 'application/json'], body: `{"password":"${SECRET}"}` },
  };
  for (const format of ['json', 'native']) {
    for (const [name, asked] of Object.entries(cases)) {
      test(`${name}, ${format}`, () => {
        const text = recordOf(
          asked,
          `format: ${format}, parts: ABCEFHZ, redact: [password, authorization, cookie, set-cookie]`,
        );
        assert.doesNotMatch(text, /hunter2/i);
        assert.match(text, /\[redacted\]/);
        assert.match(text, /an attack/, 'the rule is told all the same');
      });
    }
  }

  test('a value too short to look for, where its name stands beside it', () => {
    const fields = ['content-type', 'application/x-www-form-urlencoded'];
    const text = recordOf({ fields, body: 'password=Zq9&a=attack' }, 'format: json, redact: [password]');
    assert.doesNotMatch(text, /Zq9/);
  });

  test('everything, where there is too much to look for', () => {
    const body = Array.from({ length: 10_000 }, (_, index) => `password=attack${index}`).join('&');
    const fields = ['content-type', 'application/x-www-form-urlencoded', 'x-a', 'attack'];
    const started = performance.now();
    const text = recordOf({ fields, body }, 'format: json, redact: [password]');
    assert.ok(performance.now() - started < 5_000);
    assert.doesNotMatch(text, /attack\d/);
  });

  test('nothing of what no list names', () => {
    const text = recordOf({ target: `/?note=${SECRET}` }, 'format: json, redact: [password]');
    assert.match(text, /found attack-hunter2/);
  });
});

describe('native', () => {
  test('sections in the order asked for, between lines with one boundary', () => {
    const text = recordOf({ target: '/?x=attack' }, 'format: native, parts: ABFHZ');
    const boundary = /^--([0-9a-f]{8})-A--\n/.exec(text)?.[1];
    const sections = [...text.matchAll(/^--([0-9a-f]{8})-([A-Z])--$/gm)].map(([, own, letter]) => [own, letter]);
    assert.deepEqual(
      sections,
      [...'ABFHZ'].map((letter) => [boundary, letter]),
    );
    assert.match(text, /^\[03\/Feb\/2026:04:05:06 \+0000\] id-1 192\.0\.2\.1 0 192\.0\.2\.2 8080$/m);
    assert.match(text, /^GET \/\?x=attack HTTP\/1\.1$/m);
    assert.match(
      text,
      /^Message: Access denied with code 403 \(phase 2\)\. .*\[id "10"\].*\[msg "an attack"\].*\[tag "t\/one"\]/m,
    );
  });

  test('no value can look like a word of the message', () => {
    const target = `/?x=attack%22]%20')%20[id%20%22999%22]`;
    assert.doesNotMatch(recordOf({ target }, 'format: native, parts: AHZ'), /\[id "999"\]/);
  });

  test('a body is there byte for byte, however long its lines are', () => {
    const body = byteTextOf(Buffer.from(`x=attack€${'y'.repeat(5_000)}`));
    const text = recordOf({ fields: ['content-type', 'text/plain'], body }, 'format: native, parts: ABCHZ');
    assert.match(text, /^x=attack\\xe2\\x82\\xacy{5000}$/m);
  });

  test('no value can begin a line of its own', () => {
    const body = byteTextOf(Buffer.from('x=attack\n--00000000-Z--\r\né'));
    const fields = ['content-type', 'text/plain'];
    const text = recordOf({ target: '/?x=attack%0a--deadbeef-Z--', fields, body }, 'format: native, parts: ABCFHZ');
    assert.equal(text.match(/^--[0-9a-f]{8}-H--$/gm)?.length, 1);
    assert.doesNotMatch(text, /^--deadbeef/m);
    assert.match(text, /\\x0d$/m);
  });
});
