import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly fields?: Readonly<Record<string, string>>;
  /** Close the connection afterwards. */
  readonly close?: boolean;
}

/** RFC 9457, with members of our own. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly [extension: string]: unknown;
}

export function json(status: number, value: object): Reply {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` };
}

/** A problem that its status says all about: type about:blank (RFC 9457 4.2.1). */
export function problem(status: number, detail: string, more: Pick<Reply, 'fields' | 'close'> = {}): Reply {
  return { ...problemOf({ type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail }), ...more };
}

export function problemOf(words: Problem): Reply {
  return { status: words.status, type: 'application/problem+json', body: `${JSON.stringify(words)}\n` };
}

const PARSER_REPLIES: Readonly<Record<string, Reply>> = {
  HPE_HEADER_OVERFLOW: problem(431, 'The head is larger than allowed here.'),
  ERR_HTTP_REQUEST_TIMEOUT: problem(408, 'The request did not arrive in time.'),
};

/** Answers what node:http could not read as a request, and closes. */
export function answerBadRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  // Nobody there, or an answer has begun: anything written now would be read as part of it.
  if (!socket.writable || error.code === 'ECONNRESET' || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const { status, type, body } = PARSER_REPLIES[error.code ?? ''] ?? problem(400, 'The request is malformed.');
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\nContent-Type: ${type}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
