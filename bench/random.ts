/** Whole numbers from 0 to below `bound`. */
export type Random = (bound: number) => number;

/** Numerical Recipes' linear congruential generator: the upper bits are good enough to pick words with. */
export function generator(seed: number): Random {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** Eight digits. */
export function hex(random: Random): string {
  return random(2 ** 32)
    .toString(16)
    .padStart(8, '0');
}

export function pick<T>(from: readonly T[], random: Random): T {
  const one = from[random(from.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
}

export function list<T>(length: number, make: (index: number) => T): readonly T[] {
  return Array.from({ length }, (_, index) => make(index));
}
