import type { TargetExclusion } from '../waf/inspection.ts';

/** How much is left out, narrowest first. */
export type Breadth = 'member' | 'numbered' | 'variable' | 'rule';

/** Leaves one rule, or one target of it, out on one route. */
export interface Exclusion {
  /** Name of the route. */
  readonly route: string;
  readonly ruleId: number;
  /** As SecLang writes it: `ARGS:id`; null for the whole rule. */
  readonly target: string | null;
  readonly breadth: Breadth;
  /** Why the rule as a whole; '' for targets. */
  readonly why: string;
}

/** The same for the same exclusion. */
export function exclusionKey({ route, ruleId, target }: Exclusion): string {
  return JSON.stringify([route, ruleId, target]);
}

/** `941100 ARGS:article`, for people: printable ASCII. */
export function exclusionWords({ ruleId, target }: Exclusion): string {
  return target === null ? `${ruleId} as a whole` : `${ruleId} ${target}`;
}

/** As a `ctl` that does it for one request, by which it is tried. */
export function exclusionControl({ ruleId, target }: Exclusion): string {
  return target === null ? `ruleRemoveById=${ruleId}` : `ruleRemoveTargetById=${ruleId};${target}`;
}

/** What stands in a route's `policies.waf.without`. */
export interface RouteExclusions {
  readonly ids: readonly string[];
  readonly targets: readonly TargetExclusion[];
}

/** Exclusions by route; rules with equal targets stand together. */
export function byRoute(exclusions: readonly Exclusion[]): ReadonlyMap<string, RouteExclusions> {
  const routes = new Map<string, { ids: Set<number>; targets: Map<string, Set<number>> }>();
  for (const { route, ruleId, target } of exclusions) {
    const own = routes.get(route) ?? { ids: new Set(), targets: new Map() };
    routes.set(route, own);
    if (target === null) own.ids.add(ruleId);
    else own.targets.set(target, (own.targets.get(target) ?? new Set()).add(ruleId));
  }
  return new Map(
    [...routes].map(([route, { ids, targets }]) => [
      route,
      {
        ids: sorted(ids),
        targets: [...targets].map(([target, rules]) => ({ target, ids: sorted(rules), tag: null })),
      },
    ]),
  );
}

function sorted(ids: ReadonlySet<number>): string[] {
  return [...ids].sort((a, b) => a - b).map(String);
}
