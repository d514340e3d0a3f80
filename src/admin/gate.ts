import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { SallyportError } from '../errors.ts';
import { problem, type Reply } from './reply.ts';

/** Says who may ask: the refusal, or null for a request that may go on. */
export type Gate = (request: IncomingMessage) => Reply | null;

/** Sent with requests that change anything, where there is no token. */
const CONSENT_FIELD = 'x-sallyport-admin';

/** Change nothing, whatever the path (RFC 9110 9.2.1). */
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/** RFC 6750 2.1; the scheme's case does not matter (RFC 9110 11.1). */
const BEARER = /^bearer +([^ ]+) *$/i;

/** `localhost` and 127.0.0.0/8 and ::1, as Host names them, with or without a port. */
const LOOPBACK_AUTHORITY = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;
const LOOPBACK_ADDRESS = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i;

/**
 * @param host   Address listened on.
 * @param token  Bearer token; '' for none.
 * @throws SP_CONFIG  An address beyond loopback without a token: anybody could reload, and read all there is to see.
 */
export function gateFor(host: string, token: string): Gate {
  if (token !== '') return tokenGate(token);
  if (LOOPBACK_ADDRESS.test(host)) return loopbackGate;
  throw new SallyportError(
    'SP_CONFIG',
    `admin.host is ${host}, which others can reach, but admin.token is empty: set a token, or listen on 127.0.0.1`,
    { host },
  );
}

function tokenGate(token: string): Gate {
  const expected = digest(token);
  return ({ headers }) => {
    const given = BEARER.exec(headers.authorization ?? '')?.[1];
    // Digests have one length, so that the comparison takes one time, whatever was sent.
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return null;
    const challenge = given === undefined ? 'Bearer realm="admin"' : 'Bearer realm="admin", error="invalid_token"';
    return problem(401, 'A bearer token is needed.', { fields: { 'WWW-Authenticate': challenge }, close: true });
  };
}

function loopbackGate(request: IncomingMessage): Reply | null {
  const hosts = request.rawHeaders.filter(
    (_, index, all) => index % 2 === 1 && all[index - 1]?.toLowerCase() === 'host',
  );
  if (hosts.length !== 1 || !LOOPBACK_AUTHORITY.test(hosts[0] ?? '')) {
    return problem(421, 'Ask under a loopback name, such as localhost, or set admin.token.', { close: true });
  }
  if (!SAFE_METHODS.includes(request.method ?? '') && request.headers[CONSENT_FIELD] !== '1') {
    return problem(403, `Send the field ${CONSENT_FIELD}: 1, or set admin.token.`, { close: true });
  }
  return null;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
