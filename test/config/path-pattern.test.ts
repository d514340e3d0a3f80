import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBelow, patternShape, whyNotPattern, whyNotPrefix } from '../../src/config/path-pattern.ts';
import { normalisePath } from '../../src/message/path.ts';

test('patterns that can match are taken', () => {
  for (const pattern of [
    '/',
    '/*',
    '/a',
    '/a/',
    '/a/*',
    '/a/{id}',
    '/{a}/{b}/*',
    '/a.b',
    '/...',
    "/a-_~!$&'()+,;=:@",
    '/caf%C3%A9',
    '/a%20b',
    '/a%2Fb',
    '/a%7Cb',
  ]) {
    assert.equal(whyNotPattern(pattern), undefined, pattern);
  }
});

test('a literal is taken exactly where normalisation leaves it alone', () => {
  const literals = ['/a'];
  for (let code = 0x21; code < 0x7f; code += 1)
    literals.push(`/a${String.fromCharCode(code)}b`, `/${String.fromCharCode(code)}`);
  for (let code = 0; code < 256; code += 1) {
    const hex = code.toString(16).padStart(2, '0');
    literals.push(`/a%${hex.toUpperCase()}b`, `/a%${hex}b`);
  }
  let compared = 0;
  for (const literal of new Set(literals)) {
    // These have a meaning of their own in a pattern; a query ends a path before normalisation sees it.
    if (/[{}*?]/.test(literal)) continue;
    compared += 1;
    const isLeftAlone = normalisePath(literal, true) === literal;
    assert.equal(whyNotPattern(literal) === undefined, isLeftAlone, literal);
  }
  assert.ok(compared > 500, `${compared} literals`);
});

test('prefixes end with a whole segment', () => {
  for (const prefix of ['', '/api', '/api/v1', '/caf%C3%A9']) assert.equal(whyNotPrefix(prefix), undefined, prefix);
  for (const prefix of ['/', '/api/', '/{a}', '/*', '/a//b', '/..'])
    assert.notEqual(whyNotPrefix(prefix), undefined, prefix);
  assert.ok(isBelow('/api', '/api') && isBelow('/api/*', '/api') && isBelow('/api/{x}', '/api'));
  assert.ok(!isBelow('/apis', '/api') && !isBelow('/*', '/api') && !isBelow('/{x}/y', '/api'));
});

test('shapes set parameter names aside', () => {
  assert.equal(patternShape('/a/{x}/{y}/*'), patternShape('/a/{b}/{c}/*'));
  assert.notEqual(patternShape('/a/{x}'), patternShape('/a/x'));
});
