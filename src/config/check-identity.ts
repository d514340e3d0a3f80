import { compilePattern } from '../base/regex.ts';
import { OWN_FIELDS } from './check-fields.ts';
import { checkFile } from './check-listen.ts';
import { checkLogins } from './check-logins.ts';
import { checkUrl } from './check-url.ts';
import type { Report } from './report.ts';
import type { Config, IssuerConfig, RouteAuthConfig } from './schema.ts';
import type { ClaimRuleConfig } from './schema-identity.ts';
import { didYouMean, type KeyPath, quote } from './words.ts';

/** As long as the hash (RFC 7518 3.2). */
const HASH_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };
const KEYS_SECRET_LENGTH_MIN = 32;
/** Fields that carry credentials of clients: an API key among them would be taken for something else. */
const CREDENTIAL_FIELDS = new Set(['authorization', 'proxy-authorization', 'cookie', 'dpop', 'www-authenticate']);

/** Issuers, API keys, and what routes ask of callers: what the schema alone cannot tell. Never throws. */
export function checkIdentity(config: Config, report: Report): void {
  for (const [name, issuer] of Object.entries(config.issuers)) checkIssuer(issuer, ['issuers', name], report);
  for (const [name, { url, ca }] of Object.entries(config.introspection)) {
    const path = ['introspection', name];
    checkUrl(url, [...path, 'url'], report);
    if (ca !== '') checkFile(ca, [...path, 'ca'], report);
  }
  checkApiKeys(config, report);
  checkLogins(config, report);
  checkProofs(config, report);
  checkForwarding(config, report);
  for (const [index, { policies }] of config.routes.entries()) {
    checkRoute(policies.auth, config, ['routes', index, 'policies', 'auth'], report);
  }
  noteUnused(config, report);
}

function checkIssuer({ issuer, algorithms, keys }: IssuerConfig, path: KeyPath, report: Report): void {
  const sourcePath = [...path, 'keys', 'source'];
  const { source } = keys;
  checkUrl(issuer, [...path, 'issuer'], report);
  if (keys.url !== '') checkUrl(keys.url, [...path, 'keys', 'url'], report);
  const wants = { url: source === 'jwks', files: source === 'files', secret: source === 'secret' };
  const allows = { ...wants, url: source === 'jwks' || source === 'discovery' };
  for (const key of ['url', 'files', 'secret'] as const) {
    const inner = [...path, 'keys', key];
    const said = keys[key].length > 0;
    if (wants[key] && !said) {
      report.problem(inner, `source ${source} needs ${key}`, 'add it, or choose another source', [sourcePath]);
    }
    if (!allows[key] && said) {
      report.problem(inner, `${key} has no effect with source ${source}`, 'remove it, or choose another source', [
        sourcePath,
      ]);
    }
  }
  if (keys.hosts.length > 0 && source !== 'discovery') {
    const inner = [...path, 'keys', 'hosts'];
    report.problem(inner, `hosts has no effect with source ${source}`, 'remove it, or set source: discovery', [
      sourcePath,
    ]);
  }
  for (const [at, file] of keys.files.entries()) checkFile(file, [...path, 'keys', 'files', at], report);
  if (keys.ca !== '') checkFile(keys.ca, [...path, 'keys', 'ca'], report);
  for (const [at, algorithm] of algorithms.entries()) {
    const inner = [...path, 'algorithms', at];
    const isShared = algorithm.startsWith('HS');
    if (isShared !== (source === 'secret')) {
      const found = isShared ? `${algorithm} needs a shared secret` : `${algorithm} needs public keys`;
      const remedy = isShared
        ? 'set keys.source: secret, or remove it'
        : 'set another keys.source, or name HS algorithms';
      report.problem(inner, found, remedy, [sourcePath]);
    } else if (isShared && Buffer.byteLength(keys.secret) < (HASH_BYTES[algorithm] ?? 0)) {
      const found = `the secret is shorter than ${HASH_BYTES[algorithm]} bytes, the hash of ${algorithm}`;
      report.problem([...path, 'keys', 'secret'], found, 'use a longer one, made at random', [inner]);
    }
  }
}

function checkApiKeys(config: Config, report: Report): void {
  const { store, file, secret, header } = config.apiKeys;
  const storePath: KeyPath = ['apiKeys', 'store'];
  const filePath: KeyPath = ['apiKeys', 'file'];
  if (store === 'file' && file === '') {
    report.problem(filePath, 'store file needs a file', 'name it; it is made when there is none', [storePath]);
  }
  if (store !== 'file' && file !== '') {
    report.problem(filePath, `file has no effect with store ${store}`, 'set store: file, or remove it', [storePath]);
  }
  if (store === 'redis' && config.redis.mode === 'off') {
    const modePath: KeyPath = ['redis', 'mode'];
    report.problem(storePath, 'store redis needs Redis', 'set redis.mode and redis.nodes', [modePath]);
  }
  if (store !== 'off' && secret.length < KEYS_SECRET_LENGTH_MIN) {
    const found = `the secret has fewer than ${KEYS_SECRET_LENGTH_MIN} characters`;
    report.problem(['apiKeys', 'secret'], found, 'use one made at random, such as `openssl rand -base64 32` gives', [
      storePath,
    ]);
  }
  const name = header.toLowerCase();
  if (CREDENTIAL_FIELDS.has(name) || OWN_FIELDS.includes(name)) {
    const found = `${quote(header)} is a field that the gateway handles by itself`;
    report.problem(['apiKeys', 'header'], found, 'use another field, such as x-api-key');
  }
}

function checkProofs({ dpop }: Config, report: Report): void {
  for (const [at, name] of dpop.algorithms.entries()) {
    if (!name.startsWith('HS')) continue;
    const found = `${name} needs a shared secret, which proves nothing (RFC 9449 4.2)`;
    report.problem(['dpop', 'algorithms', at], found, 'use ES256 or EdDSA');
  }
}

function checkForwarding({ identity, apiKeys }: Config, report: Report): void {
  const seen = new Map<string, KeyPath>();
  const names: [KeyPath, string][] = identity.fields.map(({ name }, at) => [['identity', 'fields', at, 'name'], name]);
  const { field, key, claims } = identity.token;
  if (field !== '') names.push([['identity', 'token', 'field'], field]);
  for (const [path, name] of names) {
    const lower = name.toLowerCase();
    const other = seen.get(lower);
    if (other !== undefined) {
      report.problem(path, `repeats ${report.mention(other)}`, 'use another field', [other]);
    } else if (lower === apiKeys.header.toLowerCase() || CREDENTIAL_FIELDS.has(lower) || OWN_FIELDS.includes(lower)) {
      report.problem(path, `${quote(name)} is a field that the gateway handles by itself`, 'use another field');
    }
    seen.set(lower, path);
  }
  const keyPath: KeyPath = ['identity', 'token', 'key'];
  const fieldPath: KeyPath = ['identity', 'token', 'field'];
  if (field !== '' && key === '') report.problem(keyPath, 'a token needs a key', 'name the PEM file', [fieldPath]);
  if (field === '' && (key !== '' || claims.length > 0)) {
    report.problem(fieldPath, 'is empty, so that there is no token', 'name a field, or remove the rest', [keyPath]);
  }
  if (key !== '') checkFile(key, keyPath, report);
}

function checkRoute(auth: RouteAuthConfig, config: Config, path: KeyPath, report: Report): void {
  const issuers = Object.keys(config.issuers);
  for (const [at, name] of auth.issuers.entries()) {
    const inner = [...path, 'issuers', at];
    if (!issuers.includes(name)) {
      const otherwise = issuers.length === 0 ? 'define it under issuers' : `known: ${issuers.join(', ')}`;
      report.problem(inner, `unknown issuer ${report.show(inner, name)}`, didYouMean(name, issuers, otherwise), [
        ['issuers'],
      ]);
      continue;
    }
    const same = auth.issuers.findIndex((other) => config.issuers[other]?.issuer === config.issuers[name]?.issuer);
    if (same === at) continue;
    const other = [...path, 'issuers', same];
    const found = `has the same iss as ${report.mention(other)}: nobody could tell their tokens apart`;
    report.problem(inner, found, 'keep one of them here', [other]);
  }
  const inner = [...path, 'introspection'];
  const servers = Object.keys(config.introspection);
  if (auth.introspection !== '' && !servers.includes(auth.introspection)) {
    const found = `unknown introspection ${report.show(inner, auth.introspection)}`;
    const otherwise = servers.length === 0 ? 'define it under introspection' : `known: ${servers.join(', ')}`;
    report.problem(inner, found, didYouMean(auth.introspection, servers, otherwise), [['introspection']]);
  }
  const logins = Object.keys(config.logins);
  if (auth.login !== '' && !logins.includes(auth.login)) {
    const at = [...path, 'login'];
    const otherwise = logins.length === 0 ? 'define it under logins' : `known: ${logins.join(', ')}`;
    const found = `unknown login ${report.show(at, auth.login)}`;
    report.problem(at, found, didYouMean(auth.login, logins, otherwise), [['logins']]);
  }
  if (auth.apiKeys && config.apiKeys.store === 'off') {
    const other: KeyPath = ['apiKeys', 'store'];
    report.problem([...path, 'apiKeys'], 'there are no API keys', 'set apiKeys.store', [other]);
  }
  checkRequirements(auth, path, report);
  for (const [at, rule] of auth.rules.entries()) {
    checkRequirements(rule, [...path, 'rules', at], report);
    if (rule.claims.length > 0 || rule.scopes.all.length > 0 || rule.scopes.any.length > 0) continue;
    report.problem([...path, 'rules', at], 'asks for nothing', 'add scopes or claims, or remove it');
  }
  checkReach(auth, path, report);
}

/** Demands that nobody could meet, or that nobody is held to. */
function checkReach(auth: RouteAuthConfig, path: KeyPath, report: Report): void {
  const { acr, amr, maxAgeSeconds } = auth.stepUp;
  const stepsUp = acr.length > 0 || amr.length > 0 || maxAgeSeconds > 0;
  const demands = stepsUp || auth.claims.length > 0 || auth.scopes.all.length > 0 || auth.scopes.any.length > 0;
  const bearers = auth.issuers.length > 0 || auth.introspection !== '' || auth.login !== '';
  if (!bearers && !auth.apiKeys) {
    if (!demands && auth.rules.length === 0 && !auth.optional && !auth.hideCredentials) return;
    const found = 'asks something of callers, and names no way to tell them apart';
    report.problem(path, found, 'add issuers, introspection, login or apiKeys');
    return;
  }
  if (stepsUp && !bearers) {
    const found = 'API keys say nothing of a login: none could ever get through';
    report.problem([...path, 'stepUp'], found, 'add issuers, introspection or login, or remove it');
  }
  if (auth.optional && demands) {
    const found = 'has no effect where everybody must meet demands';
    report.problem([...path, 'optional'], found, 'remove it, or make the demands rules by method');
  }
}

function checkRequirements({ claims }: { claims: ClaimRuleConfig[] }, path: KeyPath, report: Report): void {
  for (const [at, rule] of claims.entries()) {
    const inner = [...path, 'claims', at];
    if (rule.matches === undefined) continue;
    try {
      compilePattern(rule.matches);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      report.problem([...inner, 'matches'], `is not a pattern: ${words}`, 'RE2 has no look-around and no references');
    }
  }
}

function noteUnused({ issuers, introspection, apiKeys, routes }: Config, report: Report): void {
  const auths = routes.map(({ policies }) => policies.auth);
  for (const name of Object.keys(issuers)) {
    if (auths.some((auth) => auth.issuers.includes(name))) continue;
    report.warn(
      ['issuers', name],
      'no route uses this issuer',
      'name it in routes[].policies.auth.issuers, or remove it',
    );
  }
  for (const name of Object.keys(introspection)) {
    if (auths.some((auth) => auth.introspection === name)) continue;
    const remedy = 'name it in routes[].policies.auth.introspection, or remove it';
    report.warn(['introspection', name], 'no route uses this introspection', remedy);
  }
  if (apiKeys.store === 'off' || auths.some((auth) => auth.apiKeys)) return;
  report.warn(['apiKeys'], 'no route accepts API keys', 'set routes[].policies.auth.apiKeys, or store: off');
}
