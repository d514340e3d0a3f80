import type { Config } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import type { Route } from '../transaction.ts';

/**
 * The routes of a configuration as the request path sees them.
 *
 * @param rows  Metrics row by route name.
 * @throws  SallyportError SP_CONFIG for a route without a known upstream; the configuration's own check comes first.
 */
export function compileRoutes(config: Config, rows: Readonly<Record<string, number>>): readonly Route[] {
  const upstreams = Object.keys(config.upstreams);
  return config.routes.map((route, position) => {
    const upstream = upstreams.indexOf(route.upstream);
    if (upstream === -1) {
      throw new SallyportError('SP_CONFIG', `routes[${position}].upstream: ${route.upstream} is not an upstream`);
    }
    const bodyBytesMax = route.policies.bodyBytesMax ?? config.limits.bodyBytesMax;
    return Object.freeze({
      kind: 'route' as const,
      index: rows[route.name] ?? -1,
      name: route.name,
      config: route,
      upstream,
      bodyBytesMax: bodyBytesMax === 0 ? Number.POSITIVE_INFINITY : bodyBytesMax,
    });
  });
}
