import { type ByteText, displayOf } from '../base/byte-text.ts';
import { shown } from './seclang/problems.ts';
import { SecLangError } from './seclang/reason.ts';

const EXPIRES = /^[ \t]*#[ \t]*expires[ \t]*:[ \t]*(.*?)[ \t\r]*$/i;
const COMMENT_OR_EMPTY = /^\s*(?:#|$)/;
/** RFC 3339 5.6, in capitals, with the time zone that it demands. */
const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const FORM = 'write it as 2026-12-31T00:00:00Z, or with an offset such as +01:00';

/**
 * When a patch ends: the comment `# expires: 2026-12-31T00:00:00Z` (RFC 3339) before its first directive.
 *
 * @param text      Of the file.
 * @param required  A file must have one.
 * @returns  Milliseconds since the epoch; null where it says nothing.
 * @throws  SecLangError with its place where it is malformed, repeated, behind a directive, or required and absent.
 */
export function expiryOf(text: ByteText, file: string, required: boolean): number | null {
  let found: { readonly atMs: number; readonly line: number } | null = null;
  let isTop = true;
  const lines = text.replace(/^\xef\xbb\xbf/, '').split('\n');
  for (const [index, content] of lines.entries()) {
    const line = index + 1;
    isTop &&= COMMENT_OR_EMPTY.test(content);
    const value = EXPIRES.exec(content)?.[1];
    if (value === undefined) continue;
    if (!isTop) refuse(file, line, 'expires stands behind a directive, where nobody would see it: move it to the top');
    if (found !== null) refuse(file, line, `expires stands in line ${found.line} already: keep one of the two`);
    found = { atMs: instantOf(value, file, line), line };
  }
  if (found === null && required) {
    refuse(file, 1, `a patch needs an end, as waf.patchesExpire asks: begin with "# expires:", ${FORM}`);
  }
  return found?.atMs ?? null;
}

function instantOf(value: ByteText, file: string, line: number): number {
  const [, year, month, day] = DATE_TIME.exec(value) ?? [];
  // Date.parse takes 31 February for a day of March.
  const isDay = day !== undefined && new Date(`${year}-${month}-${day}T00:00:00Z`).getUTCDate() === Number(day);
  const atMs = isDay ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(atMs)) refuse(file, line, `expires ${shown(displayOf(value))} is no time: ${FORM}`);
  return atMs;
}

function refuse(file: string, line: number, message: string): never {
  throw new SecLangError([{ place: { file, line }, ruleId: null, message }]);
}
