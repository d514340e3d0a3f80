import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** A certificate chain and its key that fit together. */
export interface CheckedPair {
  /** SHA-256 of the leaf, lower-case hex. */
  readonly fingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** DNS names of subjectAltName, lower case; entries that are no host names are left out. */
  readonly names: readonly string[];
  /** Chain and key as they were read. */
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface PairProblem {
  /** Which file is at fault. */
  readonly part: 'certificate' | 'key';
  /** What was found and what to do. */
  readonly message: string;
}

/** A name that a certificate can be chosen by: at least one label, `*` only as the whole first one. */
const SERVER_NAME = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** uSockets looks no further than ten labels: a longer name would be added and never found (sni_tree.cpp). */
const LABELS_MAX = 10;

const RSA_BITS_MIN = 2_048;
/** A longer key makes every handshake a denial of service: signing grows with the cube of its length. */
const RSA_BITS_MAX = 8_192;
/** Curves every TLS 1.3 client takes or may take; certificates on others cannot be used (RFC 8446 4.2.3). */
const CURVES: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1'];
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_EXTENDED_KEY_USAGE = '2.5.29.37.0';

/**
 * Checks a certificate file and a key file against each other. Dates are for the caller to judge.
 *
 * @param certificatePem  Leaf first, then its chain.
 * @param keyPem          Private key, without a passphrase.
 * @returns The pair, or every problem found.
 * @throws  Never.
 */
export function checkPair(certificatePem: string, keyPem: string): CheckedPair | readonly PairProblem[] {
  const problems: PairProblem[] = [];
  const certificate = (message: string) => problems.push({ part: 'certificate', message });

  const chain = readChain(certificatePem, certificate);
  const key = readKey(keyPem, (message) => problems.push({ part: 'key', message }));
  const leaf = chain[0];
  if (leaf === undefined) return problems;

  checkStrength(leaf, certificate);
  checkUse(leaf, certificate);
  checkOrder(chain, certificate);
  if (key !== undefined && !leaf.checkPrivateKey(key)) {
    const owner = chain.findIndex((other) => other.checkPrivateKey(key));
    if (owner > 0) certificate(`the key belongs to certificate ${owner + 1} of this file: put that one first`);
    else problems.push({ part: 'key', message: 'does not belong to the certificate: name the key it was issued for' });
  }
  const notBeforeMs = Date.parse(leaf.validFrom);
  const notAfterMs = Date.parse(leaf.validTo);
  if (!Number.isFinite(notBeforeMs) || !Number.isFinite(notAfterMs)) certificate('has dates that cannot be read');
  if (problems.length > 0) return problems;
  return {
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBeforeMs,
    notAfterMs,
    names: dnsNames(leaf.subjectAltName ?? ''),
    certificatePem,
    keyPem,
  };
}

/** True for a host name, or `*.` and a host name, in lower case, that a listener can look up. */
export function isServerName(name: string): boolean {
  return name.length <= 253 && SERVER_NAME.test(name) && name.split('.').length <= LABELS_MAX;
}

function readChain(pem: string, problem: (message: string) => void): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) {
    problem('holds no PEM certificate (-----BEGIN CERTIFICATE-----)');
    return [];
  }
  const chain: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      chain.push(new X509Certificate(block));
    } catch {
      problem(`certificate ${index + 1} of this file cannot be parsed: write the file again`);
      return [];
    }
  }
  // A block that was cut off would be dropped above without a word, and clients would miss the chain.
  if (pem.split('-----BEGIN ').length - 1 > blocks.length) {
    problem('holds a PEM block that is cut off or no certificate: keep the certificate and its chain only');
    return [];
  }
  return chain;
}

function readKey(pem: string, problem: (message: string) => void): KeyObject | undefined {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    problem('has a passphrase: store it without one, readable by the gateway only');
    return undefined;
  }
  try {
    return createPrivateKey(pem);
  } catch {
    // The parser's own words could quote the file.
    problem('holds no PEM private key that can be parsed');
    return undefined;
  }
}

function checkStrength(leaf: X509Certificate, problem: (message: string) => void): void {
  let key: KeyObject;
  try {
    key = leaf.publicKey;
  } catch {
    problem('has a public key of a kind that cannot be read: use RSA or ECDSA');
    return;
  }
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    if (bits < RSA_BITS_MIN)
      problem(`has an RSA key of ${bits} bits: at least ${RSA_BITS_MIN} are needed, better ECDSA P-256`);
    if (bits > RSA_BITS_MAX)
      problem(`has an RSA key of ${bits} bits: more than ${RSA_BITS_MAX} make handshakes too dear`);
  } else if (key.asymmetricKeyType === 'ec') {
    const curve = details?.namedCurve ?? 'unknown';
    if (!CURVES.includes(curve)) problem(`has a key on curve ${curve}: use ${CURVES.join(', ')}`);
  } else {
    problem(`has a key of type ${key.asymmetricKeyType ?? 'unknown'}: browsers take RSA and ECDSA only`);
  }
}

/** RFC 5280 4.2.1.12: with an extended key usage, a TLS server needs serverAuth in it. */
function checkUse(leaf: X509Certificate, problem: (message: string) => void): void {
  // Node's typings say string[]; without the extension it is undefined.
  const uses: readonly string[] | undefined = leaf.keyUsage;
  if (uses === undefined || uses.length === 0) return;
  if (!uses.includes(SERVER_AUTH) && !uses.includes(ANY_EXTENDED_KEY_USAGE)) {
    problem('is not meant for servers: its extended key usage lacks serverAuth');
  }
}

/** RFC 8446 4.4.2: each certificate should certify the one before it; clients that are strict fail otherwise. */
function checkOrder(chain: readonly X509Certificate[], problem: (message: string) => void): void {
  for (let index = 1; index < chain.length; index += 1) {
    const subject = chain[index - 1];
    const issuer = chain[index];
    if (subject === undefined || issuer === undefined) return;
    if (!issued(subject, issuer)) {
      problem(
        `certificate ${index + 1} of this file did not issue certificate ${index}: order them leaf first, root last`,
      );
      return;
    }
  }
}

function issued(subject: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
  } catch {
    // A key that the algorithm named in the certificate cannot be used with.
    return false;
  }
}

/** One entry of Node's text form: `DNS:a.test`, or quoted as JSON when it holds a comma or quote (CVE-2021-44532). */
const ALTERNATIVE = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)/y;

function dnsNames(subjectAltName: string): string[] {
  const names = new Set<string>();
  ALTERNATIVE.lastIndex = 0;
  for (let entry = ALTERNATIVE.exec(subjectAltName); entry !== null; entry = ALTERNATIVE.exec(subjectAltName)) {
    const name = (entry[2] ?? '').toLowerCase();
    if (entry[1] === 'DNS' && isServerName(name)) names.add(name);
  }
  return [...names];
}
