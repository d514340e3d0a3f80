import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fuzzRun } from '../../support/fuzz.ts';
import { captured, compiled } from '../../support/operators.ts';
import { operatorsOfRules } from '../../support/rule-patterns.ts';
import { NO_MATERIAL, sharedMaterial } from '../../support/shared-material.ts';

const EVERY_BYTE = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
const bytesMatched = (pattern: string): number[] => {
  const matches = compiled('rx', pattern);
  return EVERY_BYTE.flatMap((character, byte) => (matches(character) ? [byte] : []));
};
const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('@rx reads PCRE', () => {
  test('classes hold the bytes that PCRE gives them in a C locale', () => {
    const space = [...range(0x09, 0x0d), 0x20];
    const letters = [...range(0x41, 0x5a), ...range(0x61, 0x7a)];
    const others = (bytes: number[]) => range(0, 255).filter((byte) => !bytes.includes(byte));
    const classes: readonly (readonly [string, number[]])[] = [
      ['.', range(0, 255)],
      ['(?-s).', others([0x0a])],
      ['\\N', others([0x0a])],
      ['\\C', range(0, 255)],
      ['\\s', space],
      ['\\S', others(space)],
      ['[[:space:]]', space],
      ['[^\\s]', others(space)],
      ['\\v', [0x0a, 0x0b, 0x0c, 0x0d, 0x85]],
      ['[\\v]', [0x0a, 0x0b, 0x0c, 0x0d, 0x85]],
      ['\\R', [0x0a, 0x0b, 0x0c, 0x0d, 0x85]],
      ['\\h', [0x09, 0x20, 0xa0]],
      ['[\\H]', others([0x09, 0x20, 0xa0])],
      ['\\d', range(0x30, 0x39)],
      ['(?i)[[:upper:]]', letters],
      ['(?i)[[:^lower:]]', others(letters)],
      ['[[:^alpha:]]', others(letters)],
      ['[[:punct:]]', [...range(0x21, 0x2f), ...range(0x3a, 0x40), ...range(0x5b, 0x60), ...range(0x7b, 0x7e)]],
      ['[]a]', [0x5d, 0x61]],
      ['[^]a]', others([0x5d, 0x61])],
      ['[a\\-z]', [0x2d, 0x61, 0x7a]],
      ['[\\d-z]', [0x2d, ...range(0x30, 0x39), 0x7a]],
      ['[a-]', [0x2d, 0x61]],
      ['[\\b]', [0x08]],
      ['[\\Q^-]\\E]', [0x2d, 0x5d, 0x5e]],
      ['[\\x41-\\x{43}\\104\\o{105}]', range(0x41, 0x45)],
      ['\\x4', [0x04]],
      ['\\0', [0x00]],
      ['\\101', [0x41]],
      ['\\cA', [0x01]],
      ['\\e', [0x1b]],
      ['[\\a\\f\\t]', [0x07, 0x09, 0x0c]],
      ['[^\\x00-\\xff]', []],
      ['\\_', [0x5f]],
    ];
    for (const [pattern, bytes] of classes) {
      const sorted = [...bytes].sort((a, b) => a - b);
      assert.deepEqual(bytesMatched(`^(?:${pattern})$`), sorted, pattern);
    }
  });

  test('case is folded for ASCII alone', () => {
    assert.deepEqual(bytesMatched('(?i)^k$'), [0x4b, 0x6b]);
    assert.deepEqual(bytesMatched('(?i)^[s]$'), [0x53, 0x73]);
    assert.deepEqual(bytesMatched('(?i)^\xe9$'), [0xe9]);
    assert.deepEqual(bytesMatched('(?i)^[\xe9]$'), [0xe9]);
    assert.deepEqual(bytesMatched('(?i)^[\xe0-\xfe]$'), range(0xe0, 0xfe));
    // Folded, this class would let 0xC9 by.
    assert.ok(bytesMatched('(?i)^[^\xe9]$').includes(0xc9));
    assert.equal(bytesMatched('(?i)^[^\xe9k]$').length, 253);
    assert.deepEqual(bytesMatched('(?i)^\xb5$'), [0xb5]);
  });

  const held: readonly (readonly [pattern: string, yes: readonly string[], no: readonly string[]])[] = [
    ['^a$', ['a'], ['a\n', '\na', 'b']],
    ['(?m)^a$', ['a', 'b\na\nb'], ['ba']],
    ['\\Aa\\Z', ['a', 'a\n'], ['a\n\n', 'ab']],
    ['(a\\Z)|b\\z', ['xa\n', 'b'], ['b\n']],
    ['a.c', ['a\nc', 'a\xffc'], ['ac']],
    ['(?i:A)b', ['ab', 'Ab'], ['aB']],
    ['(?i)a(?-i)b', ['Ab'], ['AB']],
    ['(a(?i)b|c)d', ['aBd', 'Cd'], ['aBD', 'Ad']],
    ['(?x) a b # comment\n c [ ] \\ d', ['abc  d'], ['a b c']],
    ['a(?#comment)b', ['ab'], ['a(']],
    ['\\Qa.b*\\Ec', ['a.b*c'], ['axbbc']],
    ['a{,2}', ['a{,2}'], ['aa']],
    ['a{2}{2}', ['aaaa'], ['aaa']],
    ['x{2,3}y', ['xxy'], ['xy']],
    ['{', ['{'], ['']],
    ['\\bcat\\b', ['a cat', '\xe9cat\xe9'], ['cats', 'cat_']],
    ['a\\Rb', ['a\r\nb', 'a\x85b'], ['a\n\rb']],
    ["(?P<n>a)(?<m>b)(?'o'c)", ['abc'], ['ab']],
    // What was repeated cannot follow: nothing would be given back.
    ['a++b', ['aab'], ['b']],
    ['[^"]*+"', ['x"'], ['x']],
    ['x*+$', ['xx', ''], []],
    ['a|b?+', ['a', ''], []],
    ['', ['', 'a'], []],
    ['\\N{2}', ['ab'], ['a\n']],
    ['\\12', ['\n'], ['12']],
  ];
  for (const [pattern, yes, no] of held) {
    test(`/${pattern.replaceAll('\n', '\\n')}/`, () => {
      const matches = compiled('rx', pattern);
      for (const text of yes) assert.equal(matches(text), true, JSON.stringify(text));
      for (const text of no) assert.equal(matches(text), false, JSON.stringify(text));
    });
  }

  test('captures are the match and its first nine groups', () => {
    assert.deepEqual(captured('rx', '(a)(x)?(c)?b', 'ab'), ['ab', 'a', '', '']);
    assert.deepEqual(captured('rx', '(\xe9)([^a]+)', 'a\xe9\x00\xff\xc2'), [
      '\xe9\x00\xff\xc2',
      '\xe9',
      '\x00\xff\xc2',
    ]);
    assert.deepEqual(captured('rx', '(a+?)(a*)', 'aaa'), ['aaa', 'a', 'aa']);
    assert.deepEqual(captured('rx', '(?U)(a+)(a*)$', 'aaa'), ['aaa', 'a', 'aa']);
    assert.equal(captured('rx', '(.)'.repeat(12), 'abcdefghijkl')?.length, 10);
    assert.equal(captured('rx', 'b', 'a'), null);
    assert.deepEqual(captured('rxGlobal', '(a)(b?)', 'ab\xe9a-'), ['a', 'a', '']);
    assert.deepEqual(captured('rxGlobal', '(\xe9*)', 'x\xe9'), ['', '']);
  });

  const refused: readonly (readonly [string, RegExp])[] = [
    ['a(?=b)', /\(\?= is nothing that RE2 can match/],
    ['a(?!b)', /\(\?! is nothing/],
    ['(?<=a)b', /\(\?<= is nothing/],
    ['(?<!a)b', /\(\?<! is nothing/],
    ['(?>a+)b', /\(\?> is nothing/],
    ['(?|a|b)', /\(\?\| is nothing/],
    ['(a)\\1', /back reference/],
    ['(?<n>a)\\k<n>', /\\k is nothing/],
    ['(a)(?P=n)', /\(\?P= is nothing/],
    ['(?R)', /\(\?R is nothing/],
    ['(?(1)a)', /\(\?\( is nothing/],
    ['(*UTF)a', /a verb/],
    ['a++a', /possessive a\+\+ is nothing/],
    ['(?:a++)a', /possessive a\+\+/],
    ['(a|b)*+', /possessive repeat of a group/],
    ['\\p{L}', /\\p is nothing/],
    ['\\X', /\\X is nothing/],
    ['\\x{100}', /256 is no byte/],
    ['\\400', /256 is no byte/],
    ['a\\Zb', /\\Z is supported at the end/],
    ['(a', /missing \)/],
    ['a)', /a \) closes nothing/],
    ['[a', /missing \] of a class/],
    ['[z-a]', /runs downwards/],
    ['[[:foo:]]', /no class of bytes/],
    ['*a', /\* repeats nothing/],
    ['a|{2}', /a count in braces repeats nothing/],
    ['a{3,2}', /counts downwards/],
    ['a\\', /trailing|middle of an escape/],
    ['(?J)a', /not supported/],
    ['(?#a', /has no end/],
    ['('.repeat(300) + ')'.repeat(300), /nested deeper than 250/],
    ['a{1001}', /^RE2 cannot take the pattern: invalid repetition size/],
    ['(?:[^a]{1000}|[^b]{1000}){1}'.repeat(200), /^RE2 cannot take the pattern: pattern too large/],
  ];
  for (const [pattern, message] of refused) {
    test(`refuses /${pattern.slice(0, 40)}/`, () => {
      assert.throws(() => compiled('rx', pattern), { name: 'SecLangReason', message });
    });
  }
});

test('bytes above 127 in patterns of CRS mean themselves', () => {
  // 0xBF and 0xEF as bytes, and the three bytes of a right quote in a class.
  assert.equal(compiled('rx', '\\xbf')('\xef\xbb\xbf'), true);
  assert.equal(compiled('rx', '\\xc2\\xa0')('a\xc2\xa0b'), true);
  assert.equal(compiled('rx', '\\xc2\\xa0')('a\xa0b'), false);
  assert.equal(compiled('rx', '\xe2\x80\x99')('it\xe2\x80\x99s'), true);
  assert.deepEqual(bytesMatched('^[\xe2\x80\x99]$'), [0x80, 0x99, 0xe2]);
  assert.equal(compiled('rx', '[\\x80-\\xff]{3}')('\xff\xfe\x80'), true);
  // Neither half of a character, nor what is no UTF-8, is skipped.
  assert.equal(compiled('rx', '^.{4}$')('\xc3\xa9\xc3\xff'), true);
  assert.equal(compiled('rx', 'script')('\xff\xfe<script>\xc0'), true);
});

test('all patterns of CRS compile', { skip: sharedMaterial('crs/rules') === null ? NO_MATERIAL : false }, () => {
  const operators = operatorsOfRules(sharedMaterial('crs/rules') as string);
  const patterns = operators.filter(({ name }) => name === 'rx').map(({ parameter }) => parameter);
  assert.equal(patterns.length, 318);
  for (const pattern of patterns) assert.equal(typeof compiled('rx', pattern)(''), 'boolean');
});

/** A pattern that PCRE and V8 read alike, over bytes that are odd to one of them. */
const byte = fc.constantFrom('a', 'b', '-', '\n', '\v', '\x00', '\x80', '\x85', '\xa0', '\xc2', '\xc3', '\xe9', '\xff');
const escaped = byte.map((character) =>
  /[ab]/.test(character) ? character : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
);
const item = fc.oneof(
  escaped,
  fc.constantFrom('.', '\\d', '\\w', '\\W', '[\\x09-\\x0d\\x20]'),
  fc.tuple(fc.constantFrom('', '^'), fc.array(escaped, { minLength: 1, maxLength: 3 })).map(([not, all]) => {
    return `[${not}${all.join('')}]`;
  }),
);
const count = fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,2}', '*?');
const repeated = fc.tuple(item, count).map((both) => both.join(''));
const choice = (part: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .array(fc.array(part, { maxLength: 3 }), { minLength: 1, maxLength: 2 })
    .map((all) => all.map((parts) => parts.join('')).join('|'));
/** One level of groups, and short values: more of either, and RegExp would now and then not end. */
const group = fc.tuple(choice(repeated), count).map(([inner, times]) => `(?:${inner})${times}`);
const pattern = choice(fc.oneof(repeated, group));

test('@rx finds over any bytes what RegExp finds', (t) => {
  const values = fc.array(byte, { maxLength: 8 }).map((bytes) => bytes.join(''));
  const anchors = fc.constantFrom(['', ''], ['^', '$'], ['^', ''], ['', '$']);
  const cases = fc.tuple(pattern, anchors, fc.array(values, { minLength: 1, maxLength: 6 }));
  fc.assert(
    fc.property(cases, ([inner, [before, after], texts]) => {
      const source = `${before}(?:${inner})${after}`;
      const own = compiled('rx', source);
      const theirs = new RegExp(source, 's');
      for (const text of texts) assert.equal(own(text), theirs.test(text), `${source} on ${JSON.stringify(text)}`);
    }),
    fuzzRun(t, 1_500),
  );
});

test('@rx captures of any bytes what RegExp captures', (t) => {
  const any = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  fc.assert(
    fc.property(fc.tuple(any, escaped, escaped), ([text, first, second]) => {
      const source = `${first}(.*?)(${second}|$)`;
      const found = new RegExp(source, 's').exec(text);
      assert.deepEqual(captured('rx', source, text), found === null ? null : [...found].map((group) => group ?? ''));
    }),
    fuzzRun(t, 1_000),
  );
});

test('patterns that explode elsewhere take time in proportion to the value', () => {
  const explosive = ['(a+)+$', '(a|a)*b', '(a|aa)+$', '^(([a-z])+.)+[A-Z]([a-z])+$', '(.*a){20}b', '(x+x+)+y'];
  for (const source of explosive) {
    const matches = compiled('rx', source);
    const cpuOf = (length: number): number => {
      const text = `${(source.includes('x') ? 'x' : 'a').repeat(length)}!`;
      let best = Number.POSITIVE_INFINITY;
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const start = process.cpuUsage();
        assert.equal(matches(text), false);
        const { user, system } = process.cpuUsage(start);
        best = Math.min(best, user + system);
      }
      return best;
    };
    cpuOf(1_000);
    const [small, large] = [cpuOf(10_000), cpuOf(100_000)];
    // Ten times the length. The 5 ms are for a machine under load; quadratic time would be a hundredfold.
    assert.ok(large <= 30 * small + 5_000, `${source}: ${small} us, then ${large} us`);
  }
});

test('patterns with more states than memory are matched all the same', () => {
  let state = 1;
  const random = (length: number): string => {
    let text = '';
    for (let i = 0; i < length; i += 1) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      text += (state >> 16) % 2 === 0 ? 'a' : 'b';
    }
    return text;
  };
  // Two million states, were they all made.
  const source = '[ab]*a[ab]{20}(c)';
  const text = random(200_000);
  assert.equal(captured('rx', source, text), null);
  const tail = `a${random(20)}c`;
  assert.deepEqual(
    captured('rx', source, `${text}${tail}`)?.map((group) => group.length),
    [200_022, 1],
  );
  assert.equal(captured('rx', source, `${text}${tail.slice(1)}`)?.[1] ?? null, text.at(-1) === 'a' ? 'c' : null);
});
