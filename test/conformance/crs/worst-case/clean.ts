import type { ByteText } from '../../../../src/base/byte-text.ts';

/** Makes of any bytes a text that may stand somewhere, of about the same length. */
export type Clean = (text: ByteText) => ByteText;

/** What may stand in a query or a form: one byte for each where that can be, three else. */
export const encoded: Clean = (text) =>
  text.replaceAll(/[^!"$'()*,\-./0-9:;<>?@A-Z[\\\]^_`a-z{|}~]/g, (one) =>
    one === ' ' ? '+' : `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );

export const inPath: Clean = (text) => encoded(text).replaceAll(/[?+]/g, '%3f');

/** No control characters but TAB. */
export const inField: Clean = (text) => text.replaceAll(/[^\t -~\x80-\xff]/g, '\t');

export const token: Clean = (text) => text.replaceAll(/[^!#$%&'*+\-.^_`|~0-9A-Za-z]/g, '-');

export const inCookie: Clean = (text) => inField(text).replaceAll(';', ',');

/** A letter of two bytes in UTF-8 for all that cannot stand as it is. */
export const inJson: Clean = (text) => text.replaceAll(/["\\]/g, '\\$&').replaceAll(/[^ -~]/g, '\xc3\xa9');

export const inXml: Clean = (text) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('"', '&quot;')
    .replaceAll(/[^\t\n -~]/g, '\xc3\xa9');

/** The content of a part, in one line; the name of a file. */
export const inPart: Clean = (text) => text.replaceAll(/[\r\n]/g, ' ');
export const inName: Clean = (text) => inField(text).replaceAll(/["\\]/g, "'");

/** As much of a cleaned text as fits, no escape cut. */
export const whole = (text: ByteText, length: number): ByteText =>
  text.slice(0, length).replace(/(?:\\+|%.?|&[a-z]*|\xc3)$/, '');
