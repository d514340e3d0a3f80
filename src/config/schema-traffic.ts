import { type Static, Type } from '@sinclair/typebox';
import { bytes, count, flag, list, millis, oneOf, section, text } from './schema-kit.ts';

/** Settings of what bounds traffic: address lists, rate limits, bans, throttles, concurrency, shedding. */

const NAMED = { pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$' };
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

const KeyParts = (what: string) =>
  Type.Array(
    Type.String({
      pattern: `^(address|route|host|method|api-key|subject|client|claim:[!-~]{1,256}|header:${TOKEN}|cookie:${TOKEN})$`,
      form: 'address, route, host, method, api-key, subject, client, claim:NAME, header:NAME or cookie:NAME',
    }),
    {
      description: `${what} Several parts make one key of all of them.`,
      minItems: 1,
      maxItems: 4,
      default: ['address'],
    },
  );

const Ranges = (description: string) => list(Type.String(), description);

const Files = (description: string) => list(Type.String({ minLength: 1, file: true }), description);

/** Allow and deny lists. @param where  Ends the sentences of the lists. */
export const Access = (where: string) =>
  section('Who may come at all, by address.', {
    deny: Ranges(`Addresses or CIDR ranges that get 403 ${where}.`),
    allow: Ranges(`Where any are given, only these are served ${where}. A denied one stays denied.`),
    denyFiles: Files('Files of further ones to deny, one a line, # for comments; read at start and with each reload.'),
    allowFiles: Files('Files of further ones to allow, likewise.'),
  });

export const Limiter = section('The table in which all threads count.', {
  slots: count(
    'Counters kept at once: one per policy window and key in use. 32 bytes each; rounded up to a power of two.',
    131_072,
    1_024,
    16_777_216,
    'counters',
  ),
  whenFull: oneOf('What becomes of a request whose counter finds no room.', ['refuse', 'admit'], 'refuse'),
  ipv6PrefixBits: count('Leading bits of an IPv6 address that count as one client.', 64, 16, 128, 'bits'),
  exchangeMs: millis('Time between two exchanges of synced counts with other gateways.', 50, 10, 10_000),
  fields: oneOf('Which answers carry RateLimit and RateLimit-Policy; refusals always do.', ['all', 'refusals'], 'all'),
});

const Window = Type.Object(
  {
    limit: Type.Integer({ description: 'Most requests (or cost) in the window.', minimum: 1, maximum: 16_000_000 }),
    windowMs: Type.Integer({
      description: 'Length of the window.',
      minimum: 100,
      maximum: 2_678_400_000,
      unit: 'milliseconds',
    }),
  },
  { additionalProperties: false, description: 'One sliding window.' },
);

const RateLimit = Type.Object(
  {
    key: KeyParts('Who is counted.'),
    windows: Type.Array(Window, {
      description: 'Windows that must all have room, such as 10 in 1000 ms and 500 in 3600000 ms.',
      minItems: 1,
      maxItems: 4,
    }),
    everyRoute: flag('Holds for every route, without being named there.', false),
    perRoute: flag('Counts each route by itself. Off: one count over all routes that use the policy.', false),
    whenMissing: oneOf(
      'What counts where a part of the key is absent: the client address, or nothing (the request is not limited).',
      ['address', 'skip'],
      'address',
    ),
    penalise: flag('Refused requests count too: a client that does not wait stays out.', false),
    exempt: Ranges('Client addresses or CIDR ranges that are never limited by this policy.'),
    mode: oneOf(
      'Who counts: each gateway by itself; all together, with counts exchanged through Redis; or Redis, for each request.',
      ['local', 'synced', 'strict'],
      'local',
    ),
    whenRedisFails: oneOf(
      'While counts do not reach the others: each gateway counts by itself, or refuses with 503.',
      ['local', 'refuse'],
      'local',
    ),
  },
  { additionalProperties: false, description: 'A limit on requests.' },
);

export const RateLimits = Type.Record(Type.String(NAMED), RateLimit, {
  description: 'Rate limit policies by name.',
  default: {},
  additionalProperties: false,
});

/** Without the route: bans are looked at before it is known. */
const BanKeyParts = Type.Array(
  Type.String({
    pattern: `^(address|host|method|header:${TOKEN}|cookie:${TOKEN})$`,
    form: 'address, host, method, header:NAME or cookie:NAME',
  }),
  {
    description: 'Who is counted and banned. Several parts make one key of all of them.',
    minItems: 1,
    maxItems: 4,
    default: ['address'],
  },
);

const BanRule = Type.Object(
  {
    key: BanKeyParts,
    statuses: Type.Array(Type.Integer({ minimum: 400, maximum: 599 }), {
      description: 'Answers that count as failures, of upstreams and of the gateway alike.',
      minItems: 1,
      maxItems: 200,
      default: [401, 403, 404],
    }),
    failures: count('Failures in the window that end in a ban.', 30, 1, 1_000_000, 'failures'),
    windowMs: millis('Length of the window.', 60_000, 100, 86_400_000),
    banMs: millis('First ban; each further one lasts twice as long as the one before.', 60_000, 1_000, 2_678_400_000),
    banMsMax: millis('Longest ban.', 86_400_000, 1_000, 2_678_400_000),
    forgetMs: millis('Without a ban for so long, the next one is a first one again.', 86_400_000, 1_000, 2_678_400_000),
  },
  { additionalProperties: false, description: 'Failures that end in a ban.' },
);

export const Abuse = section('Bans for those who fail too often.', {
  rules: Type.Record(Type.String(NAMED), BanRule, {
    description: 'Ban rules by name. Each holds for every route.',
    default: {},
    additionalProperties: false,
  }),
  exempt: Ranges('Client addresses or CIDR ranges that are never banned.'),
  bansMax: count('Bans kept at once; past it the one that ends first makes room.', 65_536, 1_024, 1_048_576, 'bans'),
  file: text('File that bans are kept in over a restart; empty for none.', '', { file: true }),
});

const Throttle = Type.Object(
  {
    requests: Type.Integer({
      description: 'Requests let through in perMs, evenly spread.',
      minimum: 1,
      maximum: 10_000_000,
      unit: 'requests',
    }),
    perMs: millis('Time in which they are let through.', 1_000),
    burst: count('Requests let through at once after a pause.', 1, 1, 1_000_000, 'requests'),
    key: KeyParts('Between whom the rate is shared fairly; where a part is absent, the client address.'),
    perRoute: flag('A rate for each route. Off: one over all routes that use the throttle.', false),
    queueMax: count('Most requests that wait, per thread.', 1_000, 0, 100_000, 'requests'),
    queuePerKeyMax: count('Most requests of one key that wait, per thread.', 100, 1, 100_000, 'requests'),
    deadlineMs: millis('Longest wait; a request that would wait longer gets 503.', 1_000, 1, 600_000),
  },
  { additionalProperties: false, description: 'A rate that requests wait for.' },
);

export const Throttles = Type.Record(Type.String(NAMED), Throttle, {
  description: 'Throttles by name.',
  default: {},
  additionalProperties: false,
});

/** @param where  Ends the sentence about what is counted. */
export const Concurrency = (where: string) =>
  section(`Requests under way at once ${where}; one more gets 503.`, {
    mode: oneOf(
      'off; fixed at `max`, to the end of an answer or WebSocket; adaptive by latency, to the head of an answer.',
      ['off', 'fixed', 'adaptive'],
      'off',
    ),
    max: count('Most requests under way, over all threads.', 1_000, 1, 1_000_000, 'requests'),
    min: count('Adaptive: never fewer than this.', 4, 1, 1_000_000, 'requests'),
    windowMs: millis('Adaptive: how often the limit is set anew.', 200, 50, 60_000),
    minRttEveryMs: millis('Adaptive: how often the latency without load is measured.', 30_000, 1_000),
    bufferPercent: count('Adaptive: latency above that without load which is normal.', 25, 0, 1_000, 'percent'),
  });

export const Shedding = section('Refusing the least important requests while this process is overloaded.', {
  loopDelayMs: millis('Event loop delay from which requests are shed; 0 for never.', 0, 0, 60_000),
  memoryBytes: bytes('Resident memory from which requests are shed; 0 for never.', 0),
});

/** Members of a route's policies. */
export const RouteLimits = {
  rateLimits: list(Type.String({ minLength: 1 }), 'Names of rate limit policies that hold here.'),
  cost: count('What a request here counts for in rate limits; 0 for nothing.', 1, 0, 1_000_000),
  throttle: text('Name of the throttle that requests here wait for; empty for none.', ''),
  concurrency: Concurrency('on this route'),
  priority: oneOf(
    'Under overload low is shed first, then normal and high; critical never.',
    ['critical', 'high', 'normal', 'low'],
    'normal',
  ),
} as const;

export type AccessConfig = Static<ReturnType<typeof Access>>;
export type LimiterConfig = Static<typeof Limiter>;
export type RateLimitConfig = Static<typeof RateLimit>;
export type BanRuleConfig = Static<typeof BanRule>;
export type AbuseConfig = Static<typeof Abuse>;
export type ThrottleConfig = Static<typeof Throttle>;
export type ConcurrencyConfig = Static<ReturnType<typeof Concurrency>>;
export type SheddingConfig = Static<typeof Shedding>;
