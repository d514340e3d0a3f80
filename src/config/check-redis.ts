import { isDeepStrictEqual } from 'node:util';
import { checkFile } from './check-listen.ts';
import type { Report } from './report.ts';
import type { Config } from './schema.ts';
import { SCHEMA } from './schema-tree.ts';
import { schemaAt, valueAt } from './schema-walk.ts';
import type { KeyPath } from './words.ts';

const SECRET_LENGTH_MIN = 16;
const ROOT = 'redis';
const MODE: KeyPath = [ROOT, 'mode'];

/** Redis, and the rate limits that need it: what the schema alone cannot tell. Never throws. */
export function checkRedis(config: Config, report: Report): void {
  const { mode } = config.redis;
  if (mode === 'off') checkOff(config, report);
  else {
    checkNodes(config, report);
    checkMode(config, report);
    checkTls(config, report);
  }
  const shared = Object.entries(config.rateLimits).filter(([, policy]) => policy.mode !== 'local');
  for (const [name] of shared) checkShared(name, config, report);
  for (const [name, policy] of Object.entries(config.rateLimits)) {
    const path = ['rateLimits', name];
    if (policy.mode !== 'local' || policy.whenRedisFails === 'local') continue;
    const found = 'whenRedisFails has no effect with mode local';
    report.problem([...path, 'whenRedisFails'], found, 'set mode: synced or strict, or remove it', [[...path, 'mode']]);
  }
  checkSecret(config, shared.length > 0, report);
}

/** Nothing that was said about a Redis may go unused. */
function checkOff({ redis }: Config, report: Report): void {
  const paths = [
    ...Object.keys(redis).filter((key) => key !== 'mode' && key !== 'tls'),
    ...Object.keys(redis.tls).map((key) => `tls.${key}`),
  ].map((text) => [ROOT, ...text.split('.')]);
  for (const path of paths) {
    if (isDefault(path, { redis })) continue;
    report.problem(path, `${path.at(-1)} has no effect with mode off`, 'set redis.mode, or remove it', [MODE]);
  }
}

/** Defaults may be said, as the example does. */
function isDefault(path: string[], config: Pick<Config, 'redis'>): boolean {
  return isDeepStrictEqual(valueAt(config, path), schemaAt(SCHEMA, path)?.default);
}

function checkNodes({ redis: { mode, nodes } }: Config, report: Report): void {
  const path: KeyPath = [ROOT, 'nodes'];
  if (nodes.length === 0) report.problem(path, `mode ${mode} needs nodes`, 'write host:port of each', [MODE]);
  if (mode === 'single' && nodes.length > 1) {
    const found = `mode single has one node, not ${nodes.length}`;
    report.problem(path, found, 'keep one, or set mode: sentinel or cluster', [MODE]);
  }
  for (const [index, node] of nodes.entries()) {
    const inner = [...path, index];
    if (!report.sound(inner)) continue;
    const port = Number(node.slice(node.lastIndexOf(':') + 1));
    if (port < 1 || port > 65_535) {
      report.problem(inner, `${report.show(inner, node)} has no port from 1 to 65535`, 'write host:port');
    }
    const first = nodes.indexOf(node);
    if (first === index) continue;
    const other = [...path, first];
    report.problem(inner, `repeats ${report.mention(other)}`, 'remove one of them', [other]);
  }
}

function checkMode({ redis }: Config, report: Report): void {
  const { mode, username, password, database } = redis;
  for (const key of ['sentinelName', 'sentinelPassword']) {
    if (mode === 'sentinel' || isDefault([ROOT, key], { redis })) continue;
    report.problem([ROOT, key], `${key} has no effect with mode ${mode}`, 'set mode: sentinel, or remove it', [MODE]);
  }
  if (mode === 'cluster' && database !== 0) {
    report.problem([ROOT, 'database'], 'a cluster has database 0 only', 'remove it', [MODE]);
  }
  if (username !== '' && password === '') {
    report.problem([ROOT, 'username'], 'a user name without a password', 'set redis.password as well, or remove it');
  }
}

function checkTls({ redis }: Config, report: Report): void {
  const { tls } = redis;
  const path: KeyPath = [ROOT, 'tls'];
  if (!tls.enabled) {
    for (const key of ['verify', 'serverName', 'ca']) {
      if (isDefault([ROOT, 'tls', key], { redis })) continue;
      const enabled = [...path, 'enabled'];
      report.problem([...path, key], `${key} has no effect without TLS`, 'set enabled: true, or remove it', [enabled]);
    }
    return;
  }
  if (tls.ca !== '') checkFile(tls.ca, [...path, 'ca'], report);
  if (!tls.verify) {
    const found = 'the certificate of Redis is not checked: anybody on the way can read the password and change counts';
    report.warn([...path, 'verify'], found, 'remove it; name your own authority in redis.tls.ca');
  }
}

function checkShared(name: string, { redis, limiter, rateLimits }: Config, report: Report): void {
  const path: KeyPath = ['rateLimits', name];
  const inner = [...path, 'mode'];
  if (redis.mode === 'off') {
    const found = `${report.show(inner, rateLimits[name]?.mode)} needs Redis, and there is none`;
    report.problem(inner, found, 'set redis.mode and redis.nodes, or mode: local', [MODE]);
  }
  for (const [at, { windowMs }] of (rateLimits[name]?.windows ?? []).entries()) {
    if (rateLimits[name]?.mode !== 'synced' || windowMs >= 2 * limiter.exchangeMs) continue;
    const exchange: KeyPath = ['limiter', 'exchangeMs'];
    const found = `this window is over before gateways hear of each other every ${limiter.exchangeMs} ms`;
    const remedy = 'make it at least twice limiter.exchangeMs, or set mode: local';
    report.problem([...path, 'windows', at, 'windowMs'], found, remedy, [exchange]);
  }
}

function checkSecret({ redis: { mode, keySecret } }: Config, isNeeded: boolean, report: Report): void {
  const path: KeyPath = [ROOT, 'keySecret'];
  if (mode === 'off') return;
  if (keySecret === '' && isNeeded) {
    const found = 'is missing: gateways share counts only where they hash keys alike';
    report.problem(path, found, 'set the same on each, for example to file:/run/secrets/limiter-key', [['rateLimits']]);
  } else if (keySecret !== '' && keySecret.length < SECRET_LENGTH_MIN) {
    const remedy = `use at least ${SECRET_LENGTH_MIN} random characters: openssl rand -base64 24`;
    report.problem(path, `the secret is too short (${keySecret.length} characters)`, remedy);
  }
}
