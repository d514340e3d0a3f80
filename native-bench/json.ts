import simdjson from 'simdjson';
import { parseBody } from '../src/body/parse-body.ts';

// Microseconds per body, best of some short runs, all in this run:
//   JSON.parse  of the body as a string
//   isValid     simdjson alone: the second reader
//   processor   the whole of ours: names, values, and the second reader
// Bodies differ; the count of those read proves the work.
//
//   node dist/native-bench/json.js

const ATTEMPTS = 10;
const ATTEMPT_MS = 60;
const BODIES = 64;
const CAPS = { argumentsMax: 1_000_000, depthMax: 100 };

let readCount = 0;

function measure(bodies: readonly string[], once: (body: string) => boolean): number {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const start = performance.now();
    let n = 0;
    for (; n < 4 || performance.now() - start < ATTEMPT_MS; n += 1) {
      if (!once(bodies[n % BODIES] ?? '')) throw new Error('a good body was refused');
    }
    best = Math.min(best, ((performance.now() - start) * 1_000) / n);
    readCount += n;
  }
  return best;
}

const item = (id: number): object => ({
  id,
  name: `item ${id}`,
  price: id * 1.25,
  tags: ['a', 'b'],
  note: 'a "quote"',
});

console.log('bytes'.padStart(9), ...['JSON.parse', 'isValid', 'processor'].map((name) => name.padStart(11)));
for (const items of [1, 20, 500, 10_000]) {
  const bodies = Array.from({ length: BODIES }, (_, n) =>
    JSON.stringify({ items: Array.from({ length: items }, (_, i) => item(n + i)) }),
  );
  const figures = [
    measure(bodies, (body) => JSON.parse(body) !== null),
    measure(bodies, (body) => simdjson.isValid(body)),
    measure(bodies, (body) => parseBody('JSON', '', body, CAPS).error === null),
  ];
  console.log(String(bodies[0]?.length).padStart(9), ...figures.map((us) => us.toFixed(1).padStart(11)));
}
console.log(`${readCount} bodies read`);
