import type { IncomingMessage } from 'node:http';
import type { ErrorCode } from '../errors.ts';
import { REFUSED_HANDSHAKE_BODY_BYTES_MAX } from '../limits.ts';
import type { Transaction } from '../transaction.ts';
import { FRAMING_NONE, type ResponseHead } from './response-head.ts';

const TOO_LONG = `the body of the refused handshake is longer than ${REFUSED_HANDSHAKE_BODY_BYTES_MAX} bytes`;

/**
 * Reads the body of an upstream's plain HTTP answer to a WebSocket handshake: whole, or not at all. A part of a body
 * must not pass for the whole.
 *
 * @param done  Called once, with the body, or with null and why there is none.
 */
export function readRefusal(
  answer: IncomingMessage,
  head: ResponseHead,
  done: (body: Buffer | null, code: ErrorCode, reason: string) => void,
): void {
  const pieces: Buffer[] = [];
  let bytes = 0;
  let over = false;
  const finish = (isTooLong: boolean): void => {
    if (over) return;
    over = true;
    if (isTooLong) done(null, 'SP_UPSTREAM_PROTOCOL', TOO_LONG);
    else if (answer.complete) done(Buffer.concat(pieces), 'SP_UPSTREAM_RESET', '');
    else done(null, 'SP_UPSTREAM_RESET', 'the body of the refused handshake did not arrive whole');
  };
  if (head.framing !== FRAMING_NONE && head.contentLength > REFUSED_HANDSHAKE_BODY_BYTES_MAX) {
    finish(true);
    return;
  }
  answer.on('data', (piece: Buffer) => {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > REFUSED_HANDSHAKE_BODY_BYTES_MAX) finish(true);
  });
  answer.on('end', () => finish(false));
  answer.on('error', () => finish(false));
  answer.on('close', () => finish(false));
}

/** Gives the client that very answer: 401 with its challenge, 404, a redirect. */
export function relayRefusal(tx: Transaction, head: ResponseHead, body: Buffer): void {
  tx.status = head.status;
  if (tx.inspection !== null) {
    tx.answerHead = head.view(head.clientHeadBytes);
    tx.answerLength = body.length;
  }
  if (!tx.owner.resume(tx, Date.now())) return;
  const bytes = tx.answerFields === null ? head.clientHeadBytes : head.append(tx.answerFields);
  const clientHead = head.view(bytes);
  if (head.status === 204 || head.status === 304) tx.downstream.respondEmpty(head.status, clientHead, -1);
  else tx.downstream.respond(head.status, clientHead, body);
}
