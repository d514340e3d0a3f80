import { connect } from 'node:net';
import type { Observed } from './executor.ts';

/** What came back for some bytes. */
export type WireAnswer = Pick<Observed, 'status' | 'error' | 'answer'>;

/**
 * Sends bytes on a connection of their own, and reads one answer as forgivingly as can be: a head that begins like
 * HTTP/1, then a body by its length, by chunks, or up to the end.
 *
 * @param localAddress  Where to connect from: any of 127/8, which tells requests apart in the server's logs.
 * @throws  Never: a broken connection is an `error`.
 */
export function wireExchange(
  port: number,
  localAddress: string,
  bytes: Buffer,
  timeoutMs = 5_000,
): Promise<WireAnswer> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    const finish = (why: string | null): void => {
      clearTimeout(timer);
      socket.destroy();
      const status = statusOf(answer);
      const unreadable = answer === '' ? 'closed without an answer' : 'the answer is not HTTP/1';
      resolve({ status, error: status !== null ? null : (why ?? unreadable), answer });
    };
    const timer = setTimeout(() => finish('timeout'), timeoutMs);
    socket.setNoDelay(true);
    socket.on('data', (piece: Buffer) => {
      answer += piece.toString('latin1');
      if (isComplete(answer)) finish(null);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    socket.on('close', () => finish(null));
    socket.write(bytes);
  });
}

function statusOf(answer: string): number | null {
  const found = /^HTTP\/1\.[01] ([1-5]\d\d)[ \r]/.exec(answer)?.[1];
  return found === undefined ? null : Number(found);
}

/** The whole answer is there, as far as its framing says; one that ends with the connection never is. */
function isComplete(answer: string): boolean {
  const at = answer.indexOf('\r\n\r\n');
  if (at === -1) return false;
  const head = answer.slice(0, at + 2).toLowerCase();
  const status = statusOf(answer);
  if (status === null) return false;
  const bodyBytes = answer.length - at - 4;
  if (/\r\ntransfer-encoding: *chunked\r\n/.test(head)) return answer.endsWith('0\r\n\r\n') && bodyBytes >= 5;
  const length = /\r\ncontent-length: *(\d+)\r\n/.exec(head)?.[1];
  if (length !== undefined && bodyBytes >= Number(length)) return true;
  return status === 204 || status === 304;
}
