import type { KnownDifferences } from './known-differences.ts';
import type { StageResult } from './run-stages.ts';

export interface StageCounts {
  readonly stages: number;
  /** As the test is written. */
  readonly passed: number;
  /** Otherwise than written, as the list of overrides says. */
  readonly overridden: number;
  /** Otherwise than both, for a reason on record. */
  readonly known: number;
  /** Otherwise than all of these. */
  readonly failed: number;
  /** On record as differing, and passed. */
  readonly stale: readonly string[];
}

export function countStages(results: readonly StageResult[], known: KnownDifferences): StageCounts {
  const wrong = results.filter((result) => result.findings.length > 0);
  const unexplained = wrong.filter((result) => !result.asOverridden);
  const recorded = unexplained.filter((result) => known.has(result.stage.name));
  return {
    stages: results.length,
    passed: results.length - wrong.length,
    overridden: wrong.length - unexplained.length,
    known: recorded.length,
    failed: unexplained.length - recorded.length,
    stale: results.flatMap(({ stage, findings }) =>
      findings.length === 0 && known.has(stage.name) ? [stage.name] : [],
    ),
  };
}

/** A line for each stage that is otherwise than written, then one with the counts. */
export function stageReport(engine: string, results: readonly StageResult[], known: KnownDifferences): string {
  const lines = results
    .filter((result) => result.findings.length > 0)
    .map(({ stage, findings, asOverridden, reason }) => {
      const recorded = known.get(stage.name);
      const mark = asOverridden ? 'overridden' : recorded !== undefined ? 'known     ' : 'FAILED    ';
      const why = asOverridden ? reason : (recorded ?? stage.description);
      return `${mark} ${stage.name.padEnd(14)} ${findings.join('; ')}${why === '' ? '' : ` (${oneLine(why)})`}`;
    });
  const { stages, passed, overridden, known: recorded, failed, stale } = countStages(results, known);
  for (const name of stale) lines.push(`STALE      ${name} is on record as differing, and passes`);
  const share = ((passed * 100) / Math.max(stages, 1)).toFixed(2);
  lines.push(
    `${engine}: ${stages} stages: ${passed} passed as written (${share} %), ${overridden} as overridden, ` +
      `${recorded} known, ${failed} failed`,
  );
  return lines.join('\n');
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
