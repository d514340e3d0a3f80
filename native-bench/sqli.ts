import { detectSqlInjection } from '../src/waf/injection/sqli/detect.ts';

// Microseconds per value that @detectSQLi reads, 4,096 varied values of each kind. The count of what was found proves
// that values were read.
//
//   node dist/native-bench/sqli.js

const VALUES = 4_096;
const ROUNDS = 8;
/** The best of many short runs: on a shared machine the others measure the neighbours. */
const ATTEMPTS = 12;

const WORDS = [
  'order',
  'the',
  'group',
  'select',
  'and',
  'union',
  'of',
  'name',
  'from',
  'like',
  'house',
  'is',
  'update',
];
const word = (i: number): string => WORDS[(i * 7 + (i >>> 4)) % WORDS.length] as string;
const hex = (i: number): string => (i * 2_654_435_761).toString(16).padStart(12, '0').slice(-12);

const KINDS: Readonly<Record<string, (i: number) => string>> = {
  'letters and digits': (i) => `${word(i)}${i}`,
  identifiers: (i) => `${hex(i).slice(0, 8)}-4${hex(i).slice(1, 4)}-a${hex(i + 1).slice(2, 5)}-${hex(i)}`,
  dates: (i) => `${2000 + (i % 30)}-0${1 + (i % 9)}-1${i % 10}T10:${10 + (i % 50)}:00Z`,
  'media types': (i) => `text/html,application/${word(i)}+xml;q=0.${i % 10},*/*;q=0.8`,
  'prose of 60 bytes': (i) =>
    `The ${word(i)} ${word(i + 1)} didn't ${word(i + 2)} ${word(i + 3)}, ${i} or more ${word(i + 5)}.`,
  'JSON of 1 KiB': (i) => `{${Array.from({ length: 40 }, (_, k) => `"${word(i + k)}${k}":"${hex(i + k)}"`).join(',')}}`,
  attacks: (i) => `${i}' or ${i % 9}=${i % 9}${['-- ', '#', '/*'][i % 3]}`,
};

console.log('values                us/value   found');
for (const [name, make] of Object.entries(KINDS)) {
  const values = Array.from({ length: VALUES }, (_, i) => Buffer.from(make(i)).toString('latin1'));
  let best = Number.POSITIVE_INFINITY;
  let found = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    found = 0;
    const start = performance.now();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const value of values) if (detectSqlInjection(value) !== null) found += 1;
    }
    best = Math.min(best, performance.now() - start);
  }
  const microseconds = (best * 1_000) / (ROUNDS * VALUES);
  console.log(`${name.padEnd(20)}  ${microseconds.toFixed(3).padStart(8)}  ${String(found / ROUNDS).padStart(6)}`);
}
