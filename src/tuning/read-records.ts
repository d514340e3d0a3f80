import { readFileSync, statSync } from 'node:fs';
import { type ByteText, displayOf } from '../base/byte-text.ts';
import { ARCHIVE_BYTES_MAX, RECORD_LINE_BYTES_MAX } from '../limits.ts';
import { recordOfTransaction } from './audit-json-record.ts';
import { NativeEntry, sectionOf } from './audit-native-record.ts';
import { type FileLine, fileLines } from './file-lines.ts';
import { recordsOfArchive } from './har-records.ts';
import { recordOfLine } from './line-record.ts';
import type { RecordedRequest } from './recorded-request.ts';
import { isMapping } from './recorded-values.ts';

/** Places of faults that are told; all are counted. */
const PLACES_MAX = 5;

/** What a reading passed over. */
export class Unread {
  /** Half lines, lines that are no JSON, entries without a request. */
  malformed = 0;
  tooLong = 0;
  /** Whole lines of something else: a log stream has other lines, too. */
  other = 0;
  /** Of the first faults: `audit.log:12`. */
  readonly places: string[] = [];

  fault(kind: 'malformed' | 'tooLong', place: string): void {
    this[kind] += 1;
    if (this.places.length < PLACES_MAX) this.places.push(place);
  }
}

/**
 * Recorded requests of files: audit logs in JSON or in the serial format, log streams with audit lines, requests as
 * JSON lines, HTTP archives. What a file is shows in its lines, which may be mixed.
 *
 * @param paths   `-` for standard input.
 * @param unread  Counts what is none; nothing in a file makes the reading fail.
 * @throws  SallyportError SP_CONFIG for a file that cannot be read.
 */
export function* readRecords(paths: readonly string[], unread: Unread): Generator<RecordedRequest> {
  for (const path of paths) {
    const archive = archiveOf(path);
    if (archive === null) yield* linesOf(path, unread);
    else {
      for (const [index, record] of archive.entries()) {
        if (record === null) unread.fault('malformed', `${path}#${index}`);
        else yield record;
      }
    }
  }
}

/** An archive is one text. @returns  Null for any other file. */
function archiveOf(path: string): (RecordedRequest | null)[] | null {
  if (path === '-') return null;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || !found.isFile() || found.size > ARCHIVE_BYTES_MAX) return null;
  // Audit logs begin with a boundary, or with a line that is an object by itself.
  const [first] = fileLines(path, RECORD_LINE_BYTES_MAX);
  if (first === undefined) return null;
  // One that is too long for a line may be all of an archive.
  if (first.text !== null) {
    if (
      !first.text
        .replace(/^\xef\xbb\xbf/, '')
        .trimStart()
        .startsWith('{')
    )
      return null;
    const object = objectOf(first.text);
    if (object !== null && !('log' in object)) return null;
  }
  try {
    return recordsOfArchive(JSON.parse(readFileSync(path, 'utf8').replace(/^\ufeff/, '')), path);
  } catch {
    // Lines of which the first is a half one.
    return null;
  }
}

function* linesOf(path: string, unread: Unread): Generator<RecordedRequest> {
  let entry: NativeEntry | null = null;
  let ends: ReadonlyMap<string, number> | null = null;
  for (const line of fileLines(path)) {
    const place = `${path}:${line.number}`;
    const section = line.text === null ? null : sectionOf(line.text);
    if (section?.part === 'A' && (entry === null || isCutShort(entry.boundary, line.number, ends))) {
      if (entry !== null) unread.fault('malformed', place);
      ends ??= endsOf(path);
      entry = new NativeEntry(section.boundary, place);
      entry.begin('A');
    } else if (entry === null) {
      yield* recordOf(line, place, unread);
    } else if (section !== null && section.boundary === entry.boundary) {
      if (section.part !== 'Z') entry.begin(section.part);
      else {
        const record = entry.record();
        entry = null;
        if (record === null) unread.fault('malformed', place);
        else yield record;
      }
    } else if (line.text === null || !entry.take(line.text)) {
      unread.fault('tooLong', place);
      entry = null;
    }
  }
  if (entry !== null) unread.fault('malformed', `the end of ${path}`);
}

/** Boundaries whose last line is remembered: more entries than anybody tunes by. */
const ENDS_MAX = 4_000_000;

/**
 * Where the entries of a file end: bodies are written line by line, and one may hold what looks like the beginning of
 * an entry, which it is only where the open one has no end behind it.
 */
function endsOf(path: string): ReadonlyMap<string, number> | null {
  // It cannot be read twice.
  if (path === '-') return null;
  const ends = new Map<string, number>();
  for (const { number, text } of fileLines(path)) {
    const section = text === null ? null : sectionOf(text);
    if (section?.part === 'Z' && ends.size < ENDS_MAX) ends.set(section.boundary, number);
  }
  return ends;
}

function isCutShort(boundary: string, line: number, ends: ReadonlyMap<string, number> | null): boolean {
  return ends !== null && (ends.get(boundary) ?? 0) < line;
}

function* recordOf({ text }: FileLine, place: string, unread: Unread): Generator<RecordedRequest> {
  if (text === null) return unread.fault('tooLong', place);
  if (text.trim() === '') return;
  const object = objectOf(text);
  if (object === null) return unread.fault('malformed', place);
  const isRequest = 'transaction' in object || 'url' in object;
  const record = 'transaction' in object ? recordOfTransaction(object.transaction, place) : recordOfLine(object, place);
  if (record !== null) yield record;
  else if (isRequest) unread.fault('malformed', place);
  else unread.other += 1;
}

/** @returns  Null for what is no JSON object. */
function objectOf(line: ByteText): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(displayOf(line).replace(/^\ufeff/, ''));
    return isMapping(value) ? value : null;
  } catch {
    return null;
  }
}
