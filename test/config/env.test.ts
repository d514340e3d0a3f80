import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { envName, envNames, envSegment, SHORT_NAMES } from '../../src/config/env-names.ts';
import { loadConfig } from '../../src/config/load.ts';
import { SCHEMA, type ScalarNode } from '../../src/config/schema-tree.ts';
import { INDEX, type Leaf, leafText, leaves, NAME, valueAt } from '../../src/config/schema-walk.ts';
import { load, MINIMAL, refused } from './support.ts';

/** Every setting of the schema, written down so that a walk that loses some is noticed. */
const SETTINGS = 304;

const folder = mkdtempSync(join(tmpdir(), 'sallyport-env-'));
const LIST = join(folder, 'addresses.txt');
writeFileSync(LIST, '192.0.2.0/24\n');
mkdirSync(join(folder, 'rules'));
for (const file of ['crs-setup.conf', 'rules/all.conf']) writeFileSync(join(folder, file), '');
after(() => rmSync(folder, { recursive: true }));

/** Values that are valid where a rule of the schema or of another setting is narrow. By pattern path. */
const VALUES: Readonly<Record<string, string>> = {
  'listen.host': '::1',
  'waf.crs': folder,
  'waf.patches': folder,
  'waf.rules': '/etc/waf/*.conf,/srv/waf/*.conf',
  'waf.responseTypes': 'text/css,text/csv',
  'waf.audit.path': '-',
  'waf.audit.parts': 'ABCFHZ',
  'routes[N].policies.waf.detect.ids': '942100,942000-942999',
  'routes[N].policies.waf.canary[N].ids': '942100',
  'routes[N].policies.waf.without.ids': '942100,942000-942999',
  'routes[N].policies.waf.without.targets[N].target': 'ARGS:password',
  'routes[N].policies.waf.without.targets[N].ids': '942100',
  'admin.host': '127.0.0.2',
  'admin.token': 'a-token-of-sixteen-and-more',
  'tls.certificates[N].certificate': '/dev/null/nothing',
  trustedProxies: '10.0.0.0/8,2001:db8::/32',
  'problems.typeBase': 'https://example.com/',
  'answers.keep': 'server,x-powered-by',
  'rateLimits.NAME.key': 'route,header:X-User',
  'abuse.rules.NAME.key': 'host,header:X-User',
  'abuse.rules.NAME.statuses': '403,429',
  'abuse.exempt': '10.0.0.0/8,::1',
  'throttles.NAME.key': 'route,header:X-User',
  'routes[N].policies.throttle': 'my-api',
  'access.deny': '10.0.0.0/8,::1',
  'access.allow': '10.0.0.0/8,::1',
  'access.denyFiles': LIST,
  'access.allowFiles': LIST,
  'routes[N].policies.access.denyFiles': LIST,
  'routes[N].policies.access.allowFiles': LIST,
  'routes[N].policies.access.deny': '10.0.0.0/8,::1',
  'routes[N].policies.access.allow': '10.0.0.0/8,::1',
  'routes[N].policies.rateLimits': 'my-api',
  'rateLimits.NAME.windows[N].windowMs': '60000',
  'rateLimits.NAME.exempt': '10.0.0.0/8,::1',
  'redis.mode': 'single',
  'redis.nodes': 'redis.internal:6379',
  'redis.prefix': 'team-a:',
  'redis.keySecret': 'a-secret-of-sixteen-and-more',
  'redis.tls.serverName': 'redis.example.com',
  'upstreams.NAME.targets[N].url': 'https://10.0.0.9:99',
  'upstreams.NAME.hashBy': 'header:X-User',
  'upstreams.NAME.tls.serverName': 'api.example.com',
  'upstreams.NAME.health.active.path': '/healthz',
  'issuers.NAME.issuer': 'https://other.example.com',
  'issuers.NAME.algorithms': 'ES256,EdDSA',
  'issuers.NAME.keys.source': 'files',
  'issuers.NAME.keys.url': 'https://keys.example.com/set',
  'issuers.NAME.keys.files': LIST,
  'issuers.NAME.keys.hosts': 'keys.example.com:443,[::1]:8443',
  'issuers.NAME.keys.secret': 'a-secret-of-thirty-two-characters-and-more',
  'introspection.NAME.url': 'https://other.example.com/introspect',
  'logins.NAME.issuer': 'https://other.example.com',
  'logins.NAME.scopes': 'openid,email',
  'logins.NAME.origins': 'https://www.example.com',
  'logins.NAME.callbackPath': '/back',
  'logins.NAME.logoutPath': '/leave',
  'logins.NAME.afterLogout': '/bye',
  'logins.NAME.cookieName': '__Host-other',
  'logins.NAME.keys': 'a-secret-of-thirty-two-characters-and-more,another-secret-of-thirty-two-characters',
  'routes[N].policies.auth.login': 'my-api',
  'apiKeys.store': 'redis',
  'apiKeys.environment': 'test',
  'apiKeys.secret': 'a-secret-of-thirty-two-characters-and-more',
  'dpop.algorithms': 'EdDSA',
  'dpop.origins': 'https://api.example.com',
  'identity.fields[N].name': 'x-caller',
  'identity.fields[N].from': 'claim:email',
  'routes[N].policies.auth.issuers': 'my-api',
  'routes[N].policies.auth.introspection': 'my-api',
  'routes[N].policies.auth.rules[N].methods': 'PUT,PATCH',
  'routes[N].upstream': 'my-api',
  'routes[N].hosts': 'a.example.com,*.b.example.com',
  'routes[N].paths': '/x/a,/x/b/*',
  'routes[N].methods': 'GET,POST',
  'routes[N].stripPrefix': '',
  'routes[N].addPrefix': '/v2',
};

const KEYS_SECRET = { SALLYPORT_API_KEYS_SECRET: 'a-secret-of-thirty-two-characters-and-more' };
const KEYS_FILE = { SALLYPORT_API_KEYS_STORE: 'file', SALLYPORT_API_KEYS_FILE: '/nowhere/keys' };

const REDIS = { SALLYPORT_REDIS_MODE: 'single', SALLYPORT_REDIS_NODES: '127.0.0.1:6379' };

/** What must also be said for a value to make sense. */
const COMPANIONS: Readonly<Record<string, Record<string, string>>> = {
  'upstreams.NAME.hashBy': { SALLYPORT_UPSTREAMS_MY_API_BALANCE: 'hash' },
  ...adaptive('upstreams.NAME.concurrency', 'SALLYPORT_UPSTREAMS_MY_API_CONCURRENCY_MODE'),
  ...adaptive('routes[N].policies.concurrency', 'SALLYPORT_ROUTES_0_POLICIES_CONCURRENCY_MODE'),
  'rateLimits.NAME.mode': { ...REDIS, SALLYPORT_REDIS_KEY_SECRET: 'a-secret-of-sixteen-and-more' },
  'rateLimits.NAME.whenRedisFails': {
    ...REDIS,
    SALLYPORT_REDIS_KEY_SECRET: 'a-secret-of-sixteen-and-more',
    SALLYPORT_RATE_LIMITS_MY_API_MODE: 'synced',
  },
  'issuers.NAME.keys.source': { SALLYPORT_ISSUERS_MY_API_KEYS_FILES: LIST },
  'issuers.NAME.keys.files': { SALLYPORT_ISSUERS_MY_API_KEYS_SOURCE: 'files' },
  'issuers.NAME.keys.secret': {
    SALLYPORT_ISSUERS_MY_API_KEYS_SOURCE: 'secret',
    SALLYPORT_ISSUERS_MY_API_ALGORITHMS: 'HS256',
  },
  'apiKeys.store': { ...REDIS, ...KEYS_SECRET },
  'apiKeys.file': { SALLYPORT_API_KEYS_STORE: 'file', ...KEYS_SECRET },
  'apiKeys.secret': KEYS_FILE,
  'identity.token.field': { SALLYPORT_IDENTITY_TOKEN_KEY: process.execPath },
  'identity.token.key': { SALLYPORT_IDENTITY_TOKEN_FIELD: 'x-caller-token' },
  'identity.token.claims': {
    SALLYPORT_IDENTITY_TOKEN_FIELD: 'x-caller-token',
    SALLYPORT_IDENTITY_TOKEN_KEY: process.execPath,
  },
  ...Object.fromEntries(
    ['equals', 'contains', 'oneOf', 'matches'].map((way) => [
      `routes[N].policies.auth.claims[N].${way}`,
      { SALLYPORT_ROUTES_0_POLICIES_AUTH_CLAIMS_0_CLAIM: 'iss' },
    ]),
  ),
  'routes[N].policies.auth.issuers': { SALLYPORT_ROUTES_0_POLICIES_AUTH_INTROSPECTION: '' },
  'routes[N].policies.auth.apiKeys': { ...KEYS_FILE, ...KEYS_SECRET },
  'redis.mode': { SALLYPORT_REDIS_NODES: '127.0.0.1:6379' },
  'redis.nodes': { SALLYPORT_REDIS_MODE: 'single' },
  'redis.sentinelName': { ...REDIS, SALLYPORT_REDIS_MODE: 'sentinel' },
  'redis.username': { ...REDIS, SALLYPORT_REDIS_PASSWORD: 'a password' },
  'redis.sentinelPassword': { ...REDIS, SALLYPORT_REDIS_MODE: 'sentinel' },
  ...Object.fromEntries(
    ['password', 'database', 'prefix', 'keySecret', 'connectMs', 'timeoutMs', 'tls.enabled'].map((key) => [
      `redis.${key}`,
      REDIS,
    ]),
  ),
  ...Object.fromEntries(
    ['verify', 'serverName', 'ca'].map((key) => [
      `redis.tls.${key}`,
      { ...REDIS, SALLYPORT_REDIS_TLS_ENABLED: 'true' },
    ]),
  ),
};

function adaptive(place: string, mode: string): Record<string, Record<string, string>> {
  const keys = ['max', 'min', 'windowMs', 'minRttEveryMs', 'bufferPercent'];
  return Object.fromEntries(keys.map((key) => [`${place}.${key}`, { [mode]: 'adaptive' }]));
}

const BASE = `
waf: { rules: [/srv/*.conf] }
listen: { https: { port: 8443 } }
tls: { certificates: [{ certificate: ${JSON.stringify(import.meta.filename)}, key: ${JSON.stringify(import.meta.filename)} }] }
rateLimits:
  my-api:
    windows: [{ limit: 10, windowMs: 1000 }]
abuse: { rules: { my-api: {} } }
throttles:
  my-api: { requests: 10 }
issuers:
  my-api: { issuer: "https://id.example.com", audiences: [api] }
introspection:
  my-api: { url: "https://id.example.com/introspect", clientId: gateway, clientSecret: secret }
logins:
  my-api: { issuer: "https://id.example.com", clientId: gateway, keys: [a-secret-of-thirty-two-characters-and-more] }
identity: { fields: [{ name: x-user, from: subject }] }
upstreams:
  my-api:
    targets: [{ url: "http://127.0.0.1:3000" }]
routes:
  - name: all
    upstream: my-api
    policies:
      waf: { canary: [{ tags: [a], percent: 5 }], without: { targets: [{ target: ARGS }] } }
      auth:
        issuers: [my-api]
        rules: [{ methods: [POST], claims: [{ claim: iss }] }]
`;

describe('every setting can be set by environment', () => {
  const all = [...leaves(SCHEMA)];

  test('no two settings share a name', () => {
    assert.equal(all.length, SETTINGS);
    const names = all.flatMap((leaf) => [...new Set(envNames(leaf))]);
    assert.equal(new Set(names).size, names.length);
    assert.equal(names.length, SETTINGS + Object.keys(SHORT_NAMES).length);
  });

  for (const leaf of all) {
    const pattern = leafText(leaf.path);
    for (const name of new Set(envNames(leaf))) {
      const variable = name.replace(`_${NAME}_`, '_MY_API_').replaceAll('_N_', '_0_');
      test(variable, () => {
        const text = valueFor(leaf, pattern);
        const env = { [variable]: text, ...COMPANIONS[pattern] };
        const path = leaf.path.map((part) => (part === INDEX ? 0 : part === NAME ? 'my-api' : part));
        assert.deepEqual(valueAt(load(BASE, env).config, path), expected(leaf, text));
      });
    }
  }
});

/** A valid value that is not the default. */
function valueFor({ scalar, isList }: Leaf, pattern: string): string {
  if (
    /certificate|^tls.*\.key$|\.ca$|^(abuse|apiKeys|revocations)\.file$|^identity\.token\.key$/.test(pattern) &&
    !pattern.endsWith('names')
  )
    return process.execPath;
  const given = VALUES[pattern];
  if (given !== undefined) return given;
  if (isList) return 'one,two';
  if (scalar.type === 'boolean') return String(scalar.default !== true);
  if (scalar.type === 'integer') return String(otherInteger(scalar));
  return scalar.enum?.find((choice) => choice !== scalar.default) ?? 'something-else';
}

function otherInteger({ minimum = 0, maximum = 0, default: given = 0 }: ScalarNode): number {
  const next = Number(given) + 1;
  return next <= maximum ? next : minimum;
}

function expected({ scalar, isList }: Leaf, text: string): unknown {
  if (isList) return text.split(',').map((item) => (scalar.type === 'integer' ? Number(item) : item));
  if (scalar.type === 'boolean') return text === 'true';
  return scalar.type === 'integer' ? Number(text) : text;
}

describe('names', () => {
  test('words are parted, acronyms and hyphens too', () => {
    assert.equal(envSegment('headBytesMax'), 'HEAD_BYTES_MAX');
    assert.equal(envSegment('my-api'), 'MY_API');
    assert.equal(envName(['limits', 'headBytesMax']), 'SALLYPORT_LIMITS_HEAD_BYTES_MAX');
    assert.equal(envName(['routes', INDEX, 'upstream']), 'SALLYPORT_ROUTES_N_UPSTREAM');
  });

  test('the next free index adds an item, in natural order', () => {
    const env: Record<string, string> = {};
    for (let index = 1; index <= 11; index += 1) {
      env[`SALLYPORT_ROUTES_${index}_NAME`] = `r${index}`;
      env[`SALLYPORT_ROUTES_${index}_PATHS`] = `/r${index}`;
      env[`SALLYPORT_ROUTES_${index}_UPSTREAM`] = 'api';
    }
    const { routes } = load(MINIMAL, env).config;
    assert.deepEqual(
      routes.map((route) => route.name),
      ['all', ...Array.from({ length: 11 }, (_, index) => `r${index + 1}`)],
    );
  });

  test('reserved names and variables of Kubernetes’ service links are passed over', () => {
    const env = {
      SALLYPORT_SHARED: 'x',
      SALLYPORT_TEST_ANYTHING: 'x',
      SALLYPORT_SERVICE_HOST: '10.96.0.7',
      SALLYPORT_SERVICE_PORT: '80',
      SALLYPORT_SERVICE_PORT_HTTP: '80',
      SALLYPORT_PORT: 'tcp://10.96.0.7:80',
      SALLYPORT_PORT_80_TCP: 'tcp://10.96.0.7:80',
      SALLYPORT_PORT_80_TCP_PROTO: 'tcp',
      SALLYPORT_PORT_80_TCP_PORT: '80',
      SALLYPORT_PORT_80_TCP_ADDR: '10.96.0.7',
      SALLYPORTX: 'x',
      OTHER: 'x',
    };
    assert.equal(load(MINIMAL, env).config.listen.http.port, 8080);
  });

  test('both names of a setting may agree', () => {
    const env = { SALLYPORT_HTTP_PORT: '81', SALLYPORT_LISTEN_HTTP_PORT: '81' };
    assert.equal(load(MINIMAL, env).config.listen.http.port, 81);
  });
});

describe('values', () => {
  test('are never guessed', () => {
    for (const text of ['', ' 4', '4 ', '+4', '04', '4.0', '4e1', '0x4', '١', 'true', '99999999999999999999']) {
      const [problem] = refused(() => load(MINIMAL, { SALLYPORT_THREADS: text }));
      assert.equal(problem?.source, 'SALLYPORT_THREADS');
      assert.match(problem?.found ?? '', /^expected an integer/);
    }
    for (const text of ['', 'TRUE', 'yes', '1', 'on', ' true']) {
      const [problem] = refused(() => load(MINIMAL, { SALLYPORT_LOG_ACCESS: text }));
      assert.match(problem?.found ?? '', /^expected true or false/);
    }
  });

  test('environment wins over the file, and mends what the file has wrong', () => {
    assert.equal(load(`threads: 3\n${MINIMAL}`, { SALLYPORT_THREADS: '5' }).config.threads, 5);
    assert.equal(load(`threads: many\n${MINIMAL}`, { SALLYPORT_THREADS: '5' }).config.threads, 5);
  });

  test('an empty list is an empty text', () => {
    const text = `trustedProxies: [10.0.0.1]\n${MINIMAL}`;
    assert.deepEqual(load(text, { SALLYPORT_TRUSTED_PROXIES: '' }).config.trustedProxies, []);
  });

  test('texts may be references', () => {
    const env = { SALLYPORT_ADMIN_TOKEN: `\${TOKEN}`, TOKEN: '0123456789abcdef' };
    assert.equal(load(MINIMAL, env).config.admin.token, '0123456789abcdef');
  });

  test('a section of a wrong kind in the file is still named', () => {
    const problems = refused(() => load(`listen: 5\n${MINIMAL}`, { SALLYPORT_HTTP_PORT: '81' }));
    assert.deepEqual(
      problems.map((problem) => problem.path),
      ['listen'],
    );
  });
});

test('the process’s own environment is not looked at', () => {
  process.env.SALLYPORT_THREADS = 'nonsense';
  try {
    assert.equal(loadConfig({ text: MINIMAL, env: {}, cwd: '/' }).config.threads, 0);
  } finally {
    delete process.env.SALLYPORT_THREADS;
  }
});
