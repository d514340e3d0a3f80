import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SallyportError } from '../../src/errors.ts';
import { fileLines } from '../../src/tuning/file-lines.ts';
import { fuzzRun } from '../support/fuzz.ts';
import { Folder, recordsOf } from './support.ts';

const folder = new Folder();

const entry = (more: object = {}, request: object = {}): string =>
  `${JSON.stringify({
    transaction: {
      unique_id: 'a1',
      client_ip: '203.0.113.5',
      route: 'all',
      outcome: 'blocked',
      request: {
        method: 'POST',
        uri: '/x?a=1',
        headers: { host: 'a.test', 'content-length': '3' },
        body: 'b=2',
        ...request,
      },
      messages: [{ details: { ruleId: '10', phase: 2, variable: 'ARGS:b' } }],
      ...more,
    },
  })}\n`;

describe('audit logs in JSON', () => {
  test('an entry', () => {
    const { records, unread } = recordsOf(folder.file('one.log', entry()));
    const [record] = records;
    assert.deepEqual(unread.places, []);
    assert.ok(record);
    const { request, matches, ...rest } = record;
    assert.deepEqual(
      [request.method, request.target, request.fields, request.body.toString()],
      ['POST', '/x?a=1', ['host', 'a.test', 'content-length', '3'], 'b=2'],
    );
    assert.deepEqual(matches, [{ ruleId: 10, phase: 2, variable: 'ARGS:b' }]);
    const { id, client, route, outcome, body, withheldCount, isInexact } = rest;
    assert.deepEqual(
      [id, client, route, outcome, body, withheldCount, isInexact],
      ['a1', '203.0.113.5', 'all', 'blocked', 'whole', 0, false],
    );
  });

  test('what was not recorded, withheld or cut is told from what was not there', () => {
    const of = (request: object): unknown[] => {
      const [record] = recordsOf(folder.file('body.log', entry({}, request))).records;
      return [record?.body, record?.hasFields, record?.withheldCount, record?.isInexact];
    };
    assert.deepEqual(of({ body: undefined }), ['absent', true, 0, false]);
    assert.deepEqual(of({ body: undefined, headers: {} }), ['none', true, 0, false]);
    assert.deepEqual(of({ body: undefined, headers: undefined }), ['none', false, 0, false]);
    assert.deepEqual(of({ body: '[redacted]' }), ['absent', true, 0, false]);
    assert.deepEqual(of({ body: 'aaa...[+12]' }), ['absent', true, 0, false]);
    assert.deepEqual(of({ body: 'password=[redacted]&a=1' }), ['whole', true, 1, false]);
    assert.deepEqual(of({ body: 'a=\ufffd' }), ['whole', true, 0, true]);
  });

  test('lines of a log stream, half lines, giant lines and other things', () => {
    const stream = `{"level":40,"msg":"audit",${entry().slice(1)}`;
    const giant = entry({}, { body: 'x'.repeat(17_000_000) });
    const text = ['', '{"level":30,"msg":"request"}', entry().slice(0, 90), 'null', '[1]', '{"transaction":7}'].join(
      '\n',
    );
    const path = folder.file('mixed.log', `${stream}${text}\n${giant}\n${entry()}{"transaction":{"request":{"me`);
    const { records, unread } = recordsOf(path);
    assert.equal(records.length, 2);
    assert.deepEqual([unread.malformed, unread.tooLong, unread.other], [5, 1, 1]);
    assert.equal(unread.places.length, 5);
  });

  test('members of other types are as good as absent, and names of objects are names', () => {
    const odd = entry(
      { client_ip: { a: 1 }, outcome: 'toString', route: 7, messages: [7, null, {}, { details: { ruleId: '-1' } }] },
      { headers: JSON.parse('{"__proto__":"x","constructor":"y","n":null}'), body: 5 },
    );
    const [record] = recordsOf(folder.file('odd.log', odd)).records;
    assert.deepEqual(record?.request.fields, ['__proto__', 'x', 'constructor', 'y', 'n', '']);
    assert.deepEqual([record?.client, record?.outcome, record?.matches], ['192.0.2.1', null, []]);
  });
});

describe('native audit logs', () => {
  const native = (boundary: string, id: string, body = ''): string =>
    [
      `--${boundary}-A--`,
      `[03/Feb/2026:04:05:06 +0000] ${id} 203.0.113.5 0 192.0.2.2 8080`,
      '',
      `--${boundary}-B--`,
      'POST /x?a=\\xc3\\xa9 HTTP/1.1',
      'host: a.test',
      'x-a: tab\\x09',
      'content-length: 9',
      '',
      `--${boundary}-C--`,
      body,
      '',
      `--${boundary}-H--`,
      'Message: Access denied with code 403 (phase 2). Matched "@rx x" against variable `ARGS:a\\x27b\' (Value: `x\') ' +
        '[file "f"] [line "1"] [id "10"] [msg "m"]',
      'Stopwatch: 1 2',
      '',
      `--${boundary}-Z--`,
      '',
      '',
    ].join('\n');

  test('an entry', () => {
    const { records, unread } = recordsOf(folder.file('native.log', native('1a2b3c4d', 'n1', 'b=\\x00\nc')));
    const [record] = records;
    assert.equal(unread.malformed, 0);
    assert.deepEqual([record?.id, record?.outcome, record?.body], ['n1', 'blocked', 'whole']);
    assert.equal(record?.request.target, '/x?a=\xc3\xa9');
    assert.deepEqual(record?.request.fields, ['host', 'a.test', 'x-a', 'tab\t', 'content-length', '9']);
    assert.deepEqual(record?.request.body, Buffer.from('b=\0\nc', 'latin1'));
    assert.deepEqual(record?.matches, [{ ruleId: 10, phase: 2, variable: "ARGS:a'b" }]);
  });

  test('a body that looks like an entry is a body', () => {
    const forged = native('deadbeef', 'forged').trimEnd();
    const { records, unread } = recordsOf(folder.file('forged.log', native('1a2b3c4d', 'n1', forged)));
    assert.deepEqual([records.map(({ id }) => id), unread.malformed], [['n1'], 0]);
    assert.match(records[0]?.request.body.toString() ?? '', /--deadbeef-Z--/);
  });

  test('an entry without an end is passed over, and the next one is read', () => {
    const half = native('1a2b3c4d', 'n1').slice(0, 150);
    const { records, unread } = recordsOf(folder.file('half.log', `${half}\n${native('2b3c4d5e', 'n2')}${half}`));
    assert.deepEqual([records.map(({ id }) => id), unread.malformed], [['n2'], 2]);
  });
});

describe('other recordings', () => {
  test('JSON lines', () => {
    const lines = [
      { url: 'http://a.test/x?y', headers: [['X-A', 'é']], body: 'z', route: 'all', outcome: 'passed', id: 'l1' },
      { method: 'PUT', url: '/b', headers: { 'x-b': ['1', '2'] }, bodyBase64: '/w==' },
      { url: '' },
    ];
    const path = folder.file(
      'lines.jsonl',
      Buffer.from(lines.map((line) => `${JSON.stringify(line)}\r\n`).join('')).toString('latin1'),
    );
    const { records, unread } = recordsOf(path);
    assert.equal(unread.malformed, 1);
    const [first, second] = records;
    assert.deepEqual(
      [first?.id, first?.request.method, first?.request.target, first?.route],
      ['l1', 'POST', '/x?y', 'all'],
    );
    assert.deepEqual(first?.request.fields, ['host', 'a.test', 'X-A', '\xc3\xa9']);
    assert.deepEqual([second?.request.method, second?.request.body], ['PUT', Buffer.from([0xff])]);
    assert.deepEqual(second?.request.fields, ['host', 'localhost', 'x-b', '1', 'x-b', '2']);
  });

  test('an archive', () => {
    const entries = [
      {
        request: {
          method: 'POST',
          url: 'https://a.test/x',
          headers: [{ name: ':path', value: '/' }],
          postData: { text: 'b' },
        },
      },
      { request: 'none' },
    ];
    const { records, unread } = recordsOf(folder.file('a.har', JSON.stringify({ log: { entries } }, null, 2)));
    assert.deepEqual([records.length, unread.malformed], [1, 1]);
    assert.deepEqual(records[0]?.request.fields, ['host', 'a.test']);
  });

  test('no file', () => {
    assert.throws(
      () => recordsOf(`${folder.path}/none`),
      (error: unknown) => error instanceof SallyportError,
    );
    assert.throws(
      () => recordsOf(folder.path),
      (error: unknown) => error instanceof SallyportError,
    );
  });
});

test('lines of any bytes are cut where they end, and the rest is bounded', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', '\n', '\r', '{', '"', '-', '\xff', 'long'.repeat(9)), { maxLength: 60 }),
      (pieces) => {
        const text = pieces.join('');
        const path = folder.file('any', text);
        const expected = text.split('\n');
        if (expected.at(-1) === '') expected.pop();
        const found = [...fileLines(path, 30)];
        assert.deepEqual(
          found.map((line) => line.text),
          expected.map((line) => (line.length > 30 ? null : line.replace(/\r$/, ''))),
        );
        assert.deepEqual(
          found.map(({ number }) => number),
          found.map((_, index) => index + 1),
        );
        // Nothing in a file makes the reading fail.
        recordsOf(path);
      },
    ),
    fuzzRun(t, 200),
  );
});
