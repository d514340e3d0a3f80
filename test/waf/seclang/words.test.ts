import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lexDirectives } from '../../../src/waf/seclang/lex.ts';
import { growsLinearly } from '../../support/growth.ts';

describe('words of directives', () => {
  const table: readonly (readonly [text: string, ...words: string[]])[] = [
    ['SecRule ARGS "@rx a b" "id:1,deny"', 'SecRule', 'ARGS', '@rx a b', 'id:1,deny'],
    ['\t SecRule\tARGS  foo \r\n', 'SecRule', 'ARGS', 'foo'],
    // A quote behind a backslash is a quote, and the backslash goes.
    [String.raw`a "b \"c\" d"`, 'a', 'b "c" d'],
    [String.raw`a "\""`, 'a', '"'],
    // Other backslashes are those of regular expressions.
    [String.raw`a "\d+\.\x5c\'\n"`, 'a', String.raw`\d+\.\x5c\'\n`],
    // Two stay two; the quote behind them closes.
    [String.raw`a "b\\" c`, 'a', String.raw`b\\`, 'c'],
    [String.raw`a "b\\\"c"`, 'a', String.raw`b\\"c`],
    [String.raw`a "\\\\" "\\d"`, 'a', String.raw`\\\\`, String.raw`\\d`],
    // Single quotes are the same, and hold double ones as they are.
    [String.raw`a 'b "c" \'d\' \"'`, 'a', String.raw`b "c" 'd' \"`],
    [`a "it's"`, 'a', "it's"],
    // Quotes in a bare word are part of it.
    [`a TX:'b' c\\d\\`, 'a', "TX:'b'", 'c\\d'],
    ['a "" \'\'', 'a', '', ''],
    ['a "#b" #c', 'a', '#b', '#c'],
    ['a "b \\\n  c"', 'a', 'b   c'],
    ['a \\\nb \\ \t\r\n c', 'a', 'b', 'c'],
    ['a "b\\\r\nc"', 'a', 'bc'],
    ['\xef\xbb\xbfa b', 'a', 'b'],
    ['a \xa0b\x00', 'a', '\xa0b\x00'],
    ['a `b`', 'a', '`b`'],
    ['a b\\', 'a', 'b'],
  ];
  for (const [text, ...words] of table) {
    test(JSON.stringify(text), () => assert.deepEqual(lexDirectives(text), [{ line: 1, words }]));
  }

  test('a directive begins on its first line', () => {
    const text = '# one\n\n  # two \\\na \\\n  b \\\n c\n\nd\n';
    assert.deepEqual(lexDirectives(text), [
      { line: 4, words: ['a', 'b', 'c'] },
      { line: 8, words: ['d'] },
    ]);
  });

  test('a rule that is commented out goes on, another comment does not', () => {
    assert.deepEqual(lexDirectives('#SecRule A "b" \\\n  "id:1,\\\n  deny"\nc'), [{ line: 4, words: ['c'] }]);
    assert.deepEqual(lexDirectives('# SecAction \\\n#  "id:1"\nc'), [{ line: 3, words: ['c'] }]);
    assert.deepEqual(lexDirectives('# C:\\\nc'), [{ line: 2, words: ['c'] }]);
  });

  test('a directive that a comment would swallow is a fault', () => {
    const message = 'the comment of line 1 goes on over its backslash and would swallow this directive';
    const text = 'SecRule C "d" "id:1"';
    assert.deepEqual(lexDirectives(`#SecRule A "b" \\\n${text}\ne`), [
      { line: 2, text, message },
      { line: 3, words: ['e'] },
    ]);
  });

  test('time is linear: long runs of what might be looked at again', () => {
    for (const piece of [' ', '\\', '"', '\\\n', 'a ', '"\\"" ', '#\\\n', '\r']) {
      assert.ok(
        growsLinearly((times) => lexDirectives(piece.repeat(times)), 5_000),
        JSON.stringify(piece),
      );
    }
  });
});
