// hot path: synchronous, never throws
import { byteTextOfString } from '../base/byte-text.ts';
import { lists } from '../base/lists.ts';
import type { ErrorCode } from '../errors.ts';
import * as fields from '../message/fields.ts';
import type { Transaction } from '../transaction.ts';
import type { HttpRequest } from './uws.ts';

const PRINTABLE = /^[\t\x20-\x7e]*$/;
/** Decimal without sign, leading zero or list, and small enough to be exact in a double. */
const LENGTH = /^(?:0|[1-9][0-9]{0,14})$/;
const REPLACEMENT = '\ufffd';

export interface IntakeLimits {
  readonly headBytesMax: number;
  readonly targetBytesMax: number;
  readonly fieldsMax: number;
  /** Largest declared body that the front's build carries. */
  readonly contentLengthMax: number;
  /** Keep every field as received: a firewall looks. */
  readonly keepFields?: boolean;
}

/**
 * Copies what is needed out of uWS's request, which dies when the handler returns, into the transaction, and sorts its
 * fields: forwarded, kept for us, dropped. Faults are written down for the guard, the first one wins.
 *
 * Threads: one instance per thread; `read` is not re-entrant (it runs to its end within one handler).
 */
export class Intake {
  readonly #names: fields.FieldNames;
  readonly #limits: IntakeLimits;
  readonly #once: readonly boolean[];
  #tx!: Transaction;
  #forward = '';
  #count = 0;
  #bytes = 0;
  #hosts = 0;
  #lengths = 0;
  #encodings = 0;
  #singletons = 0;
  #connection = '';

  /**
   * @param captured  Lower-case names whose values are kept, in the order of `Transaction.captured`.
   * @param once      Those of them that policies go by: a second one is refused, since the upstream might go by it.
   */
  constructor(limits: IntakeLimits, captured: readonly string[], once: readonly string[] = []) {
    this.#limits = limits;
    this.#once = captured.map((name) => once.includes(name));
    this.#names = new fields.FieldNames(captured);
  }

  /** Fills `tx` from `req`. */
  read(tx: Transaction, req: HttpRequest): void {
    this.#tx = tx;
    this.#begin();
    tx.method = req.getCaseSensitiveMethod();
    tx.rawPath = req.getUrl();
    const query = req.getQuery();
    if (query) tx.query = `?${query}`;
    if (this.#limits.keepFields === true) tx.receivedFields = receivedFields(req);
    req.forEach(this.#onField);
    if (this.#connection !== '') this.#applyConnection(req);
    tx.forwardFields = this.#forward;
    this.#judge(tx);
  }

  #begin(): void {
    this.#forward = '';
    this.#count = 0;
    this.#bytes = 0;
    this.#hosts = 0;
    this.#lengths = 0;
    this.#encodings = 0;
    this.#singletons = 0;
    this.#connection = '';
  }

  readonly #onField = (name: string, value: string): void => {
    this.#count += 1;
    this.#bytes += name.length + value.length + 4;
    const known = this.#names.classOf(name);
    if (known === fields.FORWARD) this.#forward += `${name}: ${value}\r\n`;
    else this.#special(known, name, value);
  };

  #special(known: number, name: string, value: string): void {
    const tx = this.#tx;
    switch (known) {
      case fields.HOST:
        this.#hosts += 1;
        tx.authority = value;
        return;
      case fields.USER_AGENT:
        tx.userAgent = value;
        break;
      case fields.COOKIE:
        tx.cookie = tx.cookie === '' ? value : `${tx.cookie}; ${value}`;
        break;
      case fields.AUTHORIZATION:
        this.#single(1, name);
        tx.authorization = value;
        break;
      case fields.CONTENT_TYPE:
        this.#single(2, name);
        break;
      case fields.CONTENT_LENGTH:
        this.#lengths += 1;
        if (LENGTH.test(value)) {
          tx.contentLength = Number(value);
          if (tx.contentLength > this.#limits.contentLengthMax) this.#fault('SP_REQUEST_BODY_TOO_LARGE', undefined);
        } else this.#fault('SP_REQUEST_FRAMING', 'Content-Length is not a plain decimal number.');
        return;
      case fields.TRANSFER_ENCODING:
        this.#encodings += 1;
        if (value.toLowerCase() !== 'chunked') {
          this.#fault('SP_REQUEST_FRAMING', 'The only transfer coding accepted is chunked.');
        }
        return;
      case fields.CONNECTION:
        this.#connection = this.#connection === '' ? value : `${this.#connection}, ${value}`;
        return;
      case fields.UPGRADE:
        tx.upgrade = tx.upgrade === '' ? value : `${tx.upgrade}, ${value}`;
        return;
      case fields.EXPECT:
        if (value.toLowerCase() !== '100-continue') this.#fault('SP_REQUEST_EXPECTATION', undefined);
        return;
      case fields.BAD:
        this.#fault('SP_REQUEST_FIELD', 'A header field name is not a token, or resembles a reserved one.');
        return;
      case fields.DROP:
        return;
      case fields.TRACEPARENT:
        this.#single(4, name);
        tx.traceparent = this.#clean(value);
        return;
      default:
        if (known >= fields.CAPTURED) this.#capture(known - fields.CAPTURED, value);
        else {
          this.#forwarding(known, this.#clean(value));
          return;
        }
    }
    this.#forward += `${name}: ${value}\r\n`;
  }

  #capture(position: number, value: string): void {
    const tx = this.#tx;
    tx.captured ??= [];
    if (tx.captured[position] !== undefined && this.#once[position] === true) {
      this.#fault('SP_REQUEST_FIELD', 'A field that a policy goes by may occur once only.');
      // Refused, and counted for nobody: either value may be the client's choice.
      tx.captured[position] = '';
      return;
    }
    tx.captured[position] = value;
  }

  #forwarding(known: number, value: string): void {
    const tx = this.#tx;
    switch (known) {
      case fields.X_FORWARDED_FOR:
        tx.xForwardedFor = join(tx.xForwardedFor, value);
        return;
      case fields.X_FORWARDED_PROTO:
        tx.xForwardedProto = join(tx.xForwardedProto, value);
        return;
      case fields.X_FORWARDED_HOST:
        tx.xForwardedHost = join(tx.xForwardedHost, value);
        return;
      case fields.FORWARDED:
        tx.forwarded = join(tx.forwarded, value);
        return;
      case fields.VIA:
        tx.via = join(tx.via, value);
        return;
      case fields.TRACESTATE:
        tx.tracestate = join(tx.tracestate, value);
        return;
      case fields.X_REQUEST_ID:
        tx.requestIdReceived = value;
        return;
    }
  }

  /** These are written upstream outside of `forwardFields`, so they are checked by themselves. */
  #clean(value: string): string {
    if (PRINTABLE.test(value)) return value;
    this.#fault('SP_REQUEST_FIELD', 'A header field value has a character that is not allowed.');
    return '';
  }

  #single(bit: number, name: string): void {
    if ((this.#singletons & bit) !== 0) this.#fault('SP_REQUEST_FIELD', `The field ${name} may occur once only.`);
    this.#singletons |= bit;
  }

  /** Takes the fields named by `Connection` off; a second walk, since honest clients send keep-alive or nothing. */
  #applyConnection(req: HttpRequest): void {
    const connection = this.#connection.toLowerCase();
    if (connection === 'keep-alive' || connection === 'close') return;
    const named = new Set<string>();
    for (const option of connection.split(',')) {
      const name = option.trim();
      if (name !== '' && fields.isRemovable(name)) named.add(name);
    }
    if (named.size === 0) return;
    this.#forward = '';
    req.forEach((name, value) => {
      const known = this.#names.classOf(name);
      const goes = known === fields.FORWARD || known >= fields.CAPTURED || FORWARDED_SPECIALS.has(known);
      if (goes && !named.has(name)) this.#forward += `${name}: ${value}\r\n`;
    });
  }

  #judge(tx: Transaction): void {
    const limits = this.#limits;
    const targetBytes = tx.rawPath.length + tx.query.length;
    const headBytes = this.#bytes + tx.method.length + targetBytes + 13;
    if (targetBytes > limits.targetBytesMax) this.#override('SP_REQUEST_TARGET_TOO_LONG');
    else if (headBytes > limits.headBytesMax || this.#count > limits.fieldsMax) {
      this.#override('SP_REQUEST_HEAD_TOO_LARGE');
    }
    if (this.#hosts !== 1) this.#fault('SP_REQUEST_HOST', undefined);
    if (this.#lengths + this.#encodings > 1) {
      this.#fault('SP_REQUEST_FRAMING', 'More than one Content-Length or Transfer-Encoding field.');
    }
    if (this.#encodings === 1) tx.contentLength = -1;
    tx.lengthDeclared = this.#lengths === 1;
    // RFC 9110 7.8: Upgrade counts only where Connection names it; a proxy that dropped one of the two asks for
    // nothing.
    if (tx.upgrade !== '' && !lists(this.#connection, 'upgrade')) tx.upgrade = '';
    const forward = tx.forwardFields;
    // One look at the whole section: ASCII has as many bytes as characters. DEL is the one control uWS lets through.
    if (forward.includes('\x7f')) {
      this.#fault('SP_REQUEST_FIELD', 'A header field value has a character that is not allowed.');
    }
    tx.isAscii = Buffer.byteLength(forward) === forward.length;
    if (!tx.isAscii && forward.includes(REPLACEMENT)) {
      this.#fault('SP_REQUEST_FIELD', 'A header field value is not valid UTF-8.');
    }
  }

  #fault(code: ErrorCode, detail: string | undefined): void {
    const tx = this.#tx;
    if (tx.fault !== null) return;
    tx.fault = code;
    tx.faultDetail = detail;
  }

  /** Sizes come first: a head over a limit is not worth a look at its parts. */
  #override(code: ErrorCode): void {
    this.#tx.fault = code;
    this.#tx.faultDetail = undefined;
  }
}

const FORWARDED_SPECIALS: ReadonlySet<number> = new Set([
  fields.USER_AGENT,
  fields.COOKIE,
  fields.AUTHORIZATION,
  fields.CONTENT_TYPE,
]);

/** As uWS decodes them, back in bytes: what was not UTF-8 is refused further on. */
function receivedFields(req: HttpRequest): string[] {
  const received: string[] = [];
  req.forEach((name, value) => {
    received.push(name, byteTextOfString(value));
  });
  return received;
}

function join(before: string, value: string): string {
  return before === '' ? value : `${before}, ${value}`;
}
