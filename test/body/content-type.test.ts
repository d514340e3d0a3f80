import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readContentType } from '../../src/body/content-type.ts';

test('media types and parameters are read strictly', () => {
  const { mediaType, parameters } = readContentType('Multipart/Form-Data; Boundary="a b"; charset=utf-8');
  assert.equal(mediaType, 'multipart/form-data');
  assert.equal(parameters.error, null);
  assert.deepEqual(
    parameters.list.map(({ name, value, isQuoted }) => [name, value, isQuoted]),
    [
      ['boundary', 'a b', true],
      ['charset', 'utf-8', false],
    ],
  );
});

// What is wrong with each.
const ODD: readonly (readonly [field: string, error: string | null, mediaType?: string])[] = [
  ['a/b', null],
  ['a/b;c=d', null],
  ['a/b ; c=d', null],
  ['a/b; c="d\\"e"', null],
  ['a/b;', 'ends with a semicolon'],
  ['a/b; c', 'has a parameter without name or value'],
  ['a/b; =d', 'has a parameter without name or value'],
  ['a/b; c=', 'has a parameter without a value'],
  ['a/b; c="d', 'has a quoted value that does not end'],
  ['a/b; c="d\\"', 'has a quoted value that does not end'],
  ['a/b; c="d"e', 'has something between parameters'],
  ["a/b; c='d'", 'has a value in single quotes'],
  ['a/b, c/d', 'has something between parameters'],
  ['a/b; c=d, e/f', 'has something between parameters'],
  ['a', 'has something between parameters', ''],
  ['a/', 'has something between parameters', ''],
  ['/b', 'has something between parameters', ''],
];

test('what is no parameter is told', () => {
  for (const [field, error, mediaType = 'a/b'] of ODD) {
    const read = readContentType(field);
    assert.equal(read.mediaType, mediaType, field);
    assert.equal(read.parameters.error, error, field);
  }
  assert.equal(ODD.length, 17);
});
