import type { Spread } from '../statistics.ts';
import { linear, logarithmic, type Scale } from './scale.ts';
import { escaped, figure } from './text.ts';

/** A row of a chart: what it is, its figure, and what stands at its right end. */
export interface Row {
  readonly label: string;
  /** Null draws no mark: the words say why. */
  readonly spread: Spread | null;
  readonly words: string;
  /** Drawn in the colour of Sallyport. */
  readonly isOwn: boolean;
}

export interface PercentilesRow {
  readonly label: string;
  /** p50, p90, p99, p99.9 in milliseconds; null where one is not known. */
  readonly figures: readonly (number | null)[];
  readonly isOwn: boolean;
}

export interface Sizes {
  readonly width: number;
  /** Pixels for labels at the left and words at the right. */
  readonly labels: number;
  readonly words: number;
}

const ROW = 26;
const AXIS = 22;

/**
 * Bars from zero to the median, with a line from the lowest to the highest round.
 *
 * @param title  For who cannot see the picture.
 */
export function bars(title: string, rows: readonly Row[], sizes: Sizes): string {
  const max = Math.max(...rows.map(({ spread }) => spread?.max ?? 0));
  const room = roomOf(sizes);
  const scale = linear(max > 0 ? max : 1, room);
  const marks = rows.map(({ spread, isOwn }, index) => {
    if (spread === null) return '';
    const y = index * ROW;
    const end = sizes.labels + scale.at(spread.median);
    const width = Math.max(1, scale.at(spread.median)).toFixed(1);
    const bar = `<rect class="${isOwn ? 'own' : 'other'}" x="${sizes.labels}" y="${y + 5}" width="${width}" height="16" rx="2"/>`;
    return spread.min === spread.max ? bar : `${bar}${whisker(scale, sizes.labels, spread, y + 13, end)}`;
  });
  return drawing(title, rows, sizes, scale, marks, []);
}

/** Points with a line from the lowest to the highest round, on a logarithmic axis with a line at 1. */
export function ratios(title: string, rows: readonly Row[], sizes: Sizes): string {
  const spreads = rows.flatMap(({ spread }) => spread ?? []);
  const min = Math.min(0.5, ...spreads.map((spread) => spread.min)) / 1.2;
  const max = Math.max(2, ...spreads.map((spread) => spread.max)) * 1.2;
  const scale = logarithmic(min, max, roomOf(sizes));
  const marks = rows.map(({ spread, isOwn }, index) => {
    if (spread === null) return '';
    const y = index * ROW + 13;
    const x = sizes.labels + scale.at(spread.median);
    return `${whisker(scale, sizes.labels, spread, y, x)}${dot(x, y, 5.5, isOwn ? 'own' : 'other')}`;
  });
  return drawing(title, rows, sizes, scale, marks, [1]);
}

/** Four points a row from p50 to p99.9, on a logarithmic axis of milliseconds. */
export function percentiles(title: string, rows: readonly PercentilesRow[], sizes: Sizes): string {
  const known = rows.flatMap(({ figures }) => figures.filter((value): value is number => value !== null && value > 0));
  if (known.length === 0) return '';
  const scale = logarithmic(Math.min(...known) / 1.3, Math.max(...known) * 1.3, roomOf(sizes));
  const marks = rows.map(({ figures, isOwn }, index) => {
    const y = index * ROW + 13;
    const points = figures.flatMap((value, place) =>
      value === null || value <= 0 ? [] : [{ x: sizes.labels + scale.at(value), place }],
    );
    const [first, last] = [points[0], points.at(-1)];
    const line =
      first === undefined || last === undefined
        ? ''
        : `<line class="reach" x1="${first.x.toFixed(1)}" x2="${last.x.toFixed(1)}" y1="${y}" y2="${y}"/>`;
    // p99 is what is compared: it is the large one.
    const look = isOwn ? 'own' : 'other';
    return line + points.map(({ x, place }) => dot(x, y, place === 2 ? 6.5 : 3.5, look)).join('');
  });
  const words = (value: number | null | undefined): string =>
    value === null || value === undefined ? '-' : figure(value);
  const lines = rows.map((row) => ({ ...row, spread: null, words: `p99 ${words(row.figures[2])} ms` }));
  return drawing(title, lines, sizes, scale, marks, []);
}

function drawing(
  title: string,
  rows: readonly Row[],
  sizes: Sizes,
  scale: Scale,
  marks: readonly string[],
  references: readonly number[],
): string {
  const bottom = rows.length * ROW + 4;
  const height = bottom + AXIS;
  const { width, labels } = sizes;
  const grid = scale.ticks.map((tick) => {
    const x = (labels + scale.at(tick)).toFixed(1);
    const look = references.includes(tick) ? 'reference' : 'grid';
    return `<line class="${look}" x1="${x}" x2="${x}" y1="0" y2="${bottom}"/><text class="tick" x="${x}" y="${bottom + 15}">${tickWords(tick)}</text>`;
  });
  const texts = rows.map(({ label, words, isOwn }, index) => {
    const y = index * ROW + 17.5;
    const look = isOwn ? ' strong' : '';
    return `<text class="label${look}" x="${labels - 8}" y="${y}">${escaped(label)}</text><text class="words${look}" x="${width - sizes.words + 12}" y="${y}">${escaped(words)}</text>`;
  });
  const parts = [...grid, ...marks, ...texts].join('');
  return `<svg role="img" aria-label="${escaped(title)}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${parts}</svg>`;
}

/** With a halo in the ground's colour, so that the line shows on a bar, too. */
function whisker(scale: Scale, from: number, { min, max }: Spread, y: number, at: number): string {
  const [left, right] = [from + scale.at(min), from + scale.at(max)];
  if (right - left < 1 && Math.abs(at - left) < 1) return '';
  const [x1, x2] = [left.toFixed(1), right.toFixed(1)];
  const path = `d="M${x1} ${y}H${x2}M${x1} ${y - 4}v8M${x2} ${y - 4}v8"`;
  return `<path class="halo" ${path}/><path class="whisker" ${path}/>`;
}

function dot(x: number, y: number, radius: number, look: string): string {
  return `<circle class="${look}" cx="${x.toFixed(1)}" cy="${y}" r="${radius}"/>`;
}

function roomOf({ width, labels, words }: Sizes): number {
  return width - labels - words;
}

/** 0, 0.2, 50, 20,000: no digits but those that the tick has. */
function tickWords(tick: number): string {
  return tick >= 1_000 ? tick.toLocaleString('en') : String(Number(tick.toPrecision(6)));
}
