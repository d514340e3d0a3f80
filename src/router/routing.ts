// hot path: synchronous, never throws
import type { Route, Transaction } from '../transaction.ts';
import { PASS, refuse, type Verdict } from '../verdict.ts';
import { compileRouter } from './router.ts';

/** Paths of a route's hosts that the gateway answers itself, before any route is looked for. */
export interface OwnPaths {
  readonly route: Route;
  readonly hosts: readonly string[];
  readonly paths: readonly string[];
}

/** Phase route: host, path and method to a route. Refuses with 404, and 405 with `Allow`. */
export function compileRouting(
  routes: readonly Route[],
  own: readonly OwnPaths[] = [],
): (tx: Transaction, nowMs: number) => Verdict {
  const router = compileRouter(routes);
  const ownPaths = new Set(own.flatMap(({ paths }) => paths));
  const owners = new Map(own.map((one) => [ownRoute(one), one.route]));
  const ownRouter = compileRouter([...owners.keys()]);
  return (tx) => {
    if (ownPaths.has(tx.path)) {
      const owner = ownRouter.find(tx.host, tx.path, tx.method);
      if (owner.kind === 'route') {
        tx.route = owners.get(owner) ?? null;
        return PASS;
      }
    }
    const found = router.find(tx.host, tx.path, tx.method);
    if (found.kind === 'route') {
      tx.route = found;
      return PASS;
    }
    if (found.kind === 'not-found') return refuse('SP_ROUTE_NOT_FOUND');
    return refuse('SP_ROUTE_METHOD', undefined, ['allow', found.allow]);
  };
}

function ownRoute({ route, hosts, paths }: OwnPaths): Route {
  const config = { ...route.config, hosts: [...hosts], paths: [...paths], methods: [] };
  return Object.freeze({ ...route, config });
}
