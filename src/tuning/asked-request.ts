import { readFileSync } from 'node:fs';
import { type ByteText, bytesOf, byteTextOf, byteTextOfString } from '../base/byte-text.ts';
import { SallyportError } from '../errors.ts';

/** A request as somebody describes it. */
export interface AskedRequest {
  readonly method: ByteText;
  /** As in a request line. */
  readonly target: ByteText;
  /** Name, value, name, value. */
  readonly fields: readonly ByteText[];
  readonly body: Buffer;
}

export interface RequestFlags {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** `Name: value` each. */
  readonly header: readonly string[];
  readonly data?: string | undefined;
}

/**
 * From flags, as curl reads them: data makes a POST of a form unless a method or a Content-Type says otherwise.
 *
 * @throws  SallyportError SP_CONFIG for a URL or field that is none.
 */
export function requestOfFlags({ method, url = '/', header, data }: RequestFlags): AskedRequest {
  const { host, target } = partsOf(byteTextOfString(url));
  const fields = header.flatMap((line) => fieldOfLine(byteTextOfString(line)));
  const body = data === undefined ? Buffer.alloc(0) : dataOf(data);
  const has = (name: string): boolean => fields.some((text, index) => index % 2 === 0 && text.toLowerCase() === name);
  if (!has('host')) fields.unshift('Host', host);
  if (!has('user-agent')) fields.push('User-Agent', 'sallyport-waf-test');
  if (!has('accept')) fields.push('Accept', '*/*');
  if (data !== undefined) {
    if (!has('content-type')) fields.push('Content-Type', 'application/x-www-form-urlencoded');
    if (!has('content-length')) fields.push('Content-Length', String(body.length));
  }
  return { method: method ?? (data === undefined ? 'GET' : 'POST'), target, fields, body };
}

/**
 * From the bytes of a request: request line, fields, blank line, body. Lines may end with LF alone.
 *
 * @throws  SallyportError SP_CONFIG where there is no request line.
 */
export function requestOfBytes(bytes: Uint8Array): AskedRequest {
  const text = byteTextOf(bytes);
  const end = /\r?\n\r?\n/.exec(text);
  const [line = '', ...lines] = text.slice(0, end?.index ?? text.length).split(/\r?\n/);
  const [, method, target] = /^([!-~]+) +([!-~\x80-\xff]+)(?: +HTTP\/[0-9.]+)?$/.exec(line) ?? [];
  if (method === undefined || target === undefined) {
    throw new SallyportError('SP_CONFIG', 'the request does not begin with a request line such as GET / HTTP/1.1');
  }
  const rest = end === null ? '' : text.slice(end.index + end[0].length);
  const fields = lines.filter((one) => one !== '').flatMap(fieldOfLine);
  const isChunked = fields.some(
    (name, index) =>
      index % 2 === 0 && name.toLowerCase() === 'transfer-encoding' && /chunked/i.test(fields[index + 1] ?? ''),
  );
  return { method, target: partsOf(target).target, fields, body: bytesOf(isChunked ? withoutChunks(rest) : rest) };
}

/**
 * From an entry of an HTTP archive (HAR 1.2).
 *
 * @param index  Of the entry, from 0.
 * @throws  SallyportError SP_CONFIG for what is no archive, or has no such entry.
 */
export function requestOfArchive(text: string, index: number): AskedRequest {
  let archive: Archive;
  try {
    archive = JSON.parse(text) as Archive;
  } catch (error) {
    throw new SallyportError('SP_CONFIG', 'the archive is not JSON', {}, { cause: error });
  }
  const entries = archive.log?.entries ?? [];
  const request = entries[index]?.request;
  if (typeof request?.url !== 'string' || typeof request.method !== 'string') {
    throw new SallyportError('SP_CONFIG', `the archive has no request ${index}; it has ${entries.length} from 0`);
  }
  const fields = (request.headers ?? [])
    // HTTP/2 writes its request line as fields.
    .filter(({ name }) => !name.startsWith(':'))
    .flatMap(({ name, value }) => [byteTextOfString(name), byteTextOfString(value)]);
  const { host, target } = partsOf(byteTextOfString(request.url));
  if (!fields.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'host')) fields.unshift('host', host);
  return { method: request.method, target, fields, body: Buffer.from(request.postData?.text ?? '', 'utf8') };
}

interface Archive {
  readonly log?: {
    readonly entries?: readonly {
      readonly request?: {
        readonly method?: string;
        readonly url?: string;
        readonly headers?: readonly { readonly name: string; readonly value: string }[];
        readonly postData?: { readonly text?: string };
      };
    }[];
  };
}

/** `@FILE` stands for what is in it, as with curl. */
function dataOf(data: string): Buffer {
  if (!data.startsWith('@')) return Buffer.from(data, 'utf8');
  return readFileSync(data.slice(1));
}

/** Nothing of a target is normalised: rules see it as it is sent. @param url  Byte text. */
export function partsOf(url: ByteText): { host: ByteText; target: ByteText } {
  const [, host, rest = ''] = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)([^#]*)/.exec(url) ?? [];
  if (host === undefined) return { host: 'localhost', target: url.startsWith('/') ? url : `/${url}` };
  return { host, target: rest.startsWith('/') ? rest : `/${rest}` };
}

function fieldOfLine(line: ByteText): ByteText[] {
  const colon = line.indexOf(':');
  if (colon < 1) throw new SallyportError('SP_CONFIG', `${JSON.stringify(line)} is not a field; write Name: value`);
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}

function withoutChunks(text: ByteText): ByteText {
  const pieces: ByteText[] = [];
  let at = 0;
  for (;;) {
    const [line, size] = /^([0-9A-Fa-f]{1,8})[^\n]*\n/.exec(text.slice(at, at + 256)) ?? [];
    const length = Number.parseInt(size ?? '0', 16);
    if (line === undefined || length === 0) return pieces.join('');
    at += line.length;
    pieces.push(text.slice(at, at + length));
    at += length;
    if (text[at] === '\r') at += 1;
    if (text[at] === '\n') at += 1;
  }
}
