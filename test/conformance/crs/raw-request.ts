import type { ByteText } from '../../../src/base/byte-text.ts';
import type { RequestFacts } from '../../../src/waf/inspection.ts';

/** A request as an engine wants it, or the status with which any server refuses it. */
export type RawRequest =
  | { readonly kind: 'request'; readonly facts: RequestFacts; readonly body: ByteText }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string };

/** What the bytes do not say. */
export type Connection = Pick<
  RequestFacts,
  'uniqueId' | 'clientAddress' | 'clientPort' | 'serverAddress' | 'serverPort' | 'startedAtMs'
>;

/**
 * Reads the bytes of one request without judging it: rules are tested with what a gateway would refuse. Only what has
 * no reading at all is refused: a request line without an HTTP/1 or later version, a field without a name.
 */
export function readRawRequest(bytes: Uint8Array, connection: Connection): RawRequest {
  const text = Buffer.from(bytes).toString('latin1');
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return refused('the head has no end');
  const [requestLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const parts = /^([^ ]+) +(.*[^ ]) +(HTTP\/[1-9](?:\.[0-9])?)$/s.exec(requestLine);
  const [, method, target, protocol] = parts ?? [];
  if (method === undefined || target === undefined || protocol === undefined) {
    return refused(`request line ${JSON.stringify(requestLine)}`);
  }
  const fields: ByteText[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) return refused(`field ${JSON.stringify(line)}`);
    fields.push(line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, ''));
  }
  const body = bodyOf(fields, text.slice(headEnd + 4));
  return { kind: 'request', facts: { ...connection, method, target, protocol, fields }, body };
}

function refused(reason: string): RawRequest {
  return { kind: 'refused', status: 400, reason };
}

/** What follows the head, as far as the head says that it is a body. */
function bodyOf(fields: readonly ByteText[], rest: ByteText): ByteText {
  if (/\bchunked$/i.test(fieldOf(fields, 'transfer-encoding'))) return unchunked(rest);
  const length = fieldOf(fields, 'content-length');
  return /^\d+$/.test(length) ? rest.slice(0, Number(length)) : '';
}

function fieldOf(fields: readonly ByteText[], name: string): ByteText {
  for (let i = 0; i < fields.length; i += 2) if (fields[i]?.toLowerCase() === name) return fields[i + 1] ?? '';
  return '';
}

function unchunked(rest: ByteText): ByteText {
  const pieces: ByteText[] = [];
  for (let at = 0; at < rest.length; ) {
    const lineEnd = rest.indexOf('\r\n', at);
    const size = Number.parseInt(rest.slice(at, lineEnd), 16);
    if (lineEnd === -1 || !(size > 0)) break;
    pieces.push(rest.slice(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return pieces.join('');
}
