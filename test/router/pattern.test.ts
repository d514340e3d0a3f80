import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SallyportError } from '../../src/errors.ts';
import { ROUTE_SEGMENTS_MAX } from '../../src/limits.ts';
import { parsePattern, pathParameters, sortPatterns } from '../../src/router/pattern.ts';

test('patterns are literals, parameters and a rest', () => {
  assert.deepEqual(parsePattern('/').segments, [{ kind: 'literal', text: '' }]);
  assert.deepEqual(parsePattern('/*').segments, [{ kind: 'rest' }]);
  assert.deepEqual(parsePattern('/a/{user_id}/b/').segments, [
    { kind: 'literal', text: 'a' },
    { kind: 'parameter', name: 'user_id' },
    { kind: 'literal', text: 'b' },
    { kind: 'literal', text: '' },
  ]);
  assert.deepEqual(parsePattern('/caf%C3%A9/*').segments, [{ kind: 'literal', text: 'caf%C3%A9' }, { kind: 'rest' }]);
});

test('patterns that could not match, or not what they seem to, are refused with the remedy', () => {
  const cases: [string, string][] = [
    ['a', 'path "a" does not begin with a slash; put one before it'],
    ['', 'path "" does not begin with a slash; put one before it'],
    ['/a//b', 'path "/a//b" has an empty segment; write one slash'],
    ['/a/../b', 'path "/a/../b" has a dot segment; write the path without it'],
    ['/a/.', 'path "/a/." has a dot segment; write the path without it'],
    ['/*/a', 'path "/*/a" has a * that is not its end; write {name} for one segment'],
    ['/a*', 'path "/a*" has "a*"; a * is a whole segment at the end: /*'],
    ['/**', 'path "/**" has "**"; a * is a whole segment at the end: /*'],
    ['/a{id}', 'path "/a{id}" has "a{id}"; a parameter is a whole segment: /{name}/'],
    ['/{}', 'path "/{}" has "{}"; a parameter is a whole segment: /{name}/'],
    ['/{1}', 'path "/{1}" has "{1}"; a parameter is a whole segment: /{name}/'],
    ['/{a}/{a}', 'path "/{a}/{a}" has two parameters {a}; rename one'],
    ['/a|b', 'path "/a|b" has "a|b"; percent-encode what is no letter, digit or pchar'],
    ['/a?b', 'path "/a?b" has "a?b"; percent-encode what is no letter, digit or pchar'],
    ['/a%2', 'path "/a%2" has "%2"; write unreserved characters as they are, others as %XX in upper case'],
    ['/%c3', 'path "/%c3" has "%c3"; write unreserved characters as they are, others as %XX in upper case'],
    ['/%41', 'path "/%41" has "%41"; write unreserved characters as they are, others as %XX in upper case'],
    ['/a'.repeat(ROUTE_SEGMENTS_MAX + 1), `has more than ${ROUTE_SEGMENTS_MAX} segments; end it earlier with /*`],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parsePattern(text),
      (error: unknown) =>
        error instanceof SallyportError && error.code === 'SP_CONFIG' && error.message.endsWith(message),
      text,
    );
  }
});

test('parameters come from the pattern that the router took', () => {
  const patterns = sortPatterns(['/{any}/*', '/a/{id}', '/a/{id}/b/{__proto__}', '/a/fixed', '/*'].map(parsePattern));
  const plain = (path: string) => Object.entries(pathParameters(patterns, path));
  assert.deepEqual(plain('/a/7'), [['id', '7']]);
  assert.deepEqual(plain('/a/fixed'), []);
  assert.deepEqual(plain('/a/7/b/x%20y'), [
    ['id', '7'],
    ['__proto__', 'x%20y'],
  ]);
  assert.deepEqual(plain('/a/7/c'), [['any', 'a']]);
  assert.deepEqual(plain('/z'), [['any', 'z']]);
  assert.deepEqual(plain('/'), []);
  assert.deepEqual(Object.entries(pathParameters([parsePattern('/a/{id}')], '/a/')), []);
});
