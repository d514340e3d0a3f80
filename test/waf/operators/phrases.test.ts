import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PhraseAutomaton } from '../../../src/waf/operators/phrase-automaton.ts';
import { fuzzRun } from '../../support/fuzz.ts';
import { captured, compiled } from '../../support/operators.ts';
import { NO_MATERIAL, sharedMaterial } from '../../support/shared-material.ts';

const lower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** The phrase that ends first, the longest of those, and of equals the first. */
function naive(phrases: readonly string[], text: string): string | null {
  const [folded, wanted] = [lower(text), phrases.map(lower)];
  for (let end = 1; end <= text.length; end += 1) {
    let best = -1;
    wanted.forEach((phrase, index) => {
      const longer = best === -1 || phrase.length > (wanted[best] as string).length;
      if (phrase !== '' && longer && folded.slice(0, end).endsWith(phrase)) best = index;
    });
    if (best !== -1) return phrases[best] as string;
  }
  return null;
}

const someByte = fc.constantFrom('a', 'b', 'A', 'B', 'c', '\x00', '\xe9', '\xc9', '\xff');
const someText = (maxLength: number) => fc.array(someByte, { maxLength }).map((bytes) => bytes.join(''));

test('the automaton finds what a search phrase by phrase finds', (t) => {
  fc.assert(
    fc.property(
      fc.array(someText(6), { maxLength: 12 }),
      fc.array(someText(30), { maxLength: 5 }),
      (phrases, texts) => {
        const automaton = new PhraseAutomaton(phrases);
        for (const text of texts) assert.equal(automaton.find(text), naive(phrases, text));
      },
    ),
    fuzzRun(t, 2_000),
  );
});

test('phrases of every byte there is are found', () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  const automaton = new PhraseAutomaton(bytes.map((byte) => `x${byte}y`));
  for (const byte of bytes) assert.equal(lower(automaton.find(`-x${byte}Y`) ?? ''), lower(`x${byte}y`));
  for (const byte of bytes) assert.equal(automaton.find(`${byte}${byte}x`), null);
});

test('long phrases that overlap themselves are found from any state', (t) => {
  const periodic = fc.tuple(fc.constantFrom('a', 'ab', 'aab', 'abcab'), fc.integer({ min: 1, max: 20 }));
  const phrase = fc.tuple(periodic, someByte).map(([[unit, count], last]) => unit.repeat(count) + last);
  fc.assert(
    fc.property(
      fc.array(phrase, { minLength: 1, maxLength: 5 }),
      fc.array(phrase, { maxLength: 8 }),
      (phrases, parts) => {
        const text = parts.join('');
        assert.equal(new PhraseAutomaton(phrases).find(text), naive(phrases, text));
      },
    ),
    fuzzRun(t, 500),
  );
});

test('without phrases nothing is found', () => {
  assert.equal(new PhraseAutomaton([]).find('abc'), null);
  assert.equal(new PhraseAutomaton(['']).find(''), null);
  assert.equal(compiled('pm', ' ')('a b'), false);
});

describe('@pm', () => {
  test('phrases are parted by white space, case is set aside for ASCII', () => {
    assert.deepEqual(captured('pm', 'Foo  bar\tbaz', 'xBARx'), ['bar']);
    assert.deepEqual(captured('pm', 'Foo bar', 'xfoox'), ['Foo']);
    assert.equal(captured('pm', '\xe9', '\xc9'), null);
    assert.deepEqual(captured('pm', 'abcd bc', 'abcd'), ['bc']);
    assert.deepEqual(captured('pm', 'bc abc c', 'xabc'), ['abc']);
  });

  test('bytes can be given in hexadecimal', () => {
    assert.deepEqual(captured('pm', 'a|0A|b', 'xA\nB'), ['a\nb']);
    assert.deepEqual(captured('pm', 'x|0d 0a|y z', '..x\r\ny'), ['x\r\ny']);
    // White space that is given so belongs to its phrase.
    assert.equal(captured('pm', 'a|20|b', 'a'), null);
    assert.deepEqual(captured('pm', 'a|20|b', 'a b'), ['a b']);
    assert.deepEqual(captured('pm', '|ff||00|', '\xff\x00'), ['\xff\x00']);
    assert.deepEqual(captured('pm', 'a\\|b \\\\', 'a|b'), ['a|b']);
    assert.deepEqual(captured('pm', 'c:\\windows', 'C:\\WINDOWS'), ['c:\\windows']);
    for (const broken of ['a|b', 'a|zz|', '|0|', '||']) {
      assert.throws(() => compiled('pm', broken), { name: 'SecLangReason', message: /neither bytes in hexadecimal/ });
    }
  });
});

describe('@pmFromFile', () => {
  const readData = (path: string): string => {
    assert.equal(path, 'words.data');
    return '# comment\r\n\r\n  \n Foo bar \r\nca#fe\n  # not a comment here, trimmed first\nend\xc3\xa0';
  };

  test('lines are trimmed; blank ones and comments are left out', () => {
    assert.deepEqual(captured('pmFromFile', 'words.data', 'xfoo barx', { readData }), ['Foo bar']);
    assert.deepEqual(captured('pmf', ' words.data ', 'xca#fe', { readData }), ['ca#fe']);
    assert.deepEqual(captured('pmFromFile', 'words.data', 'END\xc3\xa0', { readData }), ['end\xc3\xa0']);
    assert.equal(captured('pmFromFile', 'words.data', '# comment', { readData }), null);
    assert.equal(captured('pmFromFile', 'words.data', 'end\xc3', { readData }), null);
  });

  test('nothing is fetched, and a file must be named', () => {
    const reason = (message: RegExp) => ({ name: 'SecLangReason', message });
    assert.throws(() => compiled('pmFromFile', 'https://a.example/b'), reason(/@pmFromFile fetches nothing: .*beside/));
    assert.throws(() => compiled('pmFromFile', ' '), reason(/@pmFromFile names no file/));
  });
});

const rules = sharedMaterial('crs/rules');

test('data files of CRS make small tables, and find each of their lines', {
  skip: rules === null ? NO_MATERIAL : false,
}, () => {
  const files = readdirSync(rules as string).filter((file) => file.endsWith('.data'));
  assert.equal(files.length, 21);
  for (const file of files) {
    const text = readFileSync(`${rules}/${file}`, 'latin1');
    const phrases = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const automaton = new PhraseAutomaton(phrases);
    // 13 bytes a state, no more states than characters, and 64 KiB of rows.
    assert.ok(automaton.tableBytes <= 13 * text.length + 66 * 1024, `${file}: ${automaton.tableBytes}`);
    for (const phrase of phrases) {
      const found = automaton.find(`\x01${phrase.replace(/[a-z]/g, (letter) => letter.toUpperCase())}\x01`);
      assert.ok(found !== null && lower(phrase).includes(lower(found)), `${file}: ${phrase}`);
    }
  }
});

test('texts that walk deep and fail take time in proportion to their length', () => {
  const automaton = new PhraseAutomaton([`${'a'.repeat(1_000)}b`, `${'ab'.repeat(1_000)}c`]);
  const cpuOf = (text: string): number => {
    let best = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const start = process.cpuUsage();
      assert.equal(automaton.find(text), null);
      best = Math.min(best, process.cpuUsage(start).user);
    }
    return best;
  };
  for (const unit of ['a', 'ab', `${'a'.repeat(999)}c`]) {
    const textOf = (length: number) => unit.repeat(Math.ceil(length / unit.length));
    cpuOf(textOf(10_000));
    const [small, large] = [cpuOf(textOf(30_000)), cpuOf(textOf(300_000))];
    assert.ok(large <= 30 * small + 10_000, `${unit.slice(0, 3)}: ${small} us, then ${large} us`);
  }
});
