import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocketServer } from 'ws';

export interface Demo {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  stop(): Promise<void>;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly streamMs: number;
}

type Handler = (call: Call) => void | Promise<void>;

const BODY_BYTES_MAX = 1_048_576;
const STREAM_PIECES = 8;
const ITEMS = ['lantern', 'rope', 'portcullis', 'moat', 'drawbridge', 'watchtower', 'banner', 'gate'];

/** Method and path -> what it is for, and who answers. */
const ENDPOINTS = new Map<string, readonly [about: string, handler: Handler]>([
  ['GET /', ['this list', hello]],
  ['GET /items', ['a list; ?limit=3 cuts it, ?q=gate searches it', items]],
  ['GET /headers', ['the header fields that reached the service behind the gateway', headers]],
  ['GET /stream', ['a slow answer in several pieces', stream]],
  ['POST /echo', ['the body that was sent', echo]],
]);

/**
 * A small API to put behind a gateway that has nothing else: `npm start` without any configuration.
 * Listens on a free loopback port; `/ws` echoes WebSocket messages.
 *
 * @param streamMs  Time between two pieces of GET /stream, milliseconds.
 */
export async function startDemo(streamMs = 250): Promise<Demo> {
  const server = createServer((request, response) => {
    answer(request, response, streamMs).catch(() => response.destroy());
  });
  const sockets = echoWebSockets(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, streamMs: number): Promise<void> {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const [, handler] = ENDPOINTS.get(`${method} ${path}`) ?? ['', notFound];
  await handler({ request, response, path, query: new URLSearchParams(query), streamMs });
}

function hello({ response }: Call): void {
  const endpoints = Object.fromEntries([...ENDPOINTS].map(([name, [about]]) => [name, about]));
  const message = 'Hello from the demo API behind Sallyport.';
  json(response, 200, { message, endpoints: { ...endpoints, 'GET /ws': 'a WebSocket that echoes' } });
}

function items({ response, query }: Call): void {
  const wanted = query.get('q') ?? '';
  const limit = Number(query.get('limit') ?? ITEMS.length);
  if (!Number.isInteger(limit) || limit < 0) {
    problem(response, 400, 'Bad request', 'limit must be a whole number, 0 or more.');
    return;
  }
  const found = ITEMS.map((name, index) => ({ id: index + 1, name })).filter(({ name }) => name.includes(wanted));
  json(response, 200, { items: found.slice(0, limit), total: found.length });
}

function headers({ request, response }: Call): void {
  json(response, 200, { headers: request.headers });
}

async function stream({ request, response, streamMs }: Call): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  for (let piece = 1; piece <= STREAM_PIECES && !response.destroyed; piece += 1) {
    response.write(`piece ${piece} of ${STREAM_PIECES}\n`);
    if (piece < STREAM_PIECES) await wait(streamMs);
  }
  response.end();
}

async function echo({ request, response }: Call): Promise<void> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > BODY_BYTES_MAX) {
      response.setHeader('connection', 'close');
      problem(response, 413, 'Content too large', `At most ${BODY_BYTES_MAX} bytes are echoed.`);
      return;
    }
    pieces.push(piece);
  }
  // Never the sender's own type: a browser would run an echoed page as the gateway's.
  const isJson = /^application\/json\b/i.test(request.headers['content-type'] ?? '');
  const type = isJson ? 'application/json' : 'text/plain; charset=utf-8';
  send(response, 200, type, Buffer.concat(pieces));
}

function notFound({ request, response, path }: Call): void {
  problem(response, 404, 'Not found', `Nothing answers ${request.method} ${path} here; GET / lists what does.`);
}

function problem(response: ServerResponse, status: number, title: string, detail: string): void {
  const document = { type: 'about:blank', title, status, detail };
  send(response, status, 'application/problem+json', Buffer.from(`${JSON.stringify(document)}\n`));
}

function json(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json', Buffer.from(`${JSON.stringify(value, null, 2)}\n`));
}

function send(response: ServerResponse, status: number, type: string, body: Buffer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

function echoWebSockets(server: Server): WebSocketServer {
  const sockets = new WebSocketServer({ server, path: '/ws', maxPayload: BODY_BYTES_MAX });
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    // A peer that breaks the protocol: `ws` closes the connection, there is nothing else to do.
    socket.on('error', () => socket.terminate());
  });
  return sockets;
}
