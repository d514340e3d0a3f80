import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONNECTION_OPTIONS_MAX, RESPONSE_FIELDS_MAX, RESPONSE_HEAD_BYTES_MAX } from '../../src/limits.ts';
import {
  FRAMING_CHUNKED,
  FRAMING_EOF,
  FRAMING_LENGTH,
  FRAMING_NONE,
  HEAD_INCOMPLETE,
  HEAD_INVALID,
  HEAD_TOO_LARGE,
  parseResponseHead,
  ResponseHead,
} from '../../src/upstream/response-head.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const clientHead = (head: ResponseHead): string => head.clientHead.toString('latin1', 0, head.clientHeadBytes);

/** Parses a head that must be valid and complete. Lines without their CRLF. */
function accept(lines: readonly string[], isHead = false): ResponseHead {
  const head = new ResponseHead();
  const input = bytes(`${lines.join('\r\n')}\r\n\r\n`);
  const next = parseResponseHead(head, input, 0, input.length, isHead);
  assert.equal(head.reason, '');
  assert.equal(next, input.length);
  return head;
}

/** @returns  Why these bytes are refused. */
function refusal(text: string, expected = HEAD_INVALID): string {
  const head = new ResponseHead();
  const input = bytes(text);
  assert.equal(parseResponseHead(head, input, 0, input.length, false), expected, JSON.stringify(text.slice(0, 120)));
  assert.equal(head.scanFrom, 0);
  return head.reason;
}

const OK = 'HTTP/1.1 200 OK';

describe('response head', () => {
  it('gives the client status, reason and every field that is not of this hop, byte for byte', () => {
    const head = accept([
      OK,
      'Content-Type: text/html',
      'Date: Mon, 06 Oct 2025 07:11:28 GMT',
      'X-A:1',
      'SERVER: x',
      'X-Powered-BY: x',
      'X-Request-ID: x',
      'Strict-Transport-Security: max-age=1',
      'Connection: keep-alive',
      'Keep-Alive: timeout=7, max=100',
      'Proxy-Connection: keep-alive',
      'Proxy-Authenticate: Basic',
      'Proxy-Authentication-Info: a=b',
      'TE: trailers',
      'Trailer: X-T',
      'Upgrade: h2c',
      'Content-Length: 12',
      'Set-Cookie: a=b',
      'set-cookie:  c=\xe9\t d  ',
    ]);
    assert.equal(
      clientHead(head),
      '200 OK\r\nContent-Type: text/html\r\nX-A:1\r\nSet-Cookie: a=b\r\nset-cookie:  c=\xe9\t d  ',
    );
    assert.equal(head.status, 200);
    assert.equal(head.framing, FRAMING_LENGTH);
    assert.equal(head.contentLength, 12);
    assert.equal(head.keepAlive, true);
    assert.equal(head.keepAliveTimeoutMs, 7_000);
    assert.equal(head.upgrade, false);
  });

  it('leaves a status line alone when no field is kept', () => {
    assert.equal(clientHead(accept(['HTTP/1.1 204 '])), '204 ');
    assert.equal(clientHead(accept(['HTTP/1.1 200 Fine  thanks\t\xff', 'Date: x'])), '200 Fine  thanks\t\xff');
  });

  it('frames by method and status (RFC 9112 6.3)', () => {
    assert.equal(accept([OK]).framing, FRAMING_EOF);
    assert.equal(accept([OK, 'Content-Length: 0']).framing, FRAMING_LENGTH);
    assert.equal(accept([OK, 'Transfer-Encoding:  ChunKed ']).framing, FRAMING_CHUNKED);
    for (const status of [100, 101, 103, 199]) assert.equal(accept([`HTTP/1.1 ${status} x`]).framing, FRAMING_NONE);
    for (const status of [204, 304]) {
      const head = accept([`HTTP/1.1 ${status} x`, 'Content-Length: 9']);
      assert.equal(head.framing, FRAMING_NONE);
      assert.equal(head.contentLength, 9);
    }
    const toHead = accept([OK, 'Content-Length: 9007199254740991'], true);
    assert.equal(toHead.framing, FRAMING_NONE);
    assert.equal(toHead.contentLength, Number.MAX_SAFE_INTEGER);
    assert.equal(accept([OK, 'Transfer-Encoding: chunked'], true).framing, FRAMING_NONE);
    assert.equal(accept([OK], true).contentLength, -1);
  });

  it('keeps a connection only where nothing speaks against it', () => {
    const kept = (...lines: string[]): boolean => accept(lines).keepAlive;
    assert.equal(kept(OK, 'Content-Length: 0'), true);
    assert.equal(kept(OK, 'Transfer-Encoding: chunked'), true);
    assert.equal(kept(OK, 'Content-Length: 0', 'Connection: Keep-Alive, x'), true);
    assert.equal(kept(OK, 'Content-Length: 0', 'Connection: CLOSE'), false);
    assert.equal(kept(OK, 'Content-Length: 0', 'Connection: keep-alive', 'Connection: ,x ,\tclose\t,'), false);
    assert.equal(kept(OK, 'Content-Length: 0', 'Connection: keep-alive; timeout=1'), false, 'no token');
    assert.equal(kept(OK, 'Content-Length: 0', 'Proxy-Connection: close'), false);
    assert.equal(clientHead(accept([OK, 'Proxy-Connection: x', 'X: 1'])), '200 OK\r\nX: 1', 'names nothing');
    assert.equal(kept('HTTP/1.0 200 OK', 'Content-Length: 0', 'Connection: keep-alive'), false);
    assert.equal(kept(OK), false, 'ends with the connection');
    assert.equal(kept('HTTP/1.1 204 x'), true);
    assert.equal(kept('HTTP/1.1 204 x', 'Content-Length: 0'), true);
    assert.equal(kept('HTTP/1.1 204 x', 'Content-Length: 5'), false, 'the body may follow');
    assert.equal(kept('HTTP/1.1 204 x', 'Transfer-Encoding: chunked'), false, 'the body may follow');
    assert.equal(kept('HTTP/1.1 304 x', 'Content-Length: 5'), true);
    const switched = accept(['HTTP/1.1 101 x', 'Connection: upgrade', 'Upgrade: websocket']);
    assert.equal(switched.keepAlive, false);
    assert.equal(switched.upgrade, true);
  });

  it('reads the Keep-Alive hint, the shortest of several', () => {
    const hint = (...values: string[]): number =>
      accept([OK, ...values.map((value) => `Keep-Alive: ${value}`)]).keepAliveTimeoutMs;
    assert.equal(hint('timeout=5'), 5_000);
    assert.equal(hint('max=3 ,\tTimeOut=0'), 0);
    assert.equal(hint('timeout=30', 'timeout=4', 'timeout=20'), 4_000);
    assert.equal(hint('timeout=99999999999999999999999999'), 2_147_483_000);
    for (const value of ['', 'timeout', 'timeout=', 'timeout=-1', 'timeout=5s', 'timeout="5"', 'timeouts=5', 'x=1']) {
      assert.equal(hint(value), -1, value);
    }
  });

  it('removes fields that Connection names, before and after it, but none that security rests on', () => {
    const head = accept([
      OK,
      'X-Hop: 1',
      'X-Hopp: 2',
      'Connection: x-hop, Set-Cookie, Content-Length, content-security-policy, close',
      'X-HOP: 3',
      'Set-Cookie: a=b',
      'Content-Security-Policy: x',
      'Connection:\tX-Other ,, X-Frame-Options',
      'x-other: 4',
      'X-Frame-Options: DENY',
      'Content-Length: 3',
      'Last: 5',
    ]);
    assert.equal(
      clientHead(head),
      '200 OK\r\nX-Hopp: 2\r\nSet-Cookie: a=b\r\nContent-Security-Policy: x\r\n' + 'X-Frame-Options: DENY\r\nLast: 5',
    );
    assert.equal(head.contentLength, 3);
    assert.equal(head.keepAlive, false);
  });

  it('tells keep-alive from names that end like it', () => {
    const head = accept([OK, 'Connection:xkeep-alive', 'XKeep-Alive: 1', 'Content-Length: 0']);
    assert.equal(clientHead(head), '200 OK');
    assert.equal(clientHead(accept([OK, 'Connection: keep-alive', 'XKeep-Alive: 1'])), '200 OK\r\nXKeep-Alive: 1');
  });

  it('bounds the names in Connection', () => {
    const names = Array.from({ length: CONNECTION_OPTIONS_MAX }, (_, n) => `x-${n}`);
    assert.equal(clientHead(accept([OK, `Connection: ${names.join()}`, 'X-31: 1', 'X-32: 2'])), '200 OK\r\nX-32: 2');
    assert.equal(refusal(`${OK}\r\nConnection: ${names.join()},x\r\n\r\n`), 'too many names in Connection');
  });

  it('refuses, and says why', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['\r\nHTTP/1.1 200 OK\r\n\r\n', 'not an HTTP/1 status line'],
      ['\n', 'not an HTTP/1 status line'],
      [' HTTP/1.1 200 OK\r\n\r\n', 'not an HTTP/1 status line'],
      ['http/1.1 200 OK\r\n\r\n', 'not an HTTP/1 status line'],
      ['HTTP/2', 'not an HTTP/1 status line'],
      ['ICY 200 OK\r\n\r\n', 'not an HTTP/1 status line'],
      ['SSH-2.0', 'not an HTTP/1 status line'],
      ['HTTP/1.2 200 OK\r\n\r\n', 'HTTP version is neither 1.0 nor 1.1'],
      ['HTTP/1. 200 OK\r\n\r\n', 'HTTP version is neither 1.0 nor 1.1'],
      ['HTTP/1.10 200 OK\r\n\r\n', 'no space after the HTTP version'],
      ['HTTP/1.1\t200 OK\r\n\r\n', 'no space after the HTTP version'],
      ['HTTP/1.1  200 OK\r\n\r\n', 'status is not three digits'],
      ['HTTP/1.1 2x0 OK\r\n\r\n', 'status is not three digits'],
      ['HTTP/1.1 +20 OK\r\n\r\n', 'status is not three digits'],
      ['HTTP/1.1 20 OK\r\n\r\n', 'status is not three digits'],
      ['HTTP/1.1 099 OK\r\n\r\n', 'status is not within 100-599'],
      ['HTTP/1.1 600 OK\r\n\r\n', 'status is not within 100-599'],
      ['HTTP/1.1 2000 OK\r\n\r\n', 'no space after the status'],
      ['HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', 'no space after the status'],
      ['HTTP/1.1 200\tOK\r\n\r\n', 'no space after the status'],
      ['HTTP/1.1 200 O\0K\r\n\r\n', 'forbidden byte in the reason phrase'],
      ['HTTP/1.1 200 O\x7fK\r\n\r\n', 'forbidden byte in the reason phrase'],
      ['HTTP/1.1 200 O\x1bK\r\n\r\n', 'forbidden byte in the reason phrase'],
      ['HTTP/1.1 200 OK\nA: b\r\n\r\n', 'bare LF'],
      ['HTTP/1.1 200 OK\rA: b\r\n\r\n', 'bare CR after the reason phrase'],
      ['HTTP/1.1 200 OK\r\rA: b\r\n\r\n', 'bare CR after the reason phrase'],
      [`${OK}\r\nA: b\nC: d\r\n\r\n`, 'bare LF'],
      [`${OK}\r\nA: b\rC: d\r\n\r\n`, 'bare CR'],
      [`${OK}\r\nA: b\r\r\n\r\n`, 'bare CR'],
      [`${OK}\r\nA: b\r\n\n`, 'bare LF'],
      [`${OK}\r\nA: b\r\n\rX`, 'bare CR'],
      [`${OK}\r\nA\nB: c\r\n\r\n`, 'bare LF'],
      [`${OK}\r\nA: b\r\n c\r\n\r\n`, 'folded line'],
      [`${OK}\r\n\tA: b\r\n\r\n`, 'folded line'],
      [`${OK}\r\nA : b\r\n\r\n`, 'white space in or after a field name'],
      [`${OK}\r\nA\t: b\r\n\r\n`, 'white space in or after a field name'],
      [`${OK}\r\nA B: c\r\n\r\n`, 'white space in or after a field name'],
      [`${OK}\r\nA\r\n\r\n`, 'field line without a colon'],
      [`${OK}\r\n: b\r\n\r\n`, 'empty field name'],
      [`${OK}\r\nA\0: b\r\n\r\n`, 'forbidden byte in a field name'],
      [`${OK}\r\nA(: b\r\n\r\n`, 'forbidden byte in a field name'],
      [`${OK}\r\n\xe9: b\r\n\r\n`, 'forbidden byte in a field name'],
      [`${OK}\r\nA: b\0c\r\n\r\n`, 'forbidden byte in a field value'],
      [`${OK}\r\nA: b\x7f\r\n\r\n`, 'forbidden byte in a field value'],
      [`${OK}\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n`, 'repeated Content-Length'],
      [`${OK}\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\n`, 'repeated Content-Length'],
      [`${OK}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`, 'Content-Length with Transfer-Encoding'],
      [`${OK}\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n`, 'Content-Length with Transfer-Encoding'],
      [`${OK}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`, 'repeated Transfer-Encoding'],
      ['HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'Transfer-Encoding on HTTP/1.0'],
      ['HTTP/1.1 100 x\r\nTransfer-Encoding: chunked\r\n\r\n', 'body on an interim answer'],
      ['HTTP/1.1 103 x\r\nContent-Length: 1\r\n\r\n', 'body on an interim answer'],
      ['HTTP/1.1 100 x\r\nConnection: close\r\n\r\n', 'interim answer that ends the connection'],
      ['HTTP/1.0 103 x\r\n\r\n', 'interim answer that ends the connection'],
    ];
    for (const [text, reason] of cases) assert.equal(refusal(text), reason, JSON.stringify(text));
    assert.equal(cases.length, 54);
  });

  it('refuses every control byte but HTAB wherever it stands in a value', () => {
    for (let byte = 0; byte < 256; byte += 1) {
      for (let before = 0; before < 9; before += 1) {
        const text = `${OK}\r\nA: ${'x'.repeat(before)}${String.fromCharCode(byte)}yyyyyyyyyyy\r\n\r\n`;
        const head = new ResponseHead();
        const valid = byte === 9 || (byte >= 32 && byte !== 127);
        const next = parseResponseHead(head, bytes(text), 0, text.length, false);
        assert.equal(next, valid ? text.length : HEAD_INVALID, `byte ${byte} after ${before}`);
      }
    }
  });

  it('takes only plain decimal Content-Length', () => {
    const bad = ['', ' ', '+5', '-5', '5, 5', '5,', '0x5', '5 5', '5\t', '\t5', '5.0', '1e3', '\xb2', '5;'];
    bad.push('9007199254740992', '9999999999999999', '00000000000000005', '18446744073709551621');
    for (const value of bad) {
      assert.equal(refusal(`${OK}\r\nContent-Length:${value}\r\n\r\n`), 'malformed Content-Length', value);
    }
    assert.equal(accept([OK, 'Content-Length:  0000000000000005  ']).contentLength, 5);
  });

  it('takes only chunked as Transfer-Encoding', () => {
    const bad = [
      '',
      'identity',
      'gzip, chunked',
      'chunked, chunked',
      'chunked,',
      'chunked;a=b',
      '"chunked"',
      'xchunked',
    ];
    bad.push('\tchunked', 'chunked\t', 'chunked\x0b', 'chunke', 'c hunked');
    for (const value of bad) {
      const reason = value.endsWith('\x0b') ? 'forbidden byte in a field value' : 'Transfer-Encoding is not chunked';
      assert.equal(refusal(`${OK}\r\nTransfer-Encoding: ${value}\r\n\r\n`), reason, value);
    }
  });

  it('bounds fields and bytes', () => {
    const fields = (count: number): string => `${OK}\r\n${'A: b\r\n'.repeat(count)}\r\n`;
    assert.equal(accept([OK, ...Array<string>(RESPONSE_FIELDS_MAX).fill('A: b')]).fieldCount, RESPONSE_FIELDS_MAX);
    assert.equal(refusal(fields(RESPONSE_FIELDS_MAX + 1), HEAD_TOO_LARGE), 'too many fields');

    const padded = (size: number): string => `${OK}\r\nA: ${'x'.repeat(size - OK.length - 9)}\r\n\r\n`;
    const largest = padded(RESPONSE_HEAD_BYTES_MAX);
    const head = new ResponseHead();
    assert.equal(parseResponseHead(head, bytes(largest), 0, largest.length, false), RESPONSE_HEAD_BYTES_MAX);
    assert.equal(clientHead(head), largest.slice(9, -4));
    assert.equal(refusal(padded(RESPONSE_HEAD_BYTES_MAX + 1), HEAD_TOO_LARGE), 'head too large');
    assert.equal(refusal(largest.slice(0, -4).padEnd(RESPONSE_HEAD_BYTES_MAX, 'x'), HEAD_TOO_LARGE), 'head too large');
    assert.equal(refusal(`HTTP/1.1 200 ${'x'.repeat(RESPONSE_HEAD_BYTES_MAX)}`, HEAD_TOO_LARGE), 'head too large');
    assert.equal(refusal(`${OK}\r\n${'x'.repeat(RESPONSE_HEAD_BYTES_MAX)}`, HEAD_TOO_LARGE), 'head too large');
  });

  it('stops at the blank line and starts anywhere in a buffer', () => {
    const head = new ResponseHead();
    const one = `${OK}\r\nContent-Length: 3\r\nA: 1\r\n\r\n`;
    const two = 'HTTP/1.1 404 Not Found\r\nB: 2\r\nContent-Length: 0\r\n\r\n';
    const input = bytes(`junk${one}abc${two}`);
    const body = parseResponseHead(head, input, 4, input.length, false);
    assert.equal(body, 4 + one.length);
    assert.equal(clientHead(head), '200 OK\r\nA: 1');
    assert.equal(parseResponseHead(head, input, body + 3, input.length, false), input.length);
    assert.equal(clientHead(head), '404 Not Found\r\nB: 2');
    assert.equal(head.contentLength, 0);
  });

  it('gives the same result byte by byte, in a new buffer at another offset each time', () => {
    const text = `${OK}\r\nA: 1\r\nConnection: x-a\r\nX-A: 2\r\nDate: x\r\nTransfer-Encoding: chunked\r\nB: \r\n\r\n`;
    const head = new ResponseHead();
    for (let size = 0; size < text.length; size += 1) {
      const input = bytes('?'.repeat(size % 5) + text.slice(0, size));
      assert.equal(parseResponseHead(head, input, size % 5, input.length, false), HEAD_INCOMPLETE);
      assert.ok(size - head.scanFrom <= 1, 'nothing but a CR is looked at again');
    }
    assert.equal(parseResponseHead(head, bytes(text), 0, text.length, false), text.length);
    assert.equal(clientHead(head), '200 OK\r\nA: 1\r\nB: ');
    assert.equal(head.framing, FRAMING_CHUNKED);
    assert.equal(head.scanFrom, 0);
  });

  it('refuses garbage with its first byte, not at the end of a head', () => {
    const head = new ResponseHead();
    const text = 'HTTP/1.1 200 OK\r\nA: b\0';
    for (let size = 1; size < text.length; size += 1) {
      assert.equal(parseResponseHead(head, bytes(text), 0, size, false), HEAD_INCOMPLETE);
    }
    assert.equal(parseResponseHead(head, bytes(text), 0, text.length, false), HEAD_INVALID);
    for (const first of ['X', 'HX', 'HTTP/1.1 9', 'HTTP/1.1 200X']) {
      assert.equal(parseResponseHead(head, bytes(first), 0, first.length, false), HEAD_INVALID, first);
    }
  });

  it('reads a head of the largest size byte by byte in linear time', () => {
    const input = bytes(`${OK}\r\nA: ${'x'.repeat(RESPONSE_HEAD_BYTES_MAX - 24)}\r\n\r\n`);
    const head = new ResponseHead();
    const before = process.cpuUsage();
    for (let size = 1; size < input.length; size += 1) {
      assert.equal(parseResponseHead(head, input, 0, size, false), HEAD_INCOMPLETE);
    }
    assert.equal(parseResponseHead(head, input, 0, input.length, false), input.length);
    // Quadratic work would be 2,147 million byte tests: seconds. Linear is 20 ms.
    assert.ok(process.cpuUsage(before).user < 1_000_000);
  });

  it('forgets a head that has begun when it is reset', () => {
    const head = new ResponseHead();
    const begun = bytes('HTTP/1.1 500 Internal\r\nSet-Cookie: a\r\nContent-Len');
    assert.equal(parseResponseHead(head, begun, 0, begun.length, false), HEAD_INCOMPLETE);
    assert.ok(head.scanFrom > 0);
    head.reset();
    const next = bytes(`${OK}\r\nContent-Length: 1\r\n\r\n`);
    assert.equal(parseResponseHead(head, next, 0, next.length, false), next.length);
    assert.equal(clientHead(head), '200 OK');
    assert.equal(head.contentLength, 1);
  });

  it('recognises a head that comes again, and no other', () => {
    const head = new ResponseHead();
    const parse = (text: string, isHead = false): ResponseHead => {
      assert.equal(parseResponseHead(head, bytes(text), 0, text.length, isHead), text.length);
      return head;
    };
    const a = `${OK}\r\nContent-Length: 11\r\nX: 1\r\n\r\n`;
    const b = `${OK}\r\nContent-Length: 12\r\nX: 1\r\n\r\n`;
    for (let round = 0; round < 40; round += 1) {
      assert.equal(parse(a).contentLength, 11);
      assert.equal(parse(a).contentLength, 11);
      assert.equal(head.framing, FRAMING_LENGTH);
      assert.equal(parse(a, true).framing, FRAMING_NONE);
      assert.equal(parse(a).framing, FRAMING_LENGTH);
      assert.equal(parse(b).contentLength, 12);
      assert.equal(parse(`${OK}\r\nSet-Cookie: ${round}\r\n\r\n`).contentLength, -1);
      assert.equal(clientHead(head), `200 OK\r\nSet-Cookie: ${round}`);
    }
  });

  it('does not take the head before a failed or abandoned one for the last', () => {
    const head = new ResponseHead();
    const good = bytes(`${OK}\r\nX: 1\r\nContent-Length: 4\r\n\r\n`);
    const bad = bytes(`${OK}\r\nY: 2\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n`);
    for (const [input, expected] of [
      [bad, HEAD_INVALID],
      [bad.subarray(0, 40), HEAD_INCOMPLETE],
    ] as const) {
      assert.equal(parseResponseHead(head, good, 0, good.length, false), good.length);
      assert.equal(parseResponseHead(head, input, 0, input.length, false), expected);
      head.reset();
      assert.equal(parseResponseHead(head, good, 0, good.length, false), good.length);
      assert.equal(clientHead(head), '200 OK\r\nX: 1');
      assert.equal(head.contentLength, 4);
      assert.equal(head.reason, '');
    }
  });

  it('appends fields of the gateway, once, growing its room', () => {
    const text = `${OK}\r\nX: ${'x'.repeat(2_000)}\r\nContent-Length: 0\r\n\r\n`;
    const head = new ResponseHead();
    const added = bytes(`\r\ny: ${'y'.repeat(3_000)}`);
    for (let round = 0; round < 3; round += 1) {
      assert.equal(parseResponseHead(head, bytes(text), 0, text.length, false), text.length);
      const size = head.append(added);
      assert.equal(
        head.clientHead.toString('latin1', 0, size),
        `200 OK\r\nX: ${'x'.repeat(2_000)}${added.toString('latin1')}`,
      );
      assert.equal(head.clientHeadBytes, size - added.length);
    }
  });
});
