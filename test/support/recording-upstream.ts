import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { strictComplaints } from './strict-head.ts';

/** One request as an upstream saw it. */
export interface SeenRequest {
  /** Number of the connection, from 0, and of the request on it. */
  readonly connection: number;
  readonly index: number;
  readonly method: string;
  readonly target: string;
  /** Names lower-case, in order of arrival. */
  readonly fields: readonly (readonly [string, string])[];
  /** The head's bytes as latin1; rebuilt, and thus not exact, for the node:http upstream. */
  readonly rawHead: string;
  /** Body so far; empty with `keepBodies: false`. */
  body: Buffer;
  bodyBytes: number;
  complete: boolean;
  /** What a strict parser would refuse. Empty is good. */
  readonly complaints: string[];
}

/** How an upstream answers, down to the socket. */
export interface Reply {
  readonly socket: Socket;
  /** A complete 200 with Content-Length. @param fields  `name: value\r\n`, may be empty. */
  ok(body?: string | Buffer, fields?: string): void;
  /** Any bytes, right or wrong. */
  raw(bytes: string | Buffer): void;
  /** RST instead of FIN. */
  reset(): void;
}

export interface UpstreamOptions {
  readonly port?: number;
  /** Called when a head is in. Return true to answer by itself: `onRequest` is then not called. */
  readonly onHead?: (request: SeenRequest, reply: Reply) => boolean | undefined;
  /** Called when the request is complete. The default answers 200 and echoes what it saw as JSON. */
  readonly onRequest?: (request: SeenRequest, reply: Reply) => void;
  /** Called for each connection; return false to take it over. */
  readonly onConnection?: (socket: Socket) => boolean | undefined;
  readonly keepBodies?: boolean;
}

export interface RecordingUpstream {
  readonly kind: 'raw' | 'node:http';
  readonly port: number;
  readonly requests: SeenRequest[];
  /** Connections ever accepted, and those open now. */
  readonly accepted: () => number;
  readonly open: () => number;
  /** Connections that came with bytes which no parser could read. */
  readonly parseErrors: string[];
  /** Ends every connection and the listener. */
  close(): Promise<void>;
}

/**
 * An upstream on a bare socket with a parser that forgives everything, so that it also sees what should never have
 * been forwarded: bare LF, spaces and underscores in field names, smuggled second requests, half a request.
 */
export async function startRecordingUpstream(options: UpstreamOptions = {}): Promise<RecordingUpstream> {
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    const connection = accepted++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A reset is what some tests ask for; what it did to the exchange is asserted elsewhere.
    socket.on('error', () => sockets.delete(socket));
    if (options.onConnection?.(socket) === false) return;
    const reader = new LenientReader(connection, requests, replyOn(socket), options);
    socket.on('data', (chunk: Buffer) => reader.push(chunk));
  });
  const port = await listen(server, options.port ?? 0);
  return {
    kind: 'raw',
    port,
    requests,
    accepted: () => accepted,
    open: () => sockets.size,
    parseErrors: [],
    close: () => closeServer(server, sockets),
  };
}

/** The same behind node's own strict parser (llhttp). Whatever it refuses shows in `parseErrors`. */
export async function startNodeUpstream(options: Pick<UpstreamOptions, 'port'> = {}): Promise<RecordingUpstream> {
  const requests: SeenRequest[] = [];
  const sockets = new Map<Socket, { id: number; count: number }>();
  const parseErrors: string[] = [];
  let accepted = 0;
  const server = createHttpServer({ insecureHTTPParser: false, maxHeaderSize: 65_536 }, (message, response) => {
    const place = sockets.get(message.socket) ?? { id: -1, count: 0 };
    const fields: [string, string][] = [];
    for (let i = 0; i + 1 < message.rawHeaders.length; i += 2) {
      fields.push([(message.rawHeaders[i] ?? '').toLowerCase(), message.rawHeaders[i + 1] ?? '']);
    }
    const head = [
      `${message.method} ${message.url} HTTP/${message.httpVersion}`,
      ...fields.map((pair) => pair.join(': ')),
    ];
    const rawHead = `${head.join('\r\n')}\r\n\r\n`;
    const request: SeenRequest = {
      connection: place.id,
      index: place.count++,
      method: message.method ?? '',
      target: message.url ?? '',
      fields,
      rawHead,
      body: Buffer.alloc(0),
      bodyBytes: 0,
      complete: false,
      complaints: strictComplaints(rawHead),
    };
    requests.push(request);
    message.on('data', (chunk: Buffer) => {
      request.body = Buffer.concat([request.body, chunk]);
      request.bodyBytes += chunk.length;
    });
    // An upload that the gateway gave up on ends the message with an error; `complete` stays false and tells it.
    message.on('error', () => response.destroy());
    message.on('end', () => {
      request.complete = true;
      response.setHeader('Content-Type', 'application/json');
      response.end(echo(request));
    });
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    sockets.set(socket, { id: accepted++, count: 0 });
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code?.startsWith('HPE_') && error.code !== 'HPE_INVALID_EOF_STATE') {
      parseErrors.push(`${error.code}: ${error.message}`);
    }
    socket.destroy();
  });
  const port = await listen(server, options.port ?? 0);
  return {
    kind: 'node:http',
    port,
    requests,
    accepted: () => accepted,
    open: () => sockets.size,
    parseErrors,
    close: () => closeServer(server, sockets.keys()),
  };
}

function echo(request: SeenRequest): string {
  return JSON.stringify({ method: request.method, target: request.target, bodyBytes: request.bodyBytes });
}

function replyOn(socket: Socket): Reply {
  return {
    socket,
    ok(body = '', fields = '') {
      const bytes = typeof body === 'string' ? Buffer.from(body) : body;
      const head = `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${bytes.length}\r\n\r\n`;
      socket.write(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
    },
    raw(bytes) {
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    },
    reset() {
      socket.resetAndDestroy();
    },
  };
}

class LenientReader {
  private readonly connection: number;
  private readonly requests: SeenRequest[];
  private readonly reply: Reply;
  private readonly options: UpstreamOptions;
  private pending: Buffer = Buffer.alloc(0);
  private current: SeenRequest | null = null;
  private answeredByHead = false;
  private state: 'head' | 'length' | 'size' | 'chunk' | 'trailer' = 'head';
  private left = 0;
  private count = 0;

  constructor(connection: number, requests: SeenRequest[], reply: Reply, options: UpstreamOptions) {
    this.connection = connection;
    this.requests = requests;
    this.reply = reply;
    this.options = options;
  }

  push(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    while (this.step());
  }

  private step(): boolean {
    if (this.state === 'head') return this.readHead();
    if (this.state === 'length' || this.state === 'chunk') return this.readBody();
    const at = this.pending.indexOf(10);
    if (at === -1) return false;
    const line = this.pending.toString('latin1', 0, at).trim();
    this.pending = this.pending.subarray(at + 1);
    if (this.state === 'trailer') {
      if (line === '') this.finish();
      else this.current?.complaints.push(`trailer ${JSON.stringify(line)}`);
      return true;
    }
    // An empty line here is the end of the chunk before.
    if (line === '') return true;
    this.left = Number.parseInt(line, 16) || 0;
    this.state = this.left === 0 ? 'trailer' : 'chunk';
    return true;
  }

  private readHead(): boolean {
    let from = 0;
    while (this.pending[from] === 13 || this.pending[from] === 10) from += 1;
    this.pending = this.pending.subarray(from);
    const text = this.pending.toString('latin1', 0, 131_072);
    const end = /\n\r?\n/.exec(text);
    if (end === null) return false;
    const rawHead = text.slice(0, end.index + end[0].length);
    this.pending = this.pending.subarray(rawHead.length);
    const [requestLine = '', ...lines] = rawHead.trimEnd().split(/\r?\n/);
    const [method = '', target = ''] = requestLine.split(' ');
    const fields = lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return colon === -1
        ? [line.toLowerCase(), '']
        : [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
    const request: SeenRequest = {
      connection: this.connection,
      index: this.count++,
      method,
      target,
      fields,
      rawHead,
      body: Buffer.alloc(0),
      bodyBytes: 0,
      complete: false,
      complaints: strictComplaints(rawHead),
    };
    this.current = request;
    this.requests.push(request);
    const lenient = (name: string) => fields.find(([key]) => key.trim().replaceAll('_', '-') === name)?.[1];
    this.left = Number.parseInt(lenient('content-length') ?? '0', 10) || 0;
    this.state = lenient('transfer-encoding')?.includes('chunked') ? 'size' : 'length';
    this.answeredByHead = this.options.onHead?.(request, this.reply) === true;
    return true;
  }

  private readBody(): boolean {
    const piece = this.pending.subarray(0, Math.min(this.left, this.pending.length));
    this.pending = this.pending.subarray(piece.length);
    this.left -= piece.length;
    if (this.current !== null) {
      this.current.bodyBytes += piece.length;
      if (this.options.keepBodies !== false) this.current.body = Buffer.concat([this.current.body, piece]);
    }
    if (this.left > 0) return false;
    if (this.state === 'chunk') this.state = 'size';
    else this.finish();
    return true;
  }

  private finish(): void {
    const request = this.current;
    this.state = 'head';
    this.current = null;
    if (request === null) return;
    request.complete = true;
    if (this.answeredByHead) return;
    if (this.options.onRequest) this.options.onRequest(request, this.reply);
    else if (request.method === 'HEAD') this.reply.raw('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    else this.reply.ok(echo(request), 'Content-Type: application/json\r\n');
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // A test that fails before it closes its upstream must end all the same.
    server.unref();
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function closeServer(server: Server, sockets: Iterable<Socket>): Promise<void> {
  for (const socket of [...sockets]) socket.destroy();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
