import { bars } from './charts.ts';
import type { StoredCase, StoredRun, StoredSummary } from './run-schema.ts';
import { baselineIn, medianOrNull, spreadOrNull } from './stored-run.ts';
import { escaped, figure } from './text.ts';

const SIZES = { width: 460, labels: 112, words: 140 };

/** A card for each case: CPU time in bars, all figures in a table. */
export function caseSections(run: StoredRun): string {
  if (run.cases.length === 0) return '';
  const cards = run.cases.map(cardOf).join('\n');
  return `<h2>CPU time per request, case by case</h2>
<p class="soft">All processes and threads of the proxy, user and kernel, in microseconds. The thin line reaches from the lowest round to the highest. With few and small requests the load generator is the limit, so requests per second and closed-loop latencies tell how the machine was shared.</p>
${cards}`;
}

function cardOf(one: StoredCase): string {
  const baseline = baselineIn(one);
  const rows = one.summary.map((summary) => {
    const cost = spreadOrNull(summary.cpuUsPerRequest);
    const ratio = medianOrNull(summary.ratio);
    const times = ratio === null || summary.peer === baseline ? '' : `  ${figure(ratio)} ×`;
    const words = cost === null ? 'no figure' : `${figure(cost.median)} us${times}`;
    return { label: summary.peer, spread: cost, words, isOwn: isOwn(summary) };
  });
  const threads = typeof one.threads === 'number' && one.threads > 1 ? `, ${one.threads} threads each` : '';
  const load = `${one.requestsPerRound.toLocaleString('en')} requests a round, ${one.connections} connections${threads}`;
  const problems = one.summary.flatMap(({ peer, problems: all }) => all.map((words) => `INVALID: ${peer}, ${words}`));
  const faults = problems.map((words) => `<p class="bad">${escaped(words)}</p>`).join('');
  return `<section class="card case"><header><h3>${escaped(one.name)}</h3><p class="soft">${escaped(one.what)}; ${load}</p>${faults}</header>
${bars(`CPU microseconds per request, ${one.name}`, rows, SIZES)}
${tableOf(one, baseline)}</section>`;
}

type Column = readonly [head: string, cell: (summary: StoredSummary) => string];

/** Columns that no proxy has a figure for stay out. */
function tableOf(one: StoredCase, baseline: string | null): string {
  const columns: readonly Column[] = [
    ['proxy', ({ peer }) => escaped(peer)],
    ['us/request', ({ cpuUsPerRequest }) => spreadCell(cpuUsPerRequest)],
    ['CPU s/GB', ({ cpuSecondsPerGB }) => spreadCell(cpuSecondsPerGB)],
    [`to ${baseline}`, ({ ratio }) => spreadCell(ratio)],
    ['req/s', ({ requestsPerSecond }) => cell(medianOrNull(requestsPerSecond), 0)],
    ['p50 ms', ({ p50Ms }) => cell(medianOrNull(p50Ms))],
    ['p90', ({ p90Ms }) => cell(medianOrNull(p90Ms))],
    ['p99', ({ p99Ms }) => cell(medianOrNull(p99Ms))],
    ['p99.9', ({ p999Ms }) => cell(medianOrNull(p999Ms))],
    ['errors', ({ errors }) => cell(errors ?? null, 0)],
  ];
  const shown = columns.filter(([, words]) => one.summary.some((summary) => words(summary) !== ''));
  const head = shown.map(([name]) => `<th>${escaped(name)}</th>`).join('');
  const lines = one.summary.map((summary) => {
    const cells = shown.map(([, words]) => `<td>${words(summary) || '-'}</td>`).join('');
    return `<tr${isOwn(summary) ? ' class="own"' : ''}>${cells}</tr>`;
  });
  return `<table><thead><tr>${head}</tr></thead><tbody>${lines.join('')}</tbody></table>`;
}

function spreadCell(stored: Parameters<typeof spreadOrNull>[0]): string {
  const spread = spreadOrNull(stored);
  if (spread === null) return '';
  const { median, min, max } = spread;
  if (min === max) return figure(median);
  return `${figure(median)} <small>[${figure(min)} ${figure(max)}]</small>`;
}

function cell(value: number | null, decimals?: number): string {
  if (value === null) return '';
  return decimals === undefined ? figure(value) : value.toLocaleString('en', { maximumFractionDigits: decimals });
}

function isOwn({ peer }: StoredSummary): boolean {
  return peer === 'sallyport';
}
