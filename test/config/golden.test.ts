import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError, describeProblem } from '../../src/config/problems.ts';

/** Broken configurations, each with the whole of what must be said about it. */
const FOLDER = fileURLToPath(new URL('../../../test/golden/config/', import.meta.url));

/** Written down, so that a case that gets lost is noticed. */
const CASES = 93;

/** `SALLYPORT_TEST_GOLDEN=write` writes the expectations anew: read the difference before it is committed. */
const isWrite = process.env.SALLYPORT_TEST_GOLDEN === 'write';

const names = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yaml'))
  .sort();

test('every broken configuration is there', () => {
  assert.equal(names.length, CASES);
  for (const [index, name] of names.entries()) {
    assert.equal(name.slice(0, 3), `${String(index + 1).padStart(2, '0')}-`, `${name} is out of sequence`);
  }
  const texts = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));
  if (!isWrite) assert.equal(texts.length, CASES, 'an expectation without a case, or a case without one');
});

for (const name of names) {
  test(`golden: ${name}`, () => {
    const expected = join(FOLDER, `${basename(name, '.yaml')}.txt`);
    const found = problemsOf(name);
    if (isWrite) writeFileSync(expected, found);
    assert.equal(found, readFileSync(expected, 'utf8'));
    assert.doesNotMatch(found, /hunter2/, 'a secret is shown');
  });
}

function problemsOf(name: string): string {
  try {
    loadConfig({ file: name, cwd: FOLDER, env: environmentOf(name) });
  } catch (error) {
    assert.ok(error instanceof ConfigError, `not a ConfigError: ${String(error)}`);
    assert.equal(error.code, 'SP_CONFIG');
    return `${error.problems.map((problem) => describeProblem(problem).replaceAll(FOLDER.replace(/\/$/, ''), '<folder>')).join('\n')}\n`;
  }
  return assert.fail('the configuration was accepted');
}

/** `# env: NAME=value` at the head of a case. */
function environmentOf(name: string): Record<string, string> {
  const env: Record<string, string> = {};
  for (const line of readFileSync(join(FOLDER, name), 'latin1').split('\n')) {
    const [, key, value] = /^# env: (\w+)=(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) break;
    env[key] = value;
  }
  return env;
}
