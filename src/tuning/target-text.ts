import type { ByteText } from '../base/byte-text.ts';
import { selectorOf } from '../waf/compile-targets.ts';
import { SecLangReason } from '../waf/seclang/reason.ts';
import { parseVariables } from '../waf/seclang/variables.ts';

/** As `policies.waf.without.targets` takes them. */
const SETTING = /^[A-Z][A-Z_]{1,63}(:[!-~]{1,256})?$/;
/** Characters that mean the same to YAML, to SecLang in quotes and to references of a configuration. */
const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.[\]-]*$/;
/** Paths into XML: the only members that it has. */
const TREE = /^XML:(?:\/\*|\/\/@\*)$/;
/** What stands for itself in a pattern, and ends neither it nor what it is written in. */
const PLAIN_IN_PATTERN = /[A-Za-z0-9_-]/;

/**
 * Writes one member of a collection so that SecLang and a configuration read it as that member and no other.
 *
 * @param name  Byte text; null for the whole variable.
 * @returns  `ARGS:id`, or where the name has characters with a meaning of their own `ARGS:/^a\x20b$/`; null where it
 *           cannot be written.
 */
export function targetText(variable: string, name: ByteText | null): string | null {
  if (name === null) return readsBack(variable, null);
  const plain = `${variable}:${name}`;
  if (TREE.test(plain)) return plain;
  if (PLAIN_NAME.test(name)) return readsBack(plain, name);
  return readsBack(`${variable}:/^${patternOf(name)}$/`, name);
}

/** Digits of a name: `json.items.array_0.note`, `item[12]`. */
const NUMBER = /[0-9]+/g;

/**
 * Writes the members whose names differ from this one in numbers only.
 *
 * @returns  `ARGS:/^item\x5b[0-9]+\x5d$/`; null where the name has no number, or cannot be written.
 */
export function numberedText(variable: string, name: ByteText): string | null {
  if (!hasNumber(name)) return null;
  const pieces = name.split(NUMBER).map(patternOf);
  return readsBack(`${variable}:/^${pieces.join('[0-9]+')}$/`, name);
}

/** Names with equal results differ in numbers only. @returns  Null for a name without numbers. */
export function numberedKey(name: ByteText): ByteText | null {
  return hasNumber(name) ? name.toLowerCase().replaceAll(NUMBER, '0') : null;
}

function hasNumber(name: ByteText): boolean {
  return /[0-9]/.test(name);
}

/** Each byte that has a meaning anywhere is written by its number. */
function patternOf(name: ByteText): string {
  return [...name].map((one) => (PLAIN_IN_PATTERN.test(one) ? one : hexOf(one))).join('');
}

function hexOf(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** The text where it is read as what was meant; null where it is not. */
function readsBack(text: string, name: ByteText | null): string | null {
  if (!SETTING.test(text)) return null;
  try {
    const [part, ...more] = parseVariables(text);
    if (part === undefined || part.mode !== 'take' || more.length > 0) return null;
    const { names } = selectorOf(part);
    const isSame = name === null ? names === null : names?.(name) === true;
    return isSame ? text : null;
  } catch (error) {
    // A name that is no variable, or too much for a pattern: it cannot be written.
    if (error instanceof SecLangReason) return null;
    throw error;
  }
}
