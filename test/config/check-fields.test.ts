import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OWN_FIELDS } from '../../src/config/check-fields.ts';
import { SPECIAL_NAMES } from '../../src/message/fields.ts';
import { load, MINIMAL, refused } from './support.ts';

const found = (text: string, env = {}): string[] =>
  refused(() => load(`${text}\n${MINIMAL}`, env)).map((problem) => `${problem.path}: ${problem.found}`);

describe('forwarding.claims', () => {
  test('takes field names in any case, and none at all', () => {
    const { config } = load(`forwarding: { claims: [X-Who, x-where] }\n${MINIMAL}`);
    assert.deepEqual(config.forwarding.claims, ['X-Who', 'x-where']);
    assert.deepEqual(load(`forwarding: { claims: [] }\n${MINIMAL}`).config.forwarding.claims, []);
  });

  test('refuses names that the gateway has rules of its own for', () => {
    for (const name of ['X-Forwarded-For', 'forwarded', 'Authorization', 'x-request-id', 'host']) {
      assert.deepEqual(found(`forwarding: { claims: [x-a, ${name}] }`), [
        `forwarding.claims[1]: "${name}" is a field that the gateway handles by itself`,
      ]);
    }
    assert.deepEqual([...OWN_FIELDS], [...SPECIAL_NAMES].sort());
  });

  test('refuses what is no name, and underscores, which have two readings', () => {
    for (const name of ['x_real_ip', 'a b', '"a:b"', '""', 'é', '-a', 'a'.repeat(65)]) {
      assert.match(found(`forwarding: { claims: [${name}] }`).join(), /^forwarding\.claims\[0\]: /, name);
    }
  });
});

describe('answers.keep', () => {
  const HTTPS = { SALLYPORT_HTTPS_PORT: '8443', SALLYPORT_TLS_CERTIFICATES_0_CERTIFICATE: process.execPath };
  const env = { ...HTTPS, SALLYPORT_TLS_CERTIFICATES_0_KEY: process.execPath };

  test('takes what is removed by default, and nothing else', () => {
    const keep = ['server', 'strict-transport-security', 'x-powered-by'];
    assert.deepEqual(load(`answers: { keep: [${keep.join()}] }\n${MINIMAL}`).config.answers.keep, keep);
    assert.deepEqual(found('answers: { keep: [x-request-id] }'), ['answers.keep[0]: "x-request-id" is not allowed']);
  });

  test('refuses a second Strict-Transport-Security, and one over plain HTTP', () => {
    const kept = 'answers: { keep: [strict-transport-security] }';
    assert.deepEqual(found(kept, env), [
      'answers.keep[0]: the gateway sends a Strict-Transport-Security field of its own, and there may be one only',
    ]);
    const off = `tls: { hsts: { maxAgeSeconds: 0 } }\n${kept}`;
    assert.equal(load(`${off}\n${MINIMAL}`, env).config.answers.keep.length, 1);
    const open = `tls: { redirect: false, hsts: { maxAgeSeconds: 0 } }\n${kept}`;
    assert.deepEqual(found(open, env), [
      'answers.keep[0]: Strict-Transport-Security would also leave over plain HTTP, where it must not be sent',
    ]);
    assert.equal(load(`${open}\n${MINIMAL}`, { ...env, SALLYPORT_HTTP_PORT: '0' }).config.answers.keep.length, 1);
  });
});
