import type { MeteredRoute } from './render.ts';
import type { MetricsTotals } from './totals.ts';

/**
 * Labels of the two rows without a route of their own; no route has such a name: names begin with a letter or a digit.
 */
const NO_ROUTE = '_none';
const OTHER_ROUTES = '_other';

/** Rows of the route area, with the label of each. */
export function routeRows(routes: Iterable<MeteredRoute>, { shape }: MetricsTotals): { row: number; route: string }[] {
  const lastRow = shape.routeRows - 1;
  return [
    { row: 0, route: NO_ROUTE },
    ...[...routes]
      .filter(({ index }) => index + 1 < lastRow)
      .map(({ index, name }) => ({ row: index + 1, route: name })),
    { row: lastRow, route: OTHER_ROUTES },
  ];
}
