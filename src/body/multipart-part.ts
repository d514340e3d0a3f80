// hot path: synchronous, never throws
import { COLON } from '../base/ascii.ts';
import type { ByteText } from '../base/byte-text.ts';
import { PART_HEADERS_MAX } from '../limits.ts';
import { type Disposition, readDisposition } from './content-disposition.ts';
import type { Found } from './found.ts';
import type { OddThings } from './multipart-flags.ts';
import { endOfToken, trimSpace } from './parameters.ts';

/** How the lines of a body's frame end. */
export interface LineEnds {
  hasCrlf: boolean;
  hasLf: boolean;
}

/** Encodings that leave the content as it is (RFC 2045 6.2). Others are decoded by some readers, not by most. */
const PLAIN_ENCODINGS: ReadonlySet<ByteText> = new Set(['7bit', '8bit', 'binary']);

/**
 * Reads one part: header lines, an empty line, content.
 *
 * @param part  Without the boundary lines and the line end before the second.
 */
export function readPart(part: ByteText, odd: OddThings, found: Found, ends: LineEnds): void {
  const lines: ByteText[] = [];
  const contentFrom = readHeaderLines(part, lines, odd, found, ends);
  if (contentFrom === -1) {
    odd.invalidPart = true;
    found.fail('a part has no empty line behind its header');
  }
  const disposition = judgeLines(lines, odd, found);
  const name = disposition?.name ?? '';
  for (const line of lines) found.partHeaders.push({ part: name, line });
  const content = contentFrom === -1 ? '' : part.slice(contentFrom);
  const fileName = disposition?.fileName ?? '';
  // A form sends an empty file name where no file was chosen; the part is an argument then, as in ModSecurity.
  if (fileName === '') found.argument(name, content);
  else if (found.hasRoom()) found.files.push({ field: name, fileName, bytes: content.length, content });
}

/** @returns  Offset of the content; -1 without an empty line. Folded lines are put together. */
function readHeaderLines(part: ByteText, lines: ByteText[], odd: OddThings, found: Found, ends: LineEnds): number {
  for (let from = 0; from < part.length; ) {
    const lineFeed = part.indexOf('\n', from);
    const to = lineFeed === -1 ? part.length : lineFeed;
    const hasCr = lineFeed > from && part[lineFeed - 1] === '\r';
    if (lineFeed !== -1) {
      if (hasCr) ends.hasCrlf = true;
      else ends.hasLf = true;
    }
    const line = part.slice(from, hasCr ? to - 1 : to);
    if (line === '' && lineFeed !== -1) return lineFeed + 1;
    if (line.includes('\r') || line.includes('\0')) found.fail('a part header with a bare CR or a NUL');
    if (!line.startsWith(' ') && !line.startsWith('\t')) {
      lines.push(line);
    } else if (lines.length === 0) {
      odd.headerFolding = true;
      odd.invalidHeaderFolding = true;
      lines.push(line);
    } else {
      odd.headerFolding = true;
      lines.push((lines.pop() ?? '') + line);
    }
    if (lines.length > PART_HEADERS_MAX) {
      found.fail(`a part has more than ${PART_HEADERS_MAX} header lines`);
      return -1;
    }
    from = to + 1;
  }
  return -1;
}

/** @returns  The first Content-Disposition; null without one. */
function judgeLines(lines: readonly ByteText[], odd: OddThings, found: Found): Disposition | null {
  let first: Disposition | null = null;
  for (const line of lines) {
    const colon = endOfToken(line, 0);
    if (colon === 0 || line.charCodeAt(colon) !== COLON) {
      found.fail('a part header that has no name and colon');
      continue;
    }
    const name = line.slice(0, colon).toLowerCase();
    if (name === 'content-disposition') {
      if (first !== null) found.fail('a part has several Content-Disposition');
      const disposition = readDisposition(line.slice(colon + 1), odd, found);
      first ??= disposition;
    } else if (name === 'content-transfer-encoding') {
      const encoding = trimSpace(line.slice(colon + 1)).toLowerCase();
      if (!PLAIN_ENCODINGS.has(encoding)) found.fail('a part is encoded');
    } else if (name === 'content-type') {
      // Files in parts of parts: RFC 7578 4.3 has done away with it, old readers open them.
      if (/^[ \t]*multipart\//i.test(line.slice(colon + 1))) found.fail('a part is multipart itself');
    }
  }
  if (first === null) {
    odd.invalidPart = true;
    found.fail('a part has no Content-Disposition');
  }
  return first;
}
