// hot path: synchronous, never throws
import type { Route, Transaction } from '../transaction.ts';
import { PASS, type Verdict } from '../verdict.ts';
import { canaryHash } from './canary-share.ts';
import type { PhaseContext } from './context.ts';
import { InspectedRequest } from './inspected-request.ts';
import type { RouteWaf } from './waf-route.ts';

/**
 * Phase waf-headers: SecLang's phase 1. From here to its end a request is under the rules of its route.
 *
 * @returns  A phase that refuses as rules say; null where no route is under a firewall.
 */
export function compileWafHeaders(context: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  const { waf } = context;
  if (waf === null) return null;
  const compiled = new Map<Route, RouteWaf>();
  for (const route of context.routes) {
    const routeWaf = compileRoute(route, context, waf);
    if (routeWaf !== null) compiled.set(route, routeWaf);
  }
  return (tx) => {
    const routeWaf = tx.route === null ? undefined : compiled.get(tx.route);
    if (routeWaf === undefined) return PASS;
    const inspected = new InspectedRequest(tx, routeWaf);
    tx.inspection = inspected;
    return inspected.head(tx);
  };
}

function compileRoute(route: Route, context: PhaseContext, waf: NonNullable<PhaseContext['waf']>): RouteWaf | null {
  const engine = waf.engine(route.name);
  if (engine === null) return null;
  const { config } = context;
  const policies = route.config.policies.waf;
  return Object.freeze({
    engine,
    patches: waf.patches(route.name),
    context,
    audit: waf.audit,
    offload: waf.offload(route.name),
    settings: config.waf,
    route: route.name,
    routeIndex: route.index,
    canary: policies.canary.length === 0 ? null : canaryHash(config.waf.canarySeed),
    detectsOnly: policies.mode === 'detect',
    serverAddress: config.listen.host,
  });
}
