import type { ByteText } from '../base/byte-text.ts';
import { parseBody } from '../body/parse-body.ts';
import { decodeUrl } from '../body/urlencoded.ts';
import type { BodyArgument, BodyCaps } from '../parsed-body.ts';
import type { RequestFacts } from '../waf/inspection.ts';
import { fieldOf } from './answer-fields.ts';

/** Shorter texts stand in others by chance. */
export const TELLING_LENGTH_MIN = 4;

/** What goes beyond is no reason to look further: what rules saw was bounded by their own. */
const CAPS: BodyCaps = Object.freeze({ argumentsMax: 10_000, depthMax: 512 });
/** What stands before `=`, `:` or `>`: `token=`, `"token" :`, `u[token]=`, `<token>`. Each byte is read a few times. */
const NAMES = /(?<![\w.[\]-])([\w.[\]-]{1,256})["'\s]{0,8}[=:>]/g;

/** What one request holds that must not be written. */
export interface RequestSecrets {
  /** Values of listed fields, cookies and arguments, in the forms that rules see, lower case. */
  readonly values: readonly ByteText[];
  /** The body has an argument with a listed name. */
  readonly inBody: boolean;
}

/** @param body  Without its content coding. */
export function secretsOf(
  { fields, target }: RequestFacts,
  body: ByteText,
  isListed: (name: ByteText) => boolean,
): RequestSecrets {
  const values = new Set<ByteText>();
  const add = (value: ByteText): void => {
    // A plus is a space to arguments, and stays to REQUEST_URI.
    for (const form of [value, decodeUrl(value), decodeUrl(value.replaceAll('+', '%2B'))]) {
      if (form.length >= TELLING_LENGTH_MIN) values.add(form.toLowerCase());
    }
  };
  const addPairs = (text: ByteText, separator: RegExp): void => {
    for (const pair of text.split(separator)) {
      const at = pair.indexOf('=');
      if (at !== -1 && isListed(decodeUrl(pair.slice(0, at)).trim())) add(pair.slice(at + 1));
    }
  };
  const addQuery = (url: ByteText): void => {
    const at = url.indexOf('?');
    if (at !== -1) addPairs(url.slice(at + 1), /[&;]/);
  };
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [name, value] = [fields[i] as ByteText, fields[i + 1] as ByteText];
    if (isListed(name)) add(value);
    if (name.toLowerCase() === 'cookie') {
      for (const pair of value.split(';')) if (isListed('cookie')) add(pair.slice(pair.indexOf('=') + 1).trim());
      addPairs(value, /;/);
    } else addQuery(value);
  }
  addQuery(target);
  const contentType = fieldOf(fields, 'content-type');
  if (isForm(contentType)) addPairs(body, /[&;]/);
  const found = argumentsOf(contentType, body).filter(({ name }) => isListed(name));
  for (const { value } of found) add(value);
  return { values: [...values], inBody: found.length > 0 };
}

/** Does a text have the form of a listed name with a value behind it: of a query, JSON or XML, encoded or not? */
export function namesOne(text: ByteText, isListed: (name: ByteText) => boolean): boolean {
  const decoded = decodeUrl(text);
  return hasName(text, isListed) || (decoded !== text && hasName(decoded, isListed));
}

export function isForm(contentType: ByteText): boolean {
  return contentType.toLowerCase().includes('urlencoded');
}

function hasName(text: ByteText, isListed: (name: ByteText) => boolean): boolean {
  for (const [, name] of text.matchAll(NAMES)) if (isListed(name as ByteText)) return true;
  return false;
}

/** As rules see them. */
function argumentsOf(contentType: ByteText, body: ByteText): readonly BodyArgument[] {
  const type = contentType.toLowerCase();
  const processor = isForm(type) ? 'URLENCODED' : type.startsWith('multipart/') ? 'MULTIPART' : 'JSON';
  return parseBody(processor, contentType, body, CAPS).arguments;
}
