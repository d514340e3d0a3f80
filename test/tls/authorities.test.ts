import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Config } from '../../src/config/schema.ts';
import { TLS_FILE_BYTES_MAX } from '../../src/limits.ts';
import { readAuthorities } from '../../src/tls/authorities.ts';
import { TestAuthority } from '../support/certificates.ts';
import { mainOf } from '../upstream/rig.ts';

const authority = new TestAuthority();
after(() => authority.remove());
const leaf = authority.issue({ names: ['IP:127.0.0.1'] });
const { certificatePem } = authority.root;
const file = join(authority.folder, 'ca.pem');

function read(ca: string = file): readonly string[] | undefined {
  return readAuthorities({ upstreams: { api: mainOf([], { tls: { ca } }) } as Config['upstreams'] }).api;
}

function readText(text: string): readonly string[] | undefined {
  writeFileSync(file, text);
  return read();
}

describe('authorities', () => {
  test('are those of the file, one or several, whatever stands around them', () => {
    assert.deepEqual(readText(certificatePem), [certificatePem.trim()]);
    assert.equal(readText(`# ours\r\n${certificatePem}\n${leaf.certificatePem}`)?.length, 2);
  });

  test('of an upstream that names none are not there', () => {
    assert.equal(read(''), undefined);
  });

  test('an empty file does not mean every public authority: it is refused, as garbage is', () => {
    for (const text of ['', '\n', 'garbage', leaf.keyPem, certificatePem.slice(0, 200)]) {
      assert.throws(() => readText(text), {
        code: 'SP_CONFIG',
        message: /^upstreams\.api\.tls\.ca: .*ca\.pem holds no certificate/,
      });
    }
  });

  test('a broken one among good ones is refused by its number', () => {
    const broken = certificatePem.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAAAAAAAAAAAAAAAAAA');
    assert.throws(() => readText(`${certificatePem}${broken}`), {
      code: 'SP_CONFIG',
      message: /certificate 2 of 2 cannot be read/,
    });
  });

  test('a file that is gone, a folder, a pipe nobody writes to, one too long: refused by key and file', () => {
    const place = (name: string): string => join(authority.folder, name);
    mkdirSync(place('folder'));
    execFileSync('mkfifo', [place('pipe')]);
    writeFileSync(place('long'), certificatePem);
    truncateSync(place('long'), TLS_FILE_BYTES_MAX + 1);
    const cases = { gone: 'does not exist', folder: 'is not a regular file', pipe: 'is not a regular file' };
    for (const [name, problem] of Object.entries({ ...cases, long: `is larger than ${TLS_FILE_BYTES_MAX} bytes` })) {
      assert.throws(() => read(place(name)), {
        code: 'SP_CONFIG',
        message: `upstreams.api.tls.ca: ${place(name)} ${problem}`,
      });
    }
  });
});
