import { type ByteText, bytesOf } from '../base/byte-text.ts';
import { parseVariables } from '../waf/seclang/variables.ts';
import type { AttackPayload } from './attack-payloads.ts';
import type { RecordedRequest } from './recorded-request.ts';

const BODY_FIELDS = new Set(['content-type', 'content-length', 'transfer-encoding', 'content-encoding']);

/**
 * An honest request with an attack in the place that an exclusion names.
 *
 * @param sample  Of the route: its path, its fields.
 * @param target  As an exclusion writes it.
 * @param name    A member of it, where it names more than one; null for none.
 */
export function placedAttack(
  sample: RecordedRequest,
  target: string,
  name: ByteText | null,
  { name: label, value }: AttackPayload,
): RecordedRequest {
  const [part] = parseVariables(target);
  const variable = part?.name ?? '';
  const member = name ?? (part?.selector?.kind === 'name' ? part.selector.text : 'q');
  const { method, target: asked, fields } = sample.request;
  const path = asked.split('?', 1)[0] ?? '/';
  const head = without(fields, (field) => BODY_FIELDS.has(field));
  const coded = encoded(value);
  const query = { target: `${path}?${encoded(member)}=${coded}`, fields: head, body: '' };
  const place = placeOf(variable);
  const form = (body: string, type: string): typeof query => ({
    target: path,
    fields: [...head, 'content-type', type, 'content-length', String(body.length)],
    body,
  });
  const placed = {
    query,
    names: { ...query, target: `${path}?${coded}=1` },
    path: { ...query, target: `${path.replace(/\/?$/, '/')}${coded}` },
    cookie: {
      ...query,
      target: path,
      fields: [...without(head, (field) => field === 'cookie'), 'cookie', `${member}=${value.replaceAll(';', '%3B')}`],
    },
    field: {
      ...query,
      target: path,
      fields: [...without(head, (field) => field === member.toLowerCase()), member, value],
    },
    xml: form(`<?xml version="1.0"?><a>${escaped(value)}</a>`, 'application/xml'),
    file: form(multipart(member, value), 'multipart/form-data; boundary=placed'),
    body: form(`q=${coded}`, 'application/x-www-form-urlencoded'),
  }[place];
  return {
    ...sample,
    id: `${label} in ${target}`,
    place: 'the list of the gateway',
    request: { method, target: placed.target, fields: placed.fields, body: bytesOf(placed.body) },
    body: placed.body === '' ? 'none' : 'whole',
    isDecoded: true,
    outcome: null,
    matches: null,
  };
}

type Place = 'query' | 'names' | 'path' | 'cookie' | 'field' | 'xml' | 'file' | 'body';

function placeOf(variable: string): Place {
  if (variable === 'XML') return 'xml';
  if (variable === 'REQUEST_COOKIES') return 'cookie';
  if (variable === 'REQUEST_HEADERS') return 'field';
  if (/^(?:FILES|MULTIPART)/.test(variable)) return 'file';
  if (/^(?:REQUEST_FILENAME|REQUEST_BASENAME|PATH_INFO)$/.test(variable)) return 'path';
  if (/^(?:REQUEST_BODY|FULL_REQUEST)/.test(variable)) return 'body';
  return variable.endsWith('_NAMES') ? 'names' : 'query';
}

function without(fields: readonly ByteText[], isOut: (lower: string) => boolean): ByteText[] {
  return fields.filter((_, index) => !isOut((fields[index - (index % 2)] as ByteText).toLowerCase()));
}

/** Each byte that is not plain, by its number. */
function encoded(text: ByteText): ByteText {
  return text.replaceAll(/[^A-Za-z0-9_.-]/g, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function escaped(text: ByteText): ByteText {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function multipart(name: ByteText, value: ByteText): ByteText {
  const quoted = (text: ByteText): ByteText => text.replaceAll(/["\r\n\\]/g, '_');
  const head = `content-disposition: form-data; name="${quoted(name)}"; filename="${quoted(value)}"`;
  return `--placed\r\n${head}\r\ncontent-type: text/plain\r\n\r\n${value}\r\n--placed--\r\n`;
}
