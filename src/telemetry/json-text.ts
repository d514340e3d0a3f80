// hot path: synchronous, never throws

/** Printable ASCII without the quote and the backslash: the usual case needs no escape. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** Code units that may not stand in a line as they are. No `u` flag: halves of a pair are escaped one by one. */
const NOT_PRINTABLE_ASCII = /[^ -~]/g;

/** Up to here a loop beats the call of a regular expression. */
const SHORT = 24;

/**
 * What stands between the quotes of a JSON string literal that means `text`: printable ASCII only, whatever `text`
 * holds. So no line can carry a control character, a terminal escape (C0, DEL, and the C1 controls that JSON.stringify
 * leaves alone), U+2028/9, a bidirectional override or half a surrogate pair; and a line has a byte per character.
 */
export function inQuotes(text: string): string {
  return isPlain(text) ? text : asciiOnly(JSON.stringify(text)).slice(1, -1);
}

function isPlain(text: string): boolean {
  if (text.length > SHORT) return PLAIN.test(text);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return false;
  }
  return true;
}

/**
 * Printable ASCII of JSON that was made elsewhere: other characters can only stand inside its strings, so `\u`
 * means them.
 */
export function asciiOnly(json: string): string {
  return json.replace(NOT_PRINTABLE_ASCII, escaped);
}

/**
 * At most `lengthMax` characters; what is left out is counted behind them, so that a cut never passes for the
 * whole.
 */
export function clipped(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax)}...[+${text.length - lengthMax}]`;
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
