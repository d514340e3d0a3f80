import type { ByteText } from './base/byte-text.ts';

/** SecLang's names of the body processors (REQBODY_PROCESSOR); `RAW` keeps the bytes and finds nothing in them. */
export type BodyProcessor = 'URLENCODED' | 'MULTIPART' | 'JSON' | 'XML' | 'RAW';

/** A name and a value as a body carries them. One flat list, in the order of the body; names repeat. */
export interface BodyArgument {
  readonly name: ByteText;
  readonly value: ByteText;
}

/** An uploaded file of multipart/form-data (RFC 7578). */
export interface BodyFile {
  /** `name` parameter of its Content-Disposition. */
  readonly field: ByteText;
  /** `filename` parameter, as sent. */
  readonly fileName: ByteText;
  /** Length of its content, bytes. */
  readonly bytes: number;
  readonly content: ByteText;
}

/** One header line of one part: SecLang's MULTIPART_PART_HEADERS. */
export interface PartHeader {
  /** `name` parameter of the part's Content-Disposition; '' where it has none. */
  readonly part: ByteText;
  /** The line as sent, without its end: `content-type: text/plain`. */
  readonly line: ByteText;
}

/** What was odd about a multipart body: SecLang's variables MULTIPART_<NAME>, 1 for true. */
export interface MultipartFlags {
  readonly boundaryQuoted: boolean;
  readonly boundaryWhitespace: boolean;
  readonly dataBefore: boolean;
  readonly dataAfter: boolean;
  readonly headerFolding: boolean;
  readonly lfLine: boolean;
  readonly crlfLfLines: boolean;
  readonly missingSemicolon: boolean;
  readonly invalidQuoting: boolean;
  readonly invalidPart: boolean;
  readonly invalidHeaderFolding: boolean;
  readonly fileLimitExceeded: boolean;
  readonly unmatchedBoundary: boolean;
}

/** What a body processor found. Immutable. */
export interface ParsedBody {
  readonly processor: BodyProcessor;
  readonly arguments: readonly BodyArgument[];
  readonly files: readonly BodyFile[];
  readonly partHeaders: readonly PartHeader[];
  /** Null for every processor but MULTIPART. */
  readonly multipart: MultipartFlags | null;
  /**
   * XML: every text node with more than white space, and every attribute value, in the order of the document. Behind
   * several text nodes comes all text of the document in one: what ModSecurity gives for `XML:/*`.
   */
  readonly xmlTexts: readonly ByteText[];
  readonly xmlAttributes: readonly ByteText[];
  /** Why the body could not be read as what it says it is (REQBODY_ERROR_MSG); null where it could. */
  readonly error: string | null;
}

/** Bounds on what one body may hold; beyond any of them `error` says which. */
export interface BodyCaps {
  /** Arguments, files and parts together: SecArgumentsLimit. */
  readonly argumentsMax: number;
  /** Depth of JSON and XML. */
  readonly depthMax: number;
}

/** Reads one whole body. Never throws: what it cannot read is an `error`. Time and memory linear in the body. */
export type ParseBody = (processor: BodyProcessor, contentType: ByteText, body: ByteText, caps: BodyCaps) => ParsedBody;
