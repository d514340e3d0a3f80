import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { envNames } from '../../src/config/env-names.ts';
import { generateAll } from '../../src/config/generate.ts';
import { FIXED_AT_START } from '../../src/config/reload.ts';
import { SCHEMA } from '../../src/config/schema-tree.ts';
import { leafText, leaves, schemaAt } from '../../src/config/schema-walk.ts';
import { load } from './support.ts';

const root = new URL('../../../', import.meta.url);
const committed = (file: string): string => readFileSync(fileURLToPath(new URL(file, root)), 'utf8');

for (const { file, text } of generateAll()) {
  test(`${file} is what the schema says`, () => {
    assert.equal(committed(file), text, 'stale: npm run generate');
  });
}

test('every setting has a sentence', () => {
  for (const { path, node, isList } of leaves(SCHEMA)) {
    assert.ok((node.description ?? '').endsWith('.'), leafText(path));
    if (!isList) assert.notEqual(node.description?.trim(), '.', leafText(path));
  }
});

test('docs/config.md has every setting with every variable', () => {
  const text = committed('docs/config.md');
  for (const leaf of leaves(SCHEMA)) {
    for (const name of envNames(leaf)) assert.ok(text.includes(`\`${name}\``), name);
  }
});

test('the example loads, and says every default', () => {
  const text = committed('config/gateway.example.yaml');
  const { config, warnings } = load(text);
  assert.deepEqual(warnings, []);
  const bare =
    'upstreams: { api: { targets: [{ url: "http://127.0.0.1:3000" }] } }\nroutes: [{ name: orders, upstream: api }]';
  assert.deepEqual(config, load(bare).config);
  for (const { path } of leaves(SCHEMA)) {
    const key = path.at(-1) ?? '';
    assert.match(text, new RegExp(`^ *(# +)?(- )?${key}:`, 'm'), leafText(path));
  }
});

test('the editors’ schema takes the examples and references, and refuses a typing error', () => {
  const validate = new Ajv({ strict: true, allErrors: true }).compile(
    JSON.parse(committed('config/gateway.schema.json')) as object,
  );
  for (const file of ['config/gateway.yaml', 'config/gateway.example.yaml']) {
    assert.ok(validate(parse(committed(file))), JSON.stringify(validate.errors));
  }
  const target = (url: string) => ({ upstreams: { a: { targets: [{ url }] } } });
  assert.ok(validate(target(`\${API_URL}`)));
  assert.ok(!validate(target('nonsense')));
  assert.ok(!validate({ thread: 1 }));
});

test('what is fixed at start exists, and the reference names it', () => {
  const text = committed('docs/config.md');
  for (const path of FIXED_AT_START) {
    assert.notEqual(schemaAt(SCHEMA, path.split('.')), undefined, path);
    assert.ok(text.includes(`\`${path.startsWith('listen.') ? 'listen.*' : path}\``), path);
  }
});
