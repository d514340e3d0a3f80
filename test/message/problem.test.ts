import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ERROR_CODES, ERRORS, problemSlug } from '../../src/errors.ts';
import { compileProblems } from '../../src/message/problem.ts';
import { refuse } from '../../src/verdict.ts';
import { fuzzRun } from '../support/fuzz.ts';

const problems = compileProblems('urn:problem-type:gateway:');

test('a refusal becomes a problem document (RFC 9457)', () => {
  const { status, head, body } = problems(refuse('SP_ROUTE_METHOD', undefined, ['allow', 'GET, HEAD']), 'r-1');
  assert.equal(status, 405);
  assert.equal(
    head.toString('latin1'),
    '405 Method Not Allowed\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\nx-request-id: r-1\r\nallow: GET, HEAD',
  );
  assert.deepEqual(JSON.parse(body.toString()), {
    type: 'urn:problem-type:gateway:route-method',
    title: 'Method not allowed',
    status: 405,
    detail: 'The route does not accept this method.',
    request_id: 'r-1',
  });
});

test('every code that has an answer gives its own', () => {
  let answered = 0;
  for (const code of ERROR_CODES) {
    const { status, head, body } = problems(refuse(code), 'r-1');
    const row = ERRORS[code];
    const document = JSON.parse(body.toString()) as Record<string, unknown>;
    const expected = row.status === 0 ? ERRORS.SP_INTERNAL : row;
    assert.equal(status, expected.status);
    assert.match(head.toString('latin1'), new RegExp(`^${expected.status} [A-Z][A-Za-z' -]+\\r\\n`), code);
    assert.equal(document.status, expected.status);
    assert.equal(document.title, expected.title);
    assert.equal(document.detail, expected.detail);
    if (row.status === 0) continue;
    answered += 1;
    assert.equal(document.type, `urn:problem-type:gateway:${problemSlug(code)}`);
  }
  assert.ok(answered >= 20);
});

test('reason phrases are those of RFC 9110', () => {
  const line = (code: Parameters<typeof refuse>[0]) =>
    problems(refuse(code), 'r').head.toString('latin1').split('\r\n')[0];
  assert.equal(line('SP_REQUEST_BODY_TOO_LARGE'), '413 Content Too Large');
  assert.equal(line('SP_REQUEST_HEAD_TOO_LARGE'), '431 Request Header Fields Too Large');
  assert.equal(line('SP_UPSTREAM_TIMEOUT'), '504 Gateway Timeout');
  assert.equal(line('SP_HTTPS_REQUIRED'), '308 Permanent Redirect');
});

test('fields that cannot be fields are left out', () => {
  const fields = [
    'location',
    'https://h/a',
    'x-a',
    'b\r\nset-cookie: c',
    'x b',
    'c',
    'x-d',
    'caf\u00e9',
    'x-e',
    '\u010d\u010a',
    '',
    'f',
    'x-g',
    '',
    'x-h',
    'a\0',
    'odd',
  ];
  const { head } = problems(refuse('SP_HTTPS_REQUIRED', undefined, fields), 'r-1\r\nx: y');
  assert.equal(
    head.toString('latin1'),
    '308 Permanent Redirect\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\nlocation: https://h/a',
  );
});

test('any detail and id survive as JSON, and no text adds a field', (t) => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  fc.assert(
    fc.property(text, text, text, (detail, id, value) => {
      const { head, body } = problems(refuse('SP_REQUEST_FIELD', detail, ['x-value', value]), id);
      const document = JSON.parse(body.toString()) as Record<string, unknown>;
      assert.equal(document.detail, detail);
      assert.equal(document.request_id, id);
      assert.match(head.toString('latin1'), /^[^\r\n]+(\r\n[a-z-]+: [^\r\n]+){2,4}$/);
    }),
    fuzzRun(t, 2_000),
  );
});
