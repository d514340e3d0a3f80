import { type Static, Type } from '@sinclair/typebox';
import { count, flag, list, millis, oneOf, section } from './schema-kit.ts';

/** Settings of what bounds traffic: address lists and rate limits. */

const NAMED = { pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$' };
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

const KeyParts = (what: string) =>
  Type.Array(
    Type.String({
      pattern: `^(address|route|host|method|header:${TOKEN}|cookie:${TOKEN})$`,
      form: 'address, route, host, method, header:NAME or cookie:NAME',
    }),
    {
      description: `${what} Several parts make one key of all of them.`,
      minItems: 1,
      maxItems: 4,
      default: ['address'],
    },
  );

const Ranges = (description: string) => list(Type.String(), description);

/** Allow and deny lists. @param where  Ends the sentences of the lists. */
export const Access = (where: string) =>
  section('Who may come at all, by address.', {
    deny: Ranges(`Addresses or CIDR ranges that get 403 ${where}.`),
    allow: Ranges(`Where any are given, only these are served ${where}. A denied one stays denied.`),
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

/** Members of a route's policies. */
export const RouteLimits = {
  rateLimits: list(Type.String({ minLength: 1 }), 'Names of rate limit policies that hold here.'),
  cost: count('What a request here counts for in rate limits; 0 for nothing.', 1, 0, 1_000_000),
} as const;

export type AccessConfig = Static<ReturnType<typeof Access>>;
export type LimiterConfig = Static<typeof Limiter>;
export type RateLimitConfig = Static<typeof RateLimit>;
