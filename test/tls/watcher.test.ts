import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { SallyportError } from '../../src/errors.ts';
import { type CheckedMaterial, loadMaterial, type TlsSettings } from '../../src/tls/material.ts';
import { MaterialWatcher } from '../../src/tls/watcher.ts';
import { type IssuedCertificate, TestAuthority } from '../support/certificates.ts';

const DAY_MS = 86_400_000;
let authority: TestAuthority;
let first: IssuedCertificate;
let second: IssuedCertificate;
let shortLived: IssuedCertificate;
before(() => {
  authority = new TestAuthority();
  first = authority.issue({ names: ['a.test'], commonName: 'first' });
  second = authority.issue({ names: ['a.test'], commonName: 'second' });
  shortLived = authority.issue({ names: ['a.test'], commonName: 'short', days: 1 });
});
after(() => authority.remove());

let round = 0;
let folder = '';
let tls: TlsSettings;
let changes: CheckedMaterial[] = [];
let errors: SallyportError[] = [];
let watcher: MaterialWatcher;

beforeEach(() => {
  round += 1;
  folder = join(authority.folder, `watch-${round}`);
  mkdirSync(folder);
  put(first);
  tls = { minVersion: '1.3', certificates: [{ certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }] };
  start();
});

function start(): void {
  changes = [];
  errors = [];
  watcher = new MaterialWatcher({
    tls,
    current: loadMaterial(tls, Date.now()),
    onChange: (material) => changes.push(material),
    onError: (error) => errors.push(error),
  });
}

function put({ certificatePem, keyPem }: { certificatePem: string; keyPem: string }): void {
  writeFileSync(join(folder, 'tls.crt'), certificatePem);
  writeFileSync(join(folder, 'tls.key'), keyPem);
}

function ticks(count: number, nowMs = Date.now()): void {
  for (let index = 0; index < count; index += 1) watcher.tick(nowMs);
}

describe('certificate files', () => {
  it('that stay the same, or are only touched, change nothing', () => {
    ticks(3);
    put(first);
    utimesSync(join(folder, 'tls.crt'), 1, 1);
    ticks(3);
    assert.deepEqual([changes.length, errors.length], [0, 0]);
  });

  it('that changed are taken at the second look that sees the same', () => {
    const before = watcher.current;
    put(second);
    ticks(1);
    assert.equal(changes.length, 0);
    ticks(1);
    assert.equal(changes.length, 1);
    assert.notEqual(changes[0]?.certificates[0]?.fingerprint, before.certificates[0]?.fingerprint);
    assert.equal(changes[0], watcher.current);
    ticks(3);
    assert.equal(changes.length, 1);
  });

  it('that are written piece by piece are left alone meanwhile', () => {
    for (let size = 0; size < second.certificatePem.length; size += 100) {
      writeFileSync(join(folder, 'tls.crt'), second.certificatePem.slice(0, size));
      ticks(1);
    }
    assert.deepEqual([changes.length, errors.length], [0, 0]);
    put(second);
    ticks(2);
    assert.deepEqual([changes.length, errors.length], [1, 0]);
  });

  it('that are bad leave the old ones in use, with one error per state', () => {
    writeFileSync(join(folder, 'tls.key'), second.keyPem);
    ticks(5);
    assert.equal(errors.length, 1);
    assert.equal(errors[0]?.code, 'SP_TLS_MATERIAL');
    assert.match(
      errors[0]?.message ?? '',
      /^tls\.certificates\[0\]\.key \(.*tls\.key\): does not belong to the certificate/,
    );
    rmSync(join(folder, 'tls.key'));
    ticks(5);
    assert.equal(errors.length, 2);
    assert.match(errors[1]?.message ?? '', /does not exist/);
    assert.equal(changes.length, 0);
    put(second);
    ticks(2);
    assert.deepEqual([changes.length, errors.length], [1, 2]);
  });

  it('that are put back to what is served end the matter', () => {
    writeFileSync(join(folder, 'tls.key'), 'garbage');
    ticks(3);
    put(first);
    ticks(3);
    assert.deepEqual([changes.length, errors.length], [0, 1]);
    writeFileSync(join(folder, 'tls.key'), 'garbage');
    ticks(3);
    assert.equal(errors.length, 2);
  });

  it('behind symlinks are seen when the link is swapped, as Kubernetes does', () => {
    for (const [name, pair] of [
      ['one', first],
      ['two', second],
    ] as const) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'tls.crt'), pair.certificatePem);
      writeFileSync(join(folder, name, 'tls.key'), pair.keyPem);
    }
    symlinkSync('one', join(folder, '..data'));
    for (const file of ['tls.crt', 'tls.key']) {
      rmSync(join(folder, file));
      symlinkSync(join('..data', file), join(folder, file));
    }
    start();
    symlinkSync('two', join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    ticks(2);
    assert.equal(changes.length, 1);
    assert.equal(changes[0]?.certificates[0]?.certificatePem, second.certificatePem);
  });

  it('with an expired certificate do not replace a valid one', () => {
    put(shortLived);
    ticks(3, Date.now() + 2 * DAY_MS);
    assert.deepEqual([changes.length, errors.length], [0, 1]);
    assert.match(errors[0]?.message ?? '', /would replace one that is valid now: put a valid one in its place/);
  });

  it('of tomorrow are taken tomorrow', () => {
    const yesterday = Date.now() - DAY_MS;
    const [current] = watcher.current.certificates;
    assert.ok(current);
    watcher = new MaterialWatcher({
      tls,
      current: { ...watcher.current, certificates: [{ ...current, notBeforeMs: 0 }] },
      onChange: (material) => changes.push(material),
      onError: (error) => errors.push(error),
    });
    put(second);
    ticks(4, yesterday);
    assert.deepEqual([changes.length, errors.length], [0, 1]);
    ticks(1);
    assert.deepEqual([changes.length, errors.length], [1, 1]);
  });

  it('are tried again when handing them on failed', () => {
    let attempts = 0;
    watcher = new MaterialWatcher({
      tls,
      current: watcher.current,
      onChange: () => {
        attempts += 1;
        if (attempts === 1) throw new Error('disk full');
      },
      onError: (error) => errors.push(error),
    });
    put(second);
    ticks(1);
    assert.throws(() => ticks(1), /disk full/);
    ticks(3);
    assert.equal(attempts, 2);
  });
});
