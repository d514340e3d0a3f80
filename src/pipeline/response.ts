// hot path: synchronous, never throws
import type { Config } from '../config/schema.ts';
import { strictTransportSecurity } from '../message/transport.ts';
import type { Transaction } from '../transaction.ts';
import { keepAnswerFields } from '../upstream/response-fields.ts';
import { PASS, type Verdict } from '../verdict.ts';

/**
 * Phase response: what the gateway adds to an upstream's answer, and which of the upstream's own fields may stay. Runs
 * when the response head is there. The client gets one X-Request-Id, the one of the log, and over HTTPS the gateway's
 * Strict-Transport-Security; over plain HTTP none (RFC 6797 7.2).
 *
 * @returns  A phase that always passes.
 */
export function compileResponse(config: Config): (tx: Transaction, nowMs: number) => Verdict {
  keepAnswerFields(config.answers.keep);
  const plain = new AnswerFields(NO_FIELDS);
  const secure = new AnswerFields(secureFields(config) ?? NO_FIELDS);
  return (tx) => {
    tx.answerFields = (tx.secure ? secure : plain).of(tx.requestId, tx.answerText + tx.cookieText);
    return PASS;
  };
}

/** Longest id that a trusted proxy may send, characters: `validRequestId`. */
const ID_LENGTH_MAX = 128;
/** What phases may add, characters: 64 rate limit windows of 100 each, a cookie of 4,096, and more. */
const TEXT_LENGTH_MAX = 12_288;
const NO_FIELDS = Buffer.alloc(0);
const ID_FIELD = Buffer.from('\r\nx-request-id: ', 'latin1');

/** Fields of an answer, written into one buffer over and over: a new one per answer would cost ten times as much. */
class AnswerFields {
  readonly #buffer: Buffer;
  readonly #idAt: number;
  /** The buffer up to the end of an id, by its length. */
  readonly #views: Buffer[] = [];

  constructor(fixed: Buffer) {
    this.#idAt = fixed.length + ID_FIELD.length;
    this.#buffer = Buffer.concat([fixed, ID_FIELD], this.#idAt + ID_LENGTH_MAX + TEXT_LENGTH_MAX);
  }

  /**
   * @param id    Checked: letters, digits and . _ - only.
   * @param text  Further fields, ASCII, `\r\nname: value` each.
   * @returns  Fields, good until the next call.
   */
  of(id: string, text: string): Buffer {
    this.#buffer.write(id, this.#idAt, 'latin1');
    if (text !== '' && text.length <= TEXT_LENGTH_MAX) {
      this.#buffer.write(text, this.#idAt + id.length, 'latin1');
      return this.#buffer.subarray(0, this.#idAt + id.length + text.length);
    }
    this.#views[id.length] ??= this.#buffer.subarray(0, this.#idAt + id.length);
    return this.#views[id.length] as Buffer;
  }
}

/** Fields of every answer over HTTPS, `\r\nname: value` each; null for none. */
export function secureFields(config: Config): Buffer | null {
  const value = strictTransportSecurity(config);
  return value === '' ? null : Buffer.from(`\r\nstrict-transport-security: ${value}`, 'latin1');
}
