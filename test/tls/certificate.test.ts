import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { checkPair, isServerName } from '../../src/tls/certificate.ts';
import { type IssuedCertificate, TestAuthority } from '../support/certificates.ts';

let authority: TestAuthority;
let site: IssuedCertificate;
before(() => {
  authority = new TestAuthority();
  site = authority.issue({ names: ['a.test', '*.b.test'] });
});
after(() => authority.remove());

/** PEM of the same kind with some bytes of its content replaced. */
function damage(pem: string, edits: readonly (readonly [number, number])[]): string {
  const [, begin = '', base64 = '', end = ''] = /^(-----BEGIN [^\n]+\n)([^-]+)(-----END [^\n]+\n)$/.exec(pem) ?? [];
  const der = Buffer.from(base64, 'base64');
  for (const [position, byte] of edits) der[position % der.length] = byte;
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `${begin}${lines.join('\n')}\n${end}`;
}

describe('a pair of certificate and key', () => {
  it('damaged in any byte is judged, never thrown at', (context) => {
    const seed = Date.now() % 2 ** 31;
    context.diagnostic(`seed ${seed}`);
    const edit = fc.tuple(fc.nat(4_096), fc.integer({ min: 0, max: 255 }));
    const edits = fc.array(edit, { minLength: 1, maxLength: 4 });
    let refused = 0;
    fc.assert(
      fc.property(edits, fc.boolean(), (changes, inKey) => {
        const certificate = inKey ? site.certificatePem : damage(site.certificatePem, changes);
        const key = inKey ? damage(site.keyPem, changes) : site.keyPem;
        const checked = checkPair(certificate, key);
        if ('fingerprint' in checked) return;
        refused += 1;
        assert.ok(checked.length > 0);
        for (const { message } of checked) assert.ok(message.length > 10);
      }),
      { numRuns: 1_000, seed },
    );
    assert.ok(refused > 100, `only ${refused} refused: the damage does not reach the parser`);
  });

  it('made of any text is refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const pem = `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
        assert.ok(!('fingerprint' in checkPair(pem, site.keyPem)));
        assert.ok(!('fingerprint' in checkPair(site.certificatePem, text)));
      }),
      { numRuns: 300 },
    );
  });
});

describe('a server name', () => {
  it('is what a listener can look up', () => {
    for (const name of [
      'a',
      'a.test',
      '*.a.test',
      'xn--bcher-kva.test',
      '_a.test',
      '1.2.3.4.5.6.7.8.9.ten',
      '*.test',
    ]) {
      assert.ok(isServerName(name), name);
    }
    const long = `${'a'.repeat(64)}.test`;
    for (const name of [
      '',
      '*',
      '**.a',
      'a.*',
      '.a',
      'a.',
      'A.test',
      'a b',
      'a\0b',
      'a\n',
      '-a',
      'a-',
      long,
      `${'a.'.repeat(130)}a`,
    ]) {
      assert.ok(!isServerName(name), JSON.stringify(name));
    }
  });
});
