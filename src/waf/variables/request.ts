// hot path: synchronous, never throws

import type { RequestState } from '../state.ts';
import { collection, namesOf, scalar, type Variable } from '../variable.ts';

/** The head of the request, and who sent it. */
export const REQUEST_VARIABLES: Readonly<Record<string, Variable>> = {
  AUTH_TYPE: scalar((state) => authTypeOf(state)),
  PATH_INFO: scalar(({ target }) => target.filename),
  QUERY_STRING: scalar(({ target }) => target.query),
  REMOTE_ADDR: scalar(({ facts }) => facts.clientAddress),
  REMOTE_HOST: scalar(({ facts }) => facts.clientAddress),
  REMOTE_PORT: scalar(({ facts }) => String(facts.clientPort)),
  REMOTE_USER: scalar((state) => remoteUserOf(state)),
  REQUEST_BASENAME: scalar(({ target }) => target.basename),
  REQUEST_COOKIES: collection((state) => state.cookies),
  REQUEST_COOKIES_NAMES: namesOf((state) => state.cookies),
  REQUEST_FILENAME: scalar(({ target }) => target.filename),
  REQUEST_HEADERS: collection(
    ({ headers }) => headers,
    (state, lower) => state.headersNamed(lower),
  ),
  REQUEST_HEADERS_NAMES: namesOf(({ headers }) => headers),
  REQUEST_LINE: scalar(({ facts }) => `${facts.method} ${facts.target} ${facts.protocol}`),
  REQUEST_METHOD: scalar(({ facts }) => facts.method),
  REQUEST_PROTOCOL: scalar(({ facts }) => facts.protocol),
  REQUEST_URI: scalar(({ target }) => target.uri),
  REQUEST_URI_RAW: scalar(({ target }) => target.raw),
  SERVER_ADDR: scalar(({ facts }) => facts.serverAddress),
  SERVER_NAME: scalar((state) => serverNameOf(state)),
  SERVER_PORT: scalar(({ facts }) => String(facts.serverPort)),
  UNIQUE_ID: scalar(({ facts }) => facts.uniqueId),
};

function authTypeOf(state: RequestState): string {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/.exec(state.header('authorization') ?? '')?.[0] ?? '';
}

/** User of HTTP Basic (RFC 7617), not verified by anybody. */
function remoteUserOf(state: RequestState): string {
  const credentials = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(state.header('authorization') ?? '')?.[1];
  if (credentials === undefined) return '';
  const pair = Buffer.from(credentials, 'base64').toString('latin1');
  const colon = pair.indexOf(':');
  return colon === -1 ? pair : pair.slice(0, colon);
}

/** The host without its port. */
function serverNameOf(state: RequestState): string {
  const host = state.header('host') ?? '';
  return /^\[[^\]]*\]/.exec(host)?.[0] ?? host.replace(/:.*$/s, '');
}
