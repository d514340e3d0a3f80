import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatRecord, isLifted, mergeRecords, type RevocationRecord } from '../../src/revocation/record.ts';

const few = (from: number, count: number) => fc.integer({ min: from, max: from + count - 1 });
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
      const joined = mergeRecords(a, b);
      assert.equal(formatRecord(mergeRecords(b, a)), formatRecord(joined));
      assert.equal(formatRecord(mergeRecords(joined, a)), formatRecord(joined));
      assert.equal(formatRecord(mergeRecords(joined, b)), formatRecord(joined));
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
    fc.property(fc.array(records, { minLength: 2, maxLength: 5 }), (told) => {
      const known = [...told];
      // The place in Redis: whoever tells last stands there.
      let there = told[0] as RevocationRecord;
      let changes = 1;
      for (let rounds = 0; changes > 0; rounds += 1) {
        assert.ok(rounds < 20, 'they never come to rest');
        changes = 0;
        for (const [index, own] of known.entries()) {
          const joined = mergeRecords(own, there);
          known[index] = joined;
          if (formatRecord(joined) === formatRecord(there)) continue;
          there = joined;
          changes += 1;
        }
      }
      assert.equal(new Set(known.map(formatRecord)).size, 1);
    }),
    { numRuns: 5_000 },
  );
});
