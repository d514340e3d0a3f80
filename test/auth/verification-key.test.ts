import assert from 'node:assert/strict';
import { generateKeyPairSync, type JsonWebKey, type KeyObject, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { keyFingerprint, keyOfJwk, keyOfPem, keyOfSecret, type MadeKey } from '../../src/auth/verification-key.ts';

const options = { offloadMicros: Number.POSITIVE_INFINITY };
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const jwkOf = (key: KeyObject): JsonWebKey => key.export({ format: 'jwk' });
const said = (made: MadeKey): string => (made.kind === 'key' ? made.key.algorithms.join(' ') : made.reason);
const secret = (bytes: number): object => ({ kty: 'oct', k: randomBytes(bytes).toString('base64url') });

describe('a JWK', () => {
  test('gives a key for the algorithms of its kind, or of its alg', () => {
    const cases: readonly (readonly [object, string])[] = [
      [jwkOf(rsa.publicKey), 'RS256 RS384 RS512 PS256 PS384 PS512'],
      [{ ...jwkOf(rsa.publicKey), alg: 'PS256', use: 'sig', key_ops: ['verify'], kid: 'a' }, 'PS256'],
      [jwkOf(ec.publicKey), 'ES256'],
      [jwkOf(ed.publicKey), 'EdDSA Ed25519'],
      [secret(32), 'HS256'],
      [secret(48), 'HS256 HS384'],
      [secret(64), 'HS256 HS384 HS512'],
    ];
    for (const [jwk, algorithms] of cases) assert.equal(said(keyOfJwk(jwk, options)), algorithms);
  });

  test('is refused or skipped, and why', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 });
    const cubed = generateKeyPairSync('rsa', { modulusLength: 2_048, publicExponent: 3 });
    const point = jwkOf(ec.publicKey);
    const cases: readonly (readonly [unknown, MadeKey['kind'], RegExp])[] = [
      [null, 'refused', /not a JSON object/],
      [[], 'refused', /not a JSON object/],
      [{}, 'refused', /kty is missing/],
      [{ kty: 'AKP' }, 'skipped', /kty is unknown/],
      [{ ...point, use: 'enc' }, 'skipped', /use is not sig/],
      [{ ...point, key_ops: ['sign'] }, 'skipped', /no verify/],
      [{ ...point, key_ops: 'verify' }, 'refused', /not an array/],
      [{ ...point, alg: 'ES384' }, 'refused', /cannot verify its alg/],
      [{ ...point, alg: 'HS256' }, 'refused', /cannot verify its alg/],
      [{ ...point, alg: 'ECDH-ES' }, 'skipped', /alg is not one/],
      [{ ...point, alg: 1 }, 'refused', /alg is not a string/],
      [{ ...point, kid: 1 }, 'refused', /kid is not a text/],
      [{ ...point, kid: 'x'.repeat(257) }, 'refused', /kid has over 256/],
      [{ ...point, crv: 'P-384' }, 'refused', /x has not the 48 bytes/],
      [{ ...point, crv: 'secp256k1' }, 'skipped', /crv is not one/],
      [{ ...point, crv: '__proto__' }, 'skipped', /crv is not one/],
      [{ ...point, x: point.y, y: point.x }, 'refused', /not on its curve/],
      [{ ...point, x: `${point.x}=` }, 'refused', /x has not/],
      [{ ...jwkOf(ed.publicKey), kty: 'EC' }, 'skipped', /crv is not one/],
      [jwkOf(ec.privateKey), 'refused', /holds d: it is private/],
      [jwkOf(rsa.privateKey), 'refused', /holds d: it is private/],
      [jwkOf(ed.privateKey), 'refused', /holds d: it is private/],
      [jwkOf(weak.publicKey), 'refused', /1024 bits is weak/],
      [jwkOf(cubed.publicKey), 'refused', /exponent/],
      [{ ...jwkOf(rsa.publicKey), e: 'AQ' }, 'refused', /exponent/],
      [{ kty: 'RSA', n: 'A'.repeat(1_368), e: 'AQAB' }, 'refused', /weak/],
      [secret(31), 'refused', /cannot verify|shorter/],
      [{ ...secret(32), alg: 'HS512' }, 'refused', /cannot verify its alg/],
      [{ kty: 'oct' }, 'refused', /k is not base64url/],
      [{ kty: 'oct', k: 'a=b' }, 'refused', /k is not base64url/],
    ];
    for (const [jwk, kind, reason] of cases) {
      const made = keyOfJwk(jwk, options);
      assert.equal(made.kind, kind, `${JSON.stringify(jwk)}: ${said(made)}`);
      assert.match(said(made), reason);
    }
    assert.equal(cases.length, 30);
    assert.equal(keyOfJwk(point, { ...options, algorithms: ['RS256'] }).kind, 'skipped');
  });

  test('of Ed25519 whose point has a small order is refused', () => {
    const points = ['00', '01', 'ec', 'ed', 'ee'].map((first) => {
      const fill = first < '10' ? '00' : 'ff';
      return first + fill.repeat(30) + (fill === 'ff' ? '7f' : '00');
    });
    points.push('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
    points.push('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');
    for (const hex of points) {
      const bytes = Buffer.from(hex, 'hex');
      for (const sign of [0, 0x80]) {
        bytes[31] = (bytes[31] as number) ^ sign;
        const made = keyOfJwk({ kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }, options);
        assert.match(said(made), /small order|not on its curve/, hex);
      }
    }
  });
});

test('PEM gives a key when it is public', () => {
  const pem = (key: KeyObject, type: 'spki' | 'pkcs8'): string => key.export({ format: 'pem', type }).toString();
  assert.equal(said(keyOfPem(pem(ec.publicKey, 'spki'), options)), 'ES256');
  const pkcs1 = rsa.publicKey.export({ format: 'pem', type: 'pkcs1' }).toString();
  assert.match(said(keyOfPem(pkcs1, { ...options, kid: 'a' })), /^RS256/);
  assert.match(said(keyOfPem(pem(ec.privateKey, 'pkcs8'), options)), /private/);
  assert.match(said(keyOfPem('', options)), /not PEM/);
  assert.match(said(keyOfPem('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', options)), /not a key/);
  assert.match(said(keyOfPem('-----BEGIN X-----', options)), /not PEM|neither/);
  const bound = { hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256', saltLength: 32 };
  // @ts-expect-error: the types know the former name of an option only
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2_048, ...bound });
  assert.equal(said(keyOfPem(pem(pss.publicKey, 'spki'), options)), 'PS256');
});

test('a secret gives a key unless it is short or published', () => {
  assert.equal(said(keyOfSecret('s'.repeat(32), options)), 'HS256');
  const published = [
    ec.publicKey.export({ format: 'pem', type: 'spki' }),
    rsa.publicKey.export({ format: 'der', type: 'spki' }),
    rsa.publicKey.export({ format: 'der', type: 'pkcs1' }),
    JSON.stringify(jwkOf(rsa.publicKey)),
  ];
  for (const text of published) assert.match(said(keyOfSecret(text, options)), /published/);
  assert.match(said(keyOfSecret('short', options)), /shorter/);
  assert.match(said(keyOfSecret('x'.repeat(4_097), options)), /over 4096/);
});

test('slow is by kind and size, and by the bound given', () => {
  const p521 = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey);
  const isSlow = (jwk: object, offloadMicros: number): boolean => {
    const made = keyOfJwk(jwk, { offloadMicros });
    assert.ok(made.kind === 'key');
    return made.key.isSlow;
  };
  assert.deepEqual([isSlow(p521, 0), isSlow(p521, Number.POSITIVE_INFINITY)], [true, false]);
  assert.deepEqual([isSlow(jwkOf(rsa.publicKey), 0), isSlow(secret(32), 0)], [true, false]);
});

test('a fingerprint is the same for the same key material only', () => {
  const of = (jwk: object): string => {
    const made = keyOfJwk(jwk, options);
    assert.ok(made.kind === 'key');
    return keyFingerprint(made.key);
  };
  assert.equal(of({ ...jwkOf(ec.publicKey), kid: 'a' }), of(jwkOf(ec.publicKey)));
  assert.notEqual(of(jwkOf(ec.publicKey)), of(jwkOf(rsa.publicKey)));
});
