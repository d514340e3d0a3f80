import type { IncomingMessage } from 'node:http';
import type { Transaction } from '../transaction.ts';
import { refuse } from '../verdict.ts';

/** Longest body of a refused handshake that is passed on; more is not worth holding. */
const BODY_BYTES_MAX = 65_536;
/** Longest wait for it. */
const BODY_MS = 5_000;

const NO_FIELDS = Buffer.alloc(0);

/** Fields of the connection, and those that the front writes itself. */
const OURS = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'server',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Gives the client an upstream's plain HTTP answer to a WebSocket handshake: 401 with its challenge, 404, a redirect.
 *
 * @param done  Called once when nothing more is read from `answer`.
 */
export function relayRefusal(tx: Transaction, answer: IncomingMessage, done: () => void): void {
  const status = answer.statusCode ?? 0;
  if (status < 200 || status > 599) {
    done();
    tx.owner.refuse(tx, refuse('SP_UPSTREAM_PROTOCOL'));
    return;
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  let over = false;
  const finish = (): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    answer.destroy();
    done();
    try {
      // A part of a body must not pass for the whole; one that is merely long is cut.
      if (!answer.complete && bytes < BODY_BYTES_MAX) {
        tx.reason = 'the body of the refused handshake did not arrive whole';
        tx.owner.refuse(tx, refuse('SP_UPSTREAM_RESET'));
        return;
      }
      const body = Buffer.concat(pieces).subarray(0, BODY_BYTES_MAX);
      if (!tx.owner.resume(tx, Date.now())) return;
      const head = Buffer.concat([headOf(answer, status), tx.answerFields ?? NO_FIELDS]);
      if (status === 204 || status === 304) tx.downstream.respondEmpty(status, head, -1);
      else tx.downstream.respond(status, head, body);
    } catch (error) {
      tx.owner.failed(tx, error);
    }
  };
  const timer = setTimeout(finish, BODY_MS);
  answer.on('data', (piece: Buffer) => {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= BODY_BYTES_MAX) finish();
  });
  answer.on('end', finish);
  answer.on('error', finish);
  answer.on('close', finish);
}

/** RFC 9112 4: tab, space, visible and 8-bit characters. node:http lets others through here. */
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** node:http has checked names and values; they were read as latin1 and leave as the same bytes. */
function headOf(answer: IncomingMessage, status: number): Buffer {
  const phrase = answer.statusMessage ?? '';
  let head = `${status} ${REASON_PHRASE.test(phrase) ? phrase : ''}`;
  // RFC 9110 7.6.1: what Connection names is for this connection only.
  const named = new Set((answer.headers.connection ?? '').split(',').map((option) => option.trim().toLowerCase()));
  for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2) {
    const name = answer.rawHeaders[i] ?? '';
    if (!OURS.has(name.toLowerCase()) && !named.has(name.toLowerCase()))
      head += `\r\n${name}: ${answer.rawHeaders[i + 1] ?? ''}`;
  }
  return Buffer.from(head, 'latin1');
}
