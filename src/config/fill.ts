import { isAbsolute, resolve } from 'node:path';
import type { Config, RouteWafConfig, WafConfig } from './schema.ts';
import { isMapping, isRecord, isScalar, kindOf, recordItem, SCHEMA, type SchemaNode } from './schema-tree.ts';

/**
 * The whole configuration out of what was said: defaults filled in, file names made absolute, host names in lower case.
 *
 * A value of a wrong kind gives way to its default, so that the result always has the shape of `Config`: checks that
 * follow can look at all the rest, and tell by `Report.sound` what not to trust.
 *
 * @param tree       What was said, references resolved.
 * @param directory  Folder that relative file names start from.
 * @throws  Never.
 */
export function fillDefaults(tree: unknown, directory: string): Config {
  const config = fill(SCHEMA, tree, directory) as Config;
  for (const route of config.routes) {
    // Request paths compare hosts in lower case (RFC 9110 4.2.3): a route must never miss for its spelling.
    route.hosts = route.hosts.map((host) => host.toLowerCase());
    route.policies.bodyBytesMax ??= config.limits.bodyBytesMax;
    fillWaf(route.policies.waf, config.waf);
  }
  const { audit } = config.waf;
  if (audit.path !== '' && audit.path !== LOG_STREAM) audit.path = resolve(directory, audit.path);
  return config;
}

/** In the place of a file's name. */
const LOG_STREAM = '-';

function fillWaf(route: RouteWafConfig, waf: WafConfig): void {
  route.mode ??= waf.mode;
  route.paranoia ??= waf.paranoia;
  route.detectionParanoia ??= waf.detectionParanoia;
  route.inboundThreshold ??= waf.inboundThreshold;
  route.outboundThreshold ??= waf.outboundThreshold;
}

/** Freezes an object and all within it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

function fill(node: SchemaNode, value: unknown, directory: string): unknown {
  if (isScalar(node)) {
    if (kindOf(value) !== node.type) return node.default ?? PLACEHOLDERS[node.type];
    return node.file === true && value !== '' && !isAbsolute(value as string)
      ? resolve(directory, value as string)
      : value;
  }
  if (node.type === 'array') {
    const items = Array.isArray(value) ? value : ((node.default as unknown[] | undefined) ?? []);
    return items.map((item) => fill(node.items, item, directory));
  }
  const given = isMapping(value) ? value : {};
  const filled: Record<string, unknown> = {};
  if (isRecord(node)) {
    const item = recordItem(node);
    for (const [name, inner] of Object.entries(given)) filled[name] = fill(item, inner, directory);
    return filled;
  }
  for (const [name, child] of Object.entries(node.properties)) {
    const said = Object.hasOwn(given, name) ? given[name] : undefined;
    // An optional key without a default stays away.
    if (said === undefined && child.default === undefined && node.required?.includes(name) !== true) continue;
    filled[name] = fill(child, said, directory);
  }
  return filled;
}

/** For required values that are missing or of a wrong kind; never part of a configuration that is given out. */
const PLACEHOLDERS = { string: '', integer: 0, boolean: false };
