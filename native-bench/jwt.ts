import { constants, createHmac, type KeyObject, randomBytes, randomInt, timingSafeEqual, verify } from 'node:crypto';
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

// Microseconds of CPU per token and algorithm, those of node's helper threads included:
//   crypto      node:crypto alone, called as its manual says, bytes at hand
//   node-rs     @node-rs/jsonwebtoken, which reads the token as well; '-' where it cannot, or is not installed
//               (npm install --no-save @node-rs/jsonwebtoken@0.5.11; docs/decisions/0003 says why it is not ours)
//   fast-jwt    with its cache off
//   jose        its promise included
//   cold        the whole of TokenJudge for a token never seen, and how many times `crypto` that is
//   remembered  the whole of TokenJudge for a token seen before
//
// All take the same tokens, every one different, as often as the time of a turn allows: 30 ms, long enough for several
// collections of garbage, so that each pays for its own. The first turns of each warm it up and do not count. Then all
// take turns for 15 rounds, each round in an order of chance: what the machine does meanwhile meets all of them. A
// figure is the median of the turns; the ratio is the median of the ratios of each round. Before every pass of `cold`
// over the tokens its judge is a new one, and making that is not timed. A token that is not let in ends the run.
//
//   node dist/native-bench/jwt.js [algorithm...]

const TOKENS = 512;
const ROUNDS = 15;
const TURN_MS = 30;
const WARM_TURNS = 5;
/** The clock is read once for so many tokens. */
const STRIDE = 32;

/** One way to judge tokens. */
interface Contender {
  /** Takes the number of a token and says whether it was good. */
  readonly once: (n: number) => boolean | Promise<boolean>;
  /** Before each pass over the tokens; not timed. */
  readonly begin?: () => void;
  readonly turns: number[];
}

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

/** What others take of a loaded machine is not in it. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** @returns  Microseconds per token of one turn. */
function turn({ once, begin }: Contender): number {
  let spent = 0;
  let count = 0;
  while (spent < TURN_MS) {
    begin?.();
    for (let n = 0; n < TOKENS && spent < TURN_MS; ) {
      const start = cpuMs();
      const to = Math.min(TOKENS, n + STRIDE);
      count += to - n;
      for (; n < to; n += 1) if (once(n) !== true) throw new Error('a good token was refused');
      spent += cpuMs() - start;
    }
  }
  letIn += count;
  return (spent * 1_000) / count;
}

/** The same for what answers later. */
async function turnLater({ once }: Contender): Promise<number> {
  let spent = 0;
  let count = 0;
  while (spent < TURN_MS) {
    for (let n = 0; n < TOKENS && spent < TURN_MS; ) {
      const start = cpuMs();
      const to = Math.min(TOKENS, n + STRIDE);
      count += to - n;
      for (; n < to; n += 1) if ((await once(n)) !== true) throw new Error('a good token was refused');
      spent += cpuMs() - start;
    }
  }
  letIn += count;
  return (spent * 1_000) / count;
}

async function race(contenders: readonly Contender[]): Promise<void> {
  for (let round = -WARM_TURNS; round < ROUNDS; round += 1) {
    for (const contender of shuffled(contenders)) {
      // Finding out costs one token more.
      const micros = typeof contender.once(0) === 'boolean' ? turn(contender) : await turnLater(contender);
      if (round >= 0) contender.turns[round] = micros;
    }
  }
}

/** Nobody always comes after the same one, whose garbage and whose code in the caches it would inherit. */
function shuffled<T>(items: readonly T[]): T[] {
  const mixed = [...items];
  for (let left = mixed.length; left > 1; left -= 1) mixed.push(...mixed.splice(randomInt(left), 1));
  return mixed;
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

function contendersFor(alg: Algorithm, signer: Signer): Promise<Record<string, Contender | null>> {
  const key = keyFor(signer);
  const { keyObject } = key;
  const tokens = Array.from({ length: TOKENS }, (_, n) => signToken(signer, claims(n)));
  const inputs = tokens.map((token) => Buffer.from(token.slice(0, token.lastIndexOf('.'))));
  const signatures = tokens.map((token) => Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url'));
  const bare = bareVerify(alg, keyObject);
  const pem = keyObject.type === 'secret' ? null : (keyObject.export({ type: 'spki', format: 'pem' }) as string);
  const secretOrPem = pem ?? (signer.privateKey as Buffer);
  const rival = alg === 'ES512' || alg === 'Ed25519' ? null : nodeRs;
  const validation = { algorithms: [alg], aud: [AUDIENCE], validateExp: false, requiredSpecClaims: [] };
  const fast =
    alg === 'Ed25519' ? null : createVerifier({ key: secretOrPem, algorithms: [alg], clockTimestamp: NOW_MS });
  const options = { algorithms: [alg], issuer: ISSUER, audience: AUDIENCE, currentDate: new Date(NOW_MS) };
  const keys = new FixedKeys([key]);
  // As KeyRing has it.
  const byName = new Map([[key.kid, [key]]]);
  keys.find = (kid) => byName.get(kid ?? '') ?? [];
  const allowed = [issuerWith(keys, { algorithms: [alg] })];
  let judge = newJudge(undefined, 4_096);
  const one = (once: Contender['once'], begin: () => void = () => {}): Contender => ({ once, begin, turns: [] });
  // As requests bring them: a text of its own each time, not the one that is remembered.
  const copies = tokens.map((token) => Buffer.from(token, 'latin1').toString('latin1'));
  // So roomy that hardly ever five tokens share a slot, which holds four.
  const old = newJudge(undefined, 65_536);
  for (const token of tokens) old.judge(token, allowed, NOW_MS);
  return importJWK({ ...signer.jwk }, alg).then((joseKey) => ({
    crypto: one((n) => bare(inputs[n] as Buffer, signatures[n] as Buffer)),
    'node-rs':
      rival === null ? null : one((n) => rival.verifySync(tokens[n] as string, secretOrPem, validation) !== null),
    'fast-jwt': fast === null ? null : one((n) => fast(tokens[n] as string) !== null),
    jose: one((n) => jwtVerify(tokens[n] as string, joseKey, options).then(() => true)),
    cold: one(
      (n) => judge.judge(tokens[n] as string, allowed, NOW_MS).kind === 'known',
      () => {
        judge = newJudge(undefined, 4_096);
      },
    ),
    remembered: one((n) => old.judge(copies[n] as string, allowed, NOW_MS).kind === 'known'),
  }));
}

async function row(alg: Algorithm, rsaBits = 2_048): Promise<void> {
  const contenders = await contendersFor(alg, newSigner(alg, alg, rsaBits));
  await race(Object.values(contenders).filter((one) => one !== null));
  const { crypto, cold } = contenders;
  const ratios = cold?.turns.map((micros, n) => micros / (crypto?.turns[n] as number)) ?? [];
  const name = ALGORITHM_ROWS[alg].family === 'rsa' ? `${alg}/${rsaBits}` : alg;
  const cells = Object.values(contenders).map((one) => (one === null ? '-' : micros(median(one.turns))).padStart(9));
  console.log(`${name.padEnd(11)} ${cells.join(' ')}   cold is ${median(ratios).toFixed(2)} times crypto`);
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
const micros = (value: number): string => value.toFixed(value < 10 ? 2 : 1);

const asked = process.argv.slice(2) as Algorithm[];
const algorithms = asked.length > 0 ? asked : (Object.keys(ALGORITHM_ROWS) as Algorithm[]);
console.log('algorithm      crypto   node-rs  fast-jwt      jose      cold remembered');
for (const alg of algorithms) {
  await row(alg);
  if (alg === 'RS256') for (const bits of [3_072, 4_096]) await row(alg, bits);
}
console.log(`${letIn} tokens let in`);
