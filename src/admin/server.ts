import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { BanDesk } from '../abuse/ban-orders.ts';
import type { KeyDesk } from '../api-keys/orders.ts';
import { SallyportError } from '../errors.ts';
import type { PatchList } from '../pipeline/waf-patches.ts';
import type { RevocationDesk } from '../revocation/orders.ts';
import { addBan, liftBan, listBans } from './bans.ts';
import { readJson } from './body.ts';
import { type Gate, gateFor } from './gate.ts';
import { changeKey, createKey, KEY_ACTIONS, listKeys, showKey, verifyKey } from './keys.ts';
import { answerBadRequest, json, type Problem, problem, problemOf, type Reply } from './reply.ts';
import { addRevocation, liftRevocation, listRevocations } from './revocations.ts';

export interface AdminOptions {
  /** Anything but a loopback address needs a token. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Bearer token asked of every request; '' for none. */
  readonly token: string;
  /** Text for /metrics, Prometheus format 0.0.4. */
  readonly metrics: () => Promise<string>;
  readonly ready: () => { readonly ready: boolean; readonly reason?: string };
  /** May be called while one runs; the answer is of a reload that began after the call. */
  readonly reload: () => Promise<ReloadResult>;
  /** What /status shows: version, uptime, generation, threads, upstreams. No secrets. */
  readonly status: () => object;
  /** Behind /bans; where there is none the paths are not there. */
  readonly bans?: BanDesk;
  /** Behind /keys; where there is none the paths are not there. */
  readonly keys?: KeyDesk;
  /** Behind /revocations, likewise. */
  readonly revocations?: RevocationDesk;
  /** Behind /waf/patches, likewise. */
  readonly patches?: PatchList;
  /** Told about refused and failed requests. */
  readonly log?: AdminLog;
}

export interface AdminLog {
  warn(context: object, message: string): void;
  error(context: object, message: string): void;
}

export type ReloadResult =
  | { readonly ok: true; readonly generation: number }
  /** What is wrong with the new configuration; strings or objects that name key, line and remedy. */
  | { readonly ok: false; readonly problems: readonly unknown[] };

export interface AdminServer {
  readonly port: number;
  /** Takes no new connections, lets running requests end for at most a second, closes the rest. */
  close(): Promise<void>;
}

/** Heads of operators' tools are small. */
const HEAD_BYTES_MAX = 8_192;
const HEAD_MS = 5_000;
const REQUEST_MS = 10_000;
const KEEP_ALIVE_MS = 5_000;
/** A scraper that stops reading. */
const IDLE_MS = 30_000;
/** Scrapers, probes and a person or two; a stranger on the machine must not use up the descriptors. */
const CONNECTIONS_MAX = 128;
const CLOSE_GRACE_MS = 1_000;

interface Endpoint {
  /** Methods beside HEAD, which goes with GET. */
  readonly methods: readonly ('GET' | 'POST' | 'DELETE')[];
  /** Takes the body of POST requests. */
  readonly takesBody?: true;
  /** @param asked  What of the request matters beyond method and path. */
  readonly answer: (options: AdminOptions, asked: Asked) => Reply | Promise<Reply>;
}

interface Asked {
  readonly request: IncomingMessage;
  /** Of a POST to an endpoint that takes one. */
  readonly body: unknown;
}

const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
  ['/metrics', { methods: ['GET'], answer: metrics }],
  ['/healthz', { methods: ['GET'], answer: () => json(200, { status: 'alive' }) }],
  ['/readyz', { methods: ['GET'], answer: readiness }],
  ['/status', { methods: ['GET'], answer: ({ status }) => json(200, status()) }],
  ['/reload', { methods: ['POST'], answer: reload }],
]);

const KEYS_PATH = '/keys';
const VERIFY_PATH = '/keys/verify';
const KEY_PATH = '/keys/';
const PATCHES_PATH = '/waf/patches';

/** A list of records, and what may be done to one; one record is at the path with `/ID` behind it. */
interface Desk {
  readonly path: string;
  list(target: string): Reply;
  add(body: unknown, who: string): Reply | Promise<Reply>;
  lift(id: string, who: string): Reply | Promise<Reply>;
}

/**
 * Starts the operators' listener: metrics, health, status, reload, bans, revocations, API keys, patches.
 *
 * With a token, every request must bear it. Without one only loopback is listened on, only loopback names are answered
 * (a page that rebinds its own name to 127.0.0.1 asks under its own name), and what changes anything needs a field that
 * no form and no cross-site request can send without asking first.
 *
 * @throws SP_CONFIG  An address beyond loopback without a token.
 * @throws SP_LISTEN  The address cannot be listened on; the message says which, why and what to do.
 *
 * Threads: main.
 */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const gate = gateFor(options.host, options.token);
  const handle = createHandler(options, gate);
  const server = createServer(
    {
      maxHeaderSize: HEAD_BYTES_MAX,
      headersTimeout: HEAD_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
    },
    handle,
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(IDLE_MS);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => answerBadRequest(error, socket));
  // No request is taken up before it is judged: none is sent 100 Continue, and no tunnel or upgrade is begun.
  server.on('checkContinue', handle);
  await listen(server, options);
  server.on('error', (error) => options.log?.error({ err: error }, 'admin listener failed'));
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

function createHandler(
  options: AdminOptions,
  gate: Gate,
): (request: IncomingMessage, response: ServerResponse) => void {
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const reply = gate(request) ?? (await answer(request, response, options));
    if (reply.status === 401 || reply.status === 403 || reply.status === 421) {
      const client = request.socket.remoteAddress;
      options.log?.warn({ status: reply.status, client, path: shownPath(request) }, 'admin request refused');
    }
    send(response, reply, reply.close === true || hasBody(request));
  };
  return (request, response) => void serve(request, response);
}

/** Never rejects: what goes wrong behind an endpoint is a 500. */
async function answer(request: IncomingMessage, response: ServerResponse, options: AdminOptions): Promise<Reply> {
  try {
    return await dispatch(request, response, options);
  } catch (error) {
    options.log?.error({ err: error, path: shownPath(request) }, 'admin request failed');
    return problem(500, 'The log has the details.');
  }
}

async function dispatch(request: IncomingMessage, response: ServerResponse, options: AdminOptions): Promise<Reply> {
  const endpoint = endpointOf(pathOf(request), options);
  if (endpoint === null) return problem(404, `The paths are ${paths(options).join(', ')}.`);
  const { methods, takesBody } = endpoint;
  const allowed = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  if (!allowed.includes(request.method ?? '')) {
    return problem(405, `Use ${methods.join(' or ')}.`, { fields: { Allow: allowed.join(', ') } });
  }
  if (takesBody === true && request.method === 'POST') {
    const body = await readJson(request, response);
    return 'reply' in body ? body.reply : endpoint.answer(options, { request, body: body.value });
  }
  if (hasBody(request)) return problem(413, 'This request takes no body.');
  return endpoint.answer(options, { request, body: undefined });
}

function endpointOf(path: string, options: AdminOptions): Endpoint | null {
  const { keys, patches } = options;
  if (keys !== undefined && (path === KEYS_PATH || path.startsWith(KEY_PATH))) return keysEndpoint(path, keys);
  const desk = desksOf(options).find((each) => path === each.path || path.startsWith(`${each.path}/`));
  if (path === PATCHES_PATH && patches !== undefined) {
    return { methods: ['GET'], answer: () => json(200, { patches: patches.rows(), refusal: patches.refusal }) };
  }
  if (desk === undefined) return ENDPOINTS.get(path) ?? null;
  if (path === desk.path) {
    return {
      methods: ['GET', 'POST'],
      takesBody: true,
      answer: (_options, { request, body }) =>
        request.method === 'POST' ? desk.add(body, clientOf(request)) : desk.list(request.url ?? ''),
    };
  }
  const id = path.slice(desk.path.length + 1);
  return { methods: ['DELETE'], answer: (_options, { request }) => desk.lift(id, clientOf(request)) };
}

function keysEndpoint(path: string, keys: KeyDesk): Endpoint | null {
  if (path === KEYS_PATH) {
    return {
      methods: ['GET', 'POST'],
      takesBody: true,
      answer: (_options, { request, body }) =>
        request.method === 'POST' ? createKey(keys, body, clientOf(request)) : listKeys(keys, request.url ?? ''),
    };
  }
  if (path === VERIFY_PATH) {
    return { methods: ['POST'], takesBody: true, answer: (_options, { body }) => verifyKey(keys, body) };
  }
  const [id = '', last, ...more] = path.slice(KEY_PATH.length).split('/');
  if (last === undefined) return { methods: ['GET'], answer: () => showKey(keys, id) };
  const action = KEY_ACTIONS.find((name) => name === last);
  if (action === undefined || more.length > 0) return null;
  return {
    methods: ['POST'],
    ...(action === 'rotate' ? { takesBody: true } : {}),
    answer: (_options, { request, body }) => changeKey(keys, id, action, body, clientOf(request)),
  };
}

function desksOf({ bans, revocations }: AdminOptions): readonly Desk[] {
  const desks: Desk[] = [];
  if (bans !== undefined) {
    desks.push({
      path: '/bans',
      list: (target) => listBans(bans, target),
      add: (body, who) => addBan(bans, body, who),
      lift: (id, who) => liftBan(bans, id, who),
    });
  }
  if (revocations !== undefined) {
    desks.push({
      path: '/revocations',
      list: (target) => listRevocations(revocations, target),
      add: (body, who) => addRevocation(revocations, body, who),
      lift: (id, who) => liftRevocation(revocations, id, who),
    });
  }
  return desks;
}

function paths(options: AdminOptions): string[] {
  const ofKeys = [KEYS_PATH, VERIFY_PATH, `${KEY_PATH}ID`, ...KEY_ACTIONS.map((action) => `${KEY_PATH}ID/${action}`)];
  return [
    ...ENDPOINTS.keys(),
    ...desksOf(options).flatMap(({ path }) => [path, `${path}/ID`]),
    ...(options.keys === undefined ? [] : ofKeys),
    ...(options.patches === undefined ? [] : [PATCHES_PATH]),
  ];
}

function clientOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? '';
}

async function metrics(options: AdminOptions): Promise<Reply> {
  return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await options.metrics() };
}

function readiness(options: AdminOptions): Reply {
  const { ready, reason } = options.ready();
  return json(ready ? 200 : 503, reason === undefined ? { ready } : { ready, reason });
}

async function reload(options: AdminOptions): Promise<Reply> {
  const result = await options.reload();
  if (result.ok) return json(200, { generation: result.generation });
  const words: Problem = {
    type: 'urn:problem-type:gateway:config',
    title: 'Invalid configuration',
    status: 422,
    detail: 'The new configuration was refused; the old one stays in force.',
    problems: result.problems,
  };
  return problemOf(words);
}

function send(response: ServerResponse, reply: Reply, isLast: boolean): void {
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, {
    'Content-Type': reply.type,
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'same-origin',
    ...(isLast ? { Connection: 'close' } : {}),
    ...reply.fields,
  });
  response.end(body);
}

/** Path of the target, without query; other forms of target (RFC 9112 3.2) match nothing. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}

/** For the log: somebody may have taken an API key for its id. */
function shownPath(request: IncomingMessage): string {
  return pathOf(request).replace(/sp_[^/]*/gi, 'sp_...');
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

async function listen(server: Server, { host, port }: AdminOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      const remedy = REMEDIES[error.code ?? ''] ?? 'set admin.host and admin.port to an address of this machine';
      const message = `admin listener on ${address} cannot be opened (${error.code ?? error.message}): ${remedy}`;
      reject(new SallyportError('SP_LISTEN', message, { host, port, errno: error.code }, { cause: error }));
    });
    server.listen({ host, port }, resolve);
  });
  server.removeAllListeners('error');
}

const REMEDIES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there; stop it or set admin.port (SALLYPORT_ADMIN_PORT), 0 to switch it off',
  EACCES: 'ports below 1024 need a privilege (CAP_NET_BIND_SERVICE); set admin.port to a higher one',
  EADDRNOTAVAIL: 'this machine has no such address; set admin.host to one it has, such as 127.0.0.1',
  ENOTFOUND: 'the name does not resolve; set admin.host to an address, such as 127.0.0.1',
};

async function close(server: Server): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await new Promise<void>((resolve) => {
    // Not listening any more: closed before.
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(timer);
}
