import type { ByteText } from '../base/byte-text.ts';
import type { RecordedMatch, RecordedRequest } from './recorded-request.ts';
import { announcesBody, bodyOfRecord, isCut, RecordedValues } from './recorded-values.ts';

/** `--1a2b3c4d-A--`, as ModSecurity 2 and we write it; version 3 has more hyphens. */
const SECTION = /^--+([0-9A-Za-z]{4,32})-+([A-Z])--$/;
/** Bytes of one entry: bodies are bounded by whoever writes them. */
const ENTRY_BYTES_MAX = 16_777_216;

/** The beginning of a section. @returns  Null for any other line. */
export function sectionOf(line: ByteText): { readonly boundary: string; readonly part: string } | null {
  const [, boundary, part] = line.length > 64 ? [] : (SECTION.exec(line) ?? []);
  return boundary === undefined || part === undefined ? null : { boundary, part };
}

/** One entry in the serial format of ModSecurity, taken line by line. */
export class NativeEntry {
  readonly boundary: string;
  readonly #place: string;
  readonly #parts = new Map<string, ByteText[]>();
  #lines: ByteText[] = [];
  #bytes = 0;

  constructor(boundary: string, place: string) {
    this.boundary = boundary;
    this.#place = place;
  }

  begin(part: string): void {
    this.#lines = [];
    this.#parts.set(part, this.#lines);
  }

  /** @returns  False where the entry is longer than one can be. */
  take(line: ByteText): boolean {
    this.#bytes += line.length;
    this.#lines.push(line);
    return this.#bytes <= ENTRY_BYTES_MAX;
  }

  /** @returns  Null where it has no request line. */
  record(): RecordedRequest | null {
    const [requestLine = '', ...fieldLines] = this.#part('B');
    const [, method, target] = /^(\S+) (.*?)(?: HTTP\/[0-9.]+)?$/s.exec(unescaped(requestLine)) ?? [];
    if (method === undefined || target === undefined || target === '') return null;
    const [, id, client] = /^\[[^\]]*\] (\S+) (\S+)/.exec(this.#part('A')[0] ?? '') ?? [];
    const values = new RecordedValues();
    const fields = fieldLines.flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 1 ? [] : [unescaped(line.slice(0, colon)), this.#text(values, unescaped(line.slice(colon + 2)))];
    });
    const said = this.#parts.has('C') ? this.#part('C').map(unescaped).join('\n') : undefined;
    const { body, bytes } = bodyOfRecord(said, announcesBody(fields), (text) => values.value(text));
    const messages = this.#part('H').filter((line) => line.includes('[id "'));
    return {
      id: id ?? this.#place,
      place: this.#place,
      request: { method, target: this.#text(values, target), fields, body: bytes },
      hasFields: true,
      body,
      isDecoded: true,
      client: client ?? '192.0.2.1',
      route: null,
      // Detection only is not told from rules that block nothing.
      outcome: messages.some((line) => DENIED.test(line)) ? 'blocked' : null,
      matches: this.#parts.has('H') ? messages.flatMap(matchOf) : null,
      withheldCount: values.withheldCount,
      isInexact: values.isInexact,
    };
  }

  /** Lines of a section without the empty one behind it. */
  #part(letter: string): readonly ByteText[] {
    const lines = this.#parts.get(letter) ?? [];
    return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
  }

  #text(values: RecordedValues, text: ByteText): ByteText {
    if (isCut(text)) values.isInexact = true;
    return values.value(text);
  }
}

const DENIED = /^(?:Message|ModSecurity): Access denied/;

function matchOf(line: ByteText): RecordedMatch[] {
  const id = Number(/\[id "(\d{1,15})"\]/.exec(line)?.[1]);
  if (!Number.isSafeInteger(id) || id < 1) return [];
  const variable = /against variable `([^']*)' \(Value: /.exec(line)?.[1] ?? '';
  const phase = Number(/\(phase (\d)\)/.exec(line)?.[1] ?? 0);
  return [{ ruleId: id, phase, variable: unescaped(variable) }];
}

/** `\xHH` of bytes that are written so: control characters, bytes beyond ASCII, quotes of messages. */
function unescaped(text: ByteText): ByteText {
  return text.replaceAll(/\\x([01][0-9a-f]|7f|[89a-f][0-9a-f]|22|27)/g, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
