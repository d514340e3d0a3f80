import { X509Certificate } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import { readTlsFile } from './file.ts';

/**
 * Reads the authorities that upstreams name in `tls.ca`: once for all threads, so that all trust the same, whatever
 * happens to the files while they start, reload or are replaced.
 *
 * @returns  PEM certificates by the upstream's name; upstreams without `tls.ca` are not in it.
 * @throws  SallyportError SP_CONFIG for a file that cannot be read, has no certificate or a broken one.
 *
 * Threads: main, at boot and reload: reads files synchronously.
 */
export function readAuthorities(config: Pick<Config, 'upstreams'>): Readonly<Record<string, readonly string[]>> {
  return byName(config.upstreams, ({ tls }) => tls.ca, 'upstreams', 'tls.ca');
}

/** The authorities of `redis.tls.ca`, likewise; none when it is empty. */
export function readRedisAuthorities({ redis }: Pick<Config, 'redis'>): readonly string[] {
  return redis.tls.ca === '' ? [] : authoritiesIn(redis.tls.ca, `redis.tls.ca: ${redis.tls.ca}`);
}

/** The authorities that servers of `introspection` name in `ca`, likewise; servers without are not in it. */
export function readIntrospectionAuthorities({
  introspection,
}: Pick<Config, 'introspection'>): Readonly<Record<string, readonly string[]>> {
  return byName(introspection, ({ ca }) => ca, 'introspection', 'ca');
}

/** The private key that `identity.token.key` names, PEM; '' for none. What it must be is for its user to say. */
export function readTokenKey({ identity }: Pick<Config, 'identity'>): string {
  const { key } = identity.token;
  if (key === '') return '';
  const content = readTlsFile(key);
  if ('problem' in content) throw new SallyportError('SP_CONFIG', `identity.token.key: ${key} ${content.problem}`);
  return content.text;
}

/** The authorities of an issuer's `keys.ca`, likewise. */
export function readIssuerAuthorities(name: string, file: string): readonly string[] {
  return file === '' ? [] : authoritiesIn(file, `issuers.${name}.keys.ca: ${file}`);
}

/** The authorities of every login's `ca`, likewise; logins without one are not in it. */
export function readLoginAuthorities({ logins }: Pick<Config, 'logins'>): Readonly<Record<string, readonly string[]>> {
  return byName(logins, ({ ca }) => ca, 'logins', 'ca');
}

function byName<T>(
  rows: Readonly<Record<string, T>>,
  fileOf: (row: T) => string,
  section: string,
  setting: string,
): Readonly<Record<string, readonly string[]>> {
  const authorities: Record<string, readonly string[]> = {};
  for (const [name, row] of Object.entries(rows)) {
    const file = fileOf(row);
    if (file !== '') authorities[name] = authoritiesIn(file, `${section}.${name}.${setting}: ${file}`);
  }
  return authorities;
}

/** Node takes whatever it is given: an empty text means every public authority, garbage means none. */
function authoritiesIn(file: string, place: string): readonly string[] {
  const content = readTlsFile(file);
  if ('problem' in content) throw new SallyportError('SP_CONFIG', `${place} ${content.problem}`);
  const found = content.text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) {
    throw new SallyportError('SP_CONFIG', `${place} holds no certificate; it takes PEM certificates of authorities`);
  }
  for (const [index, pem] of found.entries()) {
    try {
      new X509Certificate(pem);
    } catch (error) {
      const which = `certificate ${index + 1} of ${found.length}`;
      throw new SallyportError('SP_CONFIG', `${place}: ${which} cannot be read`, {}, { cause: error });
    }
  }
  return [...found];
}
