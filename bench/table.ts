import type { OpenLoop } from './open-loop.ts';
import type { Spread } from './statistics.ts';
import type { Summary } from './summary.ts';

/**
 * An aligned table, a line per proxy: medians, and in brackets the lowest and the highest round.
 *
 * @param baseline  Proxy that ratios are to.
 */
export function tableOf(summaries: readonly Summary[], baseline: string): string {
  const hasAttacks = summaries.some(({ attacks }) => attacks > 0);
  const adds = summaries.some(({ addedUs }) => addedUs !== null);
  const bulk = summaries.some(({ cpuSecondsPerGB }) => cpuSecondsPerGB !== null);
  const head = [
    'proxy',
    'CPU us/request',
    ...(bulk ? ['CPU s/GB'] : []),
    `ratio to ${baseline}`,
    ...(adds ? ['adds us'] : []),
    'requests/s',
    'p50 ms',
    'p90',
    'p99',
    'p99.9',
    'RSS MB',
    'bytes/request',
    'GC %',
    'answers',
    'errors',
    ...(hasAttacks ? ['attacks'] : []),
    'body bytes',
    'check',
  ];
  const rows = summaries.map((one) => [
    one.peer,
    spread(one.cpuUsPerRequest, 1),
    ...(bulk ? [one.cpuSecondsPerGB === null ? '-' : spread(one.cpuSecondsPerGB, 2)] : []),
    one.ratio === null ? '-' : spread(one.ratio, 2),
    ...(adds ? [one.addedUs === null ? '-' : spread(one.addedUs, 1)] : []),
    one.requestsPerSecond.median.toFixed(0),
    one.p50Ms.median.toFixed(2),
    one.p90Ms.median.toFixed(2),
    one.p99Ms.median.toFixed(2),
    one.p999Ms.median.toFixed(2),
    one.rssMB.median.toFixed(0),
    one.allocatedBytesPerRequest === null ? '-' : one.allocatedBytesPerRequest.toFixed(0),
    one.gcShare === null ? '-' : (one.gcShare * 100).toFixed(1),
    String(one.answered),
    String(one.errors),
    ...(hasAttacks ? [String(one.attacks)] : []),
    String(one.bodyBytes),
    one.problems.length > 0 ? 'INVALID' : one.lacks.length > 0 ? `ok, without ${one.lacks.join(', ')}` : 'ok',
  ]);
  return align([head, ...rows]);
}

/** Latencies at half of each proxy's own saturation. */
export function openLoopTable(rows: readonly OpenLoop[]): string {
  const head = ['half load', 'requests/s', 'of', 'p50 ms', 'p90', 'p99', 'p99.9', 'errors'];
  const lines = rows.map((one) => [
    one.peer,
    one.requestsPerSecond.toFixed(0),
    one.saturation.toFixed(0),
    ...[one.p50Ms, one.p90Ms, one.p99Ms, one.p999Ms].map((ms) => ms.toFixed(2)),
    String(one.errors),
  ]);
  return align([head, ...lines]);
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
