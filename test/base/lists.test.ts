import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lists } from '../../src/base/lists.ts';

test('a word is an element as a whole, in any case, with spaces and tabs around it', () => {
  for (const list of ['upgrade', 'Upgrade', 'keep-alive, UPGRADE', 'upgrade,close', ' \tupgrade\t ,', ',,upgrade']) {
    assert.equal(lists(list, 'upgrade'), true, list);
  }
  for (const list of ['', ',', 'upgrades', 'an upgrade', 'upgrade/1', 'keep-alive; upgrade', 'up grade', '"upgrade"']) {
    assert.equal(lists(list, 'upgrade'), false, list);
  }
});
