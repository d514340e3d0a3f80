import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BodyProcessor } from '../../src/parsed-body.ts';
import { BOUNDARY_TYPE, read } from './support.ts';

// Every body is made at a quarter of a megabyte and at four times that; linear work takes four times as long, quadratic
// work sixteen. The machine may be busy: best of as many runs as it takes, up to a bound.

const SMALL = 262_144;
const FACTOR = 4;
const RATIO_MAX = 10;
/** What a collection of garbage takes on a busy machine. Quadratic work over so many bytes takes minutes. */
const NOISE_MS = 25;
/** For the larger body, whatever the machine does: honest ones take a hundredth. */
const MS_MAX = 2_000;
const ATTEMPTS_MAX = 8;
const WIDE = { argumentsMax: 10_000_000, depthMax: 10_000 };

interface Worst {
  readonly what: string;
  readonly processor: BodyProcessor;
  /** About so many bytes. */
  readonly make: (bytes: number) => string;
  readonly type?: string;
  /** At the larger size. */
  readonly isRefused: boolean;
}

const fill = (unit: string, bytes: number): string => unit.repeat(Math.ceil(bytes / unit.length));
const nest = (open: string, middle: string, close: string, bytes: number): string => {
  const depth = Math.ceil(bytes / (open.length + close.length));
  return open.repeat(depth) + middle + close.repeat(depth);
};
const DISPOSITION = '--B\r\nContent-Disposition: form-data; name="a"';
const part = (content: string): string => `${DISPOSITION}\r\n\r\n${content}\r\n--B--\r\n`;

const WORST: readonly Worst[] = [
  { what: '&', processor: 'URLENCODED', make: (n) => fill('&', n), isRefused: false },
  { what: '=', processor: 'URLENCODED', make: (n) => fill('=', n), isRefused: false },
  { what: '%', processor: 'URLENCODED', make: (n) => fill('%', n), isRefused: false },
  { what: '%41', processor: 'URLENCODED', make: (n) => fill('%41', n), isRefused: false },
  { what: '+', processor: 'URLENCODED', make: (n) => fill('+', n), isRefused: false },
  { what: 'arguments', processor: 'URLENCODED', make: (n) => fill('a=%41&', n), isRefused: false },
  { what: 'names without =', processor: 'URLENCODED', make: (n) => `${fill('a&', n)}=`, isRefused: false },
  { what: 'brackets', processor: 'JSON', make: (n) => nest('[', '', ']', n), isRefused: true },
  { what: 'brackets, open', processor: 'JSON', make: (n) => fill('[', n), isRefused: true },
  { what: 'objects in objects', processor: 'JSON', make: (n) => nest('{"a":', '1', '}', n), isRefused: true },
  { what: 'numbers', processor: 'JSON', make: (n) => `[${fill('1,', n)}1]`, isRefused: true },
  { what: 'one number', processor: 'JSON', make: (n) => fill('1', n), isRefused: true },
  { what: 'one fraction', processor: 'JSON', make: (n) => `0.${fill('1', n)}`, isRefused: false },
  { what: 'escapes', processor: 'JSON', make: (n) => `"${fill('\\n', n)}"`, isRefused: false },
  { what: 'pairs of surrogates', processor: 'JSON', make: (n) => `"${fill('\\ud83d\\ude00', n)}"`, isRefused: false },
  { what: 'backslashes', processor: 'JSON', make: (n) => `"${fill('\\\\', n)}`, isRefused: true },
  { what: 'a string', processor: 'JSON', make: (n) => `"${fill('a', n)}"`, isRefused: false },
  { what: 'white space', processor: 'JSON', make: (n) => `${fill(' ', n)}1`, isRefused: false },
  { what: 'one long name', processor: 'JSON', make: (n) => `{"${fill('k', n)}":[1,1,1,1,1,1]}`, isRefused: false },
  {
    what: 'long names over values',
    processor: 'JSON',
    make: (n) => `{"${fill('k', n / 2)}":[${fill('1,', n / 2)}1]}`,
    isRefused: true,
  },
  { what: 'boundaries', processor: 'MULTIPART', make: (n) => fill('--B\r\n', n), isRefused: true },
  { what: 'beginnings of a boundary', processor: 'MULTIPART', make: (n) => part(fill('\r\n--Bx', n)), isRefused: true },
  { what: 'boundaries in a line', processor: 'MULTIPART', make: (n) => part(fill('x--B', n)), isRefused: false },
  {
    what: 'a boundary of dashes',
    processor: 'MULTIPART',
    type: `multipart/form-data; boundary=${'-'.repeat(68)}B`,
    make: (n) => fill('-', n),
    isRefused: true,
  },
  {
    what: 'parts',
    processor: 'MULTIPART',
    make: (n) => `${fill(`${DISPOSITION}\r\n\r\n1\r\n`, n)}--B--`,
    isRefused: false,
  },
  {
    what: 'header lines',
    processor: 'MULTIPART',
    make: (n) => part(`\r\n--B\r\n${fill('a:\r\n', n)}`),
    isRefused: true,
  },
  {
    what: 'folded lines',
    processor: 'MULTIPART',
    make: (n) => `${DISPOSITION}${fill('\r\n ', n)}\r\n\r\n\r\n--B--`,
    isRefused: false,
  },
  {
    what: 'parameters',
    processor: 'MULTIPART',
    make: (n) => `${DISPOSITION}${fill('; b=c', n)}\r\n\r\n\r\n--B--`,
    isRefused: true,
  },
  {
    what: 'spaces in a header',
    processor: 'MULTIPART',
    make: (n) => `${DISPOSITION}\r\nContent-Transfer-Encoding:${fill(' ', n)}x\r\n\r\n\r\n--B--`,
    isRefused: true,
  },
  {
    what: 'escaped quotes',
    processor: 'MULTIPART',
    make: (n) => `${DISPOSITION}; filename="${fill('\\"', n)}"\r\n\r\n\r\n--B--`,
    isRefused: false,
  },
  { what: 'line feeds', processor: 'MULTIPART', make: (n) => part(fill('\n', n)), isRefused: false },
  { what: 'elements in elements', processor: 'XML', make: (n) => nest('<a>', '', '</a>', n), isRefused: true },
  { what: 'elements, open', processor: 'XML', make: (n) => fill('<a>', n), isRefused: true },
  { what: 'empty elements', processor: 'XML', make: (n) => `<a>${fill('<b/>', n)}</a>`, isRefused: false },
  { what: 'texts', processor: 'XML', make: (n) => `<a>${fill('x<b/>', n)}</a>`, isRefused: false },
  {
    what: 'attributes',
    processor: 'XML',
    make: (n) => `<a ${Array.from({ length: n / 10 }, (_, i) => `a${i}=""`).join(' ')}/>`,
    isRefused: false,
  },
  { what: 'ampersands', processor: 'XML', make: (n) => `<a>${fill('&', n)}</a>`, isRefused: true },
  { what: 'references', processor: 'XML', make: (n) => `<a>${fill('&#65;', n)}</a>`, isRefused: false },
  { what: 'comments', processor: 'XML', make: (n) => `<a>${fill('<!---->', n)}</a>`, isRefused: false },
  { what: 'less-thans', processor: 'XML', make: (n) => fill('<', n), isRefused: true },
  { what: 'CDATA, open', processor: 'XML', make: (n) => `<a>${fill('<![CDATA[', n)}</a>`, isRefused: true },
  { what: 'a name', processor: 'XML', make: (n) => `<${fill('\xc3\xa9', n)}/>`, isRefused: false },
  { what: 'white space', processor: 'XML', make: (n) => `<a>${fill(' \r\n', n)}</a>`, isRefused: false },
  {
    what: 'a declaration of spaces',
    processor: 'XML',
    make: (n) => `<?xml version="1.0"${fill(' ', n)}?><a/>`,
    isRefused: true,
  },
  {
    what: 'billions of laughs',
    processor: 'XML',
    make: (n) => `<!DOCTYPE a [<!ENTITY b "${fill('&c;', n)}">]><a>&b;</a>`,
    isRefused: true,
  },
];

/** One reading. */
function time({ processor, type = BOUNDARY_TYPE }: Worst, body: string): { ms: number; error: string | null } {
  const start = performance.now();
  const { error } = read(processor, body, type, WIDE);
  return { ms: performance.now() - start, error };
}

test('the worst bodies take time in line with their length', (t) => {
  let slowest = '';
  let slowestMs = 0;
  for (const worst of WORST) {
    const [small, large] = [worst.make(SMALL), worst.make(SMALL * FACTOR)];
    let smallMs = Number.POSITIVE_INFINITY;
    let largeMs = Number.POSITIVE_INFINITY;
    const isInLine = (): boolean => largeMs <= Math.max(smallMs, NOISE_MS) * RATIO_MAX && largeMs <= MS_MAX;
    for (let attempt = 0; attempt < ATTEMPTS_MAX && !isInLine(); attempt += 1) {
      smallMs = Math.min(smallMs, time(worst, small).ms);
      const { ms, error } = time(worst, large);
      largeMs = Math.min(largeMs, ms);
      assert.equal(error !== null, worst.isRefused, `${worst.what}: ${error}`);
    }
    const name = `${worst.processor} ${worst.what}`;
    assert.ok(isInLine(), `${name}: ${smallMs.toFixed(1)} ms, then ${largeMs.toFixed(1)} ms`);
    if (largeMs > slowestMs) [slowestMs, slowest] = [largeMs, name];
  }
  t.diagnostic(`slowest of ${WORST.length}: ${slowest}, ${slowestMs.toFixed(1)} ms for a megabyte`);
  assert.equal(WORST.length, 45);
});
