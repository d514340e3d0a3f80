import { formatAddress, formatIPv6, parseAddress, parseRange } from '../base/ip-address.ts';
import { OWN_FIELDS } from './check-fields.ts';
import type { Report } from './report.ts';
import type { BanRuleConfig, Config, RateLimitConfig, RouteConfig } from './schema.ts';
import { didYouMean, type KeyPath, quote } from './words.ts';

type Window = RateLimitConfig['windows'][number];
type Policies = RouteConfig['policies'];

const HEADER = 'header:';
/** Fields that the gateway handles by itself, and keys may be read from all the same. */
const READABLE = new Set(['authorization', 'cookie', 'host', 'user-agent']);
/** See src/abuse/rules.ts. */
const BANS_BY_HAND = 'manual';
/** Windows of all policies of one route: a decision has room for so many. */
const WINDOWS_PER_ROUTE_MAX = 64;

/** Address lists and rate limits: what the schema alone cannot tell. Never throws. */
export function checkTraffic(config: Config, report: Report): void {
  checkAccess(config.access, ['access'], report);
  for (const [name, policy] of Object.entries(config.rateLimits)) checkPolicy(policy, ['rateLimits', name], report);
  for (const [index, route] of config.routes.entries()) {
    const path = ['routes', index, 'policies'];
    checkAccess(route.policies.access, [...path, 'access'], report);
    checkNames(route.policies, config, [...path, 'rateLimits'], report);
    checkCost(route.policies, config, path, report);
  }
  noteUnused(config, report);
  checkRanges(config.abuse.exempt, ['abuse', 'exempt'], report);
  for (const [name, rule] of Object.entries(config.abuse.rules)) {
    const path = ['abuse', 'rules', name];
    if (name === BANS_BY_HAND) {
      report.problem(path, 'bears the name of bans that operators make', 'give the rule another name');
    }
    checkKey(rule.key, [...path, 'key'], report);
    checkBanTimes(rule, path, report);
  }
}

function checkAccess({ deny, allow }: Config['access'], path: KeyPath, report: Report): void {
  checkRanges(deny, [...path, 'deny'], report);
  checkRanges(allow, [...path, 'allow'], report);
}

function checkRanges(ranges: readonly string[], path: KeyPath, report: Report): void {
  for (const [index, range] of ranges.entries()) {
    const inner = [...path, index];
    const parsed = parseRange(range);
    if (parsed === null) {
      const found = `${report.show(inner, range)} is not an address or CIDR range`;
      report.problem(inner, found, 'write 10.0.0.0/8 or 2001:db8::/32');
      continue;
    }
    // `10.1.2.3/8` is all of 10.0.0.0/8: a list that is wider than it looks.
    const [address = '', bits] = range.split('/');
    const words = parseAddress(address);
    const format = address.includes(':') ? formatIPv6 : formatAddress;
    const first = format(parsed.words);
    if (words === null || format(words) === first) continue;
    const meant = `${first}/${bits}`;
    const found = `${report.show(inner, range)} has bits below its prefix: all of ${meant} is meant`;
    report.warn(inner, found, `write ${meant}, or the single address without a prefix`);
  }
}

function checkPolicy(policy: RateLimitConfig, path: KeyPath, report: Report): void {
  checkRanges(policy.exempt, [...path, 'exempt'], report);
  checkKey(policy.key, [...path, 'key'], report);
  for (const [at, window] of policy.windows.entries()) {
    const inner = [...path, 'windows', at];
    const same = policy.windows.findIndex(({ windowMs }) => windowMs === window.windowMs);
    if (same !== at) {
      const other = [...path, 'windows', same];
      const found = `is as long as ${report.mention(other)}`;
      report.problem([...inner, 'windowMs'], found, 'keep the one with the lower limit', [other]);
    }
    if (window.limit === 1) {
      const found = 'one in a sliding window: who asks all the time gets one in two windows';
      report.warn([...inner, 'limit'], found, 'allow 2 in twice the time, or halve windowMs');
    }
    const looser = policy.windows.some(({ limit, windowMs }) => windowMs > window.windowMs && limit <= window.limit);
    if (looser) {
      const found = 'a longer window allows no more: this one hardly matters';
      report.warn([...inner, 'limit'], found, 'lower it, or remove this window');
    }
    if (!policy.penalise && policy.windows.some((shorter) => neverFills(window, shorter))) {
      // With penalise refused requests count as well, and fill it.
      const found = 'a shorter window never lets so many through: this one never fills';
      report.warn([...inner, 'limit'], found, 'lower it, or remove this window');
    }
  }
}

/** Who is counted. @param path  Of the list of its parts. */
export function checkKey(key: readonly string[], path: KeyPath, report: Report): void {
  for (const [at, part] of key.entries()) {
    const inner = [...path, at];
    noteRepeated(key, at, inner, report);
    const name = part.startsWith(HEADER) ? part.slice(HEADER.length).toLowerCase() : '';
    if (!OWN_FIELDS.includes(name) || READABLE.has(name)) continue;
    const found = `${report.show(inner, part)} is a field that the gateway handles by itself`;
    report.problem(inner, found, 'use another field; address stands for the client behind trusted proxies');
  }
}

function checkBanTimes({ banMs, banMsMax }: BanRuleConfig, path: KeyPath, report: Report): void {
  if (banMs <= banMsMax) return;
  const other = [...path, 'banMsMax'];
  report.problem([...path, 'banMs'], `${banMs} is above ${report.mention(other)}, ${banMsMax}`, 'lower it', [other]);
}

/**
 * Each aligned window lets its limit through at most. The longer one, not aligned with it, may see parts of one more in
 * each of its halves and of one that has just begun: three above the whole ones.
 */
function neverFills({ limit, windowMs }: Window, shorter: Window): boolean {
  return windowMs > shorter.windowMs && limit >= shorter.limit * (Math.ceil(windowMs / shorter.windowMs) + 3);
}

/** A request that costs more than a limit never fits, however long its client waits as told. */
function checkCost({ cost, rateLimits }: Policies, config: Config, path: KeyPath, report: Report): void {
  for (const [name, policy] of Object.entries(config.rateLimits)) {
    if (!policy.everyRoute && !rateLimits.includes(name)) continue;
    for (const [at, { limit }] of policy.windows.entries()) {
      if (cost <= limit) continue;
      const other: KeyPath = ['rateLimits', name, 'windows', at, 'limit'];
      const found = `a request costs ${cost}, above the limit ${limit} of ${report.mention(other)}: none is ever admitted`;
      report.problem([...path, 'cost'], found, 'lower the cost or raise the limit', [other]);
    }
  }
}

function checkNames({ rateLimits: names, auth }: Policies, config: Config, path: KeyPath, report: Report): void {
  const known = Object.keys(config.rateLimits);
  for (const [at, name] of names.entries()) {
    const inner = [...path, at];
    noteRepeated(names, at, inner, report);
    if (Object.hasOwn(config.rateLimits, name)) {
      if (config.rateLimits[name]?.everyRoute !== true) continue;
      report.warn(inner, `${report.show(inner, name)} holds for every route already`, 'remove it here');
      continue;
    }
    const otherwise =
      known.length === 0
        ? 'define it under rateLimits'
        : `known: ${known
            .slice(0, 12)
            .map((one) => quote(one))
            .join(', ')}`;
    const found = `unknown rate limit ${report.show(inner, name)}`;
    report.problem(inner, found, didYouMean(name, known, otherwise), [['rateLimits']]);
  }
  const everywhere = known.filter((name) => config.rateLimits[name]?.everyRoute === true);
  const windowsOf = (name: string): number =>
    Object.hasOwn(config.rateLimits, name) ? (config.rateLimits[name]?.windows.length ?? 0) : 0;
  const windows = [...new Set([...names, ...everywhere])].map(windowsOf).reduce((sum, count) => sum + count, 0);
  // A key may bring any of them.
  const brought = auth.apiKeys ? Math.max(0, ...known.map(windowsOf)) : 0;
  if (windows + brought > WINDOWS_PER_ROUTE_MAX) {
    const own = brought === 0 ? `${windows} windows` : `${windows} windows, and up to ${brought} of an API key,`;
    const found = `${own} hold for this route; there may be ${WINDOWS_PER_ROUTE_MAX}`;
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
    // API keys may bring one.
    if (policy.everyRoute || used.has(name) || config.apiKeys.store !== 'off') continue;
    const found = 'no route uses this rate limit';
    report.warn(['rateLimits', name], found, 'name it in routes[].policies.rateLimits, set everyRoute, or remove it');
  }
}
