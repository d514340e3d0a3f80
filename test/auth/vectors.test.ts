import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Algorithm } from '../../src/auth/algorithms.ts';
import { readCompact, readHeader } from '../../src/auth/token.ts';
import { keyOfJwk, type VerificationKey } from '../../src/auth/verification-key.ts';
import { verifySignature, verifySlowly } from '../../src/auth/verify.ts';
import { issuerWith, made, newJudge } from './support.ts';

// Examples that RFCs print. Their clocks are of their time, so time is an argument.

interface Vector {
  readonly source: string;
  readonly alg: Algorithm;
  /** As the RFC has it, private members left out. */
  readonly jwk: Readonly<Record<string, string>>;
  readonly token: string;
  /** Its payload is JSON. */
  readonly isObject: boolean;
}

const JOE = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ';

/** Key of the proofs in RFC 9449: their headers bring it. */
const PROOF_KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
  y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
};
const PROOF_HEADER =
  'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQy' +
  'VVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19';

const VECTORS: readonly Vector[] = [
  {
    source: 'RFC 7515 A.1, and RFC 7519 3.1',
    alg: 'HS256',
    jwk: { kty: 'oct', k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow' },
    token: `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`,
    isObject: true,
  },
  {
    source: 'RFC 7515 A.2',
    alg: 'RS256',
    jwk: {
      kty: 'RSA',
      n:
        'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ' +
        'S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2' +
        'R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD' +
        'TW9gb54h4FRWyuXpoQ',
      e: 'AQAB',
    },
    token:
      `eyJhbGciOiJSUzI1NiJ9.${JOE}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YK` +
      't_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0Gar' +
      'ZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhW' +
      'kWywlVmtVrBp0igcN_IoypGlUPQGe77Rw',
    isObject: true,
  },
  {
    source: 'RFC 7515 A.3',
    alg: 'ES256',
    jwk: {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    },
    token:
      `eyJhbGciOiJFUzI1NiJ9.${JOE}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6N` +
      'U1Q',
    isObject: true,
  },
  {
    source: 'RFC 7515 A.4',
    alg: 'ES512',
    jwk: {
      kty: 'EC',
      crv: 'P-521',
      x: 'AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk',
      y: 'ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2',
    },
    token:
      'eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34' +
      'XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn',
    isObject: false,
  },
  {
    source: 'RFC 8037 A.4',
    alg: 'EdDSA',
    jwk: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
    token:
      'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR' +
      '4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    isObject: false,
  },
  {
    source: 'RFC 9449 4.1, the proof for a token request',
    alg: 'ES256',
    jwk: PROOF_KEY,
    token:
      `${PROOF_HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29t` +
      'L3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70n' +
      'fbV37xRZT3Lg',
    isObject: true,
  },
  {
    source: 'RFC 9449 7.1, the proof for a resource',
    alg: 'ES256',
    jwk: PROOF_KEY,
    token:
      `${PROOF_HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9y` +
      'Zy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBc' +
      'WtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA',
    isObject: true,
  },
];

/** RFC 7519 6.1 and RFC 7515 A.5: not signed at all. */
const UNSECURED = `eyJhbGciOiJub25lIn0.${JOE}.`;
/** RFC 7515 A.3 has `iss` joe and this `exp`. */
const JOE_EXPIRES_MS = 1_300_819_380_000;

const parts = (token: string): [Buffer, Buffer] => {
  const cut = token.lastIndexOf('.');
  return [Buffer.from(token.slice(0, cut)), Buffer.from(token.slice(cut + 1), 'base64url')];
};
const keyOf = ({ jwk }: Vector): VerificationKey => made(keyOfJwk(jwk, { offloadMicros: Number.POSITIVE_INFINITY }));

describe('examples of RFCs', () => {
  for (const vector of VECTORS) {
    const { source, alg, token, isObject } = vector;
    test(`${source} (${alg}) verifies, and not with a bit flipped`, async () => {
      const [input, signature] = parts(token);
      const key = keyOf(vector);
      assert.equal(verifySignature(key, alg, input, signature), true);
      assert.equal(await new Promise((done) => verifySlowly(key, alg, input, signature, done)), true);
      for (let i = 0; i < signature.length; i += 7) {
        signature[i] = (signature[i] as number) ^ 0x10;
        assert.equal(verifySignature(key, alg, input, signature), false);
        signature[i] = (signature[i] as number) ^ 0x10;
      }
      input[input.length - 1] = (input.at(-1) as number) ^ 1;
      assert.equal(verifySignature(key, alg, input, signature), false);
      assert.equal(await new Promise((done) => verifySlowly(key, alg, input, signature, done)), false);

      const read = readCompact(token, 4_096);
      if (!isObject) {
        assert.deepEqual(read, { kind: 'refused', reason: 'malformed', detail: 'the payload is not a JSON object' });
        return;
      }
      assert.ok(read.kind === 'token');
      assert.deepEqual([read.signingInput, read.signature], parts(token));
      const header = readHeader(read.header);
      const brought = 'the header brings a key of its own';
      if (source.startsWith('RFC 9449'))
        assert.deepEqual(header, { kind: 'refused', reason: 'embedded-key', detail: brought });
      else assert.deepEqual(header, { kind: 'header', alg, kid: undefined, type: alg === 'HS256' ? 'jwt' : '' });
    });
  }

  test('seven of them', () => {
    assert.equal(VECTORS.length, 7);
  });

  test('RFC 7515 A.1 to A.3 are judged for what they lack: an audience, then their time', () => {
    const judge = newJudge();
    for (const vector of VECTORS.slice(0, 3)) {
      const issuer = issuerWith([keyOf(vector)], { issuer: 'joe', algorithms: [vector.alg] });
      const judged = judge.judge(vector.token, [issuer], JOE_EXPIRES_MS - 1);
      assert.ok(judged.kind === 'refused');
      assert.equal(judged.reason, 'audience');
    }
  });

  test('RFC 7519 6.1 and RFC 7515 A.5, which nobody signed, are refused', () => {
    const judged = newJudge().judge(UNSECURED, [issuerWith([])], 0);
    assert.deepEqual(judged, { kind: 'refused', reason: 'malformed', detail: 'the signature is empty' });
  });

  test('RFC 7516 A.1, which is encrypted, is refused', () => {
    const token =
      'eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe' +
      'ipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb23nfa6c9d-StnImGyFDbSv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5X' +
      'nZAYpQdb76FdIKLaVmqgfwX7XWRxv2322i-vDxRfqNzo_tETKzpVLzfiwQyeyPGLBIO56YJ7eObdv0je81860ppamavo35UgoRdbYaBcoh9QcfylQ' +
      'r66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi6UklfCpIMfIjf7iGdXKHzg.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG' +
      '9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A.XFBoMYUZodetZdvTiFvSkQ';
    const judged = newJudge().judge(token, [issuerWith([])], 0);
    assert.deepEqual(judged, { kind: 'refused', reason: 'malformed', detail: 'the token is encrypted (JWE)' });
  });
});
