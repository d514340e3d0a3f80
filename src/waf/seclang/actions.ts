import type { ByteText } from '../../base/byte-text.ts';
import { spacesEnd, trimmed } from './characters.ts';
import { quoteEnd, unescaped } from './lex.ts';
import { shown } from './problems.ts';
import { SecLangReason } from './reason.ts';
import type { ActionPart } from './syntax.ts';

/**
 * Reads a list of actions: `id:1,phase:2,t:none,msg:'a, b',setvar:'tx.a=+%{tx.b}',deny`. In single quotes `\'` is a
 * quote, and every other backslash stays. A bare value ends with a comma outside quotes. Whether there is such an
 * action is not looked at.
 *
 * @returns  At least one.
 * @throws   SecLangReason.
 */
export function parseActions(text: ByteText): ActionPart[] {
  const parts: ActionPart[] = [];
  let at = 0;
  for (;;) {
    at = spacesEnd(text, at);
    const start = at;
    while (at < text.length && text[at] !== ':' && text[at] !== ',') at += 1;
    const name = trimmed(text.slice(start, at));
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
      throw new SecLangReason(
        name === '' ? 'an action is missing before or behind a comma' : `${shown(name)} is not an action`,
      );
    }
    let value: ByteText | null = null;
    if (text[at] === ':') {
      [value, at] = parseValue(text, spacesEnd(text, at + 1), name);
    }
    parts.push({ name, value });
    at = spacesEnd(text, at);
    if (at === text.length) return parts;
    if (text[at] !== ',') throw new SecLangReason(`a comma is expected behind ${name}, not ${shown(text.slice(at))}`);
    at += 1;
  }
}

/** @returns  The value, and the offset behind it. */
function parseValue(text: ByteText, from: number, name: string): [ByteText, number] {
  if (text[from] === "'") {
    const end = quoteEnd(text, from + 1, "'");
    if (end === -1) throw new SecLangReason(`a ' in ${name} is not closed`);
    return [unescaped(text.slice(from + 1, end), "'"), end + 1];
  }
  let at = from;
  while (at < text.length && text[at] !== ',') {
    if (text[at] === '\\') {
      at += 1;
    } else if (text[at] === "'") {
      // setvar:tx.a='b, c'
      at = quoteEnd(text, at + 1, "'");
      if (at === -1) throw new SecLangReason(`a ' in ${name} is not closed`);
    }
    at += 1;
  }
  const end = Math.min(at, text.length);
  const value = trimmed(text.slice(from, end));
  if (value === '') throw new SecLangReason(`nothing stands behind "${name}:"`);
  return [value, end];
}
