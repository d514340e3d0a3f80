import { createHash } from 'node:crypto';
import type { CertificateConfig, Config } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import { TLS_NAMES_MAX } from '../limits.ts';
import { type CheckedPair, checkPair, isServerName } from './certificate.ts';
import { type FileContent, readTlsFile } from './file.ts';

export type TlsSettings = Pick<Config['tls'], 'certificates' | 'minVersion'>;

/** Certificates that were read and found good; they hold private keys and stay on the main thread. */
export interface CheckedMaterial {
  readonly minVersion: '1.3' | '1.2';
  /** In the order of the configuration: the first one serves clients that send no name. */
  readonly certificates: readonly CheckedCertificate[];
  /** Things to say in the log that stop nothing: `tls.certificates[0].certificate (FILE): expired on ...`. */
  readonly warnings: readonly string[];
  /** Of all files as read; equal to `digestFiles` as long as nothing changed. */
  readonly digest: string;
}

export interface CheckedCertificate extends CheckedPair {
  /** File name of the certificate as configured, for logs and metrics. */
  readonly file: string;
  /** Server names it answers for, lower case: configured ones, or the certificate's own. */
  readonly names: readonly string[];
}

/**
 * Reads and checks every certificate of the configuration.
 *
 * A certificate that is out of date is served with a warning, not refused: the client judges dates anyway, and a
 * gateway that does not start because one certificate was forgotten takes every other site down with it.
 *
 * @param tls    Section `tls` of the configuration; at least one certificate.
 * @param nowMs  Clock, milliseconds.
 * @throws  SallyportError SP_TLS_MATERIAL; the message has one line per problem, `context.problems` the same as a list.
 *
 * Threads: main, at boot and reload: reads files synchronously.
 */
export function loadMaterial(tls: TlsSettings, nowMs: number): CheckedMaterial {
  return checkFiles(tls, readFiles(tls), nowMs);
}

/** What is in the files at this moment: content, or why there is none. */
export interface Files {
  readonly pairs: readonly { readonly certificate: FileContent; readonly key: FileContent }[];
  readonly digest: string;
}

/** Reads the files once, with a digest over all of it. Never throws: a file that cannot be read is a finding. */
export function readFiles(tls: TlsSettings): Files {
  const hash = createHash('sha256');
  const pairs = tls.certificates.map((row) => {
    const certificate = readTlsFile(row.certificate);
    const key = readTlsFile(row.key);
    for (const content of [certificate, key]) {
      const text = 'text' in content ? `text ${content.text}` : `problem ${content.problem}`;
      // Length first, or content could move from one file to the next without a change.
      hash.update(`${text.length} `).update(text);
    }
    return { certificate, key };
  });
  return { pairs, digest: hash.digest('hex') };
}

/** As `loadMaterial`, on files already read. */
export function checkFiles(tls: TlsSettings, files: Files, nowMs: number): CheckedMaterial {
  const problems: string[] = [];
  const warnings: string[] = [];
  const certificates: CheckedCertificate[] = [];
  const owners = new Map<string, string>();
  if (tls.certificates.length === 0) {
    problems.push('tls.certificates is empty: HTTPS needs at least one certificate, or set listen.https.port to 0');
  }
  for (const [index, row] of tls.certificates.entries()) {
    const path = `tls.certificates[${index}]`;
    const pair = checkOne(row, files.pairs[index], path, problems);
    if (pair === undefined) continue;
    const names = namesOf(row, pair, path, index === 0, problems);
    claimNames(names, path, row, owners, problems);
    judgeDates(pair, `${path}.certificate (${row.certificate})`, nowMs, warnings);
    certificates.push({ ...pair, file: row.certificate, names });
  }
  if (owners.size > TLS_NAMES_MAX) {
    problems.push(
      `tls.certificates have ${owners.size} server names: at most ${TLS_NAMES_MAX} are served by one gateway`,
    );
  }
  if (problems.length > 0) {
    throw new SallyportError('SP_TLS_MATERIAL', problems.join('\n'), { problems });
  }
  return { minVersion: tls.minVersion, certificates, warnings, digest: files.digest };
}

function checkOne(
  row: CertificateConfig,
  files: Files['pairs'][number] | undefined,
  path: string,
  problems: string[],
): CheckedPair | undefined {
  if (files === undefined) return undefined;
  const { certificate, key } = files;
  if ('problem' in certificate) problems.push(`${path}.certificate (${row.certificate}): ${certificate.problem}`);
  if ('problem' in key) problems.push(`${path}.key (${row.key}): ${key.problem}`);
  if ('problem' in certificate || 'problem' in key) return undefined;
  const checked = checkPair(certificate.text, key.text);
  if ('fingerprint' in checked) return checked;
  for (const { part, message } of checked) problems.push(`${path}.${part} (${row[part]}): ${message}`);
  return undefined;
}

function namesOf(
  row: CertificateConfig,
  pair: CheckedPair,
  path: string,
  isDefault: boolean,
  problems: string[],
): readonly string[] {
  if (row.names === undefined || row.names.length === 0) {
    if (pair.names.length === 0 && !isDefault) {
      problems.push(
        `${path}.certificate (${row.certificate}): has no DNS name, so no client would ever be given it: set ${path}.names`,
      );
    }
    return pair.names;
  }
  const names = new Set<string>();
  for (const [index, name] of row.names.entries()) {
    const lower = name.toLowerCase();
    if (isServerName(lower)) names.add(lower);
    else problems.push(`${path}.names[${index}]: ${JSON.stringify(name)} is no host name, nor *. and a host name`);
  }
  return [...names];
}

function claimNames(
  names: readonly string[],
  path: string,
  row: CertificateConfig,
  owners: Map<string, string>,
  problems: string[],
): void {
  for (const name of names) {
    const owner = owners.get(name);
    if (owner === undefined) owners.set(name, path);
    else {
      problems.push(
        `${path}.certificate (${row.certificate}): ${name} is served by ${owner} already: set ${path}.names to the names it is for`,
      );
    }
  }
}

function judgeDates(pair: CheckedPair, where: string, nowMs: number, warnings: string[]): void {
  if (pair.notAfterMs <= nowMs) {
    warnings.push(`${where}: expired on ${new Date(pair.notAfterMs).toISOString()}; clients will refuse it: renew it`);
  } else if (pair.notBeforeMs > nowMs) {
    warnings.push(
      `${where}: is not valid before ${new Date(pair.notBeforeMs).toISOString()}; clients will refuse it: check the clock`,
    );
  }
}
