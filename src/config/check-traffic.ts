import { parseRange } from '../base/ip-address.ts';
import { OWN_FIELDS } from './check-fields.ts';
import type { Report } from './report.ts';
import type { Config, RateLimitConfig } from './schema.ts';
import { didYouMean, type KeyPath, quote } from './words.ts';

const HEADER = 'header:';
/** Fields that the gateway handles by itself, and keys may be read from all the same. */
const READABLE = new Set(['authorization', 'cookie', 'host', 'user-agent']);
/** Windows of all policies of one route: a decision has room for so many. */
const WINDOWS_PER_ROUTE_MAX = 64;

/** Address lists and rate limits: what the schema alone cannot tell. Never throws. */
export function checkTraffic(config: Config, report: Report): void {
  checkAccess(config.access, ['access'], report);
  for (const [name, policy] of Object.entries(config.rateLimits)) checkPolicy(policy, ['rateLimits', name], report);
  for (const [index, route] of config.routes.entries()) {
    const path = ['routes', index, 'policies'];
    checkAccess(route.policies.access, [...path, 'access'], report);
    checkNames(route.policies.rateLimits, config, [...path, 'rateLimits'], report);
  }
  noteUnused(config, report);
}

function checkAccess({ deny, allow }: Config['access'], path: KeyPath, report: Report): void {
  checkRanges(deny, [...path, 'deny'], report);
  checkRanges(allow, [...path, 'allow'], report);
}

function checkRanges(ranges: readonly string[], path: KeyPath, report: Report): void {
  for (const [index, range] of ranges.entries()) {
    const inner = [...path, index];
    if (parseRange(range) !== null) continue;
    const found = `${report.show(inner, range)} is not an address or CIDR range`;
    report.problem(inner, found, 'write 10.0.0.0/8 or 2001:db8::/32');
  }
}

function checkPolicy(policy: RateLimitConfig, path: KeyPath, report: Report): void {
  checkRanges(policy.exempt, [...path, 'exempt'], report);
  for (const [at, part] of policy.key.entries()) {
    const inner = [...path, 'key', at];
    noteRepeated(policy.key, at, inner, report);
    const name = part.startsWith(HEADER) ? part.slice(HEADER.length).toLowerCase() : '';
    if (!OWN_FIELDS.includes(name) || READABLE.has(name)) continue;
    const found = `${report.show(inner, part)} is a field that the gateway handles by itself`;
    report.problem(inner, found, 'use another field; address stands for the client behind trusted proxies');
  }
  for (const [at, window] of policy.windows.entries()) {
    const inner = [...path, 'windows', at];
    const same = policy.windows.findIndex(({ windowMs }) => windowMs === window.windowMs);
    if (same !== at) {
      const other = [...path, 'windows', same];
      const found = `is as long as ${report.mention(other)}`;
      report.problem([...inner, 'windowMs'], found, 'keep the one with the lower limit', [other]);
    }
    const looser = policy.windows.some(({ limit, windowMs }) => windowMs > window.windowMs && limit < window.limit);
    if (looser) {
      const found = 'a longer window allows less: this one is never what refuses';
      report.warn([...inner, 'limit'], found, 'lower it, or remove this window');
    }
  }
}

function checkNames(names: readonly string[], config: Config, path: KeyPath, report: Report): void {
  const known = Object.keys(config.rateLimits);
  for (const [at, name] of names.entries()) {
    const inner = [...path, at];
    noteRepeated(names, at, inner, report);
    if (Object.hasOwn(config.rateLimits, name)) continue;
    const otherwise =
      known.length === 0 ? 'define it under rateLimits' : `known: ${known.slice(0, 12).map(quote).join(', ')}`;
    const found = `unknown rate limit ${report.show(inner, name)}`;
    report.problem(inner, found, didYouMean(name, known, otherwise), [['rateLimits']]);
  }
  const everywhere = known.filter((name) => config.rateLimits[name]?.everyRoute === true);
  const windows = [...new Set([...names, ...everywhere])]
    .map((name) => (Object.hasOwn(config.rateLimits, name) ? (config.rateLimits[name]?.windows.length ?? 0) : 0))
    .reduce((sum, count) => sum + count, 0);
  if (windows > WINDOWS_PER_ROUTE_MAX) {
    const found = `${windows} windows hold for this route; there may be ${WINDOWS_PER_ROUTE_MAX}`;
    report.problem(path, found, 'use fewer rate limits, or fewer windows in them');
  }
}

function noteRepeated(items: readonly string[], at: number, path: KeyPath, report: Report): void {
  const first = items.indexOf(items[at] ?? '');
  if (first === at) return;
  const other = [...path.slice(0, -1), first];
  report.problem(path, `repeats ${report.mention(other)}`, 'remove one of them', [other]);
}

function noteUnused(config: Config, report: Report): void {
  const used = new Set(config.routes.flatMap((route) => route.policies.rateLimits));
  for (const [name, policy] of Object.entries(config.rateLimits)) {
    if (policy.everyRoute || used.has(name)) continue;
    const found = 'no route uses this rate limit';
    report.warn(['rateLimits', name], found, 'name it in routes[].policies.rateLimits, set everyRoute, or remove it');
  }
}
