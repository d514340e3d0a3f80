import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTargets } from '../../src/waf/compile-targets.ts';
import { parseVariables } from '../../src/waf/seclang/variables.ts';
import type { RequestState } from '../../src/waf/state.ts';

test('members are selected by patterns, case ignored', () => {
  const names = ['foo_1', 'FOO_2', 'a-foo_', 'fo', '\xe9foo_', '_x', '-x', '\rx', '1x', 'FOO_'];
  // All that the variable reads.
  const state = { allArguments: names.map((name) => ({ name, value: '' })) } as unknown as RequestState;
  const selected = (selector: string): string => {
    const [target] = compileTargets(parseVariables(`ARGS:/${selector}/`));
    assert.ok(target?.kind === 'members');
    return target
      .entries(state)
      .map(({ name }) => name)
      .join(' ');
  };
  // The same with a pattern that RE2 is asked for.
  for (const [word, same] of [
    ['^foo_', '^foo[_]'],
    ['^FOO_', '^(?:FOO_)'],
    ['foo_', 'foo(?:_)'],
    ['O_2', 'O_[2]'],
    ['^_', '^[_]'],
    ['^-', '^[-]'],
    ['^1x', '^[1]x'],
    ['zzz', 'zz[z]'],
  ] as const) {
    assert.equal(selected(word), selected(same), word);
  }
  assert.equal(selected('^foo_'), 'foo_1 FOO_2 FOO_');
});
