import type { Spread } from './statistics.ts';
import type { Summary } from './summary.ts';

/**
 * An aligned table, a line per proxy: medians, and in brackets the lowest and the highest round.
 *
 * @param baseline  Proxy that ratios are to.
 */
export function tableOf(summaries: readonly Summary[], baseline: string): string {
  const hasAttacks = summaries.some(({ attacks }) => attacks > 0);
  const bulk = summaries.some(({ cpuSecondsPerGB }) => cpuSecondsPerGB !== null);
  const head = [
    'proxy',
    'CPU us/request',
    ...(bulk ? ['CPU s/GB'] : []),
    `ratio to ${baseline}`,
    'requests/s',
    'p50 ms',
    'p99 ms',
    'answers',
    ...(hasAttacks ? ['attacks'] : []),
    'body bytes',
    'check',
  ];
  const rows = summaries.map((one) => [
    one.peer,
    spread(one.cpuUsPerRequest, 1),
    ...(bulk ? [one.cpuSecondsPerGB === null ? '-' : spread(one.cpuSecondsPerGB, 2)] : []),
    one.ratio === null ? '-' : spread(one.ratio, 2),
    one.requestsPerSecond.median.toFixed(0),
    one.p50Ms.median.toFixed(2),
    one.p99Ms.median.toFixed(2),
    String(one.answered),
    ...(hasAttacks ? [String(one.attacks)] : []),
    String(one.bodyBytes),
    one.problems.length === 0 ? 'ok' : 'INVALID',
  ]);
  return align([head, ...rows]);
}

function spread({ median, min, max }: Spread, decimals: number): string {
  return `${median.toFixed(decimals)} [${min.toFixed(decimals)} ${max.toFixed(decimals)}]`;
}

/** First column to the left, numbers to the right. */
function align(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n');
}
