import { type Static, Type } from '@sinclair/typebox';
import { bytes, count, flag, list, millis, oneOf, section, text } from './schema-kit.ts';

/** Settings of who may call: issuers of tokens, API keys, revocations, and what a route asks for. */

const NAMED = { pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$' };
const FIELD_NAME = { pattern: '^[A-Za-z0-9][A-Za-z0-9-]{0,63}$', form: 'a field name of letters, digits and -' };
const CLAIM_NAME = { pattern: '^[!-~]{1,256}$', form: 'the name of a claim, such as sub or realm_access.roles' };
const WEB_URL = {
  pattern: '^https?://[^?#@\\\\\\s]+$',
  form: 'an https:// or http:// URL without user name, query or fragment',
};
const HOST_AND_PORT = {
  pattern: '^([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$',
  form: 'a host and a port, such as keys.example.com:443',
};
const SECRET = { secret: true };
/** RFC 6749 3.3; they are told in WWW-Authenticate, between quotes. */
const WORD = { pattern: '^[!#-\\[\\]-~]{1,256}$', form: 'ASCII characters without blanks, quotes and backslashes' };
/** RFC 6838 4.2, as far as `typ` is read. */
const TOKEN_TYPE = { pattern: '^[!-~]{0,127}[!-.0-~]$', form: 'a type such as at+jwt' };

/** RFC 7518 3.1 and RFC 8037 3.1: what signatures may be made with. Never `none`. */
export const SIGNATURE_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'HS256',
  'HS384',
  'HS512',
] as const;

export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number];

const Algorithms = (description: string, defaults: readonly SignatureAlgorithm[]) =>
  Type.Array(Type.Unsafe<SignatureAlgorithm>({ type: 'string', enum: [...SIGNATURE_ALGORITHMS] }), {
    description,
    minItems: 1,
    default: [...defaults],
  });

export const Authentication = section('How callers are told apart. What a route asks for is in its policies.', {
  realm: text('Named in WWW-Authenticate; empty for none.', '', {
    pattern: '^[ !#-\\[\\]-~]{0,128}$',
    form: 'up to 128 ASCII characters without quotes and backslashes',
  }),
  rememberedMax: count('Tokens remembered as good until they expire, per thread.', 16_384, 0, 1_048_576, 'tokens'),
  offloadMicros: count(
    'Verifications with keys that need longer are done beside the ingress threads.',
    250,
    0,
    1_000_000,
    'microseconds',
  ),
  waitingMax: count(
    'Most requests that wait for keys, verifications or introspection, per thread; one more gets 503.',
    1_024,
    1,
    100_000,
    'requests',
  ),
  waitMs: millis('Longest such wait; then 503.', 5_000, 10, 60_000),
});

const Keys = section('Where the keys of an issuer come from.', {
  source: oneOf(
    'OpenID discovery at the issuer; a JWK set at a URL; files; or one shared secret (HS algorithms).',
    ['discovery', 'jwks', 'files', 'secret'],
    'discovery',
  ),
  url: text('jwks: URL of the set. discovery: URL of the metadata, where it is not at the issuer.', '', {
    pattern: `^$|${WEB_URL.pattern}`,
    form: WEB_URL.form,
  }),
  files: list(Type.String({ minLength: 1, file: true }), 'files: PEM public keys or certificates, JWKs or JWK sets.'),
  secret: text('secret: at least as long as the hash, 32 bytes for HS256.', '', SECRET),
  hosts: list(
    Type.String(HOST_AND_PORT),
    'Further host:port that discovery may send us to for keys; the URL’s own is always allowed.',
  ),
  ca: text('PEM file of the authorities trusted; empty for the system’s.', '', { file: true }),
  refreshMs: millis('How often keys are fetched anew.', 300_000, 1_000),
  coolDownMs: millis('Shortest time between two fetches, whoever asks for unknown keys.', 10_000, 100, 3_600_000),
  timeoutMs: millis('Longest wait for the provider.', 3_000, 10, 60_000),
  staleMsMax: millis('How long keys are used that could not be fetched anew.', 86_400_000, 0, 2_678_400_000),
});

const Issuer = Type.Object(
  {
    issuer: Type.String({ description: 'The exact `iss` of its tokens.', ...WEB_URL }),
    audiences: Type.Array(Type.String({ minLength: 1 }), {
      description: 'One of these must be in `aud`.',
      minItems: 1,
      maxItems: 64,
    }),
    algorithms: Algorithms('Signature algorithms accepted; keys may narrow them further.', [
      'RS256',
      'PS256',
      'ES256',
      'EdDSA',
    ]),
    types: list(
      Type.String(TOKEN_TYPE),
      'Accepted `typ`, such as at+jwt (RFC 9068). None: JWT, at+jwt, and tokens without one.',
    ),
    keys: Keys,
    leewaySeconds: count('Clock difference that is forgiven.', 30, 0, 300, 'seconds'),
    lifetimeSecondsMax: count('Longest time between `iat` and `exp`; 0 for no bound.', 0, 0, 315_360_000, 'seconds'),
    tokenBytesMax: bytes('Longest token.', 8_192, 256, 65_536),
    scopeClaim: text('Claim with the scopes, a text of words or a list; empty for scope, else scp.', '', {
      pattern: `^$|${CLAIM_NAME.pattern}`,
      form: CLAIM_NAME.form,
    }),
    requireDpop: flag('Accept tokens bound to a key only (RFC 9449). A bound token always needs its proof.', false),
  },
  { additionalProperties: false, description: 'An issuer of JSON Web Tokens.' },
);

export const Issuers = Type.Record(Type.String(NAMED), Issuer, {
  description: 'Issuers of JSON Web Tokens by name.',
  default: {},
  additionalProperties: false,
});

const Introspector = Type.Object(
  {
    url: Type.String({ description: 'Introspection endpoint (RFC 7662).', ...WEB_URL }),
    clientId: Type.String({ description: 'The gateway’s own client id.', minLength: 1 }),
    clientSecret: Type.String({ description: 'Its secret.', minLength: 1, secret: true }),
    method: oneOf(
      'How the gateway proves itself to the endpoint.',
      ['client_secret_basic', 'client_secret_post'],
      'client_secret_basic',
    ),
    audiences: list(Type.String({ minLength: 1 }), 'One of these must be in `aud`; none for any.'),
    issuer: text('The exact `iss` that the answer must name; empty for any or none.', ''),
    scopeClaim: text('Member with the scopes.', 'scope', CLAIM_NAME),
    ca: text('PEM file of the authorities trusted; empty for the system’s.', '', { file: true }),
    timeoutMs: millis('Longest wait for an answer.', 1_000, 10, 60_000),
    cacheMs: millis('How long an active token is remembered, never past its expiry; 0 for not.', 30_000, 0),
    negativeCacheMs: millis('How long an inactive one is; 0 for not.', 5_000, 0),
    cacheMax: count('Active tokens remembered, per thread, and as many others.', 8_192, 16, 1_048_576, 'tokens'),
    connectionsMax: count('Connections to the endpoint, per thread.', 8, 1, 256, 'connections'),
    requireDpop: flag('Accept tokens bound to a key only (RFC 9449).', false),
  },
  { additionalProperties: false, description: 'A server that is asked about opaque tokens.' },
);

export const Introspection = Type.Record(Type.String(NAMED), Introspector, {
  description: 'Servers that are asked about opaque tokens, by name.',
  default: {},
  additionalProperties: false,
});

export const ApiKeys = section('API keys: `sp_ENVIRONMENT_RANDOM_CHECKSUM`.', {
  store: oneOf(
    'Where keys are kept: nowhere, in a file of this gateway, or in Redis.',
    ['off', 'file', 'redis'],
    'off',
  ),
  file: text('file: where it is.', '', { file: true }),
  secret: text('Keys are kept as HMAC-SHA-256 with this secret, at least 32 characters.', '', SECRET),
  environment: text('Part of every key: tells live keys from those of a test system.', 'live', {
    pattern: '^[a-z0-9]{1,16}$',
    form: '1 to 16 small letters and digits',
  }),
  header: text('Field that carries a key.', 'x-api-key', FIELD_NAME),
  query: text('Query parameter that may carry a key instead; empty for none. Such keys end up in logs of others.', '', {
    pattern: '^[A-Za-z0-9._~-]{0,64}$',
    form: 'up to 64 letters, digits and . _ ~ -',
  }),
  keysMax: count('Most keys kept.', 100_000, 16, 1_000_000, 'keys'),
  exchangeMs: millis('redis: how often changes of other gateways are looked for.', 500, 50, 60_000),
});

export const Revocations = section('Tokens, people, clients and keys that are refused before their time.', {
  max: count('Revocations kept at once; past it a new one is refused.', 65_536, 1_024, 1_048_576, 'revocations'),
  file: text('File that they are kept in over a restart; empty for none.', '', { file: true }),
});

export const Dpop = section('Proofs of possession (RFC 9449).', {
  algorithms: Algorithms('Signature algorithms of proofs; shared secrets are no proof.', [
    'ES256',
    'EdDSA',
    'RS256',
    'PS256',
  ]),
  windowSeconds: count('Oldest proof accepted, by its `iat`.', 60, 5, 600, 'seconds'),
  leewaySeconds: count('Clock difference forgiven for proofs from the future.', 5, 0, 60, 'seconds'),
  origins: list(
    Type.String(WEB_URL),
    'Origins that clients see, such as https://api.example.com. None: the scheme and Host of the request, as trusted proxies tell them.',
  ),
  nonce: oneOf('Ask for a nonce of ours in every proof.', ['off', 'require'], 'off'),
  nonceSeconds: count('How long a nonce is good.', 120, 10, 3_600, 'seconds'),
  replaysMax: count(
    'Proofs remembered at once, over all threads; past it proofs are refused.',
    131_072,
    1_024,
    4_194_304,
    'proofs',
  ),
});

const ForwardedClaim = Type.Object(
  {
    name: Type.String({ description: 'Field sent upstream; always removed from what clients send.', ...FIELD_NAME }),
    from: Type.String({
      description: 'kind, issuer, subject, client, scopes, or claim:NAME.',
      pattern: '^(kind|issuer|subject|client|scopes|claim:[!-~]{1,256})$',
      form: 'kind, issuer, subject, client, scopes or claim:NAME',
    }),
  },
  { additionalProperties: false, description: 'One field about the caller.' },
);

export const IdentityForwarding = section('What upstreams are told about the caller.', {
  fields: Type.Array(ForwardedClaim, { description: 'Fields sent upstream.', default: [], maxItems: 32 }),
  token: section('A short-lived signed token (JWT) about the caller.', {
    field: text('Field that carries it; empty for none. Always removed from what clients send.', '', {
      pattern: '^([A-Za-z0-9][A-Za-z0-9-]{0,63})?$',
      form: FIELD_NAME.form,
    }),
    key: text('PEM file of the private key: Ed25519 (EdDSA) or P-256 (ES256).', '', { file: true }),
    keyId: text('`kid` of the token.', 'gateway', { minLength: 1 }),
    issuer: text('`iss` of the token.', 'sallyport', { minLength: 1 }),
    audience: text('`aud` of the token; empty for the name of the upstream.', ''),
    seconds: count('How long it is good.', 60, 5, 3_600, 'seconds'),
    claims: list(Type.String(CLAIM_NAME), 'Claims of the caller that it repeats, beside sub, client_id and scope.'),
  }),
});

const ClaimRule = Type.Object(
  {
    claim: Type.String({ description: 'Claim; a dot leads into objects, such as realm_access.roles.', ...CLAIM_NAME }),
    equals: Type.Optional(Type.String({ description: 'The claim is this text, number or boolean.' })),
    contains: Type.Optional(
      Type.String({ description: 'The claim is a list with this member, or a text with this word.' }),
    ),
    oneOf: Type.Optional(Type.Array(Type.String(), { description: 'The claim is one of these.', minItems: 1 })),
    matches: Type.Optional(
      Type.String({ description: 'The whole claim matches this pattern (RE2).', minLength: 1, maxLength: 1_024 }),
    ),
  },
  {
    additionalProperties: false,
    description: 'Something asked of a claim: that it is there, and all that is said here.',
  },
);

const Requirements = {
  scopes: section('Scopes asked for.', {
    all: list(Type.String(WORD), 'All of these.'),
    any: list(Type.String(WORD), 'At least one of these.'),
  }),
  claims: list(ClaimRule, 'Claims asked for: all of these.'),
} as const;

const MethodRule = Type.Object(
  {
    methods: Type.Array(Type.String({ pattern: '^[A-Z][A-Z-]{0,31}$', form: 'a method in capitals, such as GET' }), {
      description: 'Methods that it holds for.',
      minItems: 1,
    }),
    ...Requirements,
  },
  { additionalProperties: false, description: 'What some methods ask for beside the rest.' },
);

const PATH_OF_OURS = {
  pattern: '^/[A-Za-z0-9._~/-]{1,255}$',
  form: 'a path of letters, digits and . _ ~ - / that starts with /',
};

const Login = Type.Object(
  {
    issuer: Type.String({ description: 'OpenID provider: the exact `iss` of its tokens.', ...WEB_URL }),
    clientId: Type.String({ description: 'The gateway’s own client id there.', minLength: 1 }),
    clientSecret: text('Its secret; empty for a public client.', '', SECRET),
    scopes: Type.Array(Type.String(WORD), {
      description: 'Scopes asked for; openid must be among them.',
      minItems: 1,
      maxItems: 64,
      default: ['openid'],
    }),
    claims: list(
      Type.String(CLAIM_NAME),
      'Claims of the ID token that a session keeps beside iss, sub, acr, amr, auth_time, sid.',
    ),
    origins: list(
      Type.String({ pattern: '^https?://[^/?#@\\\\\\s]+$', form: 'an origin such as https://www.example.com' }),
      'Origins that browsers see, such as https://www.example.com; logins for others are refused. None: the scheme and Host of the request, as trusted proxies tell them.',
    ),
    callbackPath: text('Where the provider sends people back to.', '/.sallyport/callback', PATH_OF_OURS),
    logoutPath: text('Where a session is ended.', '/.sallyport/logout', PATH_OF_OURS),
    afterLogout: text('Path that people see after that.', '/', {
      pattern: '^/([A-Za-z0-9._~!$&()*+,;=:@%?-][A-Za-z0-9._~!$&()*+,;=:@%?/-]{0,1022})?$',
      form: 'a path that starts with one /, without blanks and backslashes',
    }),
    cookieName: text('Name of the session cookie; __Host- is left out on plain http.', '__Host-sallyport', {
      pattern: '^(__Host-)?[A-Za-z0-9][A-Za-z0-9_-]{0,62}$',
      form: 'letters, digits, _ and -, where wanted after __Host-',
    }),
    keys: Type.Array(Type.String({ secret: true }), {
      description:
        'Secrets that cookies are encrypted with, at least 32 characters each: the first encrypts, all decrypt.',
      minItems: 1,
      maxItems: 16,
    }),
    idleSeconds: count('A session ends after this long without a request.', 3_600, 60, 2_592_000, 'seconds'),
    lifetimeSeconds: count('And this long after the login, whatever happens.', 43_200, 60, 31_536_000, 'seconds'),
    timeoutMs: millis('Longest wait for the provider.', 3_000, 10, 60_000),
    ca: text('PEM file of the authorities trusted; empty for the system’s.', '', { file: true }),
  },
  { additionalProperties: false, description: 'A login of people at an OpenID provider.' },
);

export const Logins = Type.Record(Type.String(NAMED), Login, {
  description: 'Logins of people with browsers, by name.',
  default: {},
  additionalProperties: false,
});

/** `routes[].policies.auth` */
export const RouteAuth = section('Who may call: nobody is asked where no way to prove it is named.', {
  issuers: list(Type.String({ minLength: 1 }), 'Names of issuers whose tokens are accepted.'),
  introspection: text('Name of the server that is asked about other tokens; empty for none.', ''),
  apiKeys: flag('Accept API keys.', false),
  login: text('Name of the login that people with a browser go through; empty for none.', ''),
  optional: flag('Let requests without any credential through; a wrong one is refused all the same.', false),
  hideCredentials: flag('Take the credential off before forwarding.', false),
  ...Requirements,
  rules: list(MethodRule, 'Further demands by method.'),
  stepUp: section('How the caller must have logged in (RFC 9470).', {
    acr: list(Type.String(WORD), 'One of these must be `acr`.'),
    amr: list(Type.String({ minLength: 1 }), 'All of these must be in `amr` (RFC 8176).'),
    maxAgeSeconds: count('Longest time since `auth_time`; 0 for no bound.', 0, 0, 31_536_000, 'seconds'),
  }),
});

export type AuthenticationConfig = Static<typeof Authentication>;
export type IssuerConfig = Static<typeof Issuer>;
export type IntrospectionConfig = Static<typeof Introspector>;
export type LoginConfig = Static<typeof Login>;
export type ApiKeysConfig = Static<typeof ApiKeys>;
export type RevocationsConfig = Static<typeof Revocations>;
export type DpopConfig = Static<typeof Dpop>;
export type IdentityForwardingConfig = Static<typeof IdentityForwarding>;
export type ClaimRuleConfig = Static<typeof ClaimRule>;
export type MethodRuleConfig = Static<typeof MethodRule>;
export type RouteAuthConfig = Static<typeof RouteAuth>;
