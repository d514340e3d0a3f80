import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CHOICES, choiceLine, escaped } from './choices.ts';
import { time, times } from './figures.ts';
import type { BenchResult, NativeRun } from './results.ts';

/** @returns  Path of the last `DATE.json`. @throws Error when there is none. */
export function newestRun(folder: string): string {
  const file = readdirSync(folder)
    .filter((name) => /^\d{4}-\d\d-\d\d\.json$/.test(name))
    .sort()
    .at(-1);
  if (file === undefined) throw new Error(`no run in ${folder}: npm run native-bench makes one`);
  return join(folder, file);
}

/**
 * docs/native.md: what is used where, because of which row; then all rows.
 *
 * @param run   A whole run.
 * @param file  Its path in the project.
 * @throws      Error where a choice names a row that the run does not have.
 */
export function pageOf(run: NativeRun, file: string): string {
  const { machine, versions, rounds, loadAverages, warnings } = run;
  const packages = Object.entries(versions).map((pair) => pair.join(' '));
  return `${[
    '# Native parts and their rivals',
    `Made by \`npm run native-bench -- --docs\` from [${file}](../${file}); \`npm run native-bench\` measures anew.`,
    [
      `CPU time per operation, user and kernel, all threads of the process; medians over ${rounds} interleaved rounds. Compare`,
      'within a row: times depend on the machine. A ratio above 1 says that the rival costs more.',
    ].join('\n'),
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}; load average ${loadAverages.start.join(' ')} at the start, ${loadAverages.end.join(' ')} at the end.`,
    `${packages.join(', ')}.`,
    ...warnings.map((words) => `Warning: ${words}`),
    '## What is used where',
    [
      '| job | used | where | row | cost | rival | rival / used | why |',
      '|---|---|---|---|---|---|---|---|',
      ...CHOICES.map((choice) => choiceLine(run, choice)),
    ].join('\n'),
    ...run.benches.map(sectionOf),
  ].join('\n\n')}\n`;
}

function sectionOf({ name, what, rows }: BenchResult): string {
  const lines = rows.flatMap((row) =>
    row.ways.map(({ name: way, cpuUs, ratio, wallUs }, index) =>
      [
        '',
        index === 0 ? escaped(row.name) : '',
        way,
        `${time(cpuUs.median)} (${time(cpuUs.min)} to ${time(cpuUs.max)})`,
        index === 0 ? '1' : `${times(ratio.median)} (${times(ratio.min)} to ${times(ratio.max)})`,
        time(wallUs.median),
        '',
      ]
        .join(' | ')
        .trim(),
    ),
  );
  const head = ['| row | way | CPU per operation | ratio to the first | wall clock |', '|---|---|---|---|---|'];
  return `## ${name}\n\n${what[0]?.toUpperCase()}${what.slice(1)} (\`native-bench/${name}.ts\`).\n\n${[...head, ...lines].join('\n')}`;
}
