const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/** Finds the ends of HTTP/1.1 answers on a connection where one answer is awaited at a time. Bodies are passed over. */
export class AnswerReader {
  #pending: Buffer = Buffer.alloc(0);
  #status = 0;
  /** Bytes of the body still to come; -1 for a chunked one. */
  #left = 0;
  #tail = '';

  /** @returns  Status of the answer that this piece completes; 0 for none. */
  push(piece: Buffer): number {
    if (this.#status !== 0) return this.#body(piece);
    const bytes = this.#pending.length === 0 ? piece : Buffer.concat([this.#pending, piece]);
    const end = bytes.indexOf(HEAD_END);
    if (end === -1) {
      this.#pending = bytes;
      return 0;
    }
    this.#pending = Buffer.alloc(0);
    const head = bytes.toString('latin1', 0, end).toLowerCase();
    this.#status = Number(head.slice(9, 12));
    this.#left = bodyLength(head);
    this.#tail = '';
    return this.#body(bytes.subarray(end + HEAD_END.length));
  }

  #body(piece: Buffer): number {
    if (this.#left >= 0) this.#left = Math.max(0, this.#left - piece.length);
    else {
      this.#tail = (this.#tail + piece.toString('latin1', Math.max(0, piece.length - LAST_CHUNK.length))).slice(
        -LAST_CHUNK.length,
      );
      if (this.#tail === LAST_CHUNK) this.#left = 0;
    }
    if (this.#left !== 0) return 0;
    const status = this.#status;
    this.#status = 0;
    return status;
  }
}

/** @param head  In lower case. @returns  -1 for chunked. */
function bodyLength(head: string): number {
  const at = head.indexOf('\r\ncontent-length:');
  if (at !== -1) return Number.parseInt(head.slice(at + 17, at + 40), 10);
  return head.includes('\r\ntransfer-encoding: chunked') ? -1 : 0;
}
