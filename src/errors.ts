/** Who is at fault: what an on-call engineer asks first. */
export type Side = 'client' | 'upstream' | 'gateway';

export interface ErrorRow {
  /** HTTP status of the answer; 0 where no answer can be sent (boot, a connection already cut). */
  readonly status: number;
  readonly side: Side;
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  /** RFC 9457 `title`: the same for every occurrence. */
  readonly title: string;
  /** RFC 9457 `detail` when the refusal brings none of its own. Safe to show to a stranger. */
  readonly detail: string;
}

const row = (status: number, side: Side, level: ErrorRow['level'], title: string, detail: string): ErrorRow =>
  Object.freeze({ status, side, level, title, detail });

/** Every way Sallyport says no. `docs/errors.md` has a section per code; a test compares both. */
export const ERRORS = Object.freeze({
  // The request's form: phase 1, guard.
  SP_REQUEST_FRAMING: row(
    400,
    'client',
    'info',
    'Ambiguous framing',
    'Content-Length or Transfer-Encoding is malformed, repeated or contradictory.',
  ),
  SP_REQUEST_HOST: row(400, 'client', 'info', 'Invalid Host', 'Exactly one valid Host field is required.'),
  SP_REQUEST_TARGET: row(
    400,
    'client',
    'info',
    'Invalid request target',
    'The request target has a form or a character that is not allowed.',
  ),
  SP_REQUEST_FIELD: row(400, 'client', 'info', 'Invalid header field', 'A header field name or value is not allowed.'),
  SP_REQUEST_METHOD: row(501, 'client', 'info', 'Method not implemented', 'This method is not served here.'),
  SP_REQUEST_EXPECTATION: row(
    417,
    'client',
    'info',
    'Expectation failed',
    'The only expectation met here is 100-continue.',
  ),
  SP_REQUEST_HEAD_TOO_LARGE: row(
    431,
    'client',
    'info',
    'Request head too large',
    'The header section is larger, or has more fields, than allowed.',
  ),
  SP_REQUEST_TARGET_TOO_LONG: row(
    414,
    'client',
    'info',
    'Request target too long',
    'The request target is longer than allowed.',
  ),
  SP_REQUEST_BODY_TOO_LARGE: row(
    413,
    'client',
    'info',
    'Request body too large',
    'The request body is larger than allowed.',
  ),
  SP_REQUEST_BODY_TIMEOUT: row(
    408,
    'client',
    'info',
    'Request body timed out',
    'The request body did not arrive in time.',
  ),
  SP_REQUEST_ABORTED: row(
    0,
    'client',
    'debug',
    'Client went away',
    'The client closed the connection before the answer was complete.',
  ),
  SP_RESPONSE_TIMEOUT: row(
    0,
    'client',
    'info',
    'Client stopped reading',
    'The client did not take the answer in time.',
  ),
  SP_HTTPS_REQUIRED: row(308, 'client', 'debug', 'HTTPS required', 'This site is served over HTTPS only.'),
  SP_WEBSOCKET_REFUSED: row(
    403,
    'client',
    'info',
    'WebSocket not allowed',
    'This route does not accept WebSocket connections.',
  ),
  SP_WEBSOCKET_HANDSHAKE: row(
    400,
    'client',
    'info',
    'Invalid WebSocket handshake',
    'The WebSocket handshake is malformed.',
  ),
  SP_WEBSOCKET_MESSAGE_TOO_LARGE: row(
    0,
    'client',
    'info',
    'WebSocket message too large',
    'The client sent a message that is longer than allowed.',
  ),
  SP_WEBSOCKET_FLOOD: row(
    0,
    'client',
    'info',
    'Too many WebSocket control frames',
    'The client sent more pings or pongs than the other end takes.',
  ),
  SP_WEBSOCKET_IDLE: row(0, 'client', 'info', 'WebSocket idle', 'No message and no ping came for too long.'),

  // Routing: phase 2.
  SP_ROUTE_NOT_FOUND: row(404, 'client', 'info', 'Not found', 'No route matches this host and path.'),
  SP_ROUTE_METHOD: row(405, 'client', 'info', 'Method not allowed', 'The route does not accept this method.'),

  // Who calls: authentication and authorisation.
  SP_UNAUTHENTICATED: row(
    401,
    'client',
    'info',
    'Authentication required',
    'This request needs a credential: see WWW-Authenticate.',
  ),
  SP_CREDENTIAL_INVALID: row(401, 'client', 'info', 'Invalid credential', 'The credential is not accepted.'),
  SP_FORBIDDEN: row(403, 'client', 'info', 'Forbidden', 'The credential does not allow this request.'),
  SP_STEP_UP_REQUIRED: row(
    401,
    'client',
    'info',
    'Stronger authentication required',
    'This request needs another login: see WWW-Authenticate.',
  ),
  SP_LOGIN_REQUIRED: row(302, 'client', 'debug', 'Login required', 'Log in at the provider under Location.'),
  SP_LOGIN_DONE: row(303, 'client', 'debug', 'Logged in', 'The page that was asked for is under Location.'),
  SP_LOGGED_OUT: row(303, 'client', 'debug', 'Logged out', 'The session has ended.'),
  SP_LOGIN_FAILED: row(
    400,
    'client',
    'info',
    'Login failed',
    'This login cannot be completed; open the page that you wanted and log in anew.',
  ),
  SP_CROSS_SITE: row(
    403,
    'client',
    'info',
    'Cross-site request',
    'A request of another site is not accepted with a session of this one.',
  ),
  SP_IDENTITY_UNAVAILABLE: row(
    503,
    'gateway',
    'warn',
    'Authentication unavailable',
    'Credentials cannot be checked at the moment.',
  ),

  // Who may come, and how often: addresses and rate limits.
  SP_ADDRESS_DENIED: row(
    403,
    'client',
    'info',
    'Address not allowed',
    'Requests from this address are not accepted here.',
  ),
  SP_BANNED: row(
    403,
    'client',
    'info',
    'Banned',
    'Requests from here are not accepted for a while, after too many that failed.',
  ),
  SP_RATE_LIMITED: row(429, 'client', 'info', 'Too Many Requests', 'The limit on requests is reached.'),
  SP_LIMITER_FULL: row(
    503,
    'gateway',
    'error',
    'Service overloaded',
    'The gateway has no room left to count this client’s requests.',
  ),
  SP_LIMITER_ALONE: row(
    503,
    'gateway',
    'error',
    'Service unavailable',
    'The gateway cannot count this client’s requests together with the others.',
  ),

  // More than the gateway or an upstream is to take at once.
  SP_SHED: row(503, 'gateway', 'warn', 'Service overloaded', 'The gateway is overloaded and serves what matters more.'),
  SP_THROTTLED: row(503, 'gateway', 'info', 'Service busy', 'Too many requests wait already.'),
  SP_CONCURRENCY: row(503, 'gateway', 'warn', 'Service busy', 'Too many requests are under way already.'),

  // The web application firewall.
  SP_WAF_BLOCKED: row(403, 'client', 'warn', 'Request blocked', 'The firewall does not let this exchange pass.'),
  SP_WAF_FAILED: row(
    500,
    'gateway',
    'error',
    'Request not inspected',
    'The firewall could not inspect this exchange; the log has the details under this request id.',
  ),
  SP_WAF_BUSY: row(503, 'gateway', 'warn', 'Service busy', 'Too many bodies wait for inspection already.'),
  SP_WAF_ENCODING: row(
    415,
    'client',
    'info',
    'Content coding not supported',
    'The body is in a content coding that cannot be read here, or is not what its coding says.',
  ),
  SP_WAF_ANSWER_TOO_LARGE: row(
    502,
    'upstream',
    'warn',
    'Answer too large',
    'The answer is longer than the firewall may inspect.',
  ),

  // Upstream: phase 13.
  SP_UPSTREAM_UNAVAILABLE: row(
    503,
    'upstream',
    'error',
    'Service unavailable',
    'No healthy upstream target is available.',
  ),
  SP_UPSTREAM_OVERLOADED: row(
    503,
    'upstream',
    'warn',
    'Service overloaded',
    'The upstream has as many requests as it is allowed to have.',
  ),
  SP_UPSTREAM_CONNECT: row(502, 'upstream', 'error', 'Bad gateway', 'The upstream could not be reached.'),
  SP_UPSTREAM_CONNECT_TIMEOUT: row(
    504,
    'upstream',
    'error',
    'Gateway timeout',
    'The upstream did not accept the connection in time.',
  ),
  SP_UPSTREAM_TLS: row(
    502,
    'upstream',
    'error',
    'Bad gateway',
    'A secure connection to the upstream could not be established.',
  ),
  SP_UPSTREAM_RESET: row(
    502,
    'upstream',
    'error',
    'Bad gateway',
    'The upstream closed the connection before its answer was complete.',
  ),
  SP_UPSTREAM_PROTOCOL: row(502, 'upstream', 'error', 'Bad gateway', 'The upstream sent an invalid answer.'),
  SP_UPSTREAM_HEAD_TOO_LARGE: row(
    502,
    'upstream',
    'error',
    'Bad gateway',
    'The upstream sent a header section that is larger than allowed.',
  ),
  SP_UPSTREAM_MESSAGE_TOO_LARGE: row(
    0,
    'upstream',
    'warn',
    'WebSocket message too large',
    'The upstream sent a message that is longer than allowed.',
  ),
  SP_UPSTREAM_TOO_SLOW: row(
    0,
    'upstream',
    'warn',
    'Upstream too slow',
    'The upstream read slower than the WebSocket client sent.',
  ),
  SP_UPSTREAM_TIMEOUT: row(504, 'upstream', 'error', 'Gateway timeout', 'The upstream did not answer in time.'),
  SP_UPSTREAM_IDLE_TIMEOUT: row(
    504,
    'upstream',
    'error',
    'Gateway timeout',
    'The upstream stopped in the middle of its answer.',
  ),
  SP_TOTAL_TIMEOUT: row(504, 'upstream', 'error', 'Gateway timeout', 'The request took longer than its route allows.'),

  // The gateway itself.
  SP_INTERNAL: row(
    500,
    'gateway',
    'error',
    'Internal error',
    'The gateway failed on this request; the log has the details under this request id.',
  ),
  SP_DESCRIPTORS: row(
    503,
    'gateway',
    'error',
    'Service overloaded',
    'The gateway has no file descriptors left for this request.',
  ),

  // Boot, reload and operation: never sent to a client.
  SP_CONFIG: row(0, 'gateway', 'fatal', 'Invalid configuration', 'The configuration was refused.'),
  SP_LISTEN: row(0, 'gateway', 'fatal', 'Cannot listen', 'A listening address could not be opened.'),
  SP_TLS_MATERIAL: row(0, 'gateway', 'error', 'Invalid certificate or key', 'A certificate or key could not be used.'),
  SP_THREAD: row(0, 'gateway', 'error', 'Thread ended', 'A worker thread ended unexpectedly and is replaced.'),
  SP_PLATFORM: row(
    0,
    'gateway',
    'fatal',
    'Unsupported platform',
    'No usable build of a native dependency for this machine.',
  ),
  SP_RULE_SET_INSTALL: row(
    0,
    'gateway',
    'error',
    'Rule set not installed',
    'A rule set could not be fetched, or is not one that can be used.',
  ),
} as const satisfies Record<string, ErrorRow>);

export type ErrorCode = keyof typeof ERRORS;

/** Codes in table order: the number of a code, as metrics tables use it, is its index here. */
export const ERROR_CODES = Object.freeze(Object.keys(ERRORS) as ErrorCode[]);

/** `SP_UPSTREAM_TIMEOUT` -> `upstream-timeout`: the last part of a problem document's `type`. */
export function problemSlug(code: ErrorCode): string {
  return code.slice(3).toLowerCase().replaceAll('_', '-');
}

/** The one error class. `message` says what was found, where, and what to do. */
export class SallyportError extends Error {
  readonly code: ErrorCode;
  readonly context: Readonly<Record<string, unknown>>;

  /**
   * @param code     A row of `ERRORS`.
   * @param message  What was found, where, and what to do.
   * @param context  Facts for the log; no secrets.
   * @param options  `cause`: the error underneath.
   */
  constructor(
    code: ErrorCode,
    message: string,
    context: Readonly<Record<string, unknown>> = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'SallyportError';
    this.code = code;
    this.context = context;
  }
}
