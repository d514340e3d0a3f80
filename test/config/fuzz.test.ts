import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError, describeProblem } from '../../src/config/problems.ts';

const example = readFileSync(fileURLToPath(new URL('../../../config/gateway.example.yaml', import.meta.url)), 'utf8')
  .split('\n')
  .filter((line) => !/^\s*#/.test(line))
  .join('\n');
const lines = example.split('\n');

const seed = Number(process.env.SALLYPORT_TEST_SEED ?? Date.now() % 2_147_483_647);

/** Either a frozen configuration, or a ConfigError whose problems are whole: any other throw is a bug. */
function holds(text: string, env: Record<string, string>): 'loads' | 'refused' {
  try {
    const { config } = loadConfig({ text, env, cwd: '/nowhere' });
    assert.ok(Object.isFrozen(config));
    return 'loads';
  } catch (error) {
    assert.ok(
      error instanceof ConfigError,
      `not a ConfigError: ${error instanceof Error ? error.stack : error}\n${text}`,
    );
    for (const problem of error.problems) {
      assert.ok(problem.found !== '' && problem.remedy !== '' && problem.source !== '');
      assert.ok(problem.line === 0 || problem.line <= text.split('\n').length);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
      assert.doesNotMatch(describeProblem(problem), /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/);
    }
    return 'refused';
  }
}

const junk = fc.oneof(
  fc.string({ maxLength: 12, unit: 'binary' }),
  fc.constantFrom(
    '',
    '[',
    '{',
    '"',
    "'",
    '*a',
    '&a ',
    '!x ',
    '${',
    `\${X}`,
    'file:',
    '- ',
    ': ',
    '\t',
    '__proto__: 1',
    '|',
    '>-',
  ),
  fc.constantFrom('null', '[]', '{}', '-1', '1.5', '.nan', '0', '99999999999999999999', 'true', '"80"', '{a: [b]}'),
);

/** One change of one line: its value, its key, its indentation, its presence. */
const mutation = fc.record({
  line: fc.nat({ max: lines.length - 1 }),
  kind: fc.constantFrom('value', 'key', 'insert', 'delete', 'double', 'indent', 'splice'),
  junk,
  at: fc.nat({ max: 40 }),
});

function mutate(changes: readonly { line: number; kind: string; junk: string; at: number }[]): string {
  const result = [...lines];
  for (const change of changes) {
    const text = result[change.line] ?? '';
    const colon = text.indexOf(':');
    const replaced: Record<string, string[]> = {
      value: [`${text.slice(0, colon + 1)} ${change.junk}`],
      key: [text.replace(/\w+:/, `${change.junk}:`)],
      insert: [text, change.junk],
      delete: [],
      double: [text, text],
      indent: [` ${text}`],
      splice: [text.slice(0, change.at) + change.junk + text.slice(change.at)],
    };
    result.splice(change.line, 1, ...(replaced[change.kind] ?? [text]));
  }
  return result.join('\n');
}

test(`mutations of the example load or are refused with whole problems (seed ${seed})`, () => {
  const outcomes = { loads: 0, refused: 0 };
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (changes) => {
      outcomes[holds(mutate(changes), {})] += 1;
    }),
    { seed, numRuns: 400 },
  );
  assert.ok(outcomes.loads > 10 && outcomes.refused > 150, JSON.stringify(outcomes));
});

test(`any tree of any values loads or is refused (seed ${seed})`, () => {
  const keys = fc.constantFrom(
    ...new Set([...example.matchAll(/(\w+):/g)].map((match) => match[1] ?? '')),
    'api',
    'x y',
    '__proto__',
  );
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 6, depthSize: 'small' },
      fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.double(), junk),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(keys, tie('node'), { maxKeys: 6 }),
    ),
  })).node;
  fc.assert(
    fc.property(fc.dictionary(keys, tree, { maxKeys: 8 }), (value) => {
      holds(
        JSON.stringify(value, (_, item: unknown) => (Number.isFinite(item) || typeof item !== 'number' ? item : 0)),
        {},
      );
    }),
    { seed, numRuns: 400 },
  );
});

test(`any variables of our prefix load or are refused (seed ${seed})`, () => {
  const words = fc.constantFrom(
    'ROUTES',
    '0',
    '1',
    'UPSTREAMS',
    'API',
    'TARGETS',
    'URL',
    'LISTEN',
    'HTTP',
    'PORT',
    'NAME',
    'TLS',
    'X',
    '',
  );
  const names = fc.array(words, { maxLength: 6 }).map((parts) => `SALLYPORT_${parts.join('_')}`);
  fc.assert(
    fc.property(fc.dictionary(names, junk, { maxKeys: 4 }), (env) => {
      holds(example, env);
    }),
    { seed, numRuns: 200 },
  );
});
