// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { BodyCaps, ParsedBody } from '../parsed-body.ts';
import { Found } from './found.ts';
import { boundaryOf } from './multipart-boundary.ts';
import { nothingOdd, type OddThings } from './multipart-flags.ts';
import { type LineEnds, readPart } from './multipart-part.ts';

/**
 * Reads multipart/form-data (RFC 7578, RFC 2046 5.1). Goes on behind what is wrong with a part, so that rules see the
 * parts behind it as well.
 */
export function parseMultipart(contentType: ByteText, body: ByteText, caps: BodyCaps): ParsedBody {
  const found = new Found(caps);
  const odd = nothingOdd();
  const boundary = boundaryOf(contentType, odd, found);
  if (boundary !== null) readParts(body, `--${boundary}`, odd, found);
  return found.body('MULTIPART', Object.freeze(odd));
}

/** Where in the body the reader is. */
const BEFORE = 0;
const WITHIN = 1;
const AFTER = 2;

function readParts(body: ByteText, delimiter: ByteText, odd: OddThings, found: Found): void {
  const ends: LineEnds = { hasCrlf: false, hasLf: false };
  let place = BEFORE;
  let partFrom = 0;
  for (let at = body.indexOf(delimiter); at !== -1; at = body.indexOf(delimiter, at + delimiter.length)) {
    const lineEnd = lineEndBefore(body, at);
    const behind = at + delimiter.length;
    const isFinal = body.startsWith('--', behind);
    const next = lineBehind(body, isFinal ? behind + 2 : behind);
    const isLastByte = isFinal && behind + 2 === body.length;
    if (lineEnd === -1 || (next === -1 && !isLastByte)) {
      // In a line, or with something else behind it: data to us, a boundary to a reader that looks less closely.
      odd.unmatchedBoundary = true;
      if (lineEnd !== -1) found.fail(`a line that begins like a boundary (byte ${at})`);
      continue;
    }
    if (place === AFTER) {
      found.fail(`a boundary behind the last (byte ${at})`);
      break;
    }
    noteLineEnd(body, at, ends);
    if (!isLastByte) noteLineEnd(body, next, ends);
    if (place === BEFORE) odd.dataBefore = at > 0;
    else if (!endPart(body, partFrom, at - lineEnd, odd, found, ends)) break;
    place = isFinal ? AFTER : WITHIN;
    partFrom = isLastByte ? body.length : next;
  }
  if (place === BEFORE) {
    odd.unmatchedBoundary = true;
    odd.dataBefore = true;
    found.fail('has no boundary');
  } else if (place === AFTER) {
    odd.dataAfter = partFrom < body.length;
  } else if (found.hasRoom()) {
    found.fail('has no last boundary');
    readPart(body.slice(partFrom), odd, found, ends);
  }
  odd.lfLine = ends.hasLf;
  odd.crlfLfLines = ends.hasLf && ends.hasCrlf;
}

/** @param to  Behind the content, before the line end that belongs to the boundary. @returns  False when full. */
function endPart(body: ByteText, from: number, to: number, odd: OddThings, found: Found, ends: LineEnds): boolean {
  if (!found.hasRoom()) {
    odd.fileLimitExceeded = true;
    return false;
  }
  // The boundary's line end is that of the line before it: nothing between.
  readPart(body.slice(from, Math.max(from, to)), odd, found, ends);
  return true;
}

/** @returns  Length of the line end before `at`: 0 at the beginning, 1, 2; -1 where `at` begins no line. */
function lineEndBefore(body: ByteText, at: number): number {
  if (at === 0) return 0;
  if (body[at - 1] !== '\n') return -1;
  return body[at - 2] === '\r' ? 2 : 1;
}

/** @returns  Offset of the next line, where this one ends at `at`; -1 where it does not. */
function lineBehind(body: ByteText, at: number): number {
  if (body[at] === '\n') return at + 1;
  return body[at] === '\r' && body[at + 1] === '\n' ? at + 2 : -1;
}

/** @param at  Behind a line end, or 0. */
function noteLineEnd(body: ByteText, at: number, ends: LineEnds): void {
  if (at === 0) return;
  if (body[at - 2] === '\r') ends.hasCrlf = true;
  else ends.hasLf = true;
}
