import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Both in one, as HAProxy wants them. */
  readonly bundleFile: string;
}

/** A self-signed ECDSA P-256 certificate. @throws Error when `openssl` is not installed, or with its own words. */
export function createCertificate(folder: string): Certificate {
  const certificateFile = join(folder, 'site.pem');
  const keyFile = join(folder, 'site.key');
  const bundleFile = join(folder, 'site.bundle');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '30'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, '-out', certificateFile], { stdio: 'pipe' });
  writeFileSync(bundleFile, readFileSync(certificateFile, 'utf8') + readFileSync(keyFile, 'utf8'), { mode: 0o600 });
  return { certificateFile, keyFile, bundleFile };
}
