import { fileURLToPath } from 'node:url';
import RE2 from 're2';
import { browser } from '../bench/browser.ts';
import { crsRequest } from '../bench/crs-requests.ts';
import { generator } from '../bench/random.ts';
import { operatorNamed } from '../src/waf/operators.ts';
import { InspectedValue } from '../src/waf/value.ts';
import { operatorsOfRules } from '../test/support/rule-patterns.ts';
import { type Bench, countRight, flat, type Row, type Way } from './bench.ts';

/**
 * RE2 as the firewall uses it. Honest values: patterns of the baseline that RegExp reads too, over what browsers and
 * shops send. An operation is one value tested by one pattern; in rows of sets, one value by all patterns of the set.
 * The matches found are the proof. Hostile values make a matcher explode that goes back.
 */
export const bench: Bench = {
  what: 'RE2 by itself and in sets, on Buffers and strings, against RegExp',
  *rows() {
    const fields = Array.from({ length: 8 }, () => Object.values(browser(random)).map(flat)).flat();
    yield single('fields of a browser, 5 to 130 bytes', fields);
    for (const load of ['crs-json-1k', 'crs-json-10k'] as const) {
      const bodies = Array.from({ length: 8 }, () => flat(crsRequest(load, 0, random).body?.toString() ?? ''));
      yield single(load === 'crs-json-1k' ? 'JSON, 1 kB' : 'JSON, 10 kB', bodies);
    }
    for (const size of [1, 4, 8, 16, 32]) yield set(size, fields, 'fields of a browser');
    for (const size of [8, 32]) yield set(size, noise, '2 kB of random ASCII');
    for (const [pattern, unit, rivalBytesMax] of HOSTILE) {
      for (const bytes of [20, 10_000]) yield hostile(pattern, unit, bytes, bytes <= rivalBytesMax);
    }
  },
};

/** Patterns, what to repeat before a `!`, and up to how many bytes RegExp ends while one waits. */
const HOSTILE: readonly (readonly [pattern: string, unit: string, rivalBytesMax: number])[] = [
  ['(a+)+$', 'a', 20],
  ['(a|a)*b', 'a', 20],
  ['^(([a-c])+.)+[A-Z]b$', 'a', 20],
  ['(x+x+)+y', 'x', 20],
  ['(.*a){20}b', 'a', 20],
  ['\\s+$', ' ', 10_000],
];

const random = generator(7);
const noise = Array.from({ length: 8 }, () =>
  flat(Array.from({ length: 2_048 }, () => String.fromCharCode(32 + random(95))).join('')),
);
const baseline = fileURLToPath(new URL('../../config/waf/baseline', import.meta.url));
const patterns = operatorsOfRules(baseline)
  .filter(({ name, parameter }) => name === 'rx' && asRegExp(parameter) !== null)
  .map(({ parameter }) => parameter);

/** RegExp has no flags within a pattern. */
function asRegExp(source: string): RegExp | null {
  const isFolded = source.startsWith('(?i)');
  try {
    return new RegExp(isFolded ? source.slice(4) : source, isFolded ? 'si' : 's');
  } catch {
    // One of those that only RE2 reads.
    return null;
  }
}

function single(name: string, values: readonly string[]): Row {
  const encoded = values.map((value) => Buffer.from(value, 'latin1'));
  const engines = patterns.map((source) => new RE2(source, 'us'));
  const rivals = patterns.map((source) => asRegExp(source) as RegExp);
  /** Each value by each pattern. @returns  Those that match. */
  const each = <Engine, Value>(
    all: readonly Engine[],
    of: readonly Value[],
    test: (e: Engine, v: Value) => boolean,
  ) => {
    let found = 0;
    for (const value of of) for (const engine of all) if (test(engine, value)) found += 1;
    return found;
  };
  const onBuffers = () => each(engines, encoded, (engine, value) => engine.test(value));
  return {
    name,
    operations: values.length * patterns.length,
    proof: onBuffers(),
    ways: [
      { name: 'RE2, Buffer', run: onBuffers },
      { name: 'RE2, string', run: () => each(engines, values, (engine, value) => engine.test(value)) },
      {
        name: 'RE2, Buffer made for it',
        run: () => each(engines, values, (engine, value) => engine.test(Buffer.from(value, 'latin1'))),
      },
      { name: 'RegExp', run: () => each(rivals, values, (engine, value) => engine.test(value)) },
    ],
  };
}

function set(size: number, values: readonly string[], of: string): Row {
  const sources = Array.from({ length: size }, (_, n) => patterns[n % patterns.length] as string);
  const encoded = values.map((value) => Buffer.from(value, 'latin1'));
  const engines = sources.map((source) => new RE2(source, 'us'));
  const rivals = sources.map((source) => asRegExp(source) as RegExp);
  const whole = new RE2.Set(sources, 'us');
  const found = (matches: (n: number) => number): number => values.reduce((sum, _, n) => sum + matches(n), 0);
  const matching = (test: (index: number) => boolean): number => countRight(size, test);
  const oneByOne = () => found((n) => matching((index) => engines[index]?.test(encoded[n] as Buffer) === true));
  return {
    name: `${size} pattern${size === 1 ? '' : 's'}, ${of}`,
    operations: values.length,
    proof: oneByOne(),
    ways: [
      { name: 'RE2 one by one, Buffer', run: oneByOne },
      { name: 'RE2.Set, Buffer', run: () => found((n) => whole.match(encoded[n] as Buffer).length) },
      { name: 'RE2.Set, string', run: () => found((n) => whole.match(values[n] as string).length) },
      {
        name: 'RegExp one by one',
        run: () => found((n) => matching((index) => rivals[index]?.test(values[n] as string) === true)),
      },
    ],
  };
}

function hostile(pattern: string, unit: string, bytes: number, withRival: boolean): Row {
  const holds = operatorNamed('rx')?.compile(pattern, { readData: () => '' });
  const rival = new RegExp(pattern, 's');
  const text = flat(`${unit.repeat(bytes)}!`);
  const operations = withRival ? 1 : 64;
  const ways: Way[] = [
    {
      name: '@rx',
      run: () => countRight(operations, () => holds?.(new InspectedValue(text), null) === false),
    },
  ];
  if (withRival) ways.push({ name: 'RegExp', run: () => countRight(operations, () => !rival.test(text)) });
  return { name: `hostile: ${pattern}, ${bytes} bytes`, operations, proof: operations, ways };
}
