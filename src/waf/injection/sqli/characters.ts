// hot path: synchronous, never throws

/** Marks of bytes, added up in a table: one look answers whether a byte belongs to a set. */
export const SPACE = 1;
export const WORD_END = 2;
export const VARIABLE_END = 4;
export const DIGIT = 8;
export const HEX_DIGIT = 16;
export const BINARY_DIGIT = 32;
export const MONEY = 64;
export const LETTER = 128;
/** Between tokens: space, control characters. Fewer of them count as SPACE, which ends `--` and numbers. */
export const BLANK = 256;

const MARKS = new Uint16Array(256);

function mark(bytes: string, bit: number): void {
  for (let i = 0; i < bytes.length; i += 1) {
    const code = bytes.charCodeAt(i);
    MARKS[code] = (MARKS[code] as number) | bit;
  }
}

// A0 is the no-break space of Latin-1, which MySQL takes for space.
mark(' \t\n\v\f\r\0\xa0', SPACE);
for (let code = 0; code <= 0x20; code += 1) mark(String.fromCharCode(code), BLANK);
mark('\x7f\xa0', BLANK);
mark(' []{}<>:\\?=@!#~+-*/&|^%(),\';\t\n\v\f\r"\xa0\0', WORD_END);
mark(' <>:\\?=@!#~+-*/&|^%(),\';\t\n\v\f\r`"\0', VARIABLE_END);
mark('0123456789', DIGIT);
// The NUL stands in the sets below because libinjection, reading C strings, takes it for one of theirs.
mark('0123456789abcdefABCDEF\0', HEX_DIGIT);
mark('01\0', BINARY_DIGIT);
mark('0123456789.,\0', MONEY);
mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\0', LETTER);

/** False past the end, where the code is NaN. */
export function isMarked(code: number, bit: number): boolean {
  return ((MARKS[code] ?? 0) & bit) !== 0;
}

/** Offset of the first byte at or after `from` that has none of the marks; the length where all have. */
export function skipMarked(text: string, from: number, bit: number): number {
  let at = from;
  while (at < text.length && ((MARKS[text.charCodeAt(at)] as number) & bit) !== 0) at += 1;
  return at;
}

/** Offset of the first byte at or after `from` that has one of the marks; the length where none has. */
export function findMarked(text: string, from: number, bit: number): number {
  let at = from;
  while (at < text.length && ((MARKS[text.charCodeAt(at)] as number) & bit) === 0) at += 1;
  return at;
}
