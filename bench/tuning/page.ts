import type { Spread } from '../statistics.ts';
import { SETTINGS } from './settings.ts';

/** What a run of `npm run bench:tuning` holds of one setting. */
export interface TuningResult {
  readonly name: string;
  readonly how: string;
  readonly caseName: string;
  readonly without: Spread;
  readonly cpuUs: Spread;
  readonly ratio: Spread;
}

/** The table of docs/tuning.md. @throws Error for a result whose setting is gone. */
export function tuningTable(results: readonly TuningResult[]): string {
  const lines = results.map(({ name, caseName, without, cpuUs, ratio }) => {
    const setting = SETTINGS.find((one) => one.name === name);
    if (setting === undefined) throw new Error(`there is no setting "${name}" any more: measure anew`);
    const times = `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)})`;
    const cells = [setting.how, caseName, without.median.toFixed(0), cpuUs.median.toFixed(0), times, setting.when];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| setting | load | us without | us with | times | when to change |',
    '|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}
