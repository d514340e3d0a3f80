import type { StoredCase, StoredRun, StoredSummary } from './run-schema.ts';
import { baselineIn, medianOrNull, spreadOrNull } from './stored-run.ts';
import { figure, memory, moment } from './text.ts';

/**
 * The tables of docs/performance.md, a function of the run alone: a test holds the committed page to the run it names.
 *
 * @param file  The run's path from the project's folder.
 */
export function performanceOf(run: StoredRun, file: string): string {
  const sections = [
    introduction(run, file),
    ...run.cases.map(caseSection),
    addedSection(run),
    latencySection(run),
    footprintSection(run),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** Path of the run that a page was made from; null when it names none. */
export function runNamedIn(page: string): string | null {
  return /^<!-- run: (\S+) -->$/m.exec(page)?.[1] ?? null;
}

function introduction(
  { startedAt, quick, machine, versions, loadAverages, warnings }: StoredRun,
  file: string,
): string {
  const notes = [
    ...(quick ? ['A quick run, for a first look: not for comparison.'] : []),
    ...warnings.map((words) => `Warning of the run: ${words}`),
  ];
  return `<!-- Written by npm run bench:report -- RUN.json --performance docs/performance.md: change the run, not this page. -->
<!-- run: ${file} -->

# Performance

From one run, [${file}](../${file}), ${moment(startedAt)} (universal time). Compare ratios within it; absolute times belong
to the machine. How to read the columns, and what each proxy is set to do: [bench/README.md](../bench/README.md). Your own machine
or configuration: [benchmarking.md](benchmarking.md).

| | |
|---|---|
| machine | ${machine.cpu}, ${machine.cores} cores, ${memory(machine.memoryBytes)}, ${machine.kernel} |
| load average | ${loadAverages.start.join(' ')} at the start, ${loadAverages.end.join(' ')} at the end |
${Object.entries(versions)
  .map(([name, words]) => `| ${name} | ${cellText(words)} |`)
  .join('\n')}

Figures are medians over the rounds, in brackets the lowest and the highest.${notes.map((words) => `\n\n${words}`).join('')}`;
}

function caseSection(one: StoredCase): string {
  const baseline = baselineIn(one);
  const threads = typeof one.threads === 'number' && one.threads > 1 ? `, ${one.threads} threads each` : '';
  const load = `${one.requestsPerRound.toLocaleString('en')} requests a round, ${one.connections} connections${threads}`;
  const table = tableOf(one.summary, [
    ['proxy', ({ peer, problems }) => (problems.length === 0 ? peer : `${peer} (INVALID)`)],
    ['CPU us/request', ({ cpuUsPerRequest }) => spreadText(cpuUsPerRequest)],
    ['CPU s/GB', ({ cpuSecondsPerGB }) => spreadText(cpuSecondsPerGB)],
    [`ratio to ${baseline ?? 'nobody'}`, ({ ratio }) => spreadText(ratio)],
    ['requests/s', ({ requestsPerSecond }) => numberText(medianOrNull(requestsPerSecond))],
    ['p50 ms', ({ p50Ms }) => numberText(medianOrNull(p50Ms))],
    ['p90 ms', ({ p90Ms }) => numberText(medianOrNull(p90Ms))],
    ['p99 ms', ({ p99Ms }) => numberText(medianOrNull(p99Ms))],
    ['p99.9 ms', ({ p999Ms }) => numberText(medianOrNull(p999Ms))],
  ]);
  return `## ${one.name}\n\n${one.what}; ${load}.\n\n${table}`;
}

function addedSection({ cases }: StoredRun): string {
  const rows = ownRows(cases).filter(({ summary }) => spreadOrNull(summary.addedUs) !== null);
  if (rows.length === 0) return '';
  const table = tableOf(rows, [
    ['case', ({ name }) => name],
    ['microseconds', ({ summary }) => spreadText(summary.addedUs)],
  ]);
  return `## What a duty adds to plain\n\nCPU time per request of Sallyport over its own \`plain\` of this run.\n\n${table}`;
}

function latencySection({ cases }: StoredRun): string {
  const rows = cases.flatMap(({ name, openLoop }) => (openLoop ?? []).map((one) => ({ name, one })));
  if (rows.length === 0) return '';
  const table = tableOf(rows, [
    ['case', ({ name }) => name],
    ['proxy', ({ one }) => one.peer],
    ['arrivals/s', ({ one }) => numberText(one.requestsPerSecond)],
    ['saturation/s', ({ one }) => numberText(one.saturation)],
    ['p50 ms', ({ one }) => numberText(one.p50Ms)],
    ['p90 ms', ({ one }) => numberText(one.p90Ms)],
    ['p99 ms', ({ one }) => numberText(one.p99Ms)],
    ['p99.9 ms', ({ one }) => numberText(one.p999Ms)],
    ['errors', ({ one }) => numberText(one.errors, 0)],
  ]);
  return `## Latency under a fixed arrival rate\n\nRequests leave on schedule whether answers came or not; time counts from the schedule.\n\n${table}`;
}

function footprintSection({ cases }: StoredRun): string {
  const rows = cases.flatMap(({ name, summary }) => summary.map((one) => ({ name, one })));
  const told = rows.filter(({ one }) => spreadOrNull(one.rssMB) !== null || isNumber(one.allocatedBytesPerRequest));
  if (told.length === 0) return '';
  const table = tableOf(told, [
    ['case', ({ name }) => name],
    ['proxy', ({ one }) => one.peer],
    ['resident MB', ({ one }) => spreadText(one.rssMB)],
    ['bytes allocated/request', ({ one }) => numberText(one.allocatedBytesPerRequest, 0)],
    ['CPU time in collections', ({ one }) => (isNumber(one.gcShare) ? `${(one.gcShare * 100).toFixed(1)} %` : '')],
  ]);
  return `## Memory\n\n${table}`;
}

function ownRows(cases: readonly StoredCase[]): readonly { name: string; summary: StoredSummary }[] {
  return cases.flatMap(({ name, summary }) =>
    summary.filter(({ peer }) => peer === 'sallyport').map((own) => ({ name, summary: own })),
  );
}

/** Columns that no row has a figure for stay out. */
function tableOf<Row>(
  rows: readonly Row[],
  columns: readonly (readonly [head: string, cell: (row: Row) => string])[],
): string {
  const shown = columns.filter(([, cell]) => rows.some((row) => cell(row) !== ''));
  const lines = [
    shown.map(([head]) => head),
    shown.map(() => '---'),
    ...rows.map((row) => shown.map(([, cell]) => cell(row) || '-')),
  ];
  return lines.map((cells) => `| ${cells.map(cellText).join(' | ')} |`).join('\n');
}

function spreadText(stored: Parameters<typeof spreadOrNull>[0]): string {
  const spread = spreadOrNull(stored);
  return spread === null ? '' : `${figure(spread.median)} [${figure(spread.min)} ${figure(spread.max)}]`;
}

function numberText(value: number | null | undefined, decimals?: number): string {
  if (!isNumber(value)) return '';
  return decimals === undefined ? figure(value) : value.toFixed(decimals);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function cellText(words: string): string {
  return words.replaceAll('|', '\\|');
}
