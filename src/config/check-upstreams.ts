import { isIPv6 } from 'node:net';
import { TARGETS_MAX } from '../limits.ts';
import { isHostName, looksNumeric } from './address.ts';
import { checkFile } from './check-listen.ts';
import type { Report } from './report.ts';
import type { Config, UpstreamConfig } from './schema.ts';
import { valueAt } from './schema-walk.ts';
import { type KeyPath, quote } from './words.ts';

/**
 * Upstreams: what the schema alone cannot tell. Never throws.
 *
 * @param said  The configuration before defaults: some settings are wrong only when somebody wrote them.
 */
export function checkUpstreams(config: Config, said: unknown, report: Report): void {
  let targets = 0;
  for (const [name, upstream] of Object.entries(config.upstreams)) {
    const path = ['upstreams', name];
    targets += upstream.targets.length;
    checkTargets(upstream, path, report);
    checkHealth(upstream, path, report);
    const { ca, verify } = upstream.tls;
    if (ca !== '') checkFile(ca, [...path, 'tls', 'ca'], report);
    if (!verify) {
      const found = 'certificates of these targets are not checked: anybody on the way can read and change traffic';
      report.warn([...path, 'tls', 'verify'], found, 'remove it; name your own authority in tls.ca');
    }
    const balance = [...path, 'balance'];
    if (upstream.balance !== 'hash' && valueAt(said, [...path, 'hashBy']) !== undefined) {
      const found = `hashBy has no effect with balance ${upstream.balance}`;
      report.problem([...path, 'hashBy'], found, 'set balance: hash, or remove hashBy', [balance]);
    }
  }
  if (targets > TARGETS_MAX) {
    const found = `${targets} targets in all; the health table holds ${TARGETS_MAX}`;
    report.problem(['upstreams'], found, 'use fewer targets, or more gateways');
  }
  noteUnused(config, report);
}

function checkTargets(upstream: UpstreamConfig, path: KeyPath, report: Report): void {
  const seen = new Map<string, KeyPath>();
  for (const [index, target] of upstream.targets.entries()) {
    const urlPath = [...path, 'targets', index, 'url'];
    // Without a valid form there is no host to speak of; the schema has said so.
    if (!report.sound(urlPath)) continue;
    const shown = report.show(urlPath, target.url);
    const origin = readTarget(target.url);
    if (typeof origin !== 'string') {
      report.problem(urlPath, `${shown} ${origin.found}`, origin.remedy);
      continue;
    }
    const first = seen.get(origin);
    if (first !== undefined) {
      report.problem(
        urlPath,
        `${shown} is also ${report.mention(first)}`,
        'remove one; weight gives a target more traffic',
      );
    } else seen.set(origin, urlPath);
  }
}

/** @returns The origin that a target's URL names, default port written out; otherwise what is wrong with it. */
function readTarget(url: string): string | { found: string; remedy: string } {
  const form = { found: 'is not a usable URL', remedy: 'write http://host:port or https://host:port' };
  const [, scheme = '', host = '', digits] = /^(https?):\/\/(\[[^\]]*\]|[^:/[\]]*)(?::([^/]*))?\/?$/.exec(url) ?? [];
  if (scheme === '') return form;
  if (host === '') return { found: 'has no host', remedy: form.remedy };
  const bracketed = host.startsWith('[');
  if (bracketed ? !isIPv6(host.slice(1, -1)) || host.includes('%') : !isHostName(host)) {
    return { found: 'has a host that is no name or address', remedy: 'check the host; IPv6 addresses stand in [ ]' };
  }
  if (digits !== undefined && (!/^[1-9]\d{0,4}$/.test(digits) || Number(digits) > 65_535)) {
    return { found: 'has a port that is out of range', remedy: 'write a port from 1 to 65535' };
  }
  // `http://127.1` and `http://0x7f.1` are 127.0.0.1 to some parsers and names to others.
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || (looksNumeric(host) && parsed.hostname !== host)) {
    return { found: 'has a host that is no name or address', remedy: 'write an IPv4 address as four plain numbers' };
  }
  const port = digits ?? (scheme === 'https' ? '443' : '80');
  return `${scheme}://${parsed.hostname}:${port}`;
}

function checkHealth(upstream: UpstreamConfig, path: KeyPath, report: Report): void {
  const { active, passive } = upstream.health;
  const inActive = (key: string): KeyPath => [...path, 'health', 'active', key];
  const inPassive = (key: string): KeyPath => [...path, 'health', 'passive', key];
  if (active.statusMin > active.statusMax) {
    const found = `${active.statusMin} is above statusMax (${active.statusMax}), so no probe could be good`;
    report.problem(inActive('statusMin'), found, 'swap the two', [inActive('statusMax')]);
  }
  if (active.path.includes('#')) {
    const found = `${report.show(inActive('path'), active.path)} has a fragment, which is never sent`;
    report.problem(inActive('path'), found, 'leave out # and what follows');
  }
  if (active.timeoutMs > active.intervalMs) {
    const found = `${active.timeoutMs} is longer than intervalMs (${active.intervalMs}), so probes would overlap`;
    report.problem(inActive('timeoutMs'), found, 'make it intervalMs at most', [inActive('intervalMs')]);
  }
  if (passive.ejectMs > passive.ejectMsMax) {
    const found = `${passive.ejectMs} is longer than ejectMsMax (${passive.ejectMsMax})`;
    report.problem(inPassive('ejectMs'), found, 'raise ejectMsMax or lower ejectMs', [inPassive('ejectMsMax')]);
  }
}

function noteUnused(config: Config, report: Report): void {
  const used = new Set(config.routes.map((route) => route.upstream));
  for (const name of Object.keys(config.upstreams)) {
    if (used.has(name)) continue;
    report.warn(['upstreams', name], `no route uses the upstream ${quote(name)}`, 'remove it, or name it in a route');
  }
}
