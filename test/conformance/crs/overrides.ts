import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { Fields } from './fields.ts';
import { readOutput } from './read-tests.ts';
import { ANYTHING, type Expectation, type Stage } from './stage.ts';

/** What a platform makes of some tests instead. */
export interface Override {
  readonly reason: string;
  /** Only what it says; null where the entry has no output, and the test is known not to hold. */
  readonly output: Expectation | null;
}

/** Name of a test (`920100-4`) -> its override. */
export type Overrides = ReadonlyMap<string, Override>;

/**
 * Reads a list of overrides: what an engine on a platform does otherwise, and why.
 *
 * Source: schema waf-platform-overrides of coreruleset/ftw-tests-schema.
 */
export function readOverrides(path: string): Overrides {
  const file = new Fields(parse(readFileSync(path, 'utf8')), ['version', 'meta', 'test_overrides'], path);
  const overrides = new Map<string, Override>();
  for (const [index, value] of file.list('test_overrides').entries()) {
    const where = `${path} test_overrides[${index}]`;
    const known = ['rule_id', 'test_ids', 'reason', 'output', 'retry_once', 'expect_failure'];
    const entry = new Fields(value, known, where);
    const output = entry.raw('output');
    const override: Override = {
      reason: (entry.text('reason') ?? '').trim(),
      output: output === undefined ? null : readOutput(output, `${where}.output`),
    };
    for (const testId of entry.numbers('test_ids')) overrides.set(`${entry.number('rule_id')}-${testId}`, override);
  }
  return overrides;
}

/** What is asked of a stage on that platform; null where the platform's list says nothing of it. */
export function overriddenExpectation(stage: Stage, overrides: Overrides): Expectation | null {
  const override = overrides.get(`${stage.ruleId}-${stage.testId}`);
  if (override === undefined) return null;
  return override.output ?? ANYTHING;
}
