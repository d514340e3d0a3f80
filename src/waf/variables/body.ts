// hot path: synchronous, never throws
import type { MultipartFlags } from '../../parsed-body.ts';
import { type Entry, NO_ENTRIES } from '../entry.ts';
import type { RequestState } from '../state.ts';
import { collection, scalar, type Variable } from '../variable.ts';

const flag = (is: (flags: MultipartFlags) => boolean): Variable =>
  scalar(({ parsed }) => (parsed !== null && parsed.multipart !== null && is(parsed.multipart) ? '1' : '0'));

/** The body of the request: its bytes, its files and parts, and what was wrong with it. */
export const BODY_VARIABLES: Readonly<Record<string, Variable>> = {
  REQUEST_BODY: scalar((state) => (showsBody(state) ? (state.body ?? '') : '')),
  REQUEST_BODY_LENGTH: scalar(({ body }) => String(body?.length ?? 0)),
  FULL_REQUEST: scalar((state) => `${headText(state)}${state.body ?? ''}`),
  FULL_REQUEST_LENGTH: scalar((state) => String(headText(state).length + (state.body?.length ?? 0))),
  INBOUND_DATA_ERROR: scalar(({ isBodyPartial }) => (isBodyPartial ? '1' : '0')),
  REQBODY_PROCESSOR: scalar((state) => state.processor),
  REQBODY_ERROR: scalar(({ parsed }) => (isBroken(parsed?.error) ? '1' : '0')),
  REQBODY_ERROR_MSG: scalar(({ parsed }) => parsed?.error ?? ''),
  REQBODY_PROCESSOR_ERROR: scalar(({ parsed }) => (isBroken(parsed?.error) ? '1' : '0')),
  REQBODY_PROCESSOR_ERROR_MSG: scalar(({ parsed }) => parsed?.error ?? ''),
  URLENCODED_ERROR: scalar((state) => (isInvalidlyEncoded(state) ? '1' : '0')),

  FILES: files(({ field, fileName }) => ({ name: field, value: fileName })),
  FILES_NAMES: files(({ field }) => ({ name: field, value: field })),
  FILES_SIZES: files(({ field, bytes }) => ({ name: field, value: String(bytes) })),
  FILES_TMP_CONTENT: files(({ field, content }) => ({ name: field, value: content })),
  FILES_COMBINED_SIZE: scalar(({ parsed }) => String(sumOfFiles(parsed?.files ?? []))),
  /** Nothing is written to disk: always empty. */
  FILES_TMPNAMES: collection(() => NO_ENTRIES),
  MULTIPART_FILENAME: files(({ field, fileName }) => ({ name: field, value: fileName })),
  MULTIPART_NAME: files(({ field }) => ({ name: field, value: field })),
  MULTIPART_PART_HEADERS: collection(
    ({ parsed }) => parsed?.partHeaders.map(({ part, line }) => ({ name: part, value: line })) ?? NO_ENTRIES,
  ),

  MULTIPART_BOUNDARY_QUOTED: flag((flags) => flags.boundaryQuoted),
  MULTIPART_BOUNDARY_WHITESPACE: flag((flags) => flags.boundaryWhitespace),
  MULTIPART_DATA_BEFORE: flag((flags) => flags.dataBefore),
  MULTIPART_DATA_AFTER: flag((flags) => flags.dataAfter),
  MULTIPART_HEADER_FOLDING: flag((flags) => flags.headerFolding),
  MULTIPART_LF_LINE: flag((flags) => flags.lfLine),
  MULTIPART_CRLF_LF_LINES: flag((flags) => flags.crlfLfLines),
  MULTIPART_MISSING_SEMICOLON: flag((flags) => flags.missingSemicolon),
  MULTIPART_SEMICOLON_MISSING: flag((flags) => flags.missingSemicolon),
  MULTIPART_INVALID_QUOTING: flag((flags) => flags.invalidQuoting),
  MULTIPART_INVALID_PART: flag((flags) => flags.invalidPart),
  MULTIPART_INVALID_HEADER_FOLDING: flag((flags) => flags.invalidHeaderFolding),
  MULTIPART_FILE_LIMIT_EXCEEDED: flag((flags) => flags.fileLimitExceeded),
  MULTIPART_UNMATCHED_BOUNDARY: flag((flags) => flags.unmatchedBoundary),
  MULTIPART_STRICT_ERROR: scalar(({ parsed }) =>
    parsed?.processor === 'MULTIPART' && (isBroken(parsed.error) || isOdd(parsed.multipart)) ? '1' : '0',
  ),
};

/** `XML:/*`: each text. `XML://@*`: each attribute's value. Other XPaths are refused when rules are compiled. */
export const XML_VARIABLES: Readonly<Record<string, Variable>> = {
  '/*': collection(({ parsed }) => parsed?.xmlTexts.map((value) => ({ name: '/*', value })) ?? NO_ENTRIES),
  '//@*': collection(({ parsed }) => parsed?.xmlAttributes.map((value) => ({ name: '//@*', value })) ?? NO_ENTRIES),
};

/** REQUEST_BODY is there for forms, JSON, bodies that nobody reads, and where a rule forces it. */
function showsBody(state: RequestState): boolean {
  const { processor } = state;
  return state.forcesRequestBody || processor === '' || processor === 'URLENCODED' || processor === 'JSON';
}

function isInvalidlyEncoded({ target, parsed, body, services }: RequestState): boolean {
  if (services.hasInvalidEncoding(target.query)) return true;
  return parsed?.processor === 'URLENCODED' && services.hasInvalidEncoding(body ?? '');
}

function isBroken(error: string | null | undefined): boolean {
  return error !== null && error !== undefined;
}

/** The flags that make a body ambiguous. MULTIPART_UNMATCHED_BOUNDARY is a variable of its own. */
function isOdd(flags: MultipartFlags | null): boolean {
  return (
    flags !== null &&
    (flags.boundaryQuoted ||
      flags.boundaryWhitespace ||
      flags.dataBefore ||
      flags.dataAfter ||
      flags.headerFolding ||
      flags.lfLine ||
      flags.missingSemicolon ||
      flags.invalidQuoting ||
      flags.invalidPart ||
      flags.invalidHeaderFolding ||
      flags.fileLimitExceeded)
  );
}

function files(entryOf: (file: NonNullable<RequestState['parsed']>['files'][number]) => Entry): Variable {
  return collection(({ parsed }) => (parsed === null ? NO_ENTRIES : parsed.files.map(entryOf)));
}

function sumOfFiles(all: readonly { readonly bytes: number }[]): number {
  return all.reduce((sum, { bytes }) => sum + bytes, 0);
}

function headText({ facts, headers }: RequestState): string {
  const fields = headers.map(({ name, value }) => `${name}: ${value}\r\n`).join('');
  return `${facts.method} ${facts.target} ${facts.protocol}\r\n${fields}\r\n`;
}
