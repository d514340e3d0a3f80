import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MULTIPART_CASES } from './multipart-corpus.ts';
import { BOUNDARY_TYPE, oddThings, pairs, read } from './support.ts';

test('the corpus: arguments, files, flags and errors', () => {
  for (const { what, type, body, found = [], files = [], odd = [], error = null } of MULTIPART_CASES) {
    const parsed = read('MULTIPART', body, type);
    assert.deepEqual(pairs(parsed), found, what);
    assert.deepEqual(
      parsed.files.map((file) => `${file.field}/${file.fileName}/${file.content}`),
      files,
      what,
    );
    assert.deepEqual(oddThings(parsed), odd, what);
    assert.equal(parsed.error, error, what);
    for (const { bytes, content } of parsed.files) assert.equal(bytes, content.length);
  }
  assert.equal(MULTIPART_CASES.length, 77);
});

test('what libmodsecurity 3.0.9 refuses is refused here', () => {
  const here = (parsed: ReturnType<typeof read>): boolean => parsed.error === null && oddThings(parsed).length === 0;
  const refused = MULTIPART_CASES.filter((row) => !row.passesModSecurity);
  for (const { what, body, type } of refused) assert.equal(here(read('MULTIPART', body, type)), false, what);
  const stricter = MULTIPART_CASES.filter(
    (row) => row.passesModSecurity && !here(read('MULTIPART', row.body, row.type)),
  );
  assert.deepEqual(
    stricter.map(({ what }) => what),
    [
      'an empty boundary',
      'an empty boundary in quotes',
      '71 characters',
      'a boundary behind a bare CR',
      'a boundary within a line',
      'two Content-Disposition',
      'a quote that does not end',
      'an escaped quote',
      'a semicolon at the end',
      'space around =',
      'a bare CR in a header',
      'an encoding',
      'a part of parts',
      'too many header lines',
    ],
  );
});

test('part headers are lines with the name of their part, folded ones in one', () => {
  const body =
    '--B\r\nX-A: 1\r\n  2\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' +
    '--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\nContent-Type: text/plain\r\n\r\n\r\n--B--';
  assert.deepEqual(read('MULTIPART', body).partHeaders, [
    { part: 'a', line: 'X-A: 1  2' },
    { part: 'a', line: 'Content-Disposition: form-data; name="a"' },
    { part: 'f', line: 'Content-Disposition: form-data; name="f"; filename="x"' },
    { part: 'f', line: 'Content-Type: text/plain' },
  ]);
});

test('arguments and files count together', () => {
  const parts = (count: number, more = ''): string =>
    `${`--B\r\nContent-Disposition: form-data; name="a"${more}\r\n\r\n1\r\n`.repeat(count)}--B--\r\n`;
  assert.equal(read('MULTIPART', parts(1_000)).error, null);
  const over = read('MULTIPART', parts(1_001, '; filename="x"'), BOUNDARY_TYPE);
  assert.equal(over.files.length, 1_000);
  assert.equal(over.error, 'holds more than 1000 values');
  assert.deepEqual(oddThings(over).includes('fileLimitExceeded'), true);
});
