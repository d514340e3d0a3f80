import { type Static, Type } from '@sinclair/typebox';
import { Claims, KeptFields } from './schema-fields.ts';
import {
  ApiKeys,
  Authentication,
  Dpop,
  IdentityForwarding,
  Introspection,
  Issuers,
  Logins,
  Revocations,
  RouteAuth,
} from './schema-identity.ts';
import { bytes, count, flag, list, millis, oneOf, port, section, text } from './schema-kit.ts';
import { Redis } from './schema-redis.ts';
import { Abuse, Access, Concurrency, Limiter, RateLimits, RouteLimits, Shedding, Throttles } from './schema-traffic.ts';
import { RouteWaf, Waf } from './schema-waf.ts';

/**
 * Every setting, once: type, default, range, unit and sentence. JSON Schema, docs/config.md, the environment names and
 * the TypeScript types are all taken from here. Sections of one subject have files of their own, `schema-*.ts`.
 */

const listener = (what: string, defaultPort: number) =>
  section(`${what} listener.`, {
    port: port(`Port of this listener; 0 switches it off.`, defaultPort),
    proxyProtocol: flag(
      'Read the client address from a PROXY protocol v2 header. Only peers listed in trustedProxies are believed.',
      false,
    ),
  });

const Listen = section('Addresses that clients connect to. Changing them needs a restart.', {
  host: text('Address to listen on; 0.0.0.0 for every IPv4 interface, :: for IPv6 as well.', '0.0.0.0', {
    minLength: 1,
  }),
  http: listener('Plain HTTP', 8080),
  https: listener('HTTPS', 0),
});

const Certificate = Type.Object(
  {
    certificate: Type.String({
      description: 'PEM file: the certificate, followed by its chain.',
      minLength: 1,
      file: true,
    }),
    key: Type.String({ description: 'PEM file: the private key.', minLength: 1, file: true }),
    names: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'Server names (SNI) this certificate answers for; taken from the certificate when absent.',
      }),
    ),
  },
  { additionalProperties: false, description: 'One certificate. The first one also serves clients that send no name.' },
);

const Tls = section('Encryption towards clients.', {
  minVersion: oneOf('Oldest TLS version accepted.', ['1.3', '1.2'], '1.3'),
  certificates: list(Certificate, 'Certificates, chosen by server name.'),
  redirect: flag('Answer plain HTTP with a 308 to HTTPS, where the HTTPS listener is on.', true),
  redirectPort: count('Port named in the redirect; 0 for the HTTPS listener’s own.', 0, 0, 65_535),
  hsts: section('Strict-Transport-Security on HTTPS answers (RFC 6797).', {
    maxAgeSeconds: count('How long browsers insist on HTTPS; 0 sends no field.', 31_536_000, 0, 315_360_000, 'seconds'),
    includeSubDomains: flag('Add includeSubDomains.', false),
    preload: flag('Add preload.', false),
  }),
  pollMs: millis('How often certificate files are looked at for changes.', 1_000, 100, 3_600_000),
  expiryWarningDays: count('Warn in the log when a certificate has fewer days left.', 21, 0, 3_650, 'days'),
});

const Admin = section('The operators’ listener: metrics, health, reload.', {
  host: text('Address; anything but loopback needs a token.', '127.0.0.1', { minLength: 1 }),
  port: port('Port of the admin listener; 0 switches it off.', 9090),
  token: text('Bearer token asked of every admin request; empty for none.', '', { secret: true }),
});

const Limits = section('Caps on what a client may send.', {
  headBytesMax: bytes('Longest request head: request line and header section.', 16_384, 1_024, 262_144),
  targetBytesMax: bytes('Longest request target.', 8_192, 64, 65_536),
  fieldsMax: count('Most header fields in a request.', 96, 8, 98, 'fields'),
  bodyBytesMax: bytes('Longest request body; 0 for no limit. A route may set its own.', 16_777_216),
});

const Timeouts = section('How long clients may take. The request head has 10 s, fixed by the HTTP front.', {
  bodyIdleMs: millis(
    'Longest silence in the middle of a request body; past 8 to 12 s the HTTP front closes by itself.',
    8_000,
    100,
    10_000,
  ),
  bodyTotalMs: millis('Longest time for a whole request body.', 3_600_000),
  responseIdleMs: millis('Longest time a client may take nothing of a waiting answer.', 30_000),
});

const Log = section('Logs: one JSON object per line on standard output.', {
  level: oneOf('Least severe level written.', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'info'),
  format: oneOf('auto is pretty on a terminal and JSON otherwise.', ['auto', 'json', 'pretty'], 'auto'),
  access: flag('One line per request.', true),
  query: flag('Write the query string, with the values of redacted parameters replaced.', false),
  redact: Type.Array(Type.String({ minLength: 1 }), {
    description: 'Names of query parameters and log members whose values are never written; case does not matter.',
    default: [
      'access_token',
      'api_key',
      'apikey',
      'authorization',
      'code',
      'cookie',
      'id_token',
      'key',
      'password',
      'refresh_token',
      'secret',
      'set-cookie',
      'sig',
      'signature',
      'token',
    ],
  }),
});

const Target = Type.Object(
  {
    url: Type.String({
      description: 'http://host:port or https://host:port, without a path.',
      pattern: '^https?://[^/?#@\\\\\\s]+/?$',
      form: 'http://host:port or https://host:port, without user name, path or query',
    }),
    weight: Type.Optional(
      Type.Integer({ description: 'Share of the traffic.', default: 1, minimum: 1, maximum: 1_000 }),
    ),
  },
  { additionalProperties: false, description: 'One server.' },
);

const Upstream = Type.Object(
  {
    targets: Type.Array(Target, { description: 'Servers that answer for this upstream.', minItems: 1, maxItems: 256 }),
    balance: oneOf('How a target is chosen.', ['round-robin', 'least-request', 'hash'], 'round-robin'),
    hashBy: text('What hash balancing looks at: address, header:NAME or cookie:NAME.', 'address', {
      pattern: "^(address|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+|cookie:[!#$%&'*+.^_`|~0-9A-Za-z-]+)$",
      form: 'address, header:NAME or cookie:NAME',
    }),
    host: oneOf('Host field sent upstream: the client’s, or the target’s own.', ['keep', 'replace'], 'keep'),
    tls: section('Encryption towards the targets (https URLs).', {
      verify: flag('Check the certificate. Off is for tests: anybody on the way can read and change traffic.', true),
      serverName: text('Name asked for (SNI) and checked; empty for the target’s host.', '', {
        pattern: '^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?)?$',
        form: 'a host name such as api.example.com',
      }),
      ca: text('PEM file of the authorities trusted; empty for the system’s.', '', { file: true }),
      minVersion: oneOf('Oldest TLS version accepted.', ['1.2', '1.3'], '1.2'),
    }),
    timeouts: section('How long targets may take.', {
      connectMs: millis('Connection, TLS included.', 2_000),
      headMs: millis('From the whole request sent to the response head.', 30_000),
      idleMs: millis('Longest silence in the middle of an answer, or of taking a request body.', 30_000),
      totalMs: millis('Whole request; 0 for no bound. A wait in a throttle does not count.', 0, 0),
    }),
    keepAlive: section('Idle connections kept for the next request.', {
      connectionsMax: count('Most idle connections per thread and target.', 64, 0, 65_536, 'connections'),
      idleMs: millis('Idle connections are closed after this; keep it below the target’s own.', 4_000),
    }),
    circuit: section('Bounds per target over all threads, so that a slow one cannot take everything.', {
      connectionsMax: count('Most connections.', 1_024, 1, 1_000_000, 'connections'),
      pendingMax: count('Most requests that wait for a connection, per thread.', 1_024, 0, 1_000_000, 'requests'),
      requestsMax: count('Most requests under way.', 65_536, 1, 1_000_000, 'requests'),
    }),
    concurrency: Concurrency('at this upstream, over all targets'),
    retry: section('Second tries, only where a request cannot have been acted upon or is idempotent.', {
      attemptsMax: count('Most tries in all; 1 for no retry.', 2, 1, 8, 'tries'),
      budgetPercent: count(
        'Retries under way, as a share of requests under way; a few are always allowed.',
        20,
        0,
        100,
        'percent',
      ),
    }),
    health: section('Who is fit to answer.', {
      active: section('Probes sent by the gateway.', {
        path: text('Path probed with GET; empty for no probes.', '', {
          pattern: '^(/[!-~]*)?$',
          form: 'a path that starts with / and has no blanks',
        }),
        intervalMs: millis('Time between probes.', 2_000, 100),
        timeoutMs: millis('Longest wait for a probe’s answer.', 1_000, 10),
        healthyAfter: count('Good probes in a row before a target comes back.', 2, 1, 100, 'probes'),
        unhealthyAfter: count('Bad probes in a row before it is left out.', 2, 1, 100, 'probes'),
        statusMin: count('Lowest status that counts as good.', 200, 100, 599),
        statusMax: count('Highest status that counts as good.', 399, 100, 599),
      }),
      passive: section('Lessons from real traffic.', {
        failuresMax: count(
          'Failures in a row (no connection, reset, time-out, garbage) before ejection; 0 for never.',
          3,
          0,
          1_000,
          'failures',
        ),
        ejectMs: millis('First ejection; the n-th lasts n times as long.', 2_000, 100),
        ejectMsMax: millis('Longest ejection.', 60_000, 100),
        ejectPercentMax: count('Most targets ejected at once; past it all are used again.', 50, 0, 100, 'percent'),
      }),
    }),
  },
  { additionalProperties: false, description: 'A named group of servers.' },
);

const Policies = section('What this route allows.', {
  bodyBytesMax: Type.Optional(
    Type.Integer({
      description: 'Longest request body; 0 for no limit.',
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      unit: 'bytes',
      defaultFrom: 'limits.bodyBytesMax',
    }),
  ),
  totalMs: millis(
    'Longest time for a whole request; 0 for no bound but the upstream’s. A wait in a throttle does not count.',
    0,
    0,
  ),
  websocket: section('WebSocket connections (RFC 6455).', {
    enabled: flag('Accept upgrades on this route.', true),
    messageBytesMax: bytes('Longest message in either direction.', 1_048_576, 1, 268_435_456),
    bufferBytesMax: bytes(
      'Most bytes that wait for a slow reader before the other side is held back.',
      1_048_576,
      1_024,
      268_435_456,
    ),
    idleMs: millis('Closed after this long without a message or ping.', 120_000, 8_000, 960_000),
  }),
  access: Access('on this route, beside the lists of the whole gateway'),
  auth: RouteAuth,
  waf: RouteWaf,
  ...RouteLimits,
});

const PREFIX = { pattern: '^(/[!-~]*)?$', form: 'a path that starts with / and has no blanks, or nothing' };
const ROUTE_NAME = {
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
  form: '1 to 64 letters, digits and . _ - that start with a letter or digit',
};

/** What upstreams may be called. */
export const UPSTREAM_NAME = {
  pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$',
  form: '1 to 64 letters, digits and _ - that start with a letter or digit',
};

const RouteRow = Type.Object(
  {
    name: Type.String({ description: 'Name in logs and metrics; unique.', ...ROUTE_NAME }),
    hosts: list(
      Type.String({
        pattern: '^(\\*\\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$|^\\[[0-9A-Fa-f:.]+\\]$',
        form: 'a host name without port, *.name for every name below it, or [IPv6 address]',
      }),
      'Host names without port: exact, or *.example.com for any name below it. None means every host.',
    ),
    paths: Type.Array(Type.String({ pattern: '^/[!-~]*$', form: 'a path that starts with / and has no blanks' }), {
      description: 'Exact (/a/b), with parameters (/a/{id}/b), or everything below (/a/*). More specific ones win.',
      minItems: 1,
      default: ['/*'],
    }),
    methods: list(
      Type.String({ pattern: '^[A-Z][A-Z-]{0,31}$', form: 'a method in capitals, such as GET' }),
      'Methods accepted, others get 405; GET includes HEAD. None means every method but CONNECT and TRACE.',
    ),
    upstream: Type.String({ description: 'Name of the upstream that answers.', minLength: 1 }),
    stripPrefix: text('Path prefix taken off before forwarding.', '', PREFIX),
    addPrefix: text('Path prefix put before what is left.', '', PREFIX),
    policies: Policies,
  },
  { additionalProperties: false, description: 'One route.' },
);

export const ConfigSchema = Type.Object(
  {
    listen: Listen,
    threads: count('Ingress threads; 0 for one per core.', 0, 0, 128, 'threads'),
    tls: Tls,
    admin: Admin,
    trustedProxies: list(
      Type.String({ minLength: 2 }),
      'Addresses or CIDR ranges whose forwarding fields and request ids are believed.',
    ),
    limits: Limits,
    timeouts: Timeouts,
    paths: section('How paths are normalised before anybody looks at them.', {
      encodedSlash: oneOf('What becomes of %2F in a path: refused, or kept as it is.', ['refuse', 'keep'], 'refuse'),
    }),
    forwarding: section('Fields that tell the upstream about the client.', {
      style: oneOf('Which fields are written.', ['x-forwarded', 'forwarded', 'both', 'none'], 'x-forwarded'),
      via: text('Name written into Via (RFC 9110 7.6.3).', 'sallyport', {
        pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
        form: 'a token: letters, digits and - . _ but no blanks',
      }),
      claims: Claims,
    }),
    answers: section('Fields of the upstreams’ answers.', { keep: KeptFields }),
    problems: section('Problem documents (RFC 9457).', {
      typeBase: text('Text before the name of the problem in `type`.', 'urn:problem-type:gateway:', {
        pattern: '^[A-Za-z][A-Za-z0-9+.-]*:[!-~]*$',
        form: 'the beginning of a URI, such as https://example.com/problems/',
      }),
    }),
    drain: section('Shutting down.', {
      deadlineMs: millis('Longest wait for running requests after SIGTERM.', 30_000, 0),
    }),
    offloadBytes: bytes(
      'Bodies longer than this, inflated, are inspected by inspect threads (docs/waf.md); 0 hands over every body.',
      65_536,
    ),
    log: Log,
    access: Access('anywhere'),
    limiter: Limiter,
    rateLimits: RateLimits,
    abuse: Abuse,
    throttles: Throttles,
    shedding: Shedding,
    authentication: Authentication,
    issuers: Issuers,
    introspection: Introspection,
    logins: Logins,
    apiKeys: ApiKeys,
    revocations: Revocations,
    dpop: Dpop,
    identity: IdentityForwarding,
    waf: Waf,
    redis: Redis,
    upstreams: Type.Record(Type.String({ pattern: UPSTREAM_NAME.pattern }), Upstream, {
      description: 'Groups of servers by name.',
      default: {},
      // Without this a name outside the pattern would pass unseen.
      additionalProperties: false,
    }),
    routes: list(RouteRow, 'Which requests go where.'),
  },
  { additionalProperties: false, $id: 'sallyport', title: 'Sallyport configuration' },
);

/** The whole configuration, defaults filled in, references resolved. */
export type Config = Static<typeof ConfigSchema>;
export type UpstreamConfig = Static<typeof Upstream>;
export type TargetConfig = Static<typeof Target>;
export type RouteConfig = Static<typeof RouteRow>;
export type CertificateConfig = Static<typeof Certificate>;
export type {
  ApiKeysConfig,
  AuthenticationConfig,
  ClaimRuleConfig,
  DpopConfig,
  IdentityForwardingConfig,
  IntrospectionConfig,
  IssuerConfig,
  LoginConfig,
  MethodRuleConfig,
  RevocationsConfig,
  RouteAuthConfig,
  SignatureAlgorithm,
} from './schema-identity.ts';
export type { RedisConfig } from './schema-redis.ts';
export type {
  AbuseConfig,
  AccessConfig,
  BanRuleConfig,
  ConcurrencyConfig,
  LimiterConfig,
  RateLimitConfig,
  SheddingConfig,
  ThrottleConfig,
} from './schema-traffic.ts';
export type { RouteWafConfig, WafConfig } from './schema-waf.ts';
