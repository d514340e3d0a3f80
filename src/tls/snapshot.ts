import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SallyportError } from '../errors.ts';
import type { CheckedMaterial } from './material.ts';

/** What an ingress thread needs to listen: plain JSON, without secrets; the keys are in private files. */
export interface TlsMaterial {
  /** Grows with every change. */
  readonly generation: number;
  readonly minVersion: '1.3' | '1.2';
  /** The first one serves clients that send no name, or one that nobody claims. */
  readonly certificates: readonly TlsCertificate[];
}

export interface TlsCertificate {
  /** Lower case, exact or `*.example.com`. */
  readonly names: readonly string[];
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly notAfterMs: number;
  /** SHA-256 of the leaf, lower-case hex. */
  readonly fingerprint: string;
}

export interface Snapshot {
  readonly material: TlsMaterial;
  /**
   * Deletes the files. Not before every thread they were given to has applied them or is gone: the TLS library ends the
   * process on a file that vanishes between two names of one certificate.
   */
  release(): void;
}

const live = new Set<string>();

/**
 * Writes checked certificates into private files that nobody else changes. uWebSockets.js takes file names and every
 * thread reads them in its own time: from the originals, one thread could load the old half of a pair and another
 * the new one.
 *
 * @param material    From `loadMaterial`.
 * @param generation  Number of the change; 0 at boot.
 * @param base        Folder to write under; by default memory (/dev/shm), else the system's temporary folder.
 * @throws  SallyportError SP_TLS_MATERIAL when the files cannot be written.
 *
 * Threads: main. Folder 0700, files 0600; deleted by `release`, or when the process exits.
 */
export function takeSnapshot(material: CheckedMaterial, generation: number, base = privateBase()): Snapshot {
  let folder = '';
  try {
    folder = mkdtempSync(join(base, 'sallyport-tls-'));
    remember(folder);
    const certificates = material.certificates.map((certificate, index) => {
      const certificateFile = join(folder, `${index}.crt`);
      const keyFile = join(folder, `${index}.key`);
      writeFileSync(certificateFile, certificate.certificatePem, { mode: 0o600, flag: 'wx', encoding: 'latin1' });
      writeFileSync(keyFile, certificate.keyPem, { mode: 0o600, flag: 'wx', encoding: 'latin1' });
      const { names, notAfterMs, fingerprint } = certificate;
      return { names, certificateFile, keyFile, notAfterMs, fingerprint };
    });
    return {
      material: { generation, minVersion: material.minVersion, certificates },
      release: () => forget(folder),
    };
  } catch (error) {
    if (folder !== '') forget(folder);
    throw new SallyportError(
      'SP_TLS_MATERIAL',
      `Private copies of the certificates could not be written under ${base}: ${(error as Error).message}. ` +
        'Make that folder writable, or set TMPDIR to one that is.',
      { base },
      { cause: error },
    );
  }
}

/** Keys are better off in memory than on a disk. */
function privateBase(): string {
  const memory = '/dev/shm';
  try {
    accessSync(memory, constants.W_OK | constants.X_OK);
    return memory;
  } catch {
    return tmpdir();
  }
}

function remember(folder: string): void {
  if (live.size === 0) process.once('exit', forgetAll);
  live.add(folder);
}

function forget(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  live.delete(folder);
  if (live.size === 0) process.removeListener('exit', forgetAll);
}

function forgetAll(): void {
  for (const folder of live) rmSync(folder, { recursive: true, force: true });
  live.clear();
}
