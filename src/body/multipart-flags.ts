// hot path: synchronous, never throws
import type { MultipartFlags } from '../parsed-body.ts';

/** The flags while a body is read. */
export type OddThings = { -readonly [Name in keyof MultipartFlags]: boolean };

export function nothingOdd(): OddThings {
  return {
    boundaryQuoted: false,
    boundaryWhitespace: false,
    dataBefore: false,
    dataAfter: false,
    headerFolding: false,
    lfLine: false,
    crlfLfLines: false,
    missingSemicolon: false,
    invalidQuoting: false,
    invalidPart: false,
    invalidHeaderFolding: false,
    fileLimitExceeded: false,
    unmatchedBoundary: false,
  };
}
