import { constants, createHmac, type KeyObject, randomBytes, timingSafeEqual, verify } from 'node:crypto';
import { createRequire } from 'node:module';
import { createVerifier } from 'fast-jwt';
import { importJWK, jwtVerify } from 'jose';
import { ALGORITHM_ROWS, type Algorithm } from '../src/auth/algorithms.ts';
import {
  AUDIENCE,
  FixedKeys,
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
import { type Bench, countRight, flat, type Row, type Way } from './bench.ts';

/**
 * An operation is a token, every one different; those let in are the proof.
 *
 *   node:crypto   the signature alone, called as the manual says, bytes at hand
 *   @node-rs      @node-rs/jsonwebtoken, which reads the token as well, where it can and is installed
 *                 (npm install --no-save @node-rs/jsonwebtoken@0.5.11; docs/decisions/0003 says why it is not ours)
 *   fast-jwt      with its cache off
 *   jose          its promise included
 *   ours, cold    the whole of TokenJudge for a token never seen; a new judge for each pass over the tokens
 *   remembered    the whole of TokenJudge for a token seen before
 */
export const bench: Bench = {
  what: 'a signed token: the signature alone, libraries, and our judge, helper threads of node included',
  async *rows() {
    for (const alg of Object.keys(ALGORITHM_ROWS) as Algorithm[]) {
      yield await row(alg);
      if (alg === 'RS256') for (const bits of [3_072, 4_096]) yield await row(alg, bits);
    }
  },
};

const TOKENS = 512;
/** Of one pass. */
const SHARE = 32;

interface NodeRs {
  verifySync(token: string, key: string | Buffer, validation: object): unknown;
}

const nodeRs = loadNodeRs();

function loadNodeRs(): NodeRs | null {
  const name = '@node-rs/jsonwebtoken';
  try {
    return createRequire(import.meta.url)(name) as NodeRs;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return null;
    throw error;
  }
}

async function row(alg: Algorithm, rsaBits = 2_048): Promise<Row> {
  const isRsa = ALGORITHM_ROWS[alg].family === 'rsa';
  const ways = await waysFor(alg, newSigner(alg, alg, rsaBits));
  return { name: isRsa ? `${alg}, ${rsaBits} bits` : alg, operations: SHARE, proof: SHARE, ways };
}

async function waysFor(alg: Algorithm, signer: Signer): Promise<Way[]> {
  const key = keyFor(signer);
  const { keyObject } = key;
  const tokens = Array.from({ length: TOKENS }, (_, n) => signToken(signer, claims(n)));
  const inputs = tokens.map((token) => Buffer.from(token.slice(0, token.lastIndexOf('.'))));
  const signatures = tokens.map((token) => Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url'));
  const bare = bareVerify(alg, keyObject);
  const pem = keyObject.type === 'secret' ? null : (keyObject.export({ type: 'spki', format: 'pem' }) as string);
  const secretOrPem = pem ?? (signer.privateKey as Buffer);
  const keys = new FixedKeys([key]);
  // As KeyRing has it.
  const byName = new Map([[key.kid, [key]]]);
  keys.find = (kid) => byName.get(kid ?? '') ?? [];
  const allowed = [issuerWith(keys, { algorithms: [alg] })];
  let judge = newJudge(undefined, 4_096);
  // As requests bring them: a text of its own each time, not the one that is remembered.
  const copies = tokens.map(flat);
  // So roomy that hardly ever five tokens share a slot, which holds four.
  const old = newJudge(undefined, 65_536);
  for (const token of tokens) old.judge(token, allowed, NOW_MS);
  const ways: Way[] = [each('node:crypto', (n) => bare(inputs[n] as Buffer, signatures[n] as Buffer))];
  if (nodeRs !== null && alg !== 'ES512' && alg !== 'Ed25519') {
    const validation = { algorithms: [alg], aud: [AUDIENCE], validateExp: false, requiredSpecClaims: [] };
    ways.push(each('@node-rs', (n) => nodeRs.verifySync(tokens[n] as string, secretOrPem, validation) !== null));
  }
  if (alg !== 'Ed25519') {
    const fast = createVerifier({ key: secretOrPem, algorithms: [alg], clockTimestamp: NOW_MS });
    ways.push(each('fast-jwt', (n) => fast(tokens[n] as string) !== null));
  }
  const joseKey = await importJWK({ ...signer.jwk }, alg);
  const options = { algorithms: [alg], issuer: ISSUER, audience: AUDIENCE, currentDate: new Date(NOW_MS) };
  return [
    ...ways,
    {
      name: 'jose',
      run: async (pass) => {
        let letIn = 0;
        for (let n = 0; n < SHARE; n += 1) {
          const { payload } = await jwtVerify(tokens[placeOf(pass, n)] as string, joseKey, options);
          if (payload.iss === ISSUER) letIn += 1;
        }
        return letIn;
      },
    },
    {
      ...each('ours, cold', (n) => judge.judge(tokens[n] as string, allowed, NOW_MS).kind === 'known'),
      begin: (pass) => {
        if (placeOf(pass, 0) === 0) judge = newJudge(undefined, 4_096);
      },
    },
    each('remembered', (n) => old.judge(copies[n] as string, allowed, NOW_MS).kind === 'known'),
  ];
}

const placeOf = (pass: number, n: number): number => (pass * SHARE + n) % TOKENS;

function each(name: string, once: (n: number) => boolean): Way {
  return { name, run: (pass) => countRight(SHARE, (n) => once(placeOf(pass, n))) };
}

/** node:crypto for this algorithm, everything but the call itself made before. */
function bareVerify(alg: Algorithm, keyObject: KeyObject): (input: Buffer, signature: Buffer) => boolean {
  const { family, hash, isPss } = ALGORITHM_ROWS[alg];
  if (family === 'oct') {
    return (input, signature) =>
      timingSafeEqual(
        createHmac(hash as string, keyObject)
          .update(input)
          .digest(),
        signature,
      );
  }
  if (family === 'rsa' && isPss) {
    const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
    const key = { key: keyObject, padding, saltLength };
    return (input, signature) => verify(hash, input, key, signature);
  }
  if (family === 'rsa' || family === 'Ed25519') return (input, signature) => verify(hash, input, keyObject, signature);
  const key = { key: keyObject, dsaEncoding: 'ieee-p1363' } as const;
  return (input, signature) => verify(hash, input, key, signature);
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
