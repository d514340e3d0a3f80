import assert from 'node:assert/strict';
import fc from 'fast-check';

/** How records of one kind are joined, and their text. */
export interface Joining<R> {
  readonly merge: (a: R, b: R) => R;
  readonly format: (record: R) => string;
}

/** A few whole numbers, so that records meet in every way. */
export function few(from: number, count: number): fc.Arbitrary<number> {
  return fc.integer({ min: from, max: from + count - 1 });
}

/** Joining is the same from both sides, and joining again changes nothing. @returns  What was joined. */
export function joinedBothWays<R>({ merge, format }: Joining<R>, a: R, b: R): R {
  const joined = merge(a, b);
  for (const again of [merge(b, a), merge(joined, a), merge(joined, b)]) assert.equal(format(again), format(joined));
  return joined;
}

/** Machines that know one record each tell each other, through one place, what they make of it, until they rest. */
export function comesToRest<R>({ merge, format }: Joining<R>, told: readonly R[]): void {
  const known = [...told];
  // The place in Redis: whoever tells last stands there.
  let there = told[0] as R;
  let changes = 1;
  for (let rounds = 0; changes > 0; rounds += 1) {
    assert.ok(rounds < 20, 'they never come to rest');
    changes = 0;
    for (const [index, own] of known.entries()) {
      const joined = merge(own, there);
      known[index] = joined;
      if (format(joined) === format(there)) continue;
      there = joined;
      changes += 1;
    }
  }
  assert.equal(new Set(known.map(format)).size, 1);
}
