import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODES_MAX, readDocument } from '../../src/config/document.ts';
import { Report } from '../../src/config/report.ts';

function read(text: string): { value: Record<string, unknown> | undefined; found: string[]; report: Report } {
  const report = new Report('t.yaml');
  const value = readDocument(text, report);
  return {
    value,
    found: report.problems.map((problem) => `${problem.line}:${problem.column} ${problem.found}`),
    report,
  };
}

test('keys have the place where they stand, list items theirs', () => {
  const { value, report } = read('a: 1\nb:\n  - c: x\n  -  y\n"d e": { f: 2 }\n');
  assert.deepEqual(value, { a: 1, b: [{ c: 'x' }, 'y'], 'd e': { f: 2 } });
  assert.deepEqual(
    Object.fromEntries([...report.places].map(([key, { line, column }]) => [key, `${line}:${column}`])),
    {
      '': '1:1',
      a: '1:1',
      b: '2:1',
      'b[0]': '3:5',
      'b[0].c': '3:5',
      'b[1]': '4:6',
      '["d e"]': '5:1',
      '["d e"].f': '5:10',
    },
  );
});

test('scalars follow YAML 1.2: yes and 010 are no surprise', () => {
  assert.deepEqual(read('a: yes\nb: 010\nc: 0x10\nd: ~\ne: true\nf: 1_000\n').value, {
    a: 'yes',
    b: 10,
    c: 16,
    d: null,
    e: true,
    f: '1_000',
  });
});

test('an alias bomb ends at a bound, quickly', () => {
  const lines = ['a0: &a0 [x, x]'];
  for (let level = 1; level < 60; level += 1) lines.push(`a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`);
  const { value, found } = read(lines.join('\n'));
  assert.equal(value, undefined);
  assert.deepEqual(
    found.map((text) => text.replace(/^\S+ /, '')),
    [`more than ${NODES_MAX} values`],
  );
});

test('deep nesting is a problem, not a stack overflow', () => {
  for (const text of ['['.repeat(10_000), '{a: '.repeat(5_000), `a: ${'['.repeat(100)}${']'.repeat(100)}`]) {
    const { value, found } = read(text);
    assert.equal(value, undefined);
    assert.match(found.join('\n'), /nested (too deeply|deeper than 64 levels)/);
  }
});

test('many keys in one mapping take no quadratic time, and repeated ones are named', () => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `k${index}: ${index}`);
  const { found } = read([...lines, 'k7: again'].join('\n'));
  assert.deepEqual(found, ['20001:1 "k7" is given twice; the first is on line 8']);
});

test('__proto__ never reaches an object', () => {
  const { value, found } = read('a:\n  __proto__: { polluted: 1 }\n');
  assert.deepEqual(found, ['2:3 unknown key "__proto__"']);
  assert.equal(Object.getPrototypeOf(value?.a), Object.prototype);
});

test('one message per line, the first five lines', () => {
  const { found } = read('a: [1\nb: ]\nc: @x\nd: @x\ne: @x\nf: @x\ng: @x\nh: @x\n');
  assert.ok(found.length <= 5);
  assert.equal(new Set(found.map((text) => text.split(':')[0])).size, found.length);
});
