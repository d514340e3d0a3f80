import type { Config } from '../config/schema.ts';
import type { Transaction } from '../transaction.ts';
import { identityFieldNames } from './identity-names.ts';

const HEADER = 'header:';
const COOKIE = 'cookie:';

/** Lower-case names of fields that the intake must keep: for hash balancing, claims of proxies, and policies' keys. */
export function capturedNames(config: Config): readonly string[] {
  const names = Object.values(config.upstreams)
    .filter((upstream) => upstream.balance === 'hash' && upstream.hashBy.startsWith(HEADER))
    .map((upstream) => upstream.hashBy.slice(HEADER.length).toLowerCase());
  const claims = config.forwarding.claims.map((name) => name.toLowerCase());
  return [
    ...new Set([...names, ...claims, ...onceFields(config), ...identityFieldNames(config), ...readByLogins(config)]),
  ];
}

/**
 * Lower-case names of fields that policies go by: their keys, and credentials. Repeated, they would let a client choose
 * what we look at and what somebody behind us does.
 */
export function onceFields(config: Config): readonly string[] {
  return [...new Set([...fieldsOfKeys(config), ...credentialFields(config)])];
}

/** Beside `authorization`, which the intake keeps anyway. */
function credentialFields({ issuers, introspection, apiKeys, logins }: Config): readonly string[] {
  const proofs = Object.keys(issuers).length > 0 || Object.keys(introspection).length > 0 ? ['dpop'] : [];
  const keys = apiKeys.store === 'off' ? [] : [apiKeys.header.toLowerCase(), 'origin'];
  const sites = Object.keys(logins).length === 0 ? [] : ['origin', 'sec-fetch-mode', 'sec-fetch-site'];
  return [...new Set([...proofs, ...keys, ...sites])];
}

function readByLogins({ logins }: Config): readonly string[] {
  return Object.keys(logins).length === 0 ? [] : ['accept'];
}

function fieldsOfKeys({ rateLimits, throttles, abuse }: Config): readonly string[] {
  return [...Object.values(rateLimits), ...Object.values(throttles), ...Object.values(abuse.rules)]
    .flatMap(({ key }) => key)
    .filter((part) => part.startsWith(HEADER))
    .map((part) => part.slice(HEADER.length).toLowerCase());
}

/**
 * The function that reads what `hashBy` names. '' means: hash the client's address.
 *
 * @param hashBy    `address`, `header:NAME` or `cookie:NAME`.
 * @param captured  From `capturedNames` of the same configuration.
 */
export function hashReader(hashBy: string, captured: readonly string[]): (tx: Transaction) => string {
  if (hashBy.startsWith(COOKIE)) {
    const name = hashBy.slice(COOKIE.length);
    return (tx) => cookieValue(tx.cookie, name);
  }
  if (!hashBy.startsWith(HEADER)) return () => '';
  const name = hashBy.slice(HEADER.length).toLowerCase();
  switch (name) {
    case 'host':
      return (tx) => tx.host;
    case 'user-agent':
      return (tx) => tx.userAgent;
    case 'authorization':
      return (tx) => tx.authorization;
    case 'cookie':
      return (tx) => tx.cookie;
    default: {
      const position = captured.indexOf(name);
      return (tx) => tx.captured?.[position] ?? '';
    }
  }
}

/** The first cookie of that name (RFC 6265 5.4), or ''. */
function cookieValue(cookies: string, name: string): string {
  for (const pair of cookies.split(';')) {
    const trimmed = pair.trim();
    if (trimmed.startsWith(`${name}=`)) return trimmed.slice(name.length + 1);
  }
  return '';
}
