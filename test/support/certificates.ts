import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface IssuedCertificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface IssueOptions {
  /**
   * Entries of subjectAltName: `a.test` (DNS), or with a prefix such as `IP:127.0.0.1`. None leaves the extension out.
   */
  readonly names: readonly string[];
  /** subject; also tells certificates of the same names apart. */
  readonly commonName?: string;
  readonly days?: number;
  /** OpenSSL arguments of genpkey; ECDSA P-256 by default. */
  readonly key?: readonly string[];
  readonly extensions?: readonly string[];
  /** Who signs; the root by default. */
  readonly issuer?: IssuedCertificate;
}

const P256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] as const;

/** A certificate authority for tests, made with the `openssl` command in a folder of its own. */
export class TestAuthority {
  readonly folder = mkdtempSync(join(tmpdir(), 'sallyport-test-ca-'));
  readonly root: IssuedCertificate;
  #count = 0;

  constructor() {
    const keyFile = this.#generateKey('root', P256);
    const certificateFile = join(this.folder, 'root.crt');
    openssl('req', '-x509', '-new', '-key', keyFile, '-subj', '/CN=Test Root', '-days', '30', '-out', certificateFile);
    this.root = load(certificateFile, keyFile);
  }

  issue(options: IssueOptions): IssuedCertificate {
    const {
      names,
      commonName = names[0] ?? 'nobody',
      days = 30,
      key = P256,
      extensions = [],
      issuer = this.root,
    } = options;
    this.#count += 1;
    const base = `${this.#count}`;
    const keyFile = this.#generateKey(base, key);
    const requestFile = join(this.folder, `${base}.csr`);
    const extensionFile = join(this.folder, `${base}.ext`);
    const certificateFile = join(this.folder, `${base}.crt`);
    openssl('req', '-new', '-key', keyFile, '-subj', `/CN=${commonName}`, '-out', requestFile);
    const alternatives = names.map((name) => (name.includes(':') ? name : `DNS:${name}`)).join(',');
    writeFileSync(
      extensionFile,
      [...(alternatives === '' ? [] : [`subjectAltName=${alternatives}`]), ...extensions, ''].join('\n'),
    );
    openssl(
      ...[
        'x509',
        '-req',
        '-in',
        requestFile,
        '-out',
        certificateFile,
        '-days',
        String(days),
        '-extfile',
        extensionFile,
      ],
      ...['-CA', issuer.certificateFile, '-CAkey', issuer.keyFile, '-set_serial', String(1_000 + this.#count)],
    );
    return load(certificateFile, keyFile);
  }

  /** An intermediate authority, to issue with. */
  issueAuthority(commonName: string): IssuedCertificate {
    return this.issue({ names: [], commonName, extensions: ['basicConstraints=critical,CA:TRUE'] });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #generateKey(base: string, parameters: readonly string[]): string {
    const keyFile = join(this.folder, `${base}.key`);
    openssl('genpkey', ...parameters, '-out', keyFile);
    return keyFile;
  }
}

/** @throws the command's own words when it fails or is not installed. */
export function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function load(certificateFile: string, keyFile: string): IssuedCertificate {
  return {
    certificateFile,
    keyFile,
    certificatePem: readFileSync(certificateFile, 'utf8'),
    keyPem: readFileSync(keyFile, 'utf8'),
  };
}
