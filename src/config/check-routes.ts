import { isIPv6 } from 'node:net';
import { formatIPv6, parseAddress } from '../base/ip-address.ts';
import { isHostName } from './address.ts';
import { isBelow, patternShape, whyNotPattern, whyNotPrefix } from './path-pattern.ts';
import type { Report } from './report.ts';
import type { Config, RouteConfig } from './schema.ts';
import { didYouMean, type KeyPath, quote } from './words.ts';

/** A tunnel past every policy, and echoes of a request's secrets: the guard refuses them (RFC 9110 9.3.6, 9.3.8). */
const METHODS_REFUSED = new Set(['CONNECT', 'TRACE', 'TRACK']);

/** Routes: names, upstreams, patterns, prefixes, and routes that would fight over the same requests. Never throws. */
export function checkRoutes(config: Config, report: Report): void {
  const upstreams = Object.keys(config.upstreams);
  const names = new Map<string, number>();
  for (const [index, route] of config.routes.entries()) {
    const path = ['routes', index];
    const first = names.get(route.name);
    if (first === undefined) names.set(route.name, index);
    else {
      const other = ['routes', first, 'name'];
      const found = `the name ${report.show([...path, 'name'], route.name)} is also ${report.mention(other)}`;
      report.problem([...path, 'name'], found, 'give each route its own name', [other]);
    }
    if (!Object.hasOwn(config.upstreams, route.upstream)) noteUnknownUpstream(route, path, upstreams, report);
    checkHosts(route, path, report);
    checkMethods(route, path, report);
    checkPaths(route, path, report);
  }
  noteOverlaps(config.routes, report);
  if (config.routes.length === 0) {
    report.warn(['routes'], 'there is no route: every request gets 404', 'add a route and its upstream');
  }
}

function noteUnknownUpstream(route: RouteConfig, path: KeyPath, upstreams: readonly string[], report: Report): void {
  const inner = [...path, 'upstream'];
  const otherwise =
    upstreams.length === 0
      ? 'define it under upstreams'
      : `known upstreams: ${upstreams
          .slice(0, 12)
          .map((one) => quote(one))
          .join(', ')}`;
  const found = `unknown upstream ${report.show(inner, route.upstream)}`;
  report.problem(inner, found, didYouMean(route.upstream, upstreams, otherwise), [['upstreams']]);
}

function checkHosts(route: RouteConfig, path: KeyPath, report: Report): void {
  for (const [at, host] of route.hosts.entries()) {
    const inner = [...path, 'hosts', at];
    const name = host.startsWith('*.') ? host.slice(2) : host;
    const valid = name.startsWith('[') ? isIPv6(name.slice(1, -1)) && name === host : isHostName(name);
    const shown = report.show(inner, host);
    const remedy = name.startsWith('[')
      ? 'write a whole IPv6 address in [ ]'
      : 'check dots and lengths: labels have 1 to 63 characters';
    if (!valid) report.problem(inner, `${shown} is not a host name`, remedy);
    noteRepeated(route.hosts, at, inner, report);
  }
}

function checkMethods(route: RouteConfig, path: KeyPath, report: Report): void {
  for (const [at, method] of route.methods.entries()) {
    const inner = [...path, 'methods', at];
    if (METHODS_REFUSED.has(method)) {
      report.problem(
        inner,
        `${method} is never accepted`,
        'leave it out: it would tunnel past, or echo, what is guarded',
      );
    }
    noteRepeated(route.methods, at, inner, report);
  }
}

function checkPaths(route: RouteConfig, path: KeyPath, report: Report): void {
  for (const key of ['stripPrefix', 'addPrefix'] as const) {
    const inner = [...path, key];
    const why = whyNotPrefix(route[key]);
    if (why === undefined) continue;
    report.problem(inner, `${report.show(inner, route[key])} ${why[0]}`, why[1]);
    report.distrust(inner);
  }
  for (const [at, pattern] of route.paths.entries()) {
    const inner = [...path, 'paths', at];
    const why = whyNotPattern(pattern);
    if (why !== undefined) {
      report.problem(inner, `${report.show(inner, pattern)} ${why[0]}`, why[1]);
      report.distrust(inner);
    }
    noteRepeated(route.paths.map(patternShape), at, inner, report);
    if (route.stripPrefix === '' || isBelow(pattern, route.stripPrefix)) continue;
    const strip = [...path, 'stripPrefix'];
    const found = `${report.show(strip, route.stripPrefix)} does not begin the path ${report.show(inner, pattern)}`;
    report.problem(strip, found, 'let every path of the route begin with it, or make two routes', [inner]);
  }
}

function noteRepeated(items: readonly string[], at: number, path: KeyPath, report: Report): void {
  const first = items.indexOf(items[at] ?? '');
  if (first === at) return;
  const other = [...path.slice(0, -1), first];
  report.problem(path, `repeats ${report.mention(other)}`, 'remove one of them', [other]);
}

/** One claim of a route on requests. */
interface Claim {
  readonly route: number;
  readonly at: number;
}

/** Two routes of one host, one path shape and one method: which of them answers would be an accident. */
function noteOverlaps(routes: readonly RouteConfig[], report: Report): void {
  const claims = new Map<string, Claim[]>();
  const noted = new Set<string>();
  for (const [index, route] of routes.entries()) {
    for (const host of route.hosts.length === 0 ? [''] : new Set(route.hosts)) {
      for (const [at, pattern] of route.paths.entries()) {
        const key = `${canonicalHost(host)} ${patternShape(pattern)}`;
        const known = claims.get(key) ?? [];
        claims.set(key, known);
        const claim = { route: index, at };
        for (const other of known) {
          const pair = `${other.route} ${index}`;
          if (other.route === index || noted.has(pair)) continue;
          if (noteOverlap(routes, other, claim, host, report)) noted.add(pair);
        }
        known.push(claim);
      }
    }
  }
}

/** `[0:0::1]` and `[::1]` are one host. */
function canonicalHost(host: string): string {
  const words = host.startsWith('[') ? parseAddress(host.slice(1, -1)) : null;
  return words === null ? host : `[${formatIPv6(words)}]`;
}

function noteOverlap(
  routes: readonly RouteConfig[],
  first: Claim,
  second: Claim,
  host: string,
  report: Report,
): boolean {
  const a = routes[first.route];
  const b = routes[second.route];
  if (a === undefined || b === undefined) return false;
  const methods = commonMethods(a.methods, b.methods);
  if (methods === undefined) return false;
  const [aPath, bPath]: [KeyPath, KeyPath] = [
    ['routes', first.route, 'paths', first.at],
    ['routes', second.route, 'paths', second.at],
  ];
  const pattern = report.show(bPath, b.paths[second.at]);
  const where = `${host === '' ? 'any host' : `host ${quote(host)}`}, ${methods}`;
  const found = `route ${quote(b.name)} overlaps route ${quote(a.name)}, ${report.mention(['routes', first.route])}: both take ${pattern} for ${where}`;
  report.problem(bPath, found, 'tell them apart by host, path or method', [
    aPath,
    ['routes', first.route, 'hosts'],
    ['routes', second.route, 'hosts'],
    ['routes', first.route, 'methods'],
    ['routes', second.route, 'methods'],
  ]);
  return true;
}

/** The methods two lists share, in words; undefined for none. An empty list means every method; GET includes HEAD. */
function commonMethods(a: readonly string[], b: readonly string[]): string | undefined {
  if (a.length === 0 && b.length === 0) return 'every method';
  if (a.length === 0) return withHead(b).join(' ');
  if (b.length === 0) return withHead(a).join(' ');
  const common = withHead(a).filter((method) => withHead(b).includes(method));
  return common.length === 0 ? undefined : common.join(' ');
}

function withHead(methods: readonly string[]): string[] {
  return methods.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'] : [...methods];
}
