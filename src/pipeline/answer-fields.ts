// hot path: synchronous, never throws
import { type ByteText, byteTextOf } from '../base/byte-text.ts';

/** @param head  `200 OK\r\nname: value\r\nname: value`. @returns  Name, value, name, value. */
export function fieldsOfHead(head: Uint8Array): ByteText[] {
  const fields: ByteText[] = [];
  const lines = byteTextOf(head).split('\r\n');
  for (let i = 1; i < lines.length; i += 1) {
    const line = lines[i] as ByteText;
    const colon = line.indexOf(':');
    if (colon > 0) fields.push(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}

/** @param name  Lower case. @returns  Values joined by `, `; '' for none. */
export function fieldOf(fields: readonly ByteText[], name: string): ByteText {
  let found = '';
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const other = fields[i] as ByteText;
    if (other.length !== name.length || other.toLowerCase() !== name) continue;
    found = found === '' ? (fields[i + 1] as ByteText) : `${found}, ${fields[i + 1]}`;
  }
  return found;
}
