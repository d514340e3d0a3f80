import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatRecord, isLifted, mergeRecords, type RevocationRecord } from '../../src/revocation/record.ts';
import { comesToRest, few, joinedBothWays } from '../support/joining.ts';

const JOINING = { merge: mergeRecords, format: formatRecord };
/** Records of one thing, close enough to meet in every way. */
const records: fc.Arbitrary<RevocationRecord> = fc.record({
  kind: fc.constant('subject' as const),
  issuer: fc.constant('main'),
  value: fc.constant('ann'),
  sinceMs: few(1, 3),
  untilMs: few(100, 3),
  issuedUntilMs: few(0, 3),
  reason: fc.constantFrom('', 'a', 'b'),
  node: fc.constantFrom('n1', 'n2'),
  changedMs: few(10, 4),
  liftedMs: fc.oneof(fc.constant(0), few(9, 5)),
});

test('fast-check: joining is the same from both sides, and what was heard before changes nothing', () => {
  fc.assert(
    fc.property(records, records, (a, b) => {
      const joined = joinedBothWays(JOINING, a, b);
      if (isLifted(joined)) return;
      // Neither shorter nor narrower than anything that was not lifted.
      for (const one of [a, b].filter(({ changedMs }) => changedMs > joined.liftedMs)) {
        assert.ok(joined.untilMs >= one.untilMs);
        assert.ok(joined.issuedUntilMs === 0 || (one.issuedUntilMs > 0 && joined.issuedUntilMs >= one.issuedUntilMs));
      }
    }),
    { numRuns: 5_000 },
  );
});

test('fast-check: machines that tell each other what they make of it come to the same, and to rest', () => {
  fc.assert(
    fc.property(fc.array(records, { minLength: 2, maxLength: 5 }), (told) => comesToRest(JOINING, told)),
    { numRuns: 5_000 },
  );
});
