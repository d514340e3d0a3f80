import { bars, percentiles, ratios } from './charts.ts';
import type { StoredCase, StoredRun, StoredSummary } from './run-schema.ts';
import { baselineIn, spreadOrNull, summaryOf } from './stored-run.ts';
import { escaped, figure } from './text.ts';

const OWN = 'sallyport';
const WIDE = { width: 1160, labels: 130, words: 330 };
const TILE = { width: 346, labels: 116, words: 84 };

/** Sallyport against each case's own measure, all cases in one chart. */
export function overviewSection(run: StoredRun): string {
  const rows = run.cases.flatMap((one) => {
    const spread = spreadOrNull(summaryOf(one, OWN)?.ratio);
    if (spread === null || baselineIn(one) === OWN) return [];
    const words = `${figure(spread.median)} × ${baselineIn(one) ?? 'baseline'}  [${figure(spread.min)} ${figure(spread.max)}]`;
    return [{ label: one.name, spread, words, isOwn: true }];
  });
  if (rows.length === 0) return '';
  return `<h2>Sallyport against its measure in each case</h2>
<p class="soft">CPU time per request over that of nginx, of nginx with ModSecurity where rules are run, or of who is named, in the same round. Left of 1 is cheaper. The axis is logarithmic.</p>
<section class="card">${ratios('CPU per request of Sallyport over that of its peer', rows, WIDE)}</section>`;
}

/** What a duty costs over forwarding alone. */
export function addedSection(run: StoredRun): string {
  const rows = ownFigures(run, ({ addedUs }) => spreadOrNull(addedUs)).map(({ label, value }) => ({
    label,
    // A bar begins at zero: a lowest round below it is noise, and said in words.
    spread: { median: Math.max(0, value.median), min: Math.max(0, value.min), max: Math.max(0, value.max) },
    words: `${figure(value.median)} us  [${figure(value.min)} ${figure(value.max)}]`,
    isOwn: true,
  }));
  if (rows.length === 0) return '';
  return `<h2>What a duty adds</h2>
<p class="soft">Microseconds of CPU time per request of Sallyport over its own <code>plain</code> of this run.</p>
<section class="card">${bars('Microseconds added by each duty', rows, WIDE)}</section>`;
}

/** Latency at an arrival rate that does not wait for answers. */
export function latencySection(run: StoredRun): string {
  const cards = run.cases.flatMap((one) => {
    const measured = one.openLoop ?? [];
    if (measured.length === 0) return [];
    const rows = measured.map(({ peer, p50Ms, p90Ms, p99Ms, p999Ms }) => ({
      label: peer,
      figures: [p50Ms ?? null, p90Ms ?? null, p99Ms ?? null, p999Ms ?? null],
      isOwn: peer === OWN,
    }));
    const chart = percentiles(`Open-loop latency, ${one.name}`, rows, { ...WIDE, words: 150 });
    return [`<section class="card"><h3>${escaped(one.name)}</h3>${chart}${openLoopTable(one)}</section>`];
  });
  if (cards.length === 0) return '';
  return `<h2>Latency under a fixed arrival rate</h2>
<p class="soft">Requests leave on schedule whether answers came or not, and time counts from the schedule: nothing is hidden by a stalled client. Points are p50, p90, p99 (large) and p99.9 in milliseconds. The rate is a share of what each proxy can do at most.</p>
${cards.join('\n')}`;
}

function openLoopTable({ openLoop }: StoredCase): string {
  const cell = (value: number | null | undefined): string =>
    `<td>${value === null || value === undefined ? '-' : figure(value)}</td>`;
  const lines = (openLoop ?? []).map((one) => {
    const { peer, requestsPerSecond, saturation, p50Ms, p90Ms, p99Ms, p999Ms, errors } = one;
    const figures = [requestsPerSecond, saturation, p50Ms, p90Ms, p99Ms, p999Ms, errors].map(cell).join('');
    return `<tr${peer === OWN ? ' class="own"' : ''}><td>${escaped(peer)}</td>${figures}</tr>`;
  });
  const heads = ['proxy', 'arrivals/s', 'saturation/s', 'p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'errors'];
  const head = heads.map((name) => `<th>${name}</th>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${lines.join('')}</tbody></table>`;
}

/** Resident memory of each proxy's processes. */
export function memorySection(run: StoredRun): string {
  const tiles = run.cases.flatMap((one) => {
    const rows = one.summary.flatMap(({ peer, rssMB }) => {
      const spread = spreadOrNull(rssMB);
      return spread === null
        ? []
        : [{ label: peer, spread, words: `${figure(spread.median)} MB`, isOwn: peer === OWN }];
    });
    if (rows.length === 0) return [];
    return [
      `<section class="card"><h3>${escaped(one.name)}</h3>${bars(`Resident memory, ${one.name}`, rows, TILE)}</section>`,
    ];
  });
  if (tiles.length === 0) return '';
  return `<h2>Resident memory</h2>
<p class="soft">Of all processes of the proxy at the end of a round, in MB.</p>
<div class="tiles">${tiles.join('\n')}</div>`;
}

/** What Sallyport allocates per request, and what collecting it costs. */
export function allocationSection(run: StoredRun): string {
  const figures = ownFigures(run, ({ allocatedBytesPerRequest: bytes }) =>
    typeof bytes === 'number' ? { median: bytes, min: bytes, max: bytes } : null,
  );
  if (figures.length === 0) return '';
  const rows = figures.map(({ label, value, summary: { gcShare } }) => {
    const share = typeof gcShare === 'number' ? `, ${(gcShare * 100).toFixed(1)} % of CPU time` : '';
    return { label, spread: value, words: `${figure(value.median)} bytes${share}`, isOwn: true };
  });
  return `<h2>Allocations per request</h2>
<p class="soft">Bytes on the JavaScript heaps of Sallyport, main thread and workers, and the share of CPU time that collecting them took, in a round of its own.</p>
<section class="card">${bars('Bytes allocated per request', rows, WIDE)}</section>`;
}

interface OwnFigure<Value> {
  readonly label: string;
  readonly value: Value;
  readonly summary: StoredSummary;
}

function ownFigures<Value>(run: StoredRun, of: (summary: StoredSummary) => Value | null): readonly OwnFigure<Value>[] {
  return run.cases.flatMap((one) => {
    const summary = summaryOf(one, OWN);
    const value = summary === null ? null : of(summary);
    return summary === null || value === null ? [] : [{ label: one.name, value, summary }];
  });
}
