import { operatorNamed } from '../src/waf/operators.ts';
import { InspectedValue } from '../src/waf/value.ts';

// Microseconds of CPU for patterns that make a backtracking matcher explode, on values that nearly match. RegExp is
// asked up to the size from which it would not end while one waits. The count of answers proves that both looked.
//
//   node dist/native-bench/rx.js

const CASES: readonly (readonly [pattern: string, unit: string, rivalSizeMax: number])[] = [
  ['(a+)+$', 'a', 25],
  ['(a|a)*b', 'a', 25],
  ['^(([a-c])+.)+[A-Z]b$', 'a', 25],
  ['(x+x+)+y', 'x', 25],
  ['(.*a){20}b', 'a', 25],
  ['\\s+$', ' ', 10_000],
];
const SIZES = [20, 25, 1_000, 10_000, 100_000];
/** The best of some: on a shared machine the others measure the neighbours. */
const ATTEMPTS = 5;
/** Who takes longer than this has no need of more than one. */
const LONG_US = 50_000;

const rx = operatorNamed('rx');
let answers = 0;

function cpuUs(look: () => boolean): string {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS && (attempt === 0 || best < LONG_US); attempt += 1) {
    const start = process.cpuUsage();
    if (!look()) answers += 1;
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, user + system);
  }
  return `${best}`;
}

const rows: Record<string, string>[] = [];
for (const [pattern, unit, rivalSizeMax] of CASES) {
  const holds = rx?.compile(pattern, { readData: () => '' });
  const rival = new RegExp(pattern, 's');
  const own: Record<string, string> = { pattern, engine: '@rx' };
  const theirs: Record<string, string> = { pattern, engine: 'RegExp' };
  for (const size of SIZES) {
    const text = `${unit.repeat(size)}!`;
    own[`${size} bytes`] = cpuUs(() => holds?.(new InspectedValue(text), null) === true);
    theirs[`${size} bytes`] = size <= rivalSizeMax ? cpuUs(() => rival.test(text)) : '-';
  }
  rows.push(own, theirs);
}
console.table(rows);
console.log(`${answers} answers: no match`);
