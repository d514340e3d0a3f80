import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SallyportError } from '../../src/errors.ts';
import { TLS_FILE_BYTES_MAX } from '../../src/limits.ts';
import { loadMaterial, type TlsSettings } from '../../src/tls/material.ts';
import { takeSnapshot } from '../../src/tls/snapshot.ts';
import { type IssuedCertificate, openssl, TestAuthority } from '../support/certificates.ts';

const DAY_MS = 86_400_000;

let authority: TestAuthority;
let site: IssuedCertificate;
before(() => {
  authority = new TestAuthority();
  site = authority.issue({ names: ['Site.test', '*.site.test', 'IP:127.0.0.1'] });
});
after(() => authority.remove());

const row = ({ certificateFile, keyFile }: IssuedCertificate, names?: string[]) => ({
  certificate: certificateFile,
  key: keyFile,
  ...(names === undefined ? {} : { names }),
});
const settings = (...certificates: TlsSettings['certificates']): TlsSettings => ({ minVersion: '1.3', certificates });
const write = (name: string, content: string) => {
  const file = join(authority.folder, name);
  writeFileSync(file, content);
  return file;
};

function problems(tls: TlsSettings, nowMs = Date.now()): string[] {
  try {
    loadMaterial(tls, nowMs);
  } catch (error) {
    assert.ok(error instanceof SallyportError);
    assert.equal(error.code, 'SP_TLS_MATERIAL');
    assert.equal(error.message, (error.context.problems as string[]).join('\n'));
    return error.context.problems as string[];
  }
  return [];
}
/** Exactly one problem, and it says so. */
function refused(tls: TlsSettings, said: RegExp): void {
  const found = problems(tls);
  assert.equal(found.length, 1, found.join('\n'));
  assert.match(found[0] ?? '', said);
}

describe('certificates of the configuration', () => {
  it('are taken with the names, dates and fingerprint they carry', () => {
    const { certificates, warnings, minVersion } = loadMaterial(settings(row(site)), Date.now());
    assert.equal(minVersion, '1.3');
    assert.deepEqual(warnings, []);
    assert.deepEqual(certificates[0]?.names, ['site.test', '*.site.test']);
    const printed = openssl('x509', '-in', site.certificateFile, '-noout', '-fingerprint', '-sha256');
    assert.equal(certificates[0]?.fingerprint, printed.split('=')[1]?.trim().replaceAll(':', '').toLowerCase());
    const left = ((certificates[0]?.notAfterMs ?? 0) - Date.now()) / DAY_MS;
    assert.ok(left > 29 && left <= 30, String(left));
  });

  it('may be RSA, P-384 or chained through an intermediate', () => {
    const rsa = authority.issue({
      names: ['rsa.test'],
      key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
    });
    const p384 = authority.issue({
      names: ['p.test'],
      key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
    });
    const intermediate = authority.issueAuthority('Between');
    const leaf = authority.issue({ names: ['chain.test'], issuer: intermediate });
    const chain = write('chain.pem', leaf.certificatePem + intermediate.certificatePem + authority.root.certificatePem);
    assert.deepEqual(problems(settings(row(rsa), row(p384), { certificate: chain, key: leaf.keyFile })), []);

    const swapped = write(
      'swapped.pem',
      leaf.certificatePem + authority.root.certificatePem + intermediate.certificatePem,
    );
    refused(
      settings({ certificate: swapped, key: leaf.keyFile }),
      /certificate 2 of this file did not issue certificate 1/,
    );
    const rootFirst = write('root-first.pem', intermediate.certificatePem + leaf.certificatePem);
    assert.match(
      problems(settings({ certificate: rootFirst, key: leaf.keyFile })).join(),
      /the key belongs to certificate 2/,
    );
  });

  it('are all judged at once, each problem with its key path, file and remedy', () => {
    const other = authority.issue({ names: ['other.test'] });
    const found = problems(
      settings(
        { certificate: '/nonexistent.crt', key: site.keyFile },
        { certificate: other.certificateFile, key: site.keyFile },
        { certificate: authority.folder, key: write('empty.key', '') },
      ),
    );
    assert.deepEqual(found, [
      'tls.certificates[0].certificate (/nonexistent.crt): does not exist',
      `tls.certificates[1].key (${site.keyFile}): does not belong to the certificate: name the key it was issued for`,
      `tls.certificates[2].certificate (${authority.folder}): is not a regular file`,
    ]);
  });

  it('are refused when a file is no usable PEM, without quoting it', () => {
    const { certificatePem: pem, keyPem } = site;
    const certificate = (text: string) => ({ certificate: write('bad.crt', text), key: site.keyFile });
    const key = (text: string) => ({ certificate: site.certificateFile, key: write('bad.key', text) });
    refused(settings(certificate('')), /\[0\]\.certificate .*holds no PEM certificate/);
    refused(
      settings(certificate(pem.replace(/\n[A-Za-z0-9+/]{10}/, '\nAAAAAAAAAA'))),
      /certificate 1 of this file cannot be parsed/,
    );
    refused(settings(certificate(pem + pem.slice(0, 200))), /a PEM block that is cut off/);
    refused(settings(certificate('x'.repeat(TLS_FILE_BYTES_MAX + 1))), /is larger than 1048576 bytes/);
    refused(settings(key('')), /\[0\]\.key .*holds no PEM private key/);
    refused(settings(key(keyPem.slice(0, 100))), /\[0\]\.key .*holds no PEM private key/);
    assert.ok(
      !problems(settings(key(keyPem.slice(0, 100))))
        .join()
        .includes(keyPem.slice(40, 60)),
    );
    const locked = join(authority.folder, 'locked.key');
    openssl('pkey', '-in', site.keyFile, '-aes256', '-passout', 'pass:x', '-out', locked);
    refused(settings({ certificate: site.certificateFile, key: locked }), /has a passphrase: store it without one/);
  });

  it('are refused, at once, when a file is a named pipe that nobody writes', () => {
    const pipe = join(authority.folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    refused(settings({ certificate: pipe, key: site.keyFile }), /is not a regular file/);
  });

  it('are refused when weak, of an odd kind, or not meant for servers', () => {
    const issue = (key: string[], extensions: string[] = []) =>
      settings(row(authority.issue({ names: ['odd.test'], ...(key.length > 0 ? { key } : {}), extensions })));
    refused(issue(['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024']), /RSA key of 1024 bits: at least 2048/);
    refused(issue(['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1']), /curve secp256k1/);
    refused(issue(['-algorithm', 'ED25519']), /type ed25519: browsers take RSA and ECDSA only/);
    refused(issue([], ['extendedKeyUsage=clientAuth']), /lacks serverAuth/);
    assert.deepEqual(problems(issue([], ['extendedKeyUsage=serverAuth,clientAuth'])), []);
  });

  it('have one owner per server name', () => {
    const twin = authority.issue({ names: ['twin.test', 'site.test'] });
    refused(
      settings(row(site), row(twin)),
      /\[1\]\.certificate .*site\.test is served by tls\.certificates\[0\] already: set tls\.certificates\[1\]\.names/,
    );
    const { certificates } = loadMaterial(settings(row(site), row(twin, ['Twin.TEST'])), Date.now());
    assert.deepEqual(certificates[1]?.names, ['twin.test']);
    refused(settings(row(site, ['ok.test', 'a..b'])), /names\[1\]: "a\.\.b" is no host name/);
    for (const bad of [
      '*',
      'a.*.b',
      '*a.test',
      '-a.test',
      'a b',
      'a/b',
      'é.test',
      'a.test.',
      '1.2.3.4.5.6.7.8.9.10.eleven',
    ]) {
      refused(settings(row(site, [bad])), /is no host name/);
    }
  });

  it('need a name unless they are the first', () => {
    const nameless = authority.issue({ names: [], commonName: 'nameless' });
    assert.deepEqual(loadMaterial(settings(row(nameless)), Date.now()).certificates[0]?.names, []);
    refused(
      settings(row(site), row(nameless)),
      /\[1\]\.certificate .*has no DNS name.*set tls\.certificates\[1\]\.names/,
    );
    refused(settings(), /tls\.certificates is empty/);
  });

  it('are served out of date, with a warning', () => {
    const late = loadMaterial(settings(row(site)), Date.now() + 31 * DAY_MS).warnings;
    const early = loadMaterial(settings(row(site)), Date.now() - DAY_MS).warnings;
    assert.equal(late.length + early.length, 2);
    assert.match(late[0] ?? '', /^tls\.certificates\[0\]\.certificate \(.*\): expired on .*: renew it$/);
    assert.match(early[0] ?? '', /is not valid before .*: check the clock$/);
  });

  it('cannot smuggle a name in through the text form of subjectAltName', () => {
    // DNS names "a, DNS:x.test, b" and "good.test", as DER.
    const sly = authority.issue({
      names: [],
      commonName: 'sly',
      extensions: [
        `subjectAltName=DER:301d8210${Buffer.from('a, DNS:x.test, b').toString('hex')}8209${Buffer.from('good.test').toString('hex')}`,
      ],
    });
    assert.deepEqual(loadMaterial(settings(row(sly)), Date.now()).certificates[0]?.names, ['good.test']);
  });
});

describe('the private copies for the threads', () => {
  for (const [what, descriptors, isHidden] of [
    ['have no name where descriptors will do', '/proc/self/fd', process.platform === 'linux'],
    ['have private names where they will not', '/nonexistent', false],
  ] as const) {
    it(`hold what was checked, for this user only, and vanish; they ${what}`, () => {
      const base = mkdtempSync(join(authority.folder, 'base-'));
      const { material, release } = takeSnapshot(loadMaterial(settings(row(site)), Date.now()), 7, {
        base,
        descriptors,
      });
      const [certificate] = material.certificates;
      assert.ok(certificate);
      assert.equal(material.generation, 7);
      assert.deepEqual(structuredClone(material), material);
      assert.ok(!JSON.stringify(material).includes('PRIVATE KEY'));
      assert.equal(readFileSync(certificate.certificateFile, 'utf8'), site.certificatePem);
      assert.equal(readFileSync(certificate.keyFile, 'utf8'), site.keyPem);
      assert.equal(statSync(certificate.keyFile).mode & 0o777, 0o600);
      assert.equal(statSync(certificate.certificateFile).mode & 0o777, 0o600);
      assert.equal(readdirSync(base).length, isHidden ? 0 : 1);
      if (!isHidden) assert.equal(statSync(dirname(certificate.keyFile)).mode & 0o777, 0o700);
      release();
      assert.equal(existsSync(certificate.keyFile), false);
      assert.deepEqual(readdirSync(base), []);
      release();
    });
  }

  it('are deleted when the process exits without releasing them', () => {
    const base = mkdtempSync(join(authority.folder, 'exit-'));
    const source = fileURLToPath(new URL('../../src/tls/', import.meta.url));
    const places = JSON.stringify({ base, descriptors: '/nonexistent' });
    const said = execFileSync(process.execPath, [
      '--input-type=module',
      '-e',
      `import { loadMaterial } from ${JSON.stringify(`${source}material.js`)};
       import { takeSnapshot } from ${JSON.stringify(`${source}snapshot.js`)};
       import { readdirSync } from 'node:fs';
       const tls = ${JSON.stringify(settings(row(site)))};
       takeSnapshot(loadMaterial(tls, Date.now()), 0, ${places});
       takeSnapshot(loadMaterial(tls, Date.now()), 1, ${places});
       console.log(readdirSync(${JSON.stringify(base)}).length);
       process.exit(0);`,
    ]);
    assert.equal(String(said).trim(), '2');
    assert.deepEqual(readdirSync(base), []);
  });

  it('that cannot be written are an error with a remedy', () => {
    const checked = loadMaterial(settings(row(site)), Date.now());
    const file = write('no-folder', '');
    chmodSync(file, 0o600);
    assert.throws(() => takeSnapshot(checked, 0, { base: file }), { code: 'SP_TLS_MATERIAL', message: /set TMPDIR/ });
  });
});
