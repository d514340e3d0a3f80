import type { Cost } from './measure.ts';

/** Markdown, a row for each place: the text with the largest ratio, and the one that takes longest. */
export function costTable(costs: readonly Cost[]): string {
  const places = [...new Set(costs.map(({ place }) => place))];
  return [
    '| where | largest ratio | of | ms | without gate | longest ms | of | without gate |',
    '|---|---|---|---|---|---|---|---|',
    ...places.map((place) => {
      const own = costs.filter((cost) => cost.place === place);
      const [ratio, time] = [largest(own, (cost) => cost.ratio), largest(own, (cost) => cost.gatedMs)];
      const cells = [
        place,
        ratio.ratio.toFixed(2),
        ratio.text,
        ms(ratio.gatedMs),
        ms(ratio.plainMs),
        ms(time.gatedMs),
        time.text,
        ms(time.plainMs),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}

/** The worst of all, and how often the gate pays. */
export function summaryOf(costs: readonly Cost[]): string {
  const [ratio, time] = [largest(costs, (cost) => cost.ratio), largest(costs, (cost) => cost.gatedMs)];
  const dearer = costs.filter((cost) => cost.ratio > 1).length;
  return [
    `${costs.length} cells; dearer with the gate: ${dearer}; above twice: ${costs.filter((cost) => cost.ratio > 2).length}.`,
    `Largest ratio ${ratio.ratio.toFixed(2)} (${ratio.place}, ${ratio.text}).`,
    `Longest ${ms(time.gatedMs)} ms (${time.place}, ${time.text}).`,
  ].join('\n');
}

function largest(costs: readonly Cost[], by: (cost: Cost) => number): Cost {
  const [first] = costs.toSorted((a, b) => by(b) - by(a));
  if (first === undefined) throw new RangeError('no cells');
  return first;
}

const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
