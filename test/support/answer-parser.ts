/** One response as a strict client sees it. Field names are lower-case; bytes are latin1 text. */
export interface Answer {
  readonly status: number;
  readonly fields: readonly (readonly [string, string])[];
  /** Decoded body. Empty with `keepBody: false`; see `bodyBytes`. */
  readonly body: Buffer;
  readonly bodyBytes: number;
  readonly framing: 'none' | 'length' | 'chunked' | 'eof';
  /** Whole head as received, final blank line included. */
  readonly rawHead: string;
  /** 1xx statuses that came before it. */
  readonly interim: readonly number[];
}

/** First value of a field, or undefined. @param name lower-case. */
export function fieldOf(answer: Answer, name: string): string | undefined {
  return answer.fields.find(([key]) => key === name)?.[1];
}

const HEAD_END = Buffer.from('\r\n\r\n');
const FIELD_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;
const STATUS_LINE = /^HTTP\/1\.1 ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;

/**
 * Strict incremental reader of HTTP/1.1 responses (RFC 9112): what a suspicious client would take. Anything else sets
 * `error` and stops it, so that a test sees malformed output of the gateway instead of forgiving it.
 */
export class AnswerParser {
  readonly answers: Answer[] = [];
  /** Why it stopped, or null. */
  error: string | null = null;
  private state: 'head' | 'length' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'eof' = 'head';
  private pending: Buffer = Buffer.alloc(0);
  private left = 0;
  private current: { -readonly [K in keyof Answer]: Answer[K] } | null = null;
  private pieces: Buffer[] = [];
  private interim: number[] = [];
  private readonly methods: string[];
  private readonly keepBody: boolean;

  /**
   * @param methods   Methods of the requests in order: a HEAD has no body. Past its end GET is assumed.
   * @param keepBody  False counts body bytes without keeping them.
   */
  constructor(methods: readonly string[] = [], keepBody = true) {
    this.methods = [...methods];
    this.keepBody = keepBody;
  }

  /** The method of one more request on this connection. */
  expect(method: string): void {
    this.methods.push(method);
  }

  /** True between answers: nothing half read. */
  get idle(): boolean {
    return this.state === 'head' && this.pending.length === 0;
  }

  push(chunk: Buffer): void {
    if (this.error !== null) return;
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    while (this.error === null && this.step());
  }

  /** The connection ended. An answer that was cut sets `error`. */
  end(): void {
    if (this.error !== null) return;
    if (this.state === 'eof') this.finish();
    else if (!this.idle) this.error = `connection ended in state ${this.state}`;
  }

  /** One step; false when more bytes are needed. */
  private step(): boolean {
    switch (this.state) {
      case 'head':
        return this.readHead();
      case 'length':
      case 'chunk-data':
      case 'eof':
        return this.readBytes();
      case 'chunk-size': {
        const line = this.readLine();
        if (line === null) return false;
        const size = /^([0-9A-Fa-f]{1,13})(?:;.*)?$/.exec(line);
        if (size?.[1] === undefined) return this.fail(`bad chunk size line ${JSON.stringify(line)}`);
        this.left = Number.parseInt(size[1], 16);
        this.state = this.left === 0 ? 'trailer' : 'chunk-data';
        return true;
      }
      case 'chunk-end': {
        if (this.pending.length < 2) return false;
        if (this.pending[0] !== 13 || this.pending[1] !== 10) return this.fail('no CRLF after a chunk');
        this.pending = this.pending.subarray(2);
        this.state = 'chunk-size';
        return true;
      }
      default: {
        const line = this.readLine();
        if (line === null) return false;
        if (line === '') return this.finish();
        return FIELD_LINE.test(line) || this.fail(`bad trailer ${JSON.stringify(line)}`);
      }
    }
  }

  private readHead(): boolean {
    const at = this.pending.indexOf(HEAD_END);
    if (at === -1) {
      return this.pending.length > 131_072 ? this.fail('response head without end') : false;
    }
    const rawHead = this.pending.toString('latin1', 0, at + 4);
    this.pending = this.pending.subarray(at + 4);
    const [statusLine = '', ...lines] = rawHead.slice(0, -4).split('\r\n');
    const status = Number(STATUS_LINE.exec(statusLine)?.[1] ?? 0);
    if (status === 0) return this.fail(`bad status line ${JSON.stringify(statusLine)}`);
    const fields: [string, string][] = [];
    for (const line of lines) {
      const match = FIELD_LINE.exec(line);
      if (match?.[1] === undefined || match[2] === undefined) return this.fail(`bad field ${JSON.stringify(line)}`);
      fields.push([match[1].toLowerCase(), match[2]]);
    }
    if (status < 200 && status !== 101) {
      this.interim.push(status);
      return true;
    }
    const lengths = fields.filter(([name]) => name === 'content-length').map(([, value]) => value);
    const codings = fields.filter(([name]) => name === 'transfer-encoding').map(([, value]) => value);
    if (lengths.length > 1 || codings.length > 1 || (lengths.length === 1 && codings.length === 1)) {
      return this.fail(`ambiguous framing: lengths ${lengths.join()}; codings ${codings.join()}`);
    }
    const [length] = lengths;
    if (length !== undefined && !/^[0-9]{1,15}$/.test(length)) return this.fail(`bad Content-Length ${length}`);
    if (codings.length === 1 && codings[0]?.toLowerCase() !== 'chunked') return this.fail(`coding ${codings[0]}`);

    const method = this.methods.shift() ?? 'GET';
    const bare = method === 'HEAD' || status === 204 || status === 304 || status === 101;
    if (bare && codings.length === 1 && status === 204) return this.fail('Transfer-Encoding in a 204');
    const framing = bare ? 'none' : codings.length === 1 ? 'chunked' : length !== undefined ? 'length' : 'eof';
    this.current = { status, fields, body: Buffer.alloc(0), bodyBytes: 0, framing, rawHead, interim: this.interim };
    this.interim = [];
    this.pieces = [];
    if (framing === 'none') return this.finish();
    this.state = framing === 'chunked' ? 'chunk-size' : framing;
    this.left = framing === 'length' ? Number(length) : framing === 'eof' ? Number.POSITIVE_INFINITY : 0;
    return framing === 'length' && this.left === 0 ? this.finish() : true;
  }

  private readBytes(): boolean {
    if (this.pending.length === 0) return false;
    const piece = this.pending.subarray(0, Math.min(this.left, this.pending.length));
    this.pending = this.pending.subarray(piece.length);
    this.left -= piece.length;
    if (this.current !== null) this.current.bodyBytes += piece.length;
    if (this.keepBody) this.pieces.push(Buffer.from(piece));
    if (this.left > 0) return false;
    if (this.state === 'chunk-data') {
      this.state = 'chunk-end';
      return true;
    }
    return this.finish();
  }

  private readLine(): string | null {
    const at = this.pending.indexOf('\r\n');
    if (at === -1) {
      if (this.pending.length > 65_536) this.fail('line without end');
      return null;
    }
    const line = this.pending.toString('latin1', 0, at);
    this.pending = this.pending.subarray(at + 2);
    return line;
  }

  private finish(): boolean {
    if (this.current !== null) {
      this.current.body = Buffer.concat(this.pieces);
      this.answers.push(this.current);
    }
    this.current = null;
    this.state = 'head';
    return true;
  }

  private fail(reason: string): boolean {
    this.error = reason;
    return false;
  }
}
