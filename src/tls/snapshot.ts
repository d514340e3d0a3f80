import { accessSync, closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
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
   * Takes the files away. Not before every thread they were given to has applied them or is gone: the TLS library ends
   * the process on a file that vanishes between two names of one certificate.
   */
  release(): void;
}

/**
 * Writes checked certificates into private files that nobody else changes. uWebSockets.js takes file names and every
 * thread reads them in its own time: from the originals, one thread could load the old half of a pair and another
 * the new one.
 *
 * On Linux the files lose their names at once, and threads reach them through the descriptors that all threads share
 * (/proc/self/fd/N): however the process ends, no key is left behind. Elsewhere they are deleted by `release`, or when
 * the process exits.
 *
 * @param material    From `loadMaterial`.
 * @param generation  Number of the change; 0 at boot.
 * @param places      For tests: where to write, and where descriptors have names.
 * @throws  SallyportError SP_TLS_MATERIAL when the files cannot be written.
 *
 * Threads: main. Folder 0700, files 0600. Two descriptors per certificate until `release`.
 */
export function takeSnapshot(material: CheckedMaterial, generation: number, places: Places = {}): Snapshot {
  const { base = privateBase(), descriptors = '/proc/self/fd' } = places;
  const hold = new Hold(descriptors);
  try {
    hold.folder = mkdtempSync(join(base, 'sallyport-tls-'));
    live.add(hold);
    if (live.size === 1) process.once('exit', releaseAll);
    const certificates = material.certificates.map((certificate, index) => {
      const certificateFile = hold.write(`${index}.crt`, certificate.certificatePem);
      const keyFile = hold.write(`${index}.key`, certificate.keyPem);
      const { names, notAfterMs, fingerprint } = certificate;
      return { names, certificateFile, keyFile, notAfterMs, fingerprint };
    });
    hold.hide();
    return {
      material: { generation, minVersion: material.minVersion, certificates },
      release: () => hold.release(),
    };
  } catch (error) {
    hold.release();
    throw new SallyportError(
      'SP_TLS_MATERIAL',
      `Private copies of the certificates could not be written under ${base}: ${(error as Error).message}. ` +
        'Make that folder writable, or set TMPDIR to one that is.',
      { base },
      { cause: error },
    );
  }
}

export interface Places {
  /** Folder to write under; by default memory (/dev/shm), else the system's temporary folder. */
  readonly base?: string;
  readonly descriptors?: string;
}

/** The files of one snapshot. */
class Hold {
  folder = '';
  readonly #descriptors: string;
  readonly #open: number[] = [];
  #reachable = true;

  constructor(descriptors: string) {
    this.#descriptors = descriptors;
  }

  /** @returns the name to read the file by. */
  write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text, { mode: 0o600, flag: 'wx', encoding: 'latin1' });
    if (!this.#reachable) return file;
    const descriptor = openSync(file, 'r');
    this.#open.push(descriptor);
    const shared = `${this.#descriptors}/${descriptor}`;
    if (canRead(shared)) return shared;
    this.#reachable = false;
    return file;
  }

  /** Takes the names away where the descriptors will do. */
  hide(): void {
    if (this.#reachable) this.#remove();
  }

  release(): void {
    for (const descriptor of this.#open.splice(0)) closeSync(descriptor);
    this.#remove();
    live.delete(this);
    if (live.size === 0) process.removeListener('exit', releaseAll);
  }

  #remove(): void {
    if (this.folder !== '') rmSync(this.folder, { recursive: true, force: true });
    this.folder = '';
  }
}

const live = new Set<Hold>();

function releaseAll(): void {
  for (const hold of [...live]) hold.release();
}

function canRead(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
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
