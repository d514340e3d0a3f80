import { isLoopback } from './address.ts';
import { checkFile } from './check-listen.ts';
import { checkUrl } from './check-url.ts';
import { whyNotPattern } from './path-pattern.ts';
import type { Report } from './report.ts';
import type { Config, LoginConfig } from './schema.ts';
import type { KeyPath } from './words.ts';

const SECRET_LENGTH_MIN = 32;
const HOST_PREFIX = '__Host-';

/** Logins of people: what the schema alone cannot tell. Never throws. */
export function checkLogins(config: Config, report: Report): void {
  const names = Object.keys(config.logins);
  for (const [name, login] of Object.entries(config.logins)) {
    checkLogin(login, ['logins', name], report);
    if (config.routes.some(({ policies }) => policies.auth.login === name)) continue;
    report.warn(['logins', name], 'no route uses this login', 'name it in routes[].policies.auth.login, or remove it');
  }
  for (const [at, first] of names.entries()) {
    for (const second of names.slice(at + 1)) checkPair(first, second, config, report);
  }
}

function checkLogin(login: LoginConfig, path: KeyPath, report: Report): void {
  checkUrl(login.issuer, [...path, 'issuer'], report);
  if (login.ca !== '') checkFile(login.ca, [...path, 'ca'], report);
  if (!login.scopes.includes('openid')) {
    report.problem([...path, 'scopes'], 'openid is missing: nobody would say who has logged in', 'add openid');
  }
  for (const [at, key] of login.keys.entries()) {
    if (key.length >= SECRET_LENGTH_MIN) continue;
    const found = `the secret has fewer than ${SECRET_LENGTH_MIN} characters`;
    report.problem([...path, 'keys', at], found, 'use one made at random, such as `openssl rand -base64 32` gives');
  }
  for (const [at, origin] of login.origins.entries()) {
    const inner = [...path, 'origins', at];
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      const found = `${report.show(inner, origin)} is not an origin as browsers write it`;
      report.problem(
        inner,
        found,
        'write https://host in small letters, and the port only where it is not the usual one',
      );
    } else if (!isSafe(new URL(origin))) {
      report.problem(inner, 'plain http: whoever is on the way takes over the session', 'use https');
    }
  }
  if (!login.cookieName.startsWith(HOST_PREFIX)) {
    const found = 'does not begin with __Host-: other hosts of the domain can put a session of theirs into browsers';
    report.warn([...path, 'cookieName'], found, `write ${HOST_PREFIX}${login.cookieName}`);
  }
  for (const key of ['callbackPath', 'logoutPath'] as const) {
    const inner = [...path, key];
    const why = whyNotPattern(login[key]);
    if (why !== undefined) report.problem(inner, `${report.show(inner, login[key])} ${why[0]}`, why[1]);
  }
  if (login.callbackPath === login.logoutPath) {
    report.problem([...path, 'logoutPath'], 'is the callback path as well', 'use another path', [
      [...path, 'callbackPath'],
    ]);
  }
  if (login.idleSeconds > login.lifetimeSeconds) {
    const other = [...path, 'lifetimeSeconds'];
    report.problem([...path, 'idleSeconds'], `is longer than ${report.mention(other)}`, 'make it shorter', [other]);
  }
}

function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || isLoopback(hostname.replace(/^\[|\]$/g, ''));
}

/** Two logins that a browser may see on one host must not take each other's cookies and paths. */
function checkPair(first: string, second: string, config: Config, report: Report): void {
  const [a, b] = [config.logins[first], config.logins[second]];
  if (a === undefined || b === undefined || areApart(hostsOf(first, config), hostsOf(second, config))) return;
  const path: KeyPath = ['logins', second];
  const other: KeyPath = ['logins', first];
  const remedy = 'use another one, or name different hosts, without *, in their routes';
  if (bareName(a.cookieName) === bareName(b.cookieName)) {
    const found = `is that of ${report.mention(other)} too`;
    report.problem([...path, 'cookieName'], found, remedy, [[...other, 'cookieName']]);
  }
  for (const key of ['callbackPath', 'logoutPath'] as const) {
    if (b[key] !== a.callbackPath && b[key] !== a.logoutPath) continue;
    report.problem([...path, key], `is a path of ${report.mention(other)} too`, remedy, [other]);
  }
}

function bareName(cookieName: string): string {
  return cookieName.replace(/^__Host-/, '');
}

/** Hosts of all routes with a login; null for every host. */
function hostsOf(name: string, config: Config): readonly string[] | null {
  const routes = config.routes.filter(({ policies }) => policies.auth.login === name);
  return routes.some(({ hosts }) => hosts.length === 0) ? null : routes.flatMap(({ hosts }) => hosts);
}

function areApart(a: readonly string[] | null, b: readonly string[] | null): boolean {
  if (a === null || b === null) return a?.length === 0 || b?.length === 0;
  if ([...a, ...b].some((host) => host.startsWith('*.')) && a.length > 0 && b.length > 0) return false;
  return !a.some((host) => b.includes(host));
}
