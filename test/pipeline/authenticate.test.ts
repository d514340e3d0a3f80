import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { describe, test } from 'node:test';
import { DpopJudge } from '../../src/auth/dpop.ts';
import { SlowSignatures } from '../../src/auth/slow-signatures.ts';
import { AUTH_REASONS, type AuthReason, IDENTITY_KINDS, type Identity, type Judged } from '../../src/identity.ts';
import { KeyHash } from '../../src/limiter/key-hash.ts';
import type { KeyJudge, OpaqueJudge, ProofJudge } from '../../src/pipeline/context.ts';
import { capturedNames } from '../../src/pipeline/hash-field.ts';
import { createReplayWords } from '../../src/replay/layout.ts';
import { ReplayTable } from '../../src/replay/replay-table.ts';
import type { Transaction } from '../../src/transaction.ts';
import { FixedKeys, keyFor, newSigner, signToken } from '../auth/support.ts';
import { load, MINIMAL } from '../config/support.ts';
import { freshAuth } from '../support/auth.ts';
import { makeDpopKey, makeDpopProof } from '../support/dpop.ts';
import { PipelineBench } from '../support/pipeline-bench.ts';
import { until } from '../support/wait.ts';

const signer = newSigner('ES256');
const ISSUERS = `
issuers:
  main: { issuer: "https://id.example.com", audiences: [api], algorithms: [ES256] }
`;
const KEYS = `
apiKeys: { store: file, file: /nowhere/keys, secret: "a-secret-of-thirty-two-characters-and-more" }
`;
const auth = (policy: string, more = ''): string => `${MINIMAL}    policies: { auth: ${policy} }\n${ISSUERS}${more}`;

const identity = (fields: Partial<Identity>): Identity => ({
  kind: 'opaque',
  issuer: 'server',
  subject: 'alice',
  client: 'app',
  tokenId: '',
  scopes: [],
  claims: {},
  issuedAtMs: 0,
  expiresAtMs: Number.POSITIVE_INFINITY,
  keyThumbprint: '',
  rateLimit: '',
  ...fields,
});

interface Judges {
  readonly keys?: FixedKeys;
  readonly apiKeys?: KeyJudge;
  readonly opaque?: OpaqueJudge;
  readonly proofs?: ProofJudge;
  readonly tokenKey?: string;
}

function benchOf(text: string, { keys = new FixedKeys([keyFor(signer)]), ...judges }: Judges = {}): PipelineBench {
  const { config } = load(text);
  return new PipelineBench(text, {
    auth: freshAuth(
      config,
      keys,
      {
        ...(judges.apiKeys === undefined ? {} : { apiKeys: judges.apiKeys }),
        ...(judges.opaque === undefined ? {} : { introspector: () => judges.opaque ?? null }),
        ...(judges.proofs === undefined ? {} : { proofs: () => judges.proofs ?? assert.fail() }),
      },
      judges.tokenKey,
    ),
  });
}

const claims = (more: object = {}): object => ({
  iss: 'https://id.example.com',
  aud: 'api',
  sub: 'alice',
  exp: Math.floor(Date.now() / 1_000) + 300,
  ...more,
});
const bearer = (more: object = {}): string => `Bearer ${signToken(signer, claims(more))}`;

/** Nothing listens behind the phases: whoever comes through them fails there. */
const CAME_THROUGH = 'SP_INTERNAL';

const capturedOf = ({ context }: PipelineBench): readonly string[] => capturedNames(context.config);

const counted = (bench: PipelineBench, label: AuthReason | Identity['kind']): number =>
  bench.totals.callers([...IDENTITY_KINDS, ...AUTH_REASONS].indexOf(label as AuthReason));

describe('tokens', () => {
  test('a good one is known; its caller is in the log; the request goes on', () => {
    const bench = benchOf(auth('{ issuers: [main] }'));
    const { tx } = bench.run({ authorization: bearer({ client_id: 'app', scope: 'read' }) });
    assert.deepEqual([tx.code, tx.identity?.subject, tx.authReason], [CAME_THROUGH, 'alice', null]);
    assert.equal(counted(bench, 'jwt'), 1);
    const [line] = bench.accessLines;
    assert.deepEqual([line?.caller, line?.issuer, line?.subject, line?.clientId], ['jwt', 'main', 'alice', 'app']);
  });

  test('schemes have no case, and other schemes are no credential of ours', () => {
    const bench = benchOf(auth('{ issuers: [main] }'));
    const token = bearer().slice('Bearer '.length);
    assert.equal(bench.run({ authorization: `bEARER  ${token}` }).tx.code, CAME_THROUGH);
    for (const authorization of ['', 'Basic YTpi', token, `Bearer${token}`, 'Bear', 'Negotiate x']) {
      assert.equal(bench.run({ authorization }).tx.code, 'SP_UNAUTHENTICATED', authorization);
    }
    assert.equal(counted(bench, 'missing'), 6);
  });

  test('a scheme parted from its token by anything but blanks is a bad credential, not none', () => {
    const bench = benchOf(auth('{ issuers: [main], optional: true }'));
    const token = bearer().slice('Bearer '.length);
    for (const authorization of [`Bearer\t${token}`, `Bearer \t${token}`, `bearer,${token}`, 'DPoP\tx', 'Bearer="x"']) {
      const { tx } = bench.run({ authorization });
      assert.deepEqual([tx.code, tx.authReason], ['SP_CREDENTIAL_INVALID', 'malformed'], authorization.slice(0, 10));
    }
    assert.equal(bench.run({ authorization: `Bearer  ${token} ` }).tx.identity?.subject, 'alice');
    assert.equal(bench.run({ authorization: 'Bearer-2 x' }).tx.code, CAME_THROUGH, 'another scheme');
  });

  test('without a credential: 401 that says what would do, and no error', () => {
    const bench = benchOf(auth('{ issuers: [main] }', 'authentication: { realm: shop }\n'));
    const { sent, tx } = bench.run();
    assert.equal(sent[0], '401 Unauthorized');
    assert.equal(tx.authReason, 'missing');
  });

  test('a bad one: 401, its reason in log and metrics, and nothing of it for the client', () => {
    const bench = benchOf(auth('{ issuers: [main] }'));
    const stranger = newSigner('ES256', signer.kid);
    const cases: [string, AuthReason][] = [
      [`Bearer ${signToken(stranger, claims())}`, 'signature'],
      [bearer({ exp: 1 }), 'expired'],
      [bearer({ aud: 'other' }), 'audience'],
      ['Bearer', 'malformed'],
      ['Bearer x.y.z', 'malformed'],
    ];
    const bodies = cases.map(([authorization, reason]) => {
      const { tx, sent } = bench.run({ authorization });
      assert.deepEqual([tx.code, tx.authReason, tx.identity], ['SP_CREDENTIAL_INVALID', reason, null]);
      assert.ok(tx.reason.startsWith(`${reason}: `), tx.reason);
      assert.equal(counted(bench, reason) > 0, true);
      return sent[1]?.replace(/"request_id".*/s, '');
    });
    assert.equal(new Set(bodies).size, 1, 'all are told the same');
    for (const line of bench.accessLines) assert.ok(!JSON.stringify(line).includes('eyJ'), 'no token in the log');
  });

  test('optional: nobody passes as nobody, a bad credential does not', () => {
    const bench = benchOf(auth('{ issuers: [main], optional: true }'));
    const { tx } = bench.run();
    assert.deepEqual([tx.code, tx.identity], [CAME_THROUGH, null]);
    assert.equal(bench.run({ authorization: bearer({ exp: 1 }) }).tx.code, 'SP_CREDENTIAL_INVALID');
  });

  test('keys that are not there: 503 with Retry-After, whoever asks', () => {
    const keys = new FixedKeys([]);
    keys.state = 'unavailable';
    const bench = benchOf(auth('{ issuers: [main] }'), { keys });
    const { tx, sent } = bench.run({ authorization: bearer() });
    assert.deepEqual(
      [tx.code, tx.authReason, sent[0]],
      ['SP_IDENTITY_UNAVAILABLE', 'keys-unavailable', '503 Service Unavailable'],
    );
  });
});

describe('requests that wait for an answer about their caller', () => {
  const waiting = (keys: FixedKeys): (() => void)[] => {
    const again: (() => void)[] = [];
    keys.answer = { kind: 'wait', wait: (callback) => void again.push(callback) };
    return again;
  };

  test('go on when it is there, with their bodies and in order', async () => {
    const keys = new FixedKeys([]);
    const again = waiting(keys);
    const bench = benchOf(auth('{ issuers: [main] }'), { keys });
    const { tx, sent } = bench.run({ authorization: bearer() });
    assert.deepEqual([tx.finished, bench.context.auth.waits.count], [false, 1]);
    keys.keys = [keyFor(signer)];
    keys.version += 1;
    for (const one of again.splice(0)) one();
    await until('the end', () => tx.finished);
    assert.deepEqual([tx.code, tx.identity?.subject, bench.context.auth.waits.count], [CAME_THROUGH, 'alice', 0]);
    assert.ok(sent.length > 0);
  });

  test('are refused when the answer says nothing, or none comes in time', async () => {
    const keys = new FixedKeys([]);
    const again = waiting(keys);
    const bench = benchOf(auth('{ issuers: [main] }', 'authentication: { waitMs: 30 }\n'), { keys });
    const late = bench.run({ authorization: bearer() });
    await until('the deadline', () => late.tx.finished);
    assert.deepEqual([late.tx.code, late.tx.authReason], ['SP_IDENTITY_UNAVAILABLE', 'busy']);
    const refused = bench.run({ authorization: bearer() });
    keys.answer = null;
    for (const one of again.splice(0)) one();
    await until('the refusal', () => refused.tx.finished);
    assert.deepEqual([refused.tx.code, refused.tx.authReason], ['SP_CREDENTIAL_INVALID', 'unknown-key']);
    assert.equal(bench.context.auth.waits.count, 0);
  });

  test('are so many and no more; a client that leaves makes room', () => {
    const keys = new FixedKeys([]);
    waiting(keys);
    const bench = benchOf(auth('{ issuers: [main] }', 'authentication: { waitingMax: 2 }\n'), { keys });
    const { down } = bench.request({ authorization: bearer() });
    bench.pipeline.run(down.tx, Date.now());
    bench.run({ authorization: bearer() });
    const third = bench.run({ authorization: bearer() });
    assert.deepEqual([third.tx.code, third.tx.authReason], ['SP_IDENTITY_UNAVAILABLE', 'busy']);
    down.abandon();
    assert.equal(bench.context.auth.waits.count, 1);
  });

  test('an error while judging again costs a 500, and no place', async () => {
    const keys = new FixedKeys([]);
    const again = waiting(keys);
    const bench = benchOf(auth('{ issuers: [main] }'), { keys });
    const { tx } = bench.run({ authorization: bearer() });
    keys.find = () => {
      throw new Error('planted');
    };
    for (const one of again.splice(0)) one();
    await until('the end', () => tx.finished);
    assert.deepEqual([tx.status, bench.errors.length, bench.context.auth.waits.count], [500, 1, 0]);
  });
});

describe('API keys', () => {
  const ORDER = ['x-api-key', 'origin'];
  const known = (more: Partial<Identity> = {}): Judged => ({
    kind: 'known',
    identity: identity({ kind: 'api-key', issuer: '', subject: 'team-a', client: 'k1', ...more }),
  });
  const judge = (answer: (key: string, origin: string) => Judged): KeyJudge => ({
    judge: (key, { origin }) => answer(key, origin ?? ''),
  });
  const withFields = (bench: PipelineBench, fields: Readonly<Record<string, string>>): string[] => {
    const captured: string[] = [];
    const names = capturedOf(bench);
    for (const [name, value] of Object.entries(fields)) captured[names.indexOf(name)] = value;
    return captured;
  };

  test('from their field, or where it is allowed from the query; never from both', () => {
    const seen: string[] = [];
    const apiKeys = judge((key, origin) => {
      seen.push(`${key} ${origin}`);
      return known();
    });
    const policy = auth('{ apiKeys: true }', KEYS);
    const bench = benchOf(policy, { apiKeys });
    assert.ok(ORDER.every((name) => capturedOf(bench).includes(name)));
    const captured = withFields(bench, { 'x-api-key': 'one', origin: 'https://a.test' });
    assert.equal(bench.run({ captured }).tx.identity?.client, 'k1');
    assert.equal(bench.run({ query: '?key=two' }).tx.code, 'SP_UNAUTHENTICATED', 'not asked for');
    const inQuery = benchOf(policy.replace('store: file', 'store: file, query: key'), { apiKeys });
    assert.equal(inQuery.run({ query: '?a=1&key=three&b' }).tx.identity?.client, 'k1');
    const one = withFields(inQuery, { 'x-api-key': 'one' });
    for (const [query, fields] of [
      ['?key=a&key=b', null],
      ['?key=a', one],
    ] as const) {
      const { tx } = inQuery.run({ query, captured: fields });
      assert.deepEqual([tx.code, tx.authReason], ['SP_CREDENTIAL_INVALID', 'malformed']);
    }
    assert.deepEqual(seen, ['one https://a.test', 'three ']);
  });

  test('beside a token they are one credential too many', () => {
    const bench = benchOf(auth('{ issuers: [main], apiKeys: true }', KEYS), { apiKeys: judge(() => known()) });
    const captured = withFields(bench, { 'x-api-key': 'one' });
    const { tx } = bench.run({ captured, authorization: bearer() });
    assert.deepEqual([tx.code, tx.authReason], ['SP_CREDENTIAL_INVALID', 'malformed']);
    assert.equal(bench.run({ captured, authorization: 'Basic YTpi' }).tx.identity?.kind, 'api-key');
    assert.equal(bench.run({ authorization: bearer() }).tx.identity?.kind, 'jwt');
  });

  test('a rate limit that a key brings counts by the key, and one that nobody configured is no free pass', () => {
    const limits = 'rateLimits: { gold: { windows: [{ limit: 2, windowMs: 60000 }] } }\n';
    const apiKeys = judge((key) => known({ client: key, rateLimit: key === 'lost' ? 'silver' : 'gold' }));
    const bench = benchOf(auth('{ apiKeys: true }', KEYS + limits), { apiKeys });
    const call = (key: string) => bench.run({ captured: withFields(bench, { 'x-api-key': key }) });
    assert.deepEqual(
      ['a', 'a', 'a', 'b'].map((key) => call(key).tx.code),
      [CAME_THROUGH, CAME_THROUGH, 'SP_RATE_LIMITED', CAME_THROUGH],
    );
    const { tx } = call('lost');
    assert.deepEqual([tx.code, tx.policy], ['SP_IDENTITY_UNAVAILABLE', 'silver']);
  });

  test('a rate limit that a key brings and its route has as well counts once', () => {
    const limits = 'rateLimits: { gold: { key: [api-key], windows: [{ limit: 2, windowMs: 60000 }] } }\n';
    const text = `${MINIMAL}    policies: { auth: { apiKeys: true }, rateLimits: [gold] }\n${ISSUERS}${KEYS}${limits}`;
    const bench = benchOf(text, { apiKeys: judge((key) => known({ client: key, rateLimit: 'gold' })) });
    const call = () => bench.run({ captured: withFields(bench, { 'x-api-key': 'a' }) }).tx;
    assert.deepEqual([call().code, call().code, call().code], [CAME_THROUGH, CAME_THROUGH, 'SP_RATE_LIMITED']);
    assert.equal(call().answerText.match(/"gold";q/g)?.length, 1);
  });

  test('a name of a parameter is the same however it is written', () => {
    const text = auth('{ apiKeys: true, optional: true, hideCredentials: true }', KEYS).replace(
      'store: file',
      'store: file, query: api_key',
    );
    const bench = benchOf(text, { apiKeys: judge(() => known()) });
    assert.equal(bench.run({ query: '?api%5fkey=one' }).tx.identity?.client, 'k1');
    assert.equal(bench.run({ query: '?a=1&%61pi_key=one&b=%zz' }).tx.query, '?a=1&b=%zz');
    for (const query of ['?api_key=one&api%5Fkey=two', '?%61pi_key=one&api_key=two']) {
      const { tx } = bench.run({ query });
      assert.deepEqual([tx.code, tx.authReason], ['SP_CREDENTIAL_INVALID', 'malformed'], query);
    }
    assert.equal(bench.run({ query: '?api%5key=one&api_key%00=two' }).tx.identity, null);
  });

  test('hidden from upstreams, field and parameter, where a route wants that', () => {
    const text = auth('{ apiKeys: true, hideCredentials: true }', KEYS).replace(
      'store: file',
      'store: file, query: key',
    );
    const bench = benchOf(text, { apiKeys: judge(() => known()) });
    const forwardFields = 'accept: a\r\nx-api-key: one\r\nauthorization: Basic YTpi\r\nx-other: b\r\n';
    const { tx } = bench.run({ captured: withFields(bench, { 'x-api-key': 'one' }), forwardFields, isAscii: true });
    assert.equal(tx.forwardFields, 'accept: a\r\nx-other: b\r\n');
    assert.equal(bench.run({ query: '?a=1&key=two&keys=3' }).tx.query, '?a=1&keys=3');
    assert.equal(bench.run({ query: '?key=two' }).tx.query, '');
  });
});

describe('tokens that only their server understands', () => {
  const SERVER = 'introspection: { server: { url: "https://id.example.com/i", clientId: a, clientSecret: b } }\n';
  const opaque: OpaqueJudge = {
    judge: (token) =>
      token === 'good'
        ? { kind: 'known', identity: identity({}) }
        : { kind: 'refused', reason: 'inactive', detail: 'not active' },
  };

  test('are asked about where no issuer of the route made them', () => {
    const bench = benchOf(auth('{ issuers: [main], introspection: server }', SERVER), { opaque });
    assert.equal(bench.run({ authorization: 'Bearer good' }).tx.identity?.kind, 'opaque');
    assert.equal(bench.run({ authorization: bearer() }).tx.identity?.kind, 'jwt');
    assert.equal(bench.run({ authorization: bearer({ exp: 1 }) }).tx.authReason, 'expired', 'ours, and judged by us');
    assert.equal(bench.run({ authorization: bearer({ iss: 'https://other.test' }) }).tx.authReason, 'inactive');
    const alone = benchOf(auth('{ introspection: server }', SERVER), { opaque });
    assert.equal(alone.run({ authorization: bearer() }).tx.authReason, 'inactive');
  });
});

describe('tokens bound to a key', () => {
  const key = makeDpopKey();
  const proofs = (nonce = ''): ProofJudge => {
    const judge = new DpopJudge({
      algorithms: ['ES256'],
      windowMs: 60_000,
      leewayMs: 5_000,
      origins: [],
      nonces: null,
      replays: new ReplayTable(createReplayWords(1_024)),
      askOthers: null,
      hash: new KeyHash(1, 2),
      salt: 3,
      slow: new SlowSignatures(),
      offloadMicros: Number.POSITIVE_INFINITY,
    });
    return { check: (asked, nowMs) => judge.check(asked, nowMs), nonce: () => nonce };
  };
  const proofOf = (bench: PipelineBench, authorization: string, url = 'http://a.test/'): string[] => {
    const captured: string[] = [];
    const accessToken = authorization.slice(authorization.indexOf(' ') + 1);
    captured[capturedOf(bench).indexOf('dpop')] = makeDpopProof({
      key,
      method: 'GET',
      url,
      accessToken,
      nowMs: Date.now(),
    });
    return captured;
  };

  test('need their proof; a bound token as Bearer, and an unbound one as DPoP, are refused', () => {
    const bench = benchOf(auth('{ issuers: [main] }'), { proofs: proofs('a-nonce') });
    const asBearer = bearer({ cnf: { jkt: key.thumbprint } });
    const dpop = asBearer.replace('Bearer', 'DPoP');
    const unbound = bearer();
    const captured = proofOf(bench, dpop);
    assert.equal(bench.run({ authorization: dpop, captured }).tx.code, CAME_THROUGH);
    for (const [authorization, proof, reason] of [
      [dpop, captured, 'dpop-replayed'],
      [asBearer, null, 'dpop-binding'],
      [asBearer, proofOf(bench, dpop), 'dpop-binding'],
      [unbound.replace('Bearer', 'DPoP'), proofOf(bench, unbound), 'dpop-binding'],
      [dpop, null, 'dpop-missing'],
      [dpop, proofOf(bench, dpop, 'https://a.test/'), 'dpop-invalid'],
    ] as const) {
      const { tx, sent } = bench.run({ authorization, captured: proof === null ? null : [...proof] });
      assert.deepEqual([tx.code, tx.authReason, sent[0]], ['SP_CREDENTIAL_INVALID', reason, '401 Unauthorized']);
    }
  });

  test('are proven for the origin that a trusted proxy tells', () => {
    const bench = benchOf(`${auth('{ issuers: [main] }')}trustedProxies: [192.0.2.0/24]\n`, { proofs: proofs() });
    const authorization = bearer({ cnf: { jkt: key.thumbprint } }).replace('Bearer', 'DPoP');
    const fields = { xForwardedFor: '203.0.113.9', xForwardedProto: 'https', xForwardedHost: 'shop.test:8443' };
    const { tx } = bench.run({
      authorization,
      ...fields,
      captured: proofOf(bench, authorization, 'https://shop.test:8443/'),
    });
    assert.equal(tx.code, CAME_THROUGH, tx.reason);
  });

  test('an issuer may take nothing else', () => {
    const text = auth('{ issuers: [main] }').replace('audiences', 'requireDpop: true, audiences');
    const { tx } = benchOf(text, { proofs: proofs() }).run({ authorization: bearer() });
    assert.deepEqual([tx.code, tx.authReason], ['SP_CREDENTIAL_INVALID', 'dpop-binding']);
  });
});

describe('what a caller may do', () => {
  const asks = (policy: string, bearerClaims: object, fields: Partial<Transaction> = {}) => {
    const bench = benchOf(auth(`{ issuers: [main], ${policy} }`));
    return { ...bench.run({ authorization: bearer(bearerClaims), ...fields }), bench };
  };

  const MAY: readonly [policy: string, claims: object, method?: string][] = [
    ['scopes: { all: [a, b] }', { scope: 'b c a' }],
    ['scopes: { any: [a, b] }', { scope: 'b' }],
    ['claims: [{ claim: groups, contains: staff }]', { groups: ['x', 'staff'] }],
    ['claims: [{ claim: groups, contains: staff }]', { groups: 'x staff' }],
    ['claims: [{ claim: realm.roles, contains: staff }]', { realm: { roles: ['staff'] } }],
    ['claims: [{ claim: "https://x.test/a.b", equals: "7" }]', { 'https://x.test/a.b': 7 }],
    ['claims: [{ claim: tenant, oneOf: [a, b] }]', { tenant: 'b' }],
    ['claims: [{ claim: email, matches: ".*@example[.]com" }]', { email: 'a@example.com' }],
    ['rules: [{ methods: [POST], scopes: { all: [write] } }]', {}],
    ['rules: [{ methods: [POST], scopes: { all: [write] } }]', { scope: 'write' }, 'POST'],
    ['stepUp: { acr: [gold, silver] }', { acr: 'silver' }],
    ['stepUp: { amr: [otp, pwd] }', { amr: ['pwd', 'x', 'otp'] }],
    ['stepUp: { maxAgeSeconds: 60 }', { auth_time: Date.now() / 1_000 - 50 }],
  ];
  const MAY_NOT: readonly [policy: string, claims: object, reason: AuthReason, method?: string][] = [
    ['scopes: { all: [a, b] }', { scope: 'a' }, 'scope'],
    ['scopes: { any: [a, b] }', { scope: 'ab A' }, 'scope'],
    ['scopes: { any: [a] }', {}, 'scope'],
    ['claims: [{ claim: groups, contains: staff }]', { groups: ['staffing'] }, 'claim-rule'],
    ['claims: [{ claim: groups, contains: staff }]', { groups: 'staffing' }, 'claim-rule'],
    ['claims: [{ claim: groups, contains: staff }]', { groups: { staff: true } }, 'claim-rule'],
    ['claims: [{ claim: tenant }]', { tenant: null }, 'claim-rule'],
    ['claims: [{ claim: constructor }]', {}, 'claim-rule'],
    ['claims: [{ claim: constructor.name, equals: Object }]', {}, 'claim-rule'],
    ['claims: [{ claim: tenant, equals: a }]', { tenant: ['a'] }, 'claim-rule'],
    ['claims: [{ claim: email, matches: ".*@example[.]com" }]', { email: 'a@example.com\nx' }, 'claim-rule'],
    ['claims: [{ claim: email, matches: "a|b" }]', { email: 'ab' }, 'claim-rule'],
    ['rules: [{ methods: [GET], scopes: { all: [read] } }]', {}, 'scope', 'HEAD'],
    ['stepUp: { acr: [gold] }', {}, 'step-up'],
    ['stepUp: { acr: [gold] }', { acr: ['gold'] }, 'step-up'],
    ['stepUp: { amr: [otp] }', { amr: 'otp' }, 'step-up'],
    ['stepUp: { maxAgeSeconds: 60 }', { auth_time: Date.now() / 1_000 - 70 }, 'step-up'],
    ['stepUp: { maxAgeSeconds: 60 }', { auth_time: Date.now() / 1_000 + 3_600 }, 'step-up'],
    ['stepUp: { maxAgeSeconds: 60 }', { auth_time: '0' }, 'step-up'],
  ];

  for (const [policy, bearerClaims, method = 'GET'] of MAY) {
    test(`${policy} lets ${JSON.stringify(bearerClaims)} ${method}`, () => {
      assert.equal(asks(policy, bearerClaims, { method }).tx.code, CAME_THROUGH);
    });
  }

  for (const [policy, bearerClaims, reason, method = 'GET'] of MAY_NOT) {
    test(`${policy} refuses ${JSON.stringify(bearerClaims)} ${method}`, () => {
      const { tx, sent, bench } = asks(policy, bearerClaims, { method });
      const code = reason === 'step-up' ? 'SP_STEP_UP_REQUIRED' : 'SP_FORBIDDEN';
      assert.deepEqual([tx.code, tx.authReason], [code, reason]);
      assert.equal(sent[0], reason === 'step-up' ? '401 Unauthorized' : '403 Forbidden');
      assert.equal(counted(bench, reason), 1);
    });
  }

  test('nobody may do what a method asks something for', () => {
    const text = auth('{ issuers: [main], optional: true, rules: [{ methods: [POST], claims: [{ claim: sub }] }] }');
    const bench = benchOf(text);
    assert.equal(bench.run().tx.code, CAME_THROUGH);
    assert.equal(bench.run({ method: 'POST' }).tx.code, 'SP_UNAUTHENTICATED');
  });
});

describe('what upstreams are told of a caller', () => {
  const FIELDS = `identity:
  fields:
    - { name: X-User, from: subject }
    - { name: x-scopes, from: scopes }
    - { name: x-team, from: "claim:team" }
`;

  test('in fields that no client, and no proxy, can write', () => {
    const bench = benchOf(`${auth('{ issuers: [main], optional: true }')}${FIELDS}trustedProxies: [192.0.2.0/24]\n`);
    const names = capturedOf(bench);
    const captured: string[] = [];
    captured[names.indexOf('x-user')] = 'root';
    const forwardFields = 'x-user: root\r\naccept: a\r\n';
    const known = bench.run({
      authorization: bearer({ scope: 'a b', team: ['x', 'y,z'] }),
      captured: [...captured],
      forwardFields,
      isAscii: true,
    });
    assert.equal(known.tx.forwardFields, 'accept: a\r\nx-user: alice\r\nx-scopes: a b\r\nx-team: ["x","y,z"]\r\n');
    const unknown = bench.run({ captured: [...captured], forwardFields, isAscii: true });
    assert.equal(unknown.tx.forwardFields, 'accept: a\r\n');
  });

  test('as UTF-8; what fits no field is refused, not cut', () => {
    const bench = benchOf(auth('{ issuers: [main] }') + FIELDS);
    const { tx } = bench.run({ authorization: bearer({ sub: 'Zoë' }), isAscii: true });
    assert.deepEqual([tx.forwardFields, tx.isAscii], ['x-user: Zoë\r\n', false]);
    for (const sub of ['a\r\nx-admin: 1', 'a\u0000', 'a\u0085b', ' a', '\ud800', 'x'.repeat(4_097)]) {
      const refused = bench.run({ authorization: bearer({ sub }) });
      assert.deepEqual([refused.tx.code, refused.tx.authReason], ['SP_FORBIDDEN', 'claims'], JSON.stringify(sub));
    }
  });

  test('in a token that the gateway signs, and gives out again while it is young', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const tokenKey = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const text = `${auth('{ issuers: [main] }')}identity:
  token: { field: x-caller, key: ${JSON.stringify(import.meta.filename)}, claims: [team, iss], seconds: 60 }
`;
    const bench = benchOf(text, { tokenKey });
    const authorization = bearer({ team: 'red', scope: 'a' });
    const first = bench.run({ authorization }).tx.forwardFields;
    assert.equal(bench.run({ authorization }).tx.forwardFields, first);
    const [, token = ''] = /^x-caller: (\S+)\r\n$/.exec(first) ?? [];
    const [header = '', payload = '', signature = ''] = token.split('.');
    assert.ok(verify(null, Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature, 'base64url')));
    const { iat, exp, ...rest } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, number>;
    assert.deepEqual(rest, { team: 'red', iss: 'sallyport', aud: '', sub: 'alice', scope: 'a' });
    assert.equal(Number(exp) - Number(iat), 60);
  });
});

describe('rate limits by caller', () => {
  test('count by subject, client and claim of one issuer; the address stands for nobody', () => {
    for (const [part, one, other] of [
      ['subject', { sub: 'a' }, { sub: 'b' }],
      ['client', { client_id: 'a' }, { client_id: 'b' }],
      ['claim:tenant.id', { tenant: { id: 1 } }, { tenant: { id: 2 } }],
    ] as const) {
      const policy = `{ auth: { issuers: [main], optional: true }, rateLimits: [each] }`;
      const limits = `rateLimits: { each: { key: ["${part}"], windows: [{ limit: 2, windowMs: 60000 }] } }\n`;
      const bench = benchOf(`${MINIMAL}    policies: ${policy}\n${ISSUERS}${limits}`);
      const codes = [one, one, one, other, null, null, null].map(
        (who) => bench.run(who === null ? {} : { authorization: bearer(who) }).tx.code,
      );
      const [ok, no] = [CAME_THROUGH, 'SP_RATE_LIMITED'];
      assert.deepEqual(codes, [ok, ok, no, ok, ok, ok, no], part);
    }
  });

  test('of several parts tell callers apart whatever their claims hold', () => {
    const policy = '{ auth: { issuers: [main] }, rateLimits: [each] }';
    const limits = 'rateLimits: { each: { key: ["claim:nick", subject], windows: [{ limit: 2, windowMs: 60000 }] } }\n';
    const bench = benchOf(`${MINIMAL}    policies: ${policy}\n${ISSUERS}${limits}`);
    const call = (nick: string, sub: string) => bench.run({ authorization: bearer({ nick, sub }) }).tx.code;
    const forged = 'a\u0001jwt\u0003main\u0003b';
    assert.deepEqual([call(forged, 'c'), call(forged, 'c')], [CAME_THROUGH, CAME_THROUGH]);
    assert.equal(call('a', 'b\u0001jwt\u0003main\u0003c'), CAME_THROUGH, 'another caller with the same text over all');
  });

  test('speak together with those that were decided before', () => {
    const policy = '{ auth: { issuers: [main] }, rateLimits: [early, late] }';
    const limits = `rateLimits:
  early: { windows: [{ limit: 5, windowMs: 60000 }] }
  late: { key: [subject], windows: [{ limit: 3, windowMs: 60000 }] }
`;
    const bench = benchOf(`${MINIMAL}    policies: ${policy}\n${ISSUERS}${limits}`);
    const said = (fields: Partial<Transaction>): string => bench.run(fields).tx.answerText.replace(/t=\d+/, 't=T');
    assert.equal(
      said({ authorization: bearer() }),
      '\r\nratelimit-policy: "early";q=5;w=60, "late";q=3;w=60\r\nratelimit: "late";r=2;t=T',
    );
    assert.equal(said({}), '\r\nratelimit-policy: "early";q=5;w=60\r\nratelimit: "early";r=3;t=T');
  });
});
