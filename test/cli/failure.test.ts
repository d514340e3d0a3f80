import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeFailure } from '../../src/cli/failure.ts';
import { ConfigError } from '../../src/config/problems.ts';
import { SallyportError } from '../../src/errors.ts';

test('a refused configuration: every problem on a line of its own, no stack', () => {
  const place = { source: 'g.yaml', column: 5 };
  const error = new ConfigError('g.yaml', [
    { ...place, path: 'routes[0].upstream', line: 3, found: 'unknown upstream "apj"', remedy: 'did you mean "api"?' },
    { ...place, path: 'threads', line: 9, found: '-1 is too small', remedy: 'use 0 to 128' },
  ]);
  const lines = describeFailure(error).split('\n');
  assert.match(lines[0] ?? '', /^sallyport: 2 problems in g\.yaml/);
  assert.match(lines[1] ?? '', /routes\[0\]\.upstream .*g\.yaml:3:5.* did you mean "api"\?/);
  assert.match(lines[2] ?? '', /threads .*use 0 to 128/);
  assert.equal(lines.length, 4);
});

test('a foreseen failure: its code and what lies underneath, no stack', () => {
  const error = new SallyportError('SP_LISTEN', 'port 80 is taken', {}, { cause: new Error('EADDRINUSE') });
  assert.equal(describeFailure(error), 'sallyport: port 80 is taken [SP_LISTEN]\n  because: EADDRINUSE\n');
});

test('causes in a circle end', () => {
  const error = new SallyportError('SP_LISTEN', 'x');
  error.cause = error;
  assert.equal(describeFailure(error).split('\n').length, 7);
});

test('a failure nobody foresaw: with its stack', () => {
  assert.match(describeFailure(new TypeError('oops')), /^sallyport: TypeError: oops\n {4}at /);
  assert.equal(describeFailure('plain'), 'sallyport: plain\n');
});
