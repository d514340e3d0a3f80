import { createPublicKey, verify } from 'node:crypto';
import type { KeyFamily } from './algorithms.ts';

/**
 * Microseconds per verification by OpenSSL 3.0 on the machine of `native-bench/jwt.ts`, where RSA of 2,048 bits takes
 * 20. Kinds of keys differ by a factor of 50 there, machines by far less; so a kind's row, scaled by what one kind
 * takes here, is sound enough to tell slow from fast, and keys need not be measured one by one: a set of a thousand
 * would stop the thread for a second.
 */
const REFERENCE_MICROS = { oct: 2, 'P-256': 65, 'P-384': 490, 'P-521': 1_070, Ed25519: 85 } as const;
const RSA_2048_MICROS = 20;

/** RSA of 3,072, 4,096 and 8,192 bits took 37, 60 and 224. */
const RSA_EXPONENT = 1.75;

/**
 * What one verification takes on this machine, microseconds, roughly.
 *
 * @param bits  Of the modulus of an RSA key; of no matter for others.
 *
 * Threads: each measures once, 2 ms, when it makes its first key.
 */
export function verificationMicros(family: KeyFamily, bits: number): number {
  scale ??= measure() / RSA_2048_MICROS;
  const micros = family === 'rsa' ? RSA_2048_MICROS * (bits / 2_048) ** RSA_EXPONENT : REFERENCE_MICROS[family];
  return micros * scale;
}

let scale: number | undefined;

const ATTEMPTS = 5;
const ROUNDS = 20;

/** The public key of RFC 7515 A.2: any of 2,048 bits would do. */
const MODULUS =
  'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pC' +
  'gNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg6' +
  '65xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyu' +
  'XpoQ';

/** The best of some: the others measure the neighbours. A signature that fits nothing costs what a right one does. */
function measure(): number {
  const key = createPublicKey({ key: { kty: 'RSA', n: MODULUS, e: 'AQAB' }, format: 'jwk' });
  const message = Buffer.alloc(512, 0x61);
  const signature = Buffer.alloc(256, 0x5a);
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const start = performance.now();
    for (let n = 0; n < ROUNDS; n += 1) verify('sha256', message, key, signature);
    best = Math.min(best, ((performance.now() - start) * 1_000) / ROUNDS);
  }
  return best;
}
