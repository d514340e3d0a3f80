/**
 * Cost of knowing the caller, in the phases themselves: a route that asks nobody, one with remembered tokens, one with
 * demands and fields for the upstream. Nanoseconds of CPU a request; the count of callers known
 * proves the work was done.
 * Run: node dist/native-bench/callers.js
 */
import { compileAuthenticate } from '../src/pipeline/authenticate.ts';
import { compileAuthorise } from '../src/pipeline/authorise.ts';
import { FixedKeys, keyFor, newSigner, signToken } from '../test/auth/support.ts';
import { load, MINIMAL } from '../test/config/support.ts';
import { freshAuth } from '../test/support/auth.ts';
import { PipelineBench } from '../test/support/pipeline-bench.ts';

const TOKENS = 1_000;
const REQUESTS = 300_000;
const ROUNDS = 7;
const signer = newSigner('RS256');
const tokens = Array.from({ length: TOKENS }, (_, n) => {
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    iss: 'https://id.example.com',
    aud: 'api',
    sub: `user-${n}`,
    exp: now + 3_600,
    iat: now,
    jti: `${n}`,
  };
  return signToken(signer, { ...claims, scope: 'read write', email: `user-${n}@example.com`, roles: ['a', 'b'] });
});
const ISSUERS = '\nissuers: { main: { issuer: "https://id.example.com", audiences: [api], algorithms: [RS256] } }\n';
const FIELDS = 'identity: { fields: [{ name: x-user, from: subject }, { name: x-email, from: "claim:email" }] }\n';
const cases: Readonly<Record<string, string>> = {
  'no authentication': MINIMAL,
  'remembered token': `${MINIMAL}    policies: { auth: { issuers: [main] } }${ISSUERS}`,
  'with scopes, a claim and two fields': `${MINIMAL}    policies:
      auth: { issuers: [main], scopes: { all: [read] }, claims: [{ claim: roles, contains: a }] }${ISSUERS}${FIELDS}`,
};

for (const [name, text] of Object.entries(cases)) {
  const { config } = load(text);
  const { context } = new PipelineBench(text, { auth: freshAuth(config, new FixedKeys([keyFor(signer)])) });
  const authenticate = compileAuthenticate(context);
  const authorise = compileAuthorise(context);
  const bench = new PipelineBench(text, { auth: context.auth });
  const { down } = bench.request();
  const { tx } = down;
  [tx.route] = context.routes as [typeof tx.route];
  // As a request brings it: one text of its own, not the one that was remembered.
  const fields = tokens.map((token) => Buffer.from(`Bearer ${token}`, 'latin1'));
  let known = 0;
  const run = (count: number): number => {
    const before = process.cpuUsage();
    for (let i = 0; i < count; i += 1) {
      tx.authorization = fields[(i * 7) % TOKENS]?.toString('latin1') ?? '';
      tx.identity = null;
      tx.forwardFields = '';
      const nowMs = Date.now();
      if (authenticate !== null) authenticate(tx, nowMs);
      if (authorise !== null) authorise(tx, nowMs);
      if (tx.identity !== null) known += 1;
    }
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1_000) / count;
  };
  run(TOKENS * 10);
  const rounds = Array.from({ length: ROUNDS }, () => run(REQUESTS)).sort((a, b) => a - b);
  console.log(`${name.padEnd(36)} ${Math.round(rounds[ROUNDS >> 1] ?? 0)} ns  (${known} callers known)`);
}
