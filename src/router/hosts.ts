import { formatIPv6, parseAddress } from '../base/ip-address.ts';
import type { Route } from '../transaction.ts';
import { buildTree, type Node } from './tree.ts';

/** Trees by host pattern. */
export interface HostTrees {
  readonly exact: ReadonlyMap<string, Node>;
  /** By the suffix with its dot: `.example.com` for `*.example.com`. */
  readonly wildcard: ReadonlyMap<string, Node>;
  /** Routes without hosts; null when there are none. */
  readonly every: Node | null;
}

/** @throws  SallyportError SP_CONFIG, see `buildTree`. */
export function buildHostTrees(routes: readonly Route[]): HostTrees {
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
  const exact = new Map<string, Node>();
  const wildcard = new Map<string, Node>();
  for (const [host, own] of byHost) {
    const tree = buildTree(own, host);
    if (host.startsWith('*')) wildcard.set(host.slice(1), tree);
    else exact.set(host, tree);
  }
  return { exact, wildcard, every: every.length === 0 ? null : buildTree(every, 'every host') };
}

/** The form that request hosts have when they are matched. */
function canonicalHost(host: string): string {
  const words = host.startsWith('[') ? parseAddress(host.slice(1, -1)) : null;
  if (words !== null) return `[${formatIPv6(words)}]`;
  const lower = host.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}
