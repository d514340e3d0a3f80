import type { ByteText } from '../../../src/base/byte-text.ts';
import type { Payload, PayloadLists } from './payload-lists.ts';
import type { Probe } from './stage.ts';

/** A request around a payload. */
interface Carrier {
  readonly method: 'GET' | 'POST';
  readonly target: ByteText;
  readonly fields: readonly ByteText[];
  readonly body: ByteText;
}

/** Where a payload may stand in a request. */
export const PLACES = {
  'query value': (text) => get(`/shop/search?page=2&q=${percent(text)}`),
  'query value, barely encoded': (text) =>
    get(`/shop/search?q=${text.replaceAll(/[^!-~]|[#&+%]/g, percentByte)}&page=2`),
  'query name': (text) => get(`/shop/search?page=2&${percent(text)}=1`),
  'form value': (text) => post('application/x-www-form-urlencoded', `name=anna&comment=${form(text)}&age=41`),
  'form name': (text) => post('application/x-www-form-urlencoded', `name=anna&${form(text)}=on`),
  'JSON value': (text) => post('application/json', `{"name":"anna","tags":["a",${json(text)}],"age":41}`),
  'JSON key': (text) => post('application/json', `{"name":"anna",${json(text)}:{"on":true}}`),
  'XML text': (text) => post('application/xml', `<?xml version="1.0"?><order><note>${xml(text)}</note></order>`),
  'XML attribute': (text) => post('text/xml', `<?xml version="1.0"?><order note="${xml(text)}"><id>7</id></order>`),
  'multipart field': (text) => multipart('Content-Disposition: form-data; name="comment"\r\n', text),
  'multipart field name': (text) => multipart(`Content-Disposition: form-data; name="${quoted(text)}"\r\n`, 'on'),
  'multipart file name': (text) =>
    multipart(
      `Content-Disposition: form-data; name="upload"; filename="${quoted(text)}"\r\nContent-Type: text/plain\r\n`,
      'a file',
    ),
  'multipart file': (text) =>
    multipart('Content-Disposition: form-data; name="upload"; filename="a.txt"\r\nContent-Type: text/plain\r\n', text),
  'header X-Api-Version': (text) => get('/shop', [`X-Api-Version: ${line(text)}`]),
  'header Referer': (text) => get('/shop', [`Referer: https://shop.example/${line(text)}`]),
  'header User-Agent': (text) => get('/shop', [`User-Agent: ${line(text)}`]),
  'cookie value': (text) => get('/shop', [`Cookie: lang=en; note=${line(text).replaceAll(';', '%3b')}; id=7`]),
  'cookie name': (text) => get('/shop', [`Cookie: lang=en; ${line(text).replaceAll(/[;=]/g, '_')}=7`]),
  path: (text) => get(`/shop/${percent(text)}/edit`),
} satisfies Record<string, (text: ByteText) => Carrier>;

/** Values that are cut: longer ones say nothing new, and cost the oracle much. */
const TEXT_MAX = 2_000;

/**
 * Requests that carry payloads, each in some place: a quarter honest text, two fifths what tests try, the rest from
 * lists of attacks, each list as often as another.
 *
 * @param tests  What the rule set's own tests try.
 * @param seed  The same seed gives the same requests, and more of them begin with the same.
 * @returns  Named `17 JSON value sqli-misc`.
 */
export function payloadRequests(
  lists: PayloadLists,
  tests: readonly Payload[],
  count: number,
  seed: number,
): readonly Probe[] {
  const random = generator(seed);
  const places = Object.entries(PLACES);
  const pick = <T>(items: readonly T[]): T => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new Error('there is nothing to pick from');
    return item;
  };
  return Array.from({ length: count }, (_, index): Probe => {
    const kind = random();
    const payload = pick(kind < 0.25 ? lists.honest : kind < 0.65 ? tests : pick(lists.attacks));
    const [place, build] = pick(places);
    return { name: `${index} ${place} ${payload.list}`, bytes: bytesOf(build(payload.text.slice(0, TEXT_MAX))) };
  });
}

function bytesOf({ method, target, fields, body }: Carrier): Buffer {
  const has = (name: string): boolean => fields.some((field) => field.toLowerCase().startsWith(`${name}:`));
  const head = [
    `${method} ${target} HTTP/1.1`,
    'Host: shop.example',
    ...(has('user-agent')
      ? []
      : ['User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0']),
    'Accept: text/html,application/json;q=0.9,*/*;q=0.8',
    'Accept-Language: en-GB,en;q=0.5',
    ...fields,
    ...(method === 'POST' ? [`Content-Length: ${body.length}`] : []),
    'Connection: close',
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1');
}

function get(target: ByteText, fields: readonly ByteText[] = []): Carrier {
  return { method: 'GET', target, fields, body: '' };
}

function post(contentType: string, body: ByteText): Carrier {
  return { method: 'POST', target: '/shop/orders', fields: [`Content-Type: ${contentType}`], body };
}

function multipart(head: ByteText, content: ByteText): Carrier {
  const boundary = 'aXb2cYd4eZf6';
  const plain = `--${boundary}\r\nContent-Disposition: form-data; name="name"\r\n\r\nanna\r\n`;
  const body = `${plain}--${boundary}\r\n${head}\r\n${content}\r\n--${boundary}--\r\n`;
  return post(`multipart/form-data; boundary=${boundary}`, body);
}

function percentByte(char: string): string {
  return `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function percent(text: ByteText): ByteText {
  return text.replaceAll(/[^A-Za-z0-9\-_.~]/g, percentByte);
}

function form(text: ByteText): ByteText {
  return percent(text).replaceAll('%20', '+');
}

/** Bytes above ASCII as they are: some are no UTF-8, which a reader of JSON must bear. */
function json(text: ByteText): ByteText {
  return JSON.stringify(text);
}

function xml(text: ByteText): ByteText {
  const named = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
  // XML 1.0 has no way to write the other control characters, and raw bytes above ASCII would have to be UTF-8.
  return named.replaceAll(/[^\t\n\r -~]/g, ' ');
}

function quoted(text: ByteText): ByteText {
  return line(text).replaceAll('"', '%22');
}

/** What a line of a head can hold. */
function line(text: ByteText): ByteText {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them.
  return text.replaceAll(/[\x00-\x08\x0a-\x1f\x7f]/g, ' ').trim();
}

/** Mulberry32: small, and the same everywhere. @returns  Numbers from 0 to below 1. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
