import { type Failed, failed } from './http-json.ts';

/** Where the keys of an issuer are fetched, and where that may lead. */
export interface Origins {
  readonly issuer: string;
  /** Where the metadata is; '' for below the issuer. */
  readonly url: string;
  /** Further `host:port` that keys may be at. */
  readonly hosts: readonly string[];
}

/**
 * Where the metadata of an issuer is.
 *
 * Source: OpenID Connect Discovery 1.0, 4: a terminating `/` of the issuer goes first.
 */
export function metadataUrl({ issuer, url }: Origins): URL {
  return new URL(url === '' ? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration` : url);
}

/**
 * Finds the URL of the keys in a discovery document.
 *
 * @param text  The document as fetched.
 * @returns     The URL, or why it is not used: another issuer (OpenID Connect Discovery 1.0, 4.3), a host nobody
 *              allowed, plain http where the document itself came over https.
 * @throws      Never.
 */
export function keySetUrl(text: string, origins: Origins): URL | Failed {
  const metadata = parseObject(text);
  if (metadata === null) return failed('content', 'the discovery document is not a JSON object');
  if (metadata.issuer !== origins.issuer) {
    return failed('content', 'the discovery document is of another issuer: `issuer` in it must be the same text');
  }
  const { jwks_uri: uri } = metadata;
  const url = typeof uri === 'string' ? URL.parse(uri) : null;
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return failed('content', 'the discovery document has no jwks_uri that is a URL');
  }
  if (url.username !== '' || url.password !== '') return failed('content', 'jwks_uri holds a user name');
  const source = metadataUrl(origins);
  if (url.protocol === 'http:' && source.protocol === 'https:') {
    return failed('content', 'jwks_uri leads from https to plain http');
  }
  const place = hostAndPort(url);
  if (place !== hostAndPort(source) && !origins.hosts.some((host) => host.toLowerCase() === place)) {
    return failed('content', `jwks_uri leads to ${place}: add it to keys.hosts if the keys are to come from there`);
  }
  return url;
}

/** `host:port`, small letters, the port always there. */
export function hostAndPort({ hostname, port, protocol }: URL): string {
  return `${hostname.toLowerCase()}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`;
}

/** @returns  Null for anything that is not a JSON object. @throws  Never. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null;
}
