import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { createVerifier } from 'fast-jwt';
import { importJWK, jwtVerify } from 'jose';
import { ALGORITHM_ROWS, type Algorithm } from '../src/auth/algorithms.ts';
import type { VerificationKey } from '../src/auth/verification-key.ts';
import { verifySignature } from '../src/auth/verify.ts';
import {
  AUDIENCE,
  goodClaims,
  ISSUER,
  issuerWith,
  keyFor,
  NOW,
  NOW_MS,
  newJudge,
  newSigner,
  type Signer,
  signToken,
} from '../test/auth/support.ts';

// Microseconds per token and algorithm, best of some short runs, all in this run:
//   verify      node:crypto alone, behind our door, bytes at hand
//   node-rs     @node-rs/jsonwebtoken, which reads the token as well; '-' where it cannot, or is not installed
//               (npm install --no-save @node-rs/jsonwebtoken@0.5.11; docs/decisions/0003 says why it is not ours)
//   fast-jwt    with its cache off
//   jose        its promise included
//   cold        the whole of TokenJudge for a token never seen, and how many times `verify` that is
//   remembered  the whole of TokenJudge for a token seen before
// Every token differs; the count of those let in proves the work. The first row pays for code that is not compiled yet.
//
//   node dist/native-bench/jwt.js [algorithm...]

const TOKENS = 256;
const ATTEMPTS = 8;
/** One attempt stops here: slow algorithms see fewer tokens. */
const ATTEMPT_MS = 60;

interface NodeRs {
  verifySync(token: string, key: string | Buffer, validation: object): unknown;
}

function loadNodeRs(): NodeRs | null {
  const name = '@node-rs/jsonwebtoken';
  try {
    return createRequire(import.meta.url)(name) as NodeRs;
  } catch (error) {
    console.log(`${name} is not installed: ${(error as Error).message.split('\n')[0]}`);
    return null;
  }
}

const nodeRs = loadNodeRs();
let letIn = 0;

/** @returns  Microseconds of the best attempt; `once` takes the number of a token and says whether it was good. */
function measure(once: (n: number) => boolean, begin: () => void = () => {}): number {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    begin();
    const start = performance.now();
    let n = 0;
    for (; n < TOKENS && (n < 4 || performance.now() - start < ATTEMPT_MS); n += 1) {
      if (!once(n)) throw new Error('a good token was refused');
    }
    best = Math.min(best, ((performance.now() - start) * 1_000) / n);
    letIn += n;
  }
  return best;
}

async function measureLater(once: (n: number) => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const start = performance.now();
    let n = 0;
    for (; n < TOKENS && (n < 4 || performance.now() - start < ATTEMPT_MS); n += 1) await once(n);
    best = Math.min(best, ((performance.now() - start) * 1_000) / n);
    letIn += n;
  }
  return best;
}

function claims(n: number): Record<string, unknown> {
  return goodClaims({
    sub: `user-${n}-${randomBytes(8).toString('hex')}`,
    jti: randomBytes(12).toString('base64url'),
    client_id: `client-${n % 16}`,
    scope: 'openid profile orders:read orders:write',
    exp: NOW + 3_600 + n,
    realm_access: { roles: ['user', `group-${n % 64}`] },
  });
}

function nodeRsMicros(alg: Algorithm, signer: Signer, key: VerificationKey, tokens: readonly string[]): number | null {
  if (nodeRs === null || alg === 'ES512' || alg === 'Ed25519') return null;
  const pem = key.keyObject.type === 'secret' ? null : key.keyObject.export({ type: 'spki', format: 'pem' });
  const material = pem ?? (signer.privateKey as Buffer);
  const validation = { algorithms: [alg], aud: [AUDIENCE], validateExp: false, requiredSpecClaims: [] };
  return measure((n) => nodeRs.verifySync(tokens[n] as string, material, validation) !== null);
}

async function row(alg: Algorithm, rsaBits = 2_048): Promise<void> {
  const signer = newSigner(alg, alg, rsaBits);
  const key = keyFor(signer);
  const issuer = issuerWith([key], { algorithms: [alg] });
  const tokens = Array.from({ length: TOKENS }, (_, n) => signToken(signer, claims(n)));
  const parts = tokens.map((token) => {
    const cut = token.lastIndexOf('.');
    return [Buffer.from(token.slice(0, cut)), Buffer.from(token.slice(cut + 1), 'base64url')] as const;
  });

  const verify = measure((n) => verifySignature(key, alg, ...(parts[n] as (typeof parts)[number])));
  const rival = nodeRsMicros(alg, signer, key, tokens);
  const secretOrPem =
    key.keyObject.type === 'secret'
      ? (signer.privateKey as Buffer)
      : (key.keyObject.export({ type: 'spki', format: 'pem' }) as string);
  const fastVerify =
    alg === 'Ed25519' ? null : createVerifier({ key: secretOrPem, algorithms: [alg], clockTimestamp: NOW_MS });
  const fast = fastVerify === null ? null : measure((n) => fastVerify(tokens[n] as string) !== null);
  const joseKey = await importJWK({ ...signer.jwk }, alg);
  const options = { algorithms: [alg], issuer: ISSUER, audience: AUDIENCE, currentDate: new Date(NOW_MS) };
  const jose = await measureLater((n) => jwtVerify(tokens[n] as string, joseKey, options));

  let judge = newJudge(undefined, 4_096);
  const allowed = [issuer];
  const judgeOne = (n: number): boolean => judge.judge(tokens[n] as string, allowed, NOW_MS).kind === 'known';
  const cold = measure(judgeOne, () => {
    judge = newJudge(undefined, 4_096);
  });
  // As requests bring them: a text of its own each time, not the one that is remembered.
  const copies = tokens.map((token) => Buffer.from(token, 'latin1').toString('latin1'));
  for (let n = 0; n < TOKENS; n += 1) judgeOne(n);
  const before = judge.verifications;
  const remembered = measure((n) => judge.judge(copies[n] as string, allowed, NOW_MS).kind === 'known');
  const hits = judge.verifications === before ? '' : `  (${judge.verifications - before} anew)`;

  const name = ALGORITHM_ROWS[alg].family === 'rsa' ? `${alg}/${rsaBits}` : alg;
  const cells = [name.padEnd(11), micros(verify), micros(rival), micros(fast), micros(jose), micros(cold)];
  console.log(`${cells.join(' ')}  ${(cold / verify).toFixed(2).padStart(5)}x ${micros(remembered)}${hits}`);
}

const micros = (value: number | null): string => (value === null ? '-' : value.toFixed(value < 10 ? 2 : 1)).padStart(9);

const asked = process.argv.slice(2) as Algorithm[];
const algorithms = asked.length > 0 ? asked : (Object.keys(ALGORITHM_ROWS) as Algorithm[]);
console.log('algorithm      verify   node-rs  fast-jwt      jose      cold        remembered');
for (const alg of algorithms) {
  await row(alg);
  if (alg === 'RS256') for (const bits of [3_072, 4_096]) await row(alg, bits);
}
console.log(`${letIn} tokens let in`);
