/**
 * Runs testssl.sh (Debian: testssl.sh) against the default HTTPS listener and fails unless TLS 1.3 alone is offered and
 * no finding about the server is of severity HIGH or CRITICAL. Takes about 90 s; talks to loopback only.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TlsListener } from '../../src/http/tls-listener.ts';
import { loadMaterial } from '../../src/tls/material.ts';
import { takeSnapshot } from '../../src/tls/snapshot.ts';
import { TestAuthority } from '../support/certificates.ts';

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

/** Findings that are about the test's own certificate. Anything not listed counts. */
const EXCLUDED: Readonly<Record<string, string>> = {
  cert_revocation: 'the test authority publishes neither CRL nor OCSP',
};
const GRAVE: readonly string[] = ['HIGH', 'CRITICAL', 'FATAL'];
const OLDER_VERSIONS: readonly string[] = ['SSLv2', 'SSLv3', 'TLS1', 'TLS1_1', 'TLS1_2'];
/** A run that breaks off early has few findings; a whole one of testssl.sh 3.0.8 has 133. */
const FINDINGS_MIN = 100;
const RUN_MS_MAX = 600_000;

const authority = new TestAuthority();
const listener = new TlsListener({
  host: '127.0.0.1',
  port: 0,
  configure: (app) => {
    app.any('/*', (response) => response.end('served'));
  },
});
try {
  const site = authority.issue({ names: ['localhost'], days: 90, extensions: ['extendedKeyUsage=serverAuth'] });
  const settings = {
    minVersion: '1.3' as const,
    certificates: [{ certificate: site.certificateFile, key: site.keyFile }],
  };
  listener.apply(takeSnapshot(loadMaterial(settings, Date.now()), 0).material);
  const findings = await runTestssl(listener.port, authority);
  const complaints = judge(findings);
  for (const complaint of complaints) console.log(`not ok: ${complaint}`);
  console.log(
    `${complaints.length === 0 ? 'ok' : 'not ok'}: ${findings.length} findings, ${complaints.length} complaints`,
  );
  process.exitCode = complaints.length === 0 ? 0 : 1;
} finally {
  listener.close();
  authority.remove();
}

async function runTestssl(port: number, { folder, root }: TestAuthority): Promise<Finding[]> {
  const report = join(folder, 'testssl.json');
  const flags = ['--quiet', '--color', '0', '--warnings', 'off', '--nodns', 'none', '--ip', '127.0.0.1'];
  const child = spawn(
    'testssl',
    [...flags, '--add-ca', root.certificateFile, '--jsonfile', report, `https://localhost:${port}`],
    { stdio: ['ignore', 'inherit', 'inherit'], timeout: RUN_MS_MAX },
  );
  try {
    // The exit code counts findings of every severity: the report is judged instead.
    await once(child, 'close');
  } catch (error) {
    throw new Error('testssl could not be run: install the Debian package testssl.sh', { cause: error });
  }
  return JSON.parse(readFileSync(report, 'utf8')) as Finding[];
}

function judge(findings: readonly Finding[]): string[] {
  const complaints: string[] = [];
  const versions = new Map(findings.map(({ id, finding }) => [id, finding]));
  if (findings.length < FINDINGS_MIN) complaints.push(`only ${findings.length} findings: the run was not complete`);
  if (!versions.get('TLS1_3')?.startsWith('offered'))
    complaints.push(`TLS 1.3: ${versions.get('TLS1_3') ?? 'not tested'}`);
  for (const version of OLDER_VERSIONS) {
    const finding = versions.get(version);
    if (finding !== 'not offered') complaints.push(`${version}: ${finding ?? 'not tested'}`);
  }
  for (const { id, severity, finding } of findings) {
    if (!GRAVE.includes(severity)) continue;
    if (EXCLUDED[id] === undefined) complaints.push(`${severity} ${id}: ${finding}`);
    else console.log(`left out: ${severity} ${id}: ${finding} (${EXCLUDED[id]})`);
  }
  return complaints;
}
