import { readdirSync, readFileSync } from 'node:fs';
import { type ByteText, byteTextOfString } from '../../src/base/byte-text.ts';
import type { AskedRequest } from '../../src/tuning/asked-request.ts';

/** A request of a list. */
export interface ListedRequest {
  /** Name of the file without its ending. */
  readonly subject: string;
  /** As it stands in the file. */
  readonly line: string;
  readonly request: AskedRequest;
}

/** Beside the sources, not beside what is compiled of them. */
const LISTS = new URL('../../../test/waf-baseline/', import.meta.url);

/**
 * The requests of all files of a folder. Each line is one; `#` begins a comment; `⏎` is a line end, `⇥` a tab.
 *
 * | line | request |
 * |---|---|
 * | `q:name value`, `f:name value` | an argument of the query, of a form |
 * | `j:a.b.0 value` | a string in JSON, at that path |
 * | `m:name value`, `u:name value` | a field of a multipart body, the name of a file in one |
 * | `x value`, `a value` | text of an XML element, value of an attribute |
 * | `h:Name value`, `c:name value` | a header field, a cookie |
 * | `p value` | a segment of the path |
 * | `G target` | GET of a target as it is written |
 * | `F body`, `J body`, `X body` | POST of a form, JSON, XML as it is written |
 * | `METHOD target`, behind it `⏎Name: value`, `⏎⏎body` | as it is written |
 */
export function listedRequests(folder: 'attacks' | 'honest'): ListedRequest[] {
  const files = readdirSync(new URL(folder, LISTS)).sort();
  return files.flatMap((file) => {
    const subject = file.replace(/\.txt$/, '');
    const lines = readFileSync(new URL(`${folder}/${file}`, LISTS), 'utf8').split('\n');
    const requests = lines.filter((line) => line !== '' && !line.startsWith('# '));
    return requests.map((line) => ({ subject, line, request: requestOfLine(line) }));
  });
}

/** Of a payload that stands in a file of its own, carried as an argument of a form. */
export function requestOfLine(line: string): AskedRequest {
  const [, carrier = '', name = '', text = ''] = /^([A-Za-z]+)(?::(\S+))? (.*)$/s.exec(line) ?? [];
  const value = text.replaceAll('⏎', '\n').replaceAll('⇥', '\t');
  return carried(carrier, name, value) ?? written(line);
}

/** Null for a line that is the request itself. */
function carried(carrier: string, name: string, value: string): AskedRequest | null {
  if (carrier === 'q') return get(`/search?${encodeURIComponent(name)}=${percentEncoded(value)}`);
  if (carrier === 'p') return get(`/items/${percentEncoded(value)}`);
  if (carrier === 'G') return get(value);
  if (carrier === 'h') return get('/', [name, value]);
  if (carrier === 'c') return get('/', ['Cookie', `first=1; ${name}=${value}; last=2`]);
  if (carrier === 'f') return post(FORM, `first=1&${encodeURIComponent(name)}=${percentEncoded(asTyped(value))}`);
  if (carrier === 'j') return post(JSON_TYPE, JSON.stringify(nested(name.split('.'), value)));
  if (carrier === 'm') return post(MULTIPART, multipart(`name="${name}"`, asTyped(value)));
  if (carrier === 'u') {
    const fileName = value.replaceAll('"', '\\"');
    return post(MULTIPART, multipart(`name="${name}"; filename="${fileName}"`, 'content'));
  }
  if (carrier === 'x') return post(XML, `<order><note>${xmlEncoded(value)}</note></order>`);
  if (carrier === 'a') return post(XML, `<order note="${xmlEncoded(value)}"/>`);
  if (carrier === 'F') return post(FORM, value);
  if (carrier === 'J') return post(JSON_TYPE, value);
  if (carrier === 'X') return post(XML, value);
  return null;
}

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';
const XML = 'application/xml';
const BOUNDARY = '----WebKitFormBoundary7MA4YWxkTrZu0gW';
const MULTIPART = `multipart/form-data; boundary=${BOUNDARY}`;

/** Fields of every request, unless it has its own. */
const BROWSER: readonly (readonly [string, string])[] = [
  ['Host', 'www.example.com'],
  ['User-Agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0'],
  ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ['Accept-Language', 'en-US,en;q=0.5'],
  ['Accept-Encoding', 'gzip, deflate, br'],
];

function get(target: string, field: readonly string[] = []): AskedRequest {
  return request('GET', target, field, '');
}

function post(type: string, body: string): AskedRequest {
  return request('POST', '/submit', ['Content-Type', type], body);
}

function written(line: string): AskedRequest {
  const [head = '', ...rest] = line.split('⏎⏎');
  const [first = '', ...fields] = head.split('⏎');
  const [method = '', target = ''] = first.split(' ');
  const parts = fields.flatMap((field) => [field.replace(/:.*$/, ''), field.replace(/^[^:]*: ?/, '')]);
  return request(method, target, parts, rest.join('⏎⏎').replaceAll('⏎', '\n'));
}

function request(method: string, target: string, own: readonly string[], body: string): AskedRequest {
  const has = (name: string): boolean => own.some((text, index) => index % 2 === 0 && text.toLowerCase() === name);
  const common = BROWSER.filter(([name]) => !has(name.toLowerCase())).flat();
  const bytes = Buffer.from(body, 'utf8');
  const length = bytes.length === 0 ? [] : ['Content-Length', String(bytes.length)];
  const fields: ByteText[] = [...common, ...own, ...length].map(byteTextOfString);
  return { method, target: byteTextOfString(target), fields, body: bytes };
}

function nested(path: readonly string[], value: string): unknown {
  return path.reduceRight<unknown>((inner, key) => (/^\d+$/.test(key) ? [inner] : { [key]: inner }), value);
}

function multipart(disposition: string, content: string): string {
  const head = `Content-Disposition: form-data; ${disposition}`;
  return `--${BOUNDARY}\r\n${head}\r\n\r\n${content}\r\n--${BOUNDARY}--\r\n`;
}

/** Browsers send the line ends of a text field as CRLF. */
function asTyped(value: string): string {
  return value.replaceAll('\n', '\r\n');
}

/** As browsers do, which leave some marks of SQL and JavaScript as they are. */
function percentEncoded(value: string): string {
  return encodeURIComponent(value).replaceAll("'", '%27');
}

function xmlEncoded(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
