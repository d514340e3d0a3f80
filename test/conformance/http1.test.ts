import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OWN_CASES } from './cases.ts';
import { runBoth, summary } from './http1.ts';
import { loadSharedCases, SHARED_CASES, sharedCasesFile } from './shared-cases.ts';

/** Written down so that a case cannot get lost. */
const OWN_COUNT = 169;

test('HTTP/1.1 edge cases come out as they must, in front of a recording upstream and of node:http', async (t) => {
  const file = sharedCasesFile();
  if (file === null) t.diagnostic('http1/cases.json is not here (set SALLYPORT_SHARED): its 66 cases are skipped');
  const shared = file === null ? [] : loadSharedCases(file);
  if (file !== null) assert.equal(shared.length, SHARED_CASES);
  assert.equal(OWN_CASES.length, OWN_COUNT);
  const cases = [...shared, ...OWN_CASES];
  assert.equal(new Set(cases.map((one) => one.name)).size, cases.length, 'names are unique');

  const { results, stray } = await runBoth(cases);
  const names = new Set(shared.map((one) => one.name));
  if (shared.length > 0)
    t.diagnostic(
      summary(
        'http1/cases.json',
        shared.length,
        results.filter((r) => names.has(r.name)),
      ),
    );
  t.diagnostic(
    summary(
      'our own',
      OWN_CASES.length,
      results.filter((r) => !names.has(r.name)),
    ),
  );
  const wrong = results.filter((result) => result.findings.length > 0);
  assert.deepEqual(stray, []);
  assert.deepEqual(wrong, []);
  assert.equal(results.length, cases.length * 2);
});
