import { formatIPv6, parseAddress } from '../base/ip-address.ts';
import type { Route } from '../transaction.ts';
import { type RouteTable, TableBuilder } from './table.ts';
import { buildTree } from './tree.ts';

/** Roots in one table by host pattern. */
export interface HostRoots {
  readonly exact: ReadonlyMap<string, number>;
  /** By the suffix with its dot: `.example.com` for `*.example.com`. */
  readonly wildcard: ReadonlyMap<string, number>;
  /** Routes without hosts; -1 when there are none. */
  readonly every: number;
  readonly table: RouteTable;
}

/** @throws  SallyportError SP_CONFIG, see `buildTree`. */
export function buildHosts(routes: readonly Route[]): HostRoots {
  const byHost = new Map<string, Route[]>();
  const every: Route[] = [];
  for (const route of routes) {
    if (route.config.hosts.length === 0) every.push(route);
    for (const host of new Set(route.config.hosts.map(canonicalHost))) {
      const own = byHost.get(host);
      if (own === undefined) byHost.set(host, [route]);
      else own.push(route);
    }
  }
  const builder = new TableBuilder();
  const exact = new Map<string, number>();
  const wildcard = new Map<string, number>();
  for (const [host, own] of byHost) {
    const root = builder.add(buildTree(own, host));
    if (host.startsWith('*')) wildcard.set(host.slice(1), root);
    else exact.set(host, root);
  }
  const everyRoot = every.length === 0 ? -1 : builder.add(buildTree(every, 'every host'));
  return { exact, wildcard, every: everyRoot, table: builder.finish() };
}

/** The form that request hosts have when they are matched. */
function canonicalHost(host: string): string {
  const words = host.startsWith('[') ? parseAddress(host.slice(1, -1)) : null;
  if (words !== null) return `[${formatIPv6(words)}]`;
  const lower = host.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}
