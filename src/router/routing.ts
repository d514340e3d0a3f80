// hot path: synchronous, never throws
import type { Route, Transaction } from '../transaction.ts';
import { PASS, refuse, type Verdict } from '../verdict.ts';
import { compileRouter } from './router.ts';

/** Phase route: host, path and method to a route. Refuses with 404, and 405 with `Allow`. */
export function compileRouting(routes: readonly Route[]): (tx: Transaction, nowMs: number) => Verdict {
  const router = compileRouter(routes);
  return (tx) => {
    const found = router.find(tx.host, tx.path, tx.method);
    if (found.kind === 'route') {
      tx.route = found;
      return PASS;
    }
    if (found.kind === 'not-found') return refuse('SP_ROUTE_NOT_FOUND');
    return refuse('SP_ROUTE_METHOD', undefined, ['allow', found.allow]);
  };
}
