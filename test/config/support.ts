import assert from 'node:assert/strict';
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts';
import { ConfigError, type ConfigProblem } from '../../src/config/problems.ts';

/** The shortest configuration that runs. */
export const MINIMAL = `
upstreams:
  api:
    targets:
      - url: http://127.0.0.1:3000
routes:
  - name: all
    upstream: api
`;

export type Env = Record<string, string | undefined>;

export function load(text: string, env: Env = {}, cwd = '/'): LoadedConfig {
  return loadConfig({ text, env, cwd });
}

/** The problems of a configuration that must be refused. */
export function refused(run: () => unknown): readonly ConfigProblem[] {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ConfigError, `not a ConfigError: ${String(error)}`);
    assert.equal(error.code, 'SP_CONFIG');
    assert.ok(error.problems.length > 0);
    return error.problems;
  }
  return assert.fail('the configuration was accepted');
}
