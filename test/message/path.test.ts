import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { explainPath, normalisePath } from '../../src/message/path.ts';
import { fuzzRun } from '../support/fuzz.ts';

test('paths take one form', () => {
  const cases: [string, string][] = [
    ['/', '/'],
    ['/a/b/c', '/a/b/c'],
    ['/a/b/', '/a/b/'],
    ["/a-b._~!$&'()*+,;=:@", "/a-b._~!$&'()*+,;=:@"],
    ['/%41%7a%30%2D%5F%7e', '/Az0-_~'],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/a%20b%3f%23', '/a%20b%3F%23'],
    ['/a|b{c}[d]^"<e>`', '/a%7Cb%7Bc%7D%5Bd%5D%5E%22%3Ce%3E%60'],
    ['/%252e%252e/a', '/%252e%252e/a'],
    ['/%2541', '/%2541'],
    ['//a', '/a'],
    ['/a//b///c//', '/a/b/c/'],
    ['/.', '/'],
    ['/a/.', '/a/'],
    ['/a/./b', '/a/b'],
    ['/a/..', '/'],
    ['/a/../b', '/b'],
    ['/a/b/../', '/a/'],
    ['/a//../b', '/b'],
    ['/public/%2e%2E/admin', '/admin'],
    ['/public/.%2e/admin', '/admin'],
    ['/.well-known/x', '/.well-known/x'],
    ['/...', '/...'],
    ['/..a/.b', '/..a/.b'],
    ['/a;v=1/b;w', '/a;v=1/b;w'],
    ['/latin1-%E9', '/latin1-%E9'],
    ['/%E2%82%AC%F0%9F%98%80', '/%E2%82%AC%F0%9F%98%80'],
  ];
  for (const [path, expected] of cases) {
    assert.equal(normalisePath(path, false), expected, path);
    assert.equal(explainPath(path, false), '', path);
  }
});

test('paths that two servers may read in two ways are refused, with the reason', () => {
  const begin = 'The path does not begin with a slash.';
  const character = 'The path has a character that is not allowed.';
  const malformed = 'The path has a malformed percent-encoding.';
  const control = 'The path has an encoded control character.';
  const root = 'The path leads above the root.';
  const disguise = 'The path has a dot or empty segment in disguise.';
  const overlong = 'The path has an overlong UTF-8 sequence.';
  const cases: [string, string][] = [
    ['', begin],
    ['*', begin],
    ['a/b', begin],
    ['http://h/a', begin],
    ['\\a', begin],
    ['/a b', character],
    ['/a\tb', character],
    ['/a\r\nb', character],
    ['/a\0', character],
    ['/a\x7f', character],
    ['/a#b', character],
    ['/a?b', character],
    ['/a\\..\\b', character],
    ['/caf\u00e9', character],
    ['/\u010d\u010a', character],
    ['/\ufffd', character],
    ['/\uff0e\uff0e/', character],
    ['/%', malformed],
    ['/%4', malformed],
    ['/%zz', malformed],
    ['/%4g', malformed],
    ['/%%41', malformed],
    ['/a%2', malformed],
    ['/%\uff14\uff11', malformed],
    ['/%+1', malformed],
    ['/% 1', malformed],
    ['/%00', control],
    ['/a%0d%0aX:y', control],
    ['/%1F', control],
    ['/%7f', control],
    ['/a%2fb', 'The path has an encoded slash.'],
    ['/a%5Cb', 'The path has an encoded backslash.'],
    ['/..', root],
    ['/../a', root],
    ['/a/../../b', root],
    ['/%2e%2e/a', root],
    ['//..//a', root],
    ['/a/..;/b', disguise],
    ['/a/..;x=1/b', disguise],
    ['/a/.;/b', disguise],
    ['/a/..%3b/b', disguise],
    ['/a/%2e%2e;/b', disguise],
    ['/a/;/b', disguise],
    ['/;x/a', disguise],
    ['/a/%3Bx/b', disguise],
    ['/%c0%af', overlong],
    ['/%C0%AE%C0%AE/', overlong],
    ['/%c1%9c', overlong],
    ['/%e0%80%af', overlong],
    ['/%f0%80%80%af', overlong],
  ];
  for (const [path, reason] of cases) {
    assert.equal(normalisePath(path, false), '', JSON.stringify(path));
    assert.equal(explainPath(path, false), reason, JSON.stringify(path));
  }
});

test('encoded slashes may be kept, but not beside a dot segment', () => {
  assert.equal(normalisePath('/a%2fb/c%2Fd', true), '/a%2Fb/c%2Fd');
  assert.equal(normalisePath('/a%2Fb/../c', true), '/c');
  assert.equal(normalisePath('/a%2F..b', true), '/a%2F..b');
  for (const path of ['/a%2f..', '/a/..%2fb', '/a%2f..%2fb', '/%2e%2e%2fb', '/.%2fb', '/a%2f..;x%2fb', '/a%2f;x']) {
    assert.equal(normalisePath(path, true), '', path);
    assert.equal(explainPath(path, true), 'The path has a dot or empty segment in disguise.', path);
  }
  assert.equal(normalisePath('/a%5cb', true), '');
});

const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('/', '/', '.', '..', '%2e', '%2E', ';', '%3b', '%2f', '%252e', '//', 'a', 'b'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('%41', '%c0%af', '%e0%80%80', '%00', '%5c', '%', '|', '"', '[', '#', '?', '\\'),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, '0')}`) },
);
const anyPath = fc.array(piece, { maxLength: 14 }).map((pieces) => `/${pieces.join('')}`);

test('the normalised form equals that of a plain, slow reference', (t) => {
  let accepted = 0;
  fc.assert(
    fc.property(anyPath, fc.boolean(), (path, keep) => {
      const result = normalisePath(path, keep);
      assert.equal(result, reference(path, keep));
      assert.equal(explainPath(path, keep) === '', result !== '');
      if (result !== '') accepted += 1;
    }),
    fuzzRun(t, 20_000),
  );
  assert.ok(accepted > 1_000, `only ${accepted} paths were accepted`);
});

test('the normalised form is final, and a URL parser finds nothing to change in it', (t) => {
  fc.assert(
    fc.property(anyPath, fc.boolean(), (path, keep) => {
      const result = normalisePath(path, keep);
      if (result === '') return;
      assert.equal(normalisePath(result, keep), result);
      assert.equal(new URL(`http://h${result}`).pathname, result);
      assert.match(result, /^\/[!-~]*$/);
      assert.doesNotMatch(result, /\/\/|\/\.{1,2}(\/|$)|[\\#?"<>[\]^`{|}]/);
    }),
    fuzzRun(t, 20_000),
  );
});

/** The rules, one regular expression each. */
function reference(path: string, keep: boolean): string {
  if (!/^\/[!-~]*$/.test(path) || /[\\#?]/.test(path) || /%(?![0-9A-Fa-f]{2})/.test(path)) return '';
  const upper = path
    .replace(/["<>[\]^`{|}]/g, (character) => `%${character.charCodeAt(0).toString(16)}`)
    .replace(/%../g, (triplet) => triplet.toUpperCase());
  if (/%[01].|%7F|%5C/.test(upper) || (!keep && upper.includes('%2F'))) return '';
  if (/%C[01]%[89AB]|%E0%[89]|%F0%8/.test(upper)) return '';
  const decoded = upper.replace(/%../g, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : triplet;
  });
  let rest = decoded.replace(/\/+/g, '/');
  let out = '';
  while (rest !== '') {
    const [segment = ''] = /^\/[^/]*/.exec(rest) ?? [];
    rest = rest.slice(segment.length);
    if (segment === '/.') out += rest === '' ? '/' : '';
    else if (segment === '/..') {
      if (out === '') return '';
      out = out.replace(/\/[^/]*$/, '') + (rest === '' ? '/' : '');
    } else {
      if (/(^\/|%2F)(\.{0,2}(;|%3B)|\.{1,2}(%2F|$))/.test(segment)) return '';
      out += segment;
    }
  }
  return out === '' ? '/' : out;
}
