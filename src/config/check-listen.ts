import { isIP } from 'node:net';
import { isHostName, isLoopback, looksNumeric, whyNotRange } from './address.ts';
import { whyUnreadable } from './files.ts';
import type { Report } from './report.ts';
import type { Config } from './schema.ts';
import type { KeyPath } from './words.ts';

/** Shortest admin token: 16 characters of base64 are 96 bits, beyond guessing over a network. */
const TOKEN_LENGTH_MIN = 16;

/** Listeners, certificates, admin and trusted proxies: what the schema alone cannot tell. Never throws. */
export function checkListen(config: Config, report: Report): void {
  checkHosts(config, report);
  checkPorts(config, report);
  checkCertificates(config, report);
  checkAdmin(config, report);
  checkProxies(config, report);
  const { headBytesMax, targetBytesMax } = config.limits;
  if (targetBytesMax > headBytesMax) {
    const found = `${targetBytesMax} is more than limits.headBytesMax (${headBytesMax}), so it has no effect`;
    report.warn(['limits', 'targetBytesMax'], found, 'lower it or raise limits.headBytesMax');
  }
}

function checkHosts(config: Config, report: Report): void {
  const hosts: [KeyPath, string][] = [
    [['listen', 'host'], config.listen.host],
    [['admin', 'host'], config.admin.host],
  ];
  for (const [path, host] of hosts) {
    if (isIP(host) !== 0 || (isHostName(host) && !looksNumeric(host))) continue;
    const remedy = host.startsWith('[')
      ? 'write an IPv6 address without brackets'
      : 'write 0.0.0.0, :: or an address of this machine';
    report.problem(path, `${report.show(path, host)} is not an address or host name`, remedy);
  }
}

function checkPorts(config: Config, report: Report): void {
  const { http, https } = config.listen;
  const httpPort: KeyPath = ['listen', 'http', 'port'];
  const httpsPort: KeyPath = ['listen', 'https', 'port'];
  const adminPort: KeyPath = ['admin', 'port'];
  if (http.port === 0 && https.port === 0) {
    report.problem(httpPort, 'both listeners are off', 'give listen.http.port or listen.https.port a port', [
      httpsPort,
    ]);
  }
  const ports: [KeyPath, number][] = [
    [httpPort, http.port],
    [httpsPort, https.port],
    [adminPort, config.admin.port],
  ];
  for (const [at, [path, port]] of ports.entries()) {
    const same = ports.slice(0, at).find(([, other]) => other === port && port !== 0);
    if (same === undefined) continue;
    const given = report.isSaid(path) ? '' : ' (by default)';
    report.problem(path, `port ${port}${given} is also ${report.mention(same[0])}`, 'give each listener its own port', [
      same[0],
    ]);
  }
  for (const name of ['http', 'https'] as const) {
    if (!config.listen[name].proxyProtocol || config.trustedProxies.length > 0) continue;
    const found = 'the PROXY protocol is read, but no proxy is trusted';
    report.warn(['listen', name, 'proxyProtocol'], found, 'list the balancer in trustedProxies');
  }
}

function checkCertificates(config: Config, report: Report): void {
  const { certificates } = config.tls;
  if (config.listen.https.port !== 0 && certificates.length === 0) {
    const remedy = 'add tls.certificates with certificate and key, or set the port to 0';
    report.problem(['listen', 'https', 'port'], 'the HTTPS listener has no certificate', remedy, [
      ['tls', 'certificates'],
    ]);
  }
  if (config.listen.https.port === 0 && certificates.length > 0) {
    const found = 'certificates are given, but the HTTPS listener is off';
    report.warn(['tls', 'certificates'], found, 'set listen.https.port');
  }
  for (const [index, row] of certificates.entries()) {
    for (const key of ['certificate', 'key'] as const) {
      checkFile(row[key], ['tls', 'certificates', index, key], report);
    }
    for (const [at, name] of (row.names ?? []).entries()) {
      const path: KeyPath = ['tls', 'certificates', index, 'names', at];
      if (isHostName(name.startsWith('*.') ? name.slice(2) : name)) continue;
      report.problem(
        path,
        `${report.show(path, name)} is not a server name`,
        'write a host name or *.name, without port',
      );
    }
  }
}

/** A file that must be there at boot. */
export function checkFile(file: string, path: KeyPath, report: Report): void {
  const fault = whyUnreadable(file);
  if (fault !== undefined) report.problem(path, `the file ${report.show(path, file)} ${fault.found}`, fault.remedy);
}

function checkAdmin(config: Config, report: Report): void {
  const { host, port, token } = config.admin;
  const path: KeyPath = ['admin', 'token'];
  if (token === '') {
    if (port === 0 || isLoopback(host)) return;
    const found = `the admin listener is open to other machines (admin.host ${report.show(['admin', 'host'], host)}) without a token`;
    report.problem(
      path,
      found,
      'set admin.token, for example to file:/run/secrets/admin-token, or listen on 127.0.0.1',
      [
        ['admin', 'host'],
        ['admin', 'port'],
      ],
    );
  } else if (!/^[!-~]+$/.test(token)) {
    report.problem(path, 'the token has characters that no Authorization field can carry', 'use letters and digits');
  } else if (token.length < TOKEN_LENGTH_MIN) {
    const remedy = `use at least ${TOKEN_LENGTH_MIN} random characters: openssl rand -base64 24`;
    report.problem(path, `the token is too short (${token.length} characters)`, remedy);
  }
}

function checkProxies(config: Config, report: Report): void {
  for (const [index, range] of config.trustedProxies.entries()) {
    const path: KeyPath = ['trustedProxies', index];
    const why = whyNotRange(range);
    const shown = report.show(path, range);
    if (why !== undefined) report.problem(path, `${shown} ${why}`, 'write an address or a range such as 10.0.0.0/8');
    else if (range.endsWith('/0')) {
      const found = `${shown} trusts everybody: any client can name any address as its own`;
      report.warn(path, found, 'list only your own balancers');
    }
  }
}
