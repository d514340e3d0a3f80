import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KIND, TOKEN_LENGTH_MAX } from '../../../../src/waf/injection/sqli/token.ts';
import { isPhraseHead, kindOfWord } from '../../../../src/waf/injection/sqli/word-lookup.ts';
import { WordTable } from '../../../../src/waf/injection/sqli/word-table.ts';
import { WORDS_BY_KIND } from '../../../../src/waf/injection/sqli/words.ts';

const kindOf = (word: string) => kindOfWord(word, 0, word.length);

describe('words of SQL', () => {
  it('stand in the table once, in order, in upper case, none too long to be looked up', () => {
    const seen = new Set<string>();
    for (const [kind, list] of WORDS_BY_KIND) {
      const words = list.split(',').map((word) => word.trim());
      for (const word of words) {
        assert.ok(!seen.has(word), `${word} twice`);
        seen.add(word);
        assert.match(word, /^[^a-z\s]+( [^a-z\s]+)*$/, word);
        assert.ok(word.length <= TOKEN_LENGTH_MAX, word);
        assert.equal(kindOf(word), kind, word);
        assert.equal(kindOf(word.toLowerCase()), kind, word);
      }
      const letters = words.filter((word) => /^[A-Z]/.test(word));
      assert.deepEqual(letters, [...letters].sort());
    }
    assert.equal(seen.size, 906);
  });

  it('are found inside a value', () => {
    assert.equal(kindOfWord('1fUnion-', 2, 7), KIND.union);
    assert.equal(kindOfWord('1fUnion-', 2, 8), KIND.none);
    assert.ok(isPhraseHead('Group', 0, 5));
    assert.ok(isPhraseHead('for UPDATE skip', 0, 15));
    assert.ok(!isPhraseHead('Grouped', 0, 7));
  });

  it('have letters of ASCII only', () => {
    for (const word of ['CRO\xdf JOIN', 'cro\xdf join', 'M\xb5D', 'SELECT\0', ''])
      assert.equal(kindOf(word), KIND.none, word);
  });
});

describe('a table of words', () => {
  it('keeps the first of two, and finds among many', () => {
    const entries = Array.from({ length: 2_000 }, (_, i) => [`W${i}`, i + 1] as const);
    const table = new WordTable([...entries, ['W7', 9_999]]);
    for (const [word, number] of entries)
      assert.equal(table.find(`x${word.toLowerCase()}x`, 1, word.length + 1), number);
    assert.equal(table.find('w2000', 0, 5), 0);
    assert.equal(table.find('w7'.repeat(20), 0, 40), 0);
  });
});
