import { time, times } from './figures.ts';
import type { BenchResult } from './results.ts';

/** The results of one module for a terminal: medians, in brackets the lowest and the highest round. */
export function tableOf({ name, what, rows }: BenchResult): string {
  const lines = [['row', 'way', 'CPU per operation', 'ratio', 'wall clock', 'operations']];
  for (const row of rows) {
    for (const [index, way] of row.ways.entries()) {
      const { cpuUs, ratio, wallUs, operations } = way;
      lines.push([
        index === 0 ? row.name : '',
        way.name,
        `${time(cpuUs.median)} [${time(cpuUs.min)} ${time(cpuUs.max)}]`,
        index === 0 ? '1' : `${times(ratio.median)} [${times(ratio.min)} ${times(ratio.max)}]`,
        time(wallUs.median),
        String(operations),
      ]);
    }
  }
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  return `${name}: ${what}\n${text.join('\n')}`;
}
