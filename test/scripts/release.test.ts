import assert from 'node:assert/strict';
import { test } from 'node:test';
import { obstaclesTo } from '../../scripts/release-checks.ts';

const CHANGELOG =
  '# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-01-31\n\n### Added\n\n- A thing.\n\n## [1.1.0] - 2026-01-01\n';
const facts = { version: '1.2.0', changelog: CHANGELOG, status: '', tags: ['v1.1.0'] };

test('nothing stands against a clean tree with its section of the changelog', () => {
  assert.deepEqual(obstaclesTo(facts), []);
});

test('what stands against a release is said', () => {
  const faulty: readonly (readonly [change: Partial<typeof facts>, words: RegExp])[] = [
    [{ status: ' M src/main.ts\n' }, /^the tree is not clean/],
    [{ tags: ['v1.2.0'] }, /^v1\.2\.0 is tagged already/],
    [{ version: '1.3.0' }, /no section \[1\.3\.0\]/],
    [{ version: '1.1.0', tags: [] }, /says nothing under \[1\.1\.0\]/],
    [{ changelog: CHANGELOG.replace(' - 2026-01-31', '') }, /gives \[1\.2\.0\] no date/],
    [{ version: 'next' }, /no version/],
  ];
  for (const [change, words] of faulty) {
    const found = obstaclesTo({ ...facts, ...change });
    assert.equal(found.length, 1, found.join());
    assert.match(found[0] ?? '', words);
  }
});
