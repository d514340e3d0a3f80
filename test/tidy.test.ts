import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ERRORS } from '../src/errors.ts';
import { PHASES } from '../src/pipeline/phases.ts';
import { ARCHITECTURE_RULES, DOORS, importsOf } from './tidy/architecture.ts';
import { differences, documentedErrors, unlisted, unlocked, unpinned } from './tidy/documents.ts';
import { layersOf } from './tidy/lexer.ts';
import { TEXT_RULES } from './tidy/text-rules.ts';

// dist/test/tidy.test.js -> project
const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const TEXT_FILE = /\.(ts|mjs|json|md|ya?ml|conf|sh)$|^(LICENSE|\.editorconfig|\.gitignore|\.ci\/run)$/;
const paths = filesBelow('').filter((path) => TEXT_FILE.test(path));
const RULES = [...ARCHITECTURE_RULES, ...TEXT_RULES];

describe('house rules', () => {
  for (const rule of RULES) {
    test(rule.name, () => {
      const looked = paths.filter(rule.applies);
      assert.notEqual(looked.length, 0, 'the rule looks at no file');
      const found = looked.flatMap((path) => rule.check(path, read(path)).map((words) => `${path} ${words}`));
      assert.deepEqual(found, []);
    });
  }
});

describe('house rules fire', () => {
  for (const rule of RULES) {
    test(rule.name, () => {
      assert.notEqual(rule.fires.length, 0);
      for (const [path, text] of rule.fires) {
        assert.ok(rule.applies(path), `does not look at ${path}`);
        assert.notDeepEqual(rule.check(path, text), [], `missed in ${path}: ${text}`);
      }
      for (const [path, text] of rule.passes) assert.deepEqual(rule.check(path, text), [], `${path}: ${text}`);
    });
  }
});

describe('documents', () => {
  test('docs/errors.md has a section per code, with the status and side of the table', () => {
    assert.deepEqual(differences(documentedErrors(read('docs/errors.md')), ERRORS), []);
  });

  test('which fires', () => {
    const sound = '## SP_A\n\n502, upstream\n\nMeaning: a.\n\nWhat to do: b.\n';
    const row = { status: 502, side: 'upstream' as const };
    assert.deepEqual(differences(documentedErrors(sound), { SP_A: row }), []);
    const faulty: readonly (readonly [string, Parameters<typeof differences>[1]])[] = [
      [sound, { SP_A: row, SP_B: row }],
      [sound, {}],
      [sound, { SP_A: { ...row, status: 503 } }],
      [sound, { SP_A: { ...row, side: 'client' } }],
      [sound.replace('Meaning: a.', ''), { SP_A: row }],
      [sound.replace('What to do: b.', 'What to do:'), { SP_A: row }],
      [sound + sound, { SP_A: row }],
    ];
    for (const [text, table] of faulty) assert.equal(differences(documentedErrors(text), table).length, 1, text);
  });

  test('dependencies are pinned', () => {
    assert.deepEqual(unpinned(JSON.parse(read('package.json'))), []);
  });

  test('which fires', () => {
    const loose = ['^1.2.3', '~1.2.3', '1.x', '*', 'latest', '>=1.2.3', 'npm:other@^1.2.3', 'github:a/b', '1.2'];
    for (const version of loose) assert.deepEqual(unpinned({ dependencies: { a: version } }), [`a: ${version}`]);
    const tight = ['1.2.3', '1.2.3-rc.1', 'npm:@a/b@1.2.3-unofficial.0'];
    for (const version of tight) assert.deepEqual(unpinned({ devDependencies: { a: version } }), []);
  });

  test('the lock file has a row for every build of every package', () => {
    assert.deepEqual(unlocked(JSON.parse(read('package-lock.json'))), []);
  });

  test('which fires', () => {
    const packages = { 'node_modules/a': { optionalDependencies: { 'a-mac': '1', 'a-linux': '1' } } };
    assert.deepEqual(unlocked({ packages: { ...packages, 'node_modules/a-linux': {} } }), ['node_modules/a: a-mac']);
  });

  test('ARCHITECTURE.md names every dependency', () => {
    assert.deepEqual(unlisted(JSON.parse(read('package.json')), read('ARCHITECTURE.md')), []);
  });

  test('which fires', () => {
    assert.deepEqual(unlisted({ dependencies: { pino: '1.0.0', ws: '1.0.0' } }, 'we use `ws`'), ['pino']);
  });

  test('ARCHITECTURE.md draws the phase list as it is', () => {
    const rows = [...read('ARCHITECTURE.md').matchAll(/^\| (\d+) \| ([a-z-]+) \|.*\| ([^|]+) \|$/gm)];
    assert.deepEqual(
      rows.map(([, number, name]) => `${number} ${name}`),
      PHASES.map(({ name }, index) => `${index + 1} ${name}`),
    );
    for (const folder of rows.flatMap(([, , , where = '']) => where.split(', '))) {
      assert.ok(existsSync(join(root, folder)), folder);
    }
  });

  test('ARCHITECTURE.md has at most 150 lines', () => {
    assert.ok(read('ARCHITECTURE.md').trimEnd().split('\n').length <= 150);
  });

  test('links between documents lead somewhere', () => {
    const dangling = paths
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) =>
        [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)/g)].map((match) => [path, match[1]]),
      )
      .filter(([path = '', link = '']) => !existsSync(join(root, path, '..', link)));
    assert.deepEqual(dangling, []);
  });
});

test('every door stands: the file is there and imports what it is for', () => {
  // Installed by an operator, never by us.
  const foreign = ['uWebSockets.js'];
  const declared = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  const names = { ...declared.dependencies, ...declared.optionalDependencies };
  assert.deepEqual(Object.keys(DOORS).sort(), [...Object.keys(names), ...foreign].sort());
  for (const [name, doors] of Object.entries(DOORS)) {
    for (const door of doors) {
      const behind = paths.filter((path) => path.startsWith(door));
      const used = behind.some((path) => importsOf(read(path)).some(({ from }) => from.startsWith(name)));
      // uWebSockets.js is loaded by a computed name.
      const named = behind.some((path) => read(path).includes(`'${name}`));
      assert.ok(used || named, `${door} does not import ${name}`);
    }
  }
});

test('the lexer tells code from comments and literals', () => {
  const codeOf = (source: string): string => layersOf(source).code.replace(/\s+/g, ' ').trim();
  assert.equal(codeOf("a('b//c'); // d"), "a(' ');");
  assert.equal(codeOf('/* a */b'), 'b');
  assert.equal(codeOf('x = /[/"]/ / 2; "y"'), 'x = / / / 2; " "');
  assert.equal(codeOf('`a ${b} c` + d'), '` {b} ` + d');
  assert.equal(codeOf('`${`${a}`} b` + c'), '` {` {a}`} ` + c');
  assert.equal(codeOf('`a ${{ b: 1 }.b} c` + d'), '` {{ b: 1 }.b} ` + d');
  assert.equal(codeOf("'a\\'b' + c"), "' ' + c");
  assert.equal(layersOf("a('b//c'); // d").comments.trim(), '// d');
  for (const path of paths.filter((name) => /\.(ts|mjs)$/.test(name))) {
    const text = read(path);
    const { code, comments } = layersOf(text);
    assert.deepEqual([code.length, comments.length], [text.length, text.length], path);
  }
});

/** Files as a commit would hold them: no build, no packages, no hidden folders but our own. */
function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isFile()) return [path];
    const foreign = entry.name === 'node_modules' || /^dist/.test(entry.name) || path === 'coverage';
    const hidden = entry.name.startsWith('.') && entry.name !== '.ci';
    return foreign || hidden || path === 'bench/runs/local' ? [] : filesBelow(path);
  });
}
