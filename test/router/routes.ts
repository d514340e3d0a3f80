import type { Route } from '../../src/transaction.ts';

export interface RouteWords {
  readonly name: string;
  readonly paths: readonly string[];
  readonly hosts?: readonly string[];
  readonly methods?: readonly string[];
}

/** A route with what the router looks at. */
export function routeOf({ name, paths, hosts = [], methods = [] }: RouteWords, index = 0): Route {
  const config = { name, paths: [...paths], hosts: [...hosts], methods: [...methods] } as unknown as Route['config'];
  return { kind: 'route', index, name, config, upstream: 0, bodyBytesMax: 0 };
}
