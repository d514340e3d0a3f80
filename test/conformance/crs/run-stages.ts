import type { Executor, Observed } from './executor.ts';
import { judgeStage } from './judge.ts';
import { type Overrides, overriddenExpectation } from './overrides.ts';
import type { Stage } from './stage.ts';

export interface StageResult {
  readonly stage: Stage;
  readonly observed: Observed;
  /** What is wrong; empty for a pass. */
  readonly findings: readonly string[];
  /** Of a stage that failed: it does as the list of overrides says that the platform does. */
  readonly asOverridden: boolean;
  readonly reason: string;
}

/**
 * Runs stages, each once; twice where the first try fails and the test allows it.
 *
 * @param executors  The stages are spread over them; each runs one at a time.
 * @returns  In the order of the stages.
 */
export async function runStages(
  stages: readonly Stage[],
  executors: readonly Executor[],
  overrides: Overrides,
): Promise<readonly StageResult[]> {
  const results: StageResult[] = new Array(stages.length);
  let next = 0;
  const work = async (executor: Executor): Promise<void> => {
    for (let index = next++; index < stages.length; index = next++) {
      const stage = stages[index];
      if (stage !== undefined) results[index] = await runStage(stage, executor, overrides);
    }
  };
  await Promise.all(executors.map(work));
  return results;
}

async function runStage(stage: Stage, executor: Executor, overrides: Overrides): Promise<StageResult> {
  let observed = await executor.run(stage);
  let findings = judgeStage(stage.expected, observed);
  if (findings.length > 0 && stage.expected.retryOnce) {
    observed = await executor.run(stage);
    findings = judgeStage(stage.expected, observed);
  }
  const other = findings.length > 0 ? overriddenExpectation(stage, overrides) : null;
  const asOverridden = other !== null && judgeStage(other, observed).length === 0;
  const reason = overrides.get(`${stage.ruleId}-${stage.testId}`)?.reason ?? '';
  return { stage, observed, findings, asOverridden, reason };
}
