import { isIP } from 'node:net';
import { type Leaf, NAME } from './schema-walk.ts';
import { type KeyPath, pathText } from './words.ts';

/** Short names, each for the one path behind it. */
export const SHORT_NAMES: Readonly<Record<string, KeyPath>> = Object.freeze({
  SALLYPORT_HOST: ['listen', 'host'],
  SALLYPORT_HTTP_PORT: ['listen', 'http', 'port'],
  SALLYPORT_HTTPS_PORT: ['listen', 'https', 'port'],
});

/** Variables of this prefix that are not settings; `SALLYPORT_TEST_*` likewise. */
export const RESERVED_NAMES: readonly string[] = Object.freeze([
  'SALLYPORT_CONFIG',
  'SALLYPORT_UPSTREAM',
  'SALLYPORT_SHARED',
]);

/** What every variable of ours begins with. */
export const PREFIX = 'SALLYPORT_';

/** `headBytesMax` -> `HEAD_BYTES_MAX`, `admin-api` -> `ADMIN_API`. */
export function envSegment(part: string): string {
  return part
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toUpperCase();
}

/** `SALLYPORT_ROUTES_N_UPSTREAM`: the long name of a setting, N for an index, NAME for a record's name. */
export function envName(path: readonly string[]): string {
  return PREFIX + path.map((part) => (part === NAME ? NAME : envSegment(part.replace(/[[\]]/g, '')))).join('_');
}

/** Every variable name a setting has: short one first. */
export function envNames(leaf: Leaf): string[] {
  const text = pathText(leaf.path);
  const short = Object.entries(SHORT_NAMES).filter(([, path]) => pathText(path) === text);
  return [...short.map(([name]) => name), envName(leaf.path)];
}

/** True for variables of our prefix that are not settings. */
export function isReserved(name: string): boolean {
  return RESERVED_NAMES.includes(name) || name.startsWith('SALLYPORT_TEST_');
}

/**
 * Kubernetes gives every container variables for each service of its namespace; for one called `sallyport` they bear
 * our prefix (`SALLYPORT_SERVICE_HOST`, `SALLYPORT_PORT=tcp://...`). Name and value must both fit, so that a typing
 * error is not taken for one.
 */
export function isServiceLink(name: string, text: string): boolean {
  if (/_SERVICE_HOST$|_PORT_\d+_(TCP|UDP|SCTP)_ADDR$/.test(name)) return isIP(text) !== 0;
  if (/_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)_PORT$/.test(name)) return /^\d+$/.test(text);
  if (/_PORT_\d+_(TCP|UDP|SCTP)_PROTO$/.test(name)) return /^(tcp|udp|sctp)$/.test(text);
  return /_PORT(_\d+_(TCP|UDP|SCTP))?$/.test(name) && isServiceAddress(text);
}

/** `tcp://10.0.0.1:80`: what Kubernetes writes into `NAME_PORT`. */
export function isServiceAddress(text: string): boolean {
  return /^(tcp|udp|sctp):\/\/[^/]+$/.test(text);
}
