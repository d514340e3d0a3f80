import { detectXss } from '../src/waf/operators/detect-xss.ts';
import { InspectedValue } from '../src/waf/value.ts';

/**
 * Microseconds per call of @detectXSS, by kind of value. Values vary; the count of those found proves that the work
 * was done. Run: node dist/native-bench/xss.js
 */
const VALUES = 512;
const ROUNDS = 40;

const WORDS = 'the order of a table from north to south, which they select and join with care as she said'.split(' ');
const holds = detectXss.compile('', { readData: () => '' });

const kinds: readonly (readonly [string, (index: number) => string])[] = [
  ['a word', (index) => `${WORDS[index % WORDS.length]}${index}`],
  ['a field of a browser, 110 B', (index) => `Mozilla/5.0 (X11; Linux x86_64; rv:${index}.0) ${prose(index, 70)}`],
  ['prose, 93 B', (index) => prose(index, 93)],
  ['prose with apostrophes, 2.6 kB', (index) => prose(index, 2_600).replaceAll('the', "it's")],
  ['a query, a=b&c=d, 100 B', (index) => Array.from({ length: 12 }, (_, key) => `k${key}=${index * key}`).join('&')],
  [
    'JSON, 1 kB',
    (index) => JSON.stringify(Array.from({ length: 12 }, (_, id) => ({ id, name: prose(index + id, 60) }))),
  ],
  ['base64 with =, 400 B', (index) => Buffer.from(prose(index, 298)).toString('base64')],
  ['HTML, harmless, 600 B', (index) => `<p class="x">${prose(index, 40)}</p>`.repeat(10)],
  ['HTML, harmless, 10 kB', (index) => `<p class="x">${prose(index, 40)}</p>`.repeat(170)],
  ['an attack', (index) => `${prose(index, 20)}<script>alert(${index})</script>`],
  ['an attack in a value', (index) => `${prose(index, 20)}" onfocus=alert(${index}) x="`],
  ['<, 10 kB', (index) => '<'.repeat(10_000 + index)],
  ['quotes, 10 kB', (index) => `${`' "`.repeat(3_300 + index)}=`],
];

console.log('value'.padEnd(34), 'us a call'.padStart(10), 'found'.padStart(6));
for (const [name, make] of kinds) {
  const values = Array.from({ length: VALUES }, (_, index) => new InspectedValue(flat(make(index))));
  let best = Number.POSITIVE_INFINITY;
  let found = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = process.hrtime.bigint();
    found = 0;
    for (const value of values) found += holds(value, null) ? 1 : 0;
    best = Math.min(best, Number(process.hrtime.bigint() - startedAt) / 1_000 / VALUES);
  }
  console.log(name.padEnd(34), best.toFixed(3).padStart(10), String(found).padStart(6));
}

function prose(seed: number, size: number): string {
  let text = '';
  for (let at = seed; text.length < size; at += 1 + (seed % 5)) text += `${WORDS[(at * 7) % WORDS.length]} `;
  return text.slice(0, size);
}

/** As a value that was read from a request: one piece of one-byte characters. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
