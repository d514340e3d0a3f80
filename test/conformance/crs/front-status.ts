import type { ByteText } from '../../../src/base/byte-text.ts';
import type { RequestFacts } from '../../../src/waf/inspection.ts';

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Characters of a request target, RFC 9112 3.2 and RFC 3986: no fragment, no space, no backslash, no quotes. */
const TARGET = /^[!$%&'()*+,./0-9:;=?@A-Z[\]_a-z{|}~^`-]+$/;
/** RFC 9110 7.2: a registered name has percent sequences of what may stand in a host, or an address in brackets. */
const HOST = /^(?:[0-9A-Za-z._~!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(?::\d*)?$/;

/**
 * What a server answers by itself to a request whose form RFC 9112 does not allow: an engine has no server in front, so
 * that its tests ask here. Rules run all the same, as they do in servers that ask them first.
 *
 * @returns  400 for a request that is to be refused whatever its rules say; null for any other.
 */
export function frontStatus({ method, target, fields }: RequestFacts): 400 | null {
  const isWellFormed =
    TOKEN.test(method) &&
    (method === 'CONNECT' ? /^[^/?#]+:\d+$/.test(target) : TARGET.test(target)) &&
    named(fields, 'host').every((host) => HOST.test(host)) &&
    named(fields, 'content-length').every((length) => /^\d+$/.test(length)) &&
    // RFC 9112 2.2: a bare CR is an element of no field.
    fields.every((text) => !/[\r\n\0]/.test(text));
  return isWellFormed ? null : 400;
}

function named(fields: readonly ByteText[], name: string): ByteText[] {
  return fields.flatMap((field, i) => (i % 2 === 0 && field.toLowerCase() === name ? [fields[i + 1] ?? ''] : []));
}
