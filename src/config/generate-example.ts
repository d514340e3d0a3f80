import { isRecord, isScalar, rangeText, recordItem, SCHEMA, type ScalarNode, type SchemaNode } from './schema-tree.ts';

/** Values for keys that have no default, or none that would do in an example. By pattern path. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  'upstreams.NAME.targets.url': 'http://127.0.0.1:3000',
  'routes.name': 'orders',
  'routes.upstream': 'api',
};

/** Keys that are shown but off: alone they would be refused, or they take their default from elsewhere. */
const OFF: Readonly<Record<string, string>> = {
  'tls.certificates':
    '\n  - certificate: /etc/sallyport/tls/site.pem\n    key: /etc/sallyport/tls/site.key\n    names: [www.example.com]',
  rateLimits: [
    '',
    '  per-client:',
    '    key: [address]',
    '    windows:',
    '      - limit: 600',
    '        windowMs: 60000',
    '    everyRoute: true',
    '    perRoute: false',
    '    whenMissing: address',
    '    penalise: false',
    '    exempt: []',
    '    mode: local',
    '    whenRedisFails: local',
  ].join('\n'),
  'abuse.rules': [
    '',
    '  probing:',
    '    key: [address]',
    '    statuses: [401, 403, 404]',
    '    failures: 30',
    '    windowMs: 60000',
    '    banMs: 60000',
    '    banMsMax: 86400000',
    '    forgetMs: 86400000',
  ].join('\n'),
  throttles: [
    '',
    '  steady:',
    '    requests: 100',
    '    perMs: 1000',
    '    burst: 1',
    '    key: [address]',
    '    perRoute: false',
    '    queueMax: 1000',
    '    queuePerKeyMax: 100',
    '    deadlineMs: 1000',
  ].join('\n'),
  issuers: [
    '',
    '  main:',
    '    issuer: https://id.example.com',
    '    audiences: [https://api.example.com]',
    '    algorithms: [RS256, PS256, ES256, EdDSA]',
    '    types: []',
    '    keys:',
    '      source: discovery',
    '      url: ""',
    '      files: []',
    '      secret: ""',
    '      hosts: []',
    '      ca: ""',
    '      refreshMs: 300000',
    '      coolDownMs: 10000',
    '      timeoutMs: 3000',
    '      staleMsMax: 86400000',
    '    leewaySeconds: 30',
    '    lifetimeSecondsMax: 0',
    '    tokenBytesMax: 8192',
    '    scopeClaim: scope',
    '    requireDpop: false',
  ].join('\n'),
  introspection: [
    '',
    '  main:',
    '    url: https://id.example.com/introspect',
    '    clientId: gateway',
    '    clientSecret: a secret',
    '    method: client_secret_basic',
    '    audiences: []',
    '    issuer: ""',
    '    scopeClaim: ""',
    '    ca: ""',
    '    timeoutMs: 1000',
    '    cacheMs: 30000',
    '    negativeCacheMs: 5000',
    '    cacheMax: 8192',
    '    connectionsMax: 8',
    '    requireDpop: false',
  ].join('\n'),
  logins: [
    '',
    '  main:',
    '    issuer: https://id.example.com',
    '    clientId: gateway',
    '    clientSecret: a secret',
    '    scopes: [openid]',
    '    claims: []',
    '    origins: [https://www.example.com]',
    '    callbackPath: /.sallyport/callback',
    '    logoutPath: /.sallyport/logout',
    '    afterLogout: /',
    '    cookieName: __Host-sallyport',
    '    keys: [file:/etc/sallyport/login.key]',
    '    idleSeconds: 3600',
    '    lifetimeSeconds: 43200',
    '    timeoutMs: 3000',
    '    ca: ""',
  ].join('\n'),
  'identity.fields': ['', '  - name: x-user-id', '    from: subject'].join('\n'),
  'routes.policies.waf.canary': ['', '  - ids: ["942100"]', '    tags: [attack-rce]', '    percent: 10'].join('\n'),
  'routes.policies.auth.claims': [
    '',
    '  - claim: realm_access.roles',
    '    equals: editor',
    '    contains: editor',
    '    oneOf: [editor, author]',
    '    matches: edit.*',
  ].join('\n'),
  'routes.policies.auth.rules': ['', '  - methods: [POST]', '    scopes:', '      all: [write]'].join('\n'),
  'upstreams.NAME.hashBy': ' address',
  'routes.policies.bodyBytesMax': ' 16777216',
  'routes.policies.waf.mode': ' block',
  'routes.policies.waf.paranoia': ' 0',
  'routes.policies.waf.detectionParanoia': ' 0',
  'routes.policies.waf.inboundThreshold': ' 0',
  'routes.policies.waf.outboundThreshold': ' 0',
  'routes.policies.waf.without.targets': ['', '  - target: ARGS:password', '    ids: []', '    tag: ""'].join('\n'),
};

/** Columns of comments. */
const WIDTH = 116;

/** `config/gateway.example.yaml`: every key with its default and sentence; it loads as it stands. */
export function generateExample(): string {
  const lines = [
    '# yaml-language-server: $schema=./gateway.schema.json',
    '#',
    '# Every key of the gateway with its default. Made from the schema (npm run generate): copy what you need, and leave',
    '# out what you do not change. docs/config.md says more, and which environment variable sets which key.',
    ...render(SCHEMA, '', ''),
  ];
  return `${lines.join('\n')}\n`;
}

/** The lines of a mapping's keys. @param path pattern path of the mapping, '' for the root. */
function render(node: SchemaNode, path: string, indent: string): string[] {
  if (isScalar(node) || node.type === 'array') return [];
  if (isRecord(node)) return [`${indent}api:`, ...render(recordItem(node), `${path}.NAME`, `${indent}  `)];
  return Object.entries(node.properties).flatMap(([key, child]) => {
    const inner = path === '' ? key : `${path}.${key}`;
    const gap = path === '' ? [''] : [];
    return [...gap, ...comment(child, indent), ...entry(key, child, inner, indent)];
  });
}

function entry(key: string, node: SchemaNode, path: string, indent: string): string[] {
  const off = OFF[path];
  if (off !== undefined) {
    const empty = node.type === 'array' ? [`${indent}${key}: []`] : isScalar(node) ? [] : [`${indent}${key}: {}`];
    return [...empty, ...`${key}:${off}`.split('\n').map((line) => `${indent}# ${line}`)];
  }
  if (isScalar(node)) return [`${indent}${key}: ${scalar(SAMPLES[path] ?? node.default)}`];
  if (node.type === 'array') {
    if (isScalar(node.items)) return listLines(key, node.default as unknown[], indent);
    const item = render(node.items, path, `${indent}    `);
    return [`${indent}${key}:`, ...bullet(item, indent)];
  }
  return [`${indent}${key}:`, ...render(node, path, `${indent}  `)];
}

/** Puts the `-` of a list item before its first key; comments above it stay above. */
function bullet(lines: readonly string[], indent: string): string[] {
  const first = lines.findIndex((line) => !line.trimStart().startsWith('#'));
  return lines.map((line, index) => {
    if (index === first) return `${indent}  - ${line.trimStart()}`;
    return index < first ? `${indent}  ${line.trimStart()}` : line;
  });
}

function listLines(key: string, items: readonly unknown[], indent: string): string[] {
  const line = `${indent}${key}: [${items.map(scalar).join(', ')}]`;
  if (line.length <= WIDTH) return [line];
  return [`${indent}${key}:`, ...items.map((item) => `${indent}  - ${scalar(item)}`)];
}

function scalar(value: unknown): string {
  if (typeof value !== 'string') return String(value);
  // Quoted where YAML would read something else, or where a bracket or colon could mislead.
  return /^[A-Za-z/][A-Za-z0-9/_.-]*$/.test(value) || /^https?:[A-Za-z0-9/.:]+$/.test(value)
    ? value
    : JSON.stringify(value);
}

function comment(node: SchemaNode, indent: string): string[] {
  const more = isScalar(node) ? scalarWords(node) : '';
  const words = `${node.description ?? ''}${more === '' ? '' : ` (${more})`}`.split(' ');
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of words) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `${indent}#`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

function scalarWords(node: ScalarNode): string {
  if (node.enum !== undefined) return node.enum.join(', ');
  return node.type === 'integer' ? rangeText(node) : '';
}
