import { posix } from 'node:path';
import { linesWith } from './architecture.ts';
import { layersOf } from './lexer.ts';
import type { Rule } from './rule.ts';

const isCode = (path: string): boolean => /\.(ts|mjs)$/.test(path);
const isTypeScript = (path: string): boolean => path.endsWith('.ts');
const isTest = (path: string): boolean => /^test\/.*\.test\.ts$/.test(path);

export const TEXT_RULES: readonly Rule[] = [
  {
    name: 'code files have kebab-case names',
    applies: isCode,
    check: (path) =>
      /^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.(ts|mjs)$/.test(posix.basename(path)) ? [] : ['is not kebab-case'],
    fires: [
      ['src/http/uwsTypes.ts', ''],
      ['src/http/uws_types.ts', ''],
    ],
    passes: [
      ['src/http/uws-types.ts', ''],
      ['test/a-b.test.ts', ''],
    ],
  },
  {
    name: 'comments have at most 120 columns; code is the formatter’s',
    applies: isCode,
    check: (_path, text) =>
      layersOf(text)
        .comments.split('\n')
        .flatMap((line, index) => {
          const { length } = line.trimEnd();
          return length <= 120 ? [] : [`line ${index + 1}: ${length} columns`];
        }),
    fires: [
      ['src/a.ts', `// ${'x'.repeat(118)}`],
      ['src/a.ts', `const x = 'y'; /* ${'x'.repeat(120)} */`],
    ],
    passes: [
      ['src/a.ts', `// ${'x'.repeat(117)}`],
      ['src/a.ts', `const x = '${'y'.repeat(120)}';`],
    ],
  },
  {
    name: 'no any',
    applies: isTypeScript,
    check: (_path, text) =>
      linesWith(
        layersOf(text).code,
        /(?:[:<]|\b(?:as|satisfies)|\btype \w+ =)\s*any\b(?!\s*[(=:.])|\bany(?:\[\]|>)/,
        () => 'any',
      ),
    fires: [
      ['src/a.ts', 'let x: any;'],
      ['src/a.ts', 'f(x as any);'],
      ['src/a.ts', 'const x = new Map<string, any>();'],
      ['src/a.ts', 'type X = any;'],
    ],
    passes: [
      ['src/a.ts', '// of any kind: any\nconst x = Promise.any(y);'],
      ['src/a.ts', "const x: 'any' = ': any';"],
    ],
  },
  {
    name: 'a suppression gives its reason',
    applies: isCode,
    check: (_path, text) =>
      linesWith(
        layersOf(text).comments,
        /@ts-(?:ignore|nocheck)|@ts-expect-error(?!:? .{15})|biome-ignore(?! [\w/]+: .{15})|eslint-disable/,
        (word) => `${word} without a reason`,
      ),
    fires: [
      ['src/a.ts', '// @ts-ignore: because it is so and not otherwise'],
      ['src/a.ts', '// @ts-expect-error'],
      ['src/a.ts', '// biome-ignore lint/suspicious/noExplicitAny: no'],
      ['src/a.ts', '/* biome-ignore-all lint */'],
    ],
    passes: [
      ['src/a.ts', '// @ts-expect-error: the type forbids what this test sends'],
      ['src/a.ts', '// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are looked for'],
      ['src/a.ts', "const x = '@ts-ignore';"],
    ],
  },
  {
    name: 'no work is left as a note',
    applies: isCode,
    check: (_path, text) => linesWith(layersOf(text).comments, /\b(?:TODO|FIXME|XXX|HACK)\b/, (word) => word),
    fires: [['src/a.ts', '// TODO: later']],
    passes: [['src/a.ts', "const x = 'TODO';"]],
  },
  {
    name: 'no text becomes code',
    applies: isCode,
    check: (_path, text) =>
      linesWith(
        layersOf(text).code,
        /(?<![\w.])eval\s*\(|(?<![.\w])Function\s*\(|\bvm\.run|\bset(?:Timeout|Interval)\(\s*['"`]/,
        (word) => word,
      ),
    fires: [
      ['src/a.ts', 'eval(x);'],
      ['src/a.ts', 'const f = new Function(x);'],
      ['src/a.ts', "setTimeout('x()', 1);"],
    ],
    passes: [['src/a.ts', '// no eval()\nredis.eval(x); isFunction(x);']],
  },
  {
    name: 'the product logs, only its command line prints',
    applies: (path) => /^(src\/(?!cli\/)|workers\/)/.test(path) && isCode(path),
    check: (_path, text) => linesWith(layersOf(text).code, /(?<![.\w])console\s*\./, () => 'console'),
    fires: [['src/http/a.ts', 'console.log(x);']],
    passes: [['src/http/a.ts', "// console.log\nconst x = 'console.log';"]],
  },
  {
    name: 'no test runs alone, none is skipped without words',
    applies: (path) => path.startsWith('test/') && isTypeScript(path),
    check: (_path, text) =>
      linesWith(
        layersOf(text).code,
        /\.only\s*\(|\bonly:|\b(?:test|it|describe|suite)\.(?:skip|todo)\s*\(|\b(?:skip|todo): true|\.(?:skip|todo)\(\s*\)/,
        (word) => word,
      ),
    fires: [
      ['test/a.test.ts', "test.only('x', f);"],
      ['test/a.test.ts', "test('x', { only: true }, f);"],
      ['test/a.test.ts', "test('x', { skip: true }, f);"],
      ['test/a.test.ts', "it.skip('x', f);"],
      ['test/a.test.ts', 't.skip();'],
    ],
    passes: [
      ['test/a.test.ts', "test('x', { skip: 'no openssl here' }, f);"],
      ['test/a.test.ts', "t.skip('no openssl here');"],
    ],
  },
  {
    name: 'every test file asserts',
    applies: isTest,
    check: (_path, text) => (/\bassert(?:\.\w+)*\s*\(/.test(layersOf(text).code) ? [] : ['asserts nothing']),
    fires: [['test/a.test.ts', "// assert.equal(1, 1)\ntest('x', () => {});"]],
    passes: [['test/a.test.ts', 'assert.equal(1, 1);']],
  },
  {
    name: 'no path of one machine, no registry',
    // The samples below.
    applies: (path) => path !== 'test/tidy/text-rules.ts',
    check: (_path, text) =>
      linesWith(
        text,
        /(?<![\w.:/*}-])\/(?:work|home|root|Users|tmp)\/\w|\bregistry\.[a-z]+\.(?:org|com|io)|"resolved":/,
        (word) => `${word} in a tracked file`,
      ),
    fires: [
      ['src/a.ts', "const x = '/home/somebody/x';"],
      ['README.md', 'see /Users/somebody/x'],
      ['package-lock.json', '"resolved": "https://example.org/x.tgz"'],
      ['docs/a.md', 'npm --registry https://registry.example.com'],
    ],
    passes: [
      ['src/a.ts', "const x = 'https://example.org/home/page';"],
      ['docs/a.md', '/etc/sallyport/gateway.yaml'],
    ],
  },
];
