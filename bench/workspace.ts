import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certificate, createCertificate } from './certificate.ts';
import { type CredentialFiles, createCredentials } from './credentials.ts';

/** A temporary folder with one below it per server. Removed in the end, at the latest when this process exits. */
export class Workspace {
  readonly #root = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  #certificate: Certificate | null = null;
  #credentials: CredentialFiles | null = null;
  #count = 0;

  constructor() {
    // nginx's worker gives up root where it has it, and must still reach its own folder.
    chmodSync(this.#root, 0o711);
    process.once('exit', this.remove);
  }

  /** A new one each time. */
  folder(name: string): string {
    this.#count += 1;
    const path = join(this.#root, `${this.#count}-${name}`);
    mkdirSync(path);
    chmodSync(path, 0o711);
    return path;
  }

  /** The same each time. @throws Error when `openssl` is not installed. */
  certificate(): Certificate {
    this.#certificate ??= createCertificate(this.#root);
    return this.#certificate;
  }

  /** The same each time. */
  credentials(): CredentialFiles {
    this.#credentials ??= createCredentials(this.#root);
    return this.#credentials;
  }

  readonly remove = (): void => {
    rmSync(this.#root, { recursive: true, force: true });
    process.off('exit', this.remove);
  };
}
