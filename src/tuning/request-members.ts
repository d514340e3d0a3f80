import { type ByteText, byteTextOf } from '../base/byte-text.ts';
import { parseBody } from '../body/parse-body.ts';
import { parseQuery } from '../body/urlencoded.ts';
import type { ParsedBody } from '../parsed-body.ts';
import { fieldOf } from '../pipeline/answer-fields.ts';
import type { AskedRequest } from './asked-request.ts';

/** Names that are tried one by one. */
const NAMES_MAX = 256;
const CAPS = Object.freeze({ argumentsMax: 1_000, depthMax: 512 });

/**
 * Names of the members that a collection has in a request, each once; empty for variables without members.
 *
 * @param variable  `ARGS`.
 */
export function memberNames(request: AskedRequest, variable: string): readonly ByteText[] {
  const list = LISTS[variable];
  return list === undefined ? [] : [...new Set(list(request))].slice(0, NAMES_MAX);
}

const inQuery = ({ target }: AskedRequest): ByteText[] => {
  const at = target.indexOf('?');
  return at === -1 ? [] : parseQuery(target.slice(at + 1)).map(({ name }) => name);
};
const inBody = (request: AskedRequest): ByteText[] => bodyOf(request).arguments.map(({ name }) => name);
const inBoth = (request: AskedRequest): ByteText[] => [...inQuery(request), ...inBody(request)];
const fields = ({ fields: all }: AskedRequest): ByteText[] => all.filter((_, index) => index % 2 === 0);
const files = (request: AskedRequest): ByteText[] => bodyOf(request).files.map(({ field }) => field);
const cookies = ({ fields: all }: AskedRequest): ByteText[] =>
  fieldOf(all, 'cookie')
    .split(/[;,]/)
    .map((pair) => (pair.split('=', 1)[0] ?? '').trim());

const LISTS: Readonly<Record<string, (request: AskedRequest) => ByteText[]>> = {
  ARGS: inBoth,
  ARGS_NAMES: inBoth,
  ARGS_GET: inQuery,
  ARGS_GET_NAMES: inQuery,
  ARGS_POST: inBody,
  ARGS_POST_NAMES: inBody,
  FILES: files,
  FILES_NAMES: files,
  FILES_SIZES: files,
  FILES_TMP_CONTENT: files,
  MULTIPART_FILENAME: files,
  MULTIPART_NAME: files,
  MULTIPART_PART_HEADERS: (request) => bodyOf(request).partHeaders.map(({ part }) => part),
  REQUEST_COOKIES: cookies,
  REQUEST_COOKIES_NAMES: cookies,
  REQUEST_HEADERS: fields,
  REQUEST_HEADERS_NAMES: fields,
};

/** As rules see it, unless they choose another reader. */
function bodyOf({ fields: all, body }: AskedRequest): ParsedBody {
  const contentType = fieldOf(all, 'content-type');
  const type = contentType.toLowerCase();
  const isForm = type.startsWith('application/x-www-form-urlencoded');
  const processor = isForm ? 'URLENCODED' : type.startsWith('multipart/') ? 'MULTIPART' : 'JSON';
  return parseBody(processor, contentType, byteTextOf(body), CAPS);
}
