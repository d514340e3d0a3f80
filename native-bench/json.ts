import simdjson from 'simdjson';
import { parseBody } from '../src/body/parse-body.ts';
import { type Bench, countRight, flat, type Row } from './bench.ts';

const BODIES = 32;
const CAPS = { argumentsMax: 1_000_000, depthMax: 100 };
const SIZES = [
  ['100 bytes', 100],
  ['1 kB', 1_000],
  ['10 kB', 10_000],
  ['100 kB', 100_000],
  ['1 MB', 1_000_000],
] as const;

/** An operation is a body; all differ. The bodies found valid are the proof. */
export const bench: Bench = {
  what: 'is it JSON: simdjson, the second reader, against JSON.parse; the whole of ours, names and values and both readers',
  *rows() {
    for (const [name, bytes] of SIZES) yield row(name, bytes);
  },
};

function row(name: string, bytes: number): Row {
  const count = bytes > 100_000 ? 2 : BODIES;
  const bodies = Array.from({ length: count }, (_, n) => body(bytes, n));
  const each = (once: (text: string) => boolean) => () => countRight(count, (n) => once(bodies[n] as string));
  return {
    name,
    operations: count,
    proof: count,
    ways: [
      { name: 'simdjson.isValid', run: each((text) => simdjson.isValid(text)) },
      { name: 'JSON.parse', run: each((text) => JSON.parse(text) !== null) },
      { name: 'simdjson.parse', run: each((text) => simdjson.parse(text) !== null) },
      { name: 'parseBody', run: each((text) => parseBody('JSON', '', text, CAPS).error === null) },
    ],
  };
}

/** An order of about so many bytes. */
function body(bytes: number, seed: number): string {
  const items: object[] = [];
  for (let length = 12; length < bytes; length += JSON.stringify(items.at(-1)).length + 1) {
    const id = seed * 10_000 + items.length;
    items.push({ id, name: `item ${id}`, price: id * 1.25, tags: ['a', 'b'], note: 'a "quote"' });
  }
  return flat(JSON.stringify({ items }));
}
