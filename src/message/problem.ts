// hot path: synchronous, never throws
import { STATUS_CODES } from 'node:http';
import { FIELD_BYTES, TOKEN_BYTES } from '../base/ascii.ts';
import { ERROR_CODES, ERRORS, type ErrorCode, problemSlug } from '../errors.ts';
import type { Refusal } from '../verdict.ts';

/** A refusal as it goes to the client. */
export interface ProblemAnswer {
  readonly status: number;
  /** `403 Forbidden\r\nname: value`: status and fields without the last CRLF; no framing fields, no Date. */
  readonly head: Buffer;
  /** UTF-8 JSON. */
  readonly body: Buffer;
}

/**
 * Builds the problem documents (RFC 9457) of all codes; a request adds its id, and what its refusal says of it.
 *
 * `instance` is left out: there is nothing to fetch under it; `request_id` finds the request in the log.
 *
 * @param typeBase  Text before the problem's name in `type`: `urn:problem-type:gateway:`.
 * @returns A function `(refusal, requestId) => answer`. Codes that no client is ever told of (status 0) come out as
 *          SP_INTERNAL. A pair of `refusal.fields` that cannot be a header field is left out: the refusal matters more.
 */
export function compileProblems(typeBase: string): (refusal: Refusal, requestId: string) => ProblemAnswer {
  const templates = new Map<ErrorCode, Template>();
  const others = new Map<string, Template>();
  const templateAs = (code: ErrorCode, status: number): Template => {
    const name = `${status} ${code}`;
    let template = others.get(name);
    if (template === undefined) {
      template = templateOf(code, typeBase, status);
      others.set(name, template);
    }
    return template;
  };
  for (const code of ERROR_CODES)
    templates.set(code, templateOf(ERRORS[code].status === 0 ? 'SP_INTERNAL' : code, typeBase));
  return (refusal, requestId) => {
    const { detail, status, code } = refusal;
    const template = status === undefined ? (templates.get(code) as Template) : templateAs(code, status);
    const fields = fieldLine('x-request-id', requestId) + fieldLines(refusal.fields);
    const words = detail === undefined ? template.detail : JSON.stringify(detail);
    return {
      status: template.status,
      head: Buffer.from(template.head + fields, 'latin1'),
      body: Buffer.from(`${template.body}${words}${membersOf(refusal)},"request_id":${JSON.stringify(requestId)}}\n`),
    };
  };
}

function membersOf({ members }: Refusal): string {
  return members === undefined ? '' : `,${members}`;
}

interface Template {
  readonly status: number;
  readonly head: string;
  /** Up to and with `"detail":`. */
  readonly body: string;
  /** The table's own detail as JSON. */
  readonly detail: string;
}

/** RFC 9110 renamed two; node:http keeps the older words. */
const RENAMED: Readonly<Record<number, string>> = { 413: 'Content Too Large', 422: 'Unprocessable Content' };

function templateOf(code: ErrorCode, typeBase: string, as?: number): Template {
  const { title, detail } = ERRORS[code];
  const status = as ?? ERRORS[code].status;
  const reason = RENAMED[status] ?? STATUS_CODES[status] ?? 'Refused';
  const constant = JSON.stringify({ type: typeBase + problemSlug(code), title, status });
  return {
    status,
    head: `${status} ${reason}\r\ncontent-type: application/problem+json\r\ncache-control: no-store`,
    body: `${constant.slice(0, -1)},"detail":`,
    detail: JSON.stringify(detail),
  };
}

function fieldLines(fields: readonly string[] | undefined): string {
  if (fields === undefined) return '';
  let lines = '';
  for (let i = 0; i + 1 < fields.length; i += 2) lines += fieldLine(fields[i] as string, fields[i + 1] as string);
  return lines;
}

function fieldLine(name: string, value: string): string {
  if (name === '' || value === '' || !consistsOf(TOKEN_BYTES, name) || !consistsOf(FIELD_BYTES, value)) return '';
  return `\r\n${name}: ${value}`;
}

/** ASCII of the table only: a head is written byte by character, where others would be cut to their low byte. */
function consistsOf(table: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 127 || table[code] !== 1) return false;
  }
  return true;
}
