import { type ByteText, byteTextOfString } from '../base/byte-text.ts';
import { REDACTED } from '../pipeline/audit-redaction.ts';

/** Stands for what was withheld: brackets could set off rules that the value did not. */
const STAND_IN = 'redacted';
/** How a log says that it left something out. */
const CUT = /\.\.\.\[\+\d{1,15}\]$/;

export const isCut = (text: string): boolean => CUT.test(text);

/** Texts of one record on their way to a request: counts what is not as it was sent. */
export class RecordedValues {
  withheldCount = 0;
  isInexact = false;

  /** @param text  Byte text. @returns  The same, with something harmless for what is withheld. */
  value(text: ByteText): ByteText {
    if (!text.includes(REDACTED)) return text;
    const pieces = text.split(REDACTED);
    this.withheldCount += pieces.length - 1;
    return pieces.join(STAND_IN);
  }

  /** @param text  A decoded string. */
  decoded(text: string): ByteText {
    if (text.includes('\ufffd') || isCut(text)) this.isInexact = true;
    return this.value(byteTextOfString(text));
  }
}

/**
 * The body of a record.
 *
 * @param text    As recorded; undefined where it was not.
 * @param hasOne  The head says that there was one.
 */
export function bodyOfRecord(
  text: string | undefined,
  hasOne: boolean,
  read: (text: string) => ByteText,
): { readonly body: 'none' | 'whole' | 'absent'; readonly bytes: Buffer } {
  const isThere = text !== undefined && text !== '';
  if (!isThere) return { body: hasOne ? 'absent' : 'none', bytes: NO_BYTES };
  if (text === REDACTED || isCut(text)) return { body: 'absent', bytes: NO_BYTES };
  return { body: 'whole', bytes: Buffer.from(read(text), 'latin1') };
}

const NO_BYTES = Buffer.alloc(0);

/** Do fields announce a body? @param fields  Name, value, name, value. */
export function announcesBody(fields: readonly ByteText[]): boolean {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = (fields[i] as ByteText).toLowerCase();
    if (name === 'transfer-encoding') return true;
    if (name === 'content-length' && Number(fields[i + 1]) !== 0) return true;
  }
  return false;
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns  '' for what is no text. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : '';
}
