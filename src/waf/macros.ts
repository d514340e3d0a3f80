import type { ByteText } from '../base/byte-text.ts';
import { valueNamed } from './entry.ts';
import { SecLangReason } from './seclang/reason.ts';
import { type MacroRead, type Template, templateOf } from './template.ts';
import { variableNamed } from './variables.ts';

/** `%{tx.a}`, `%{REQUEST_HEADERS.User-Agent}`, `%{MATCHED_VAR}`; a colon does what the dot does. */
const MACRO = /%\{([A-Za-z_]+)(?:[.:]([^}]*))?\}/g;

/**
 * Reads a text with macros.
 *
 * @throws  SecLangReason for a macro of a variable that is none.
 */
export function compileTemplate(text: ByteText): Template {
  const parts: (ByteText | MacroRead)[] = [];
  let end = 0;
  for (const found of text.matchAll(MACRO)) {
    if (found.index > end) parts.push(text.slice(end, found.index));
    parts.push(macroOf(found[1] as string, found[2]));
    end = found.index + found[0].length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return templateOf(parts);
}

/** @returns  What reads the macro: '' where the request has no such member. */
function macroOf(name: string, member: ByteText | undefined): MacroRead {
  const variable = variableNamed(name.toUpperCase());
  if (variable.kind === 'scalar') {
    if (member !== undefined) throw new SecLangReason(`%{${name}.${member}}: ${name} has no members`);
    return variable.read;
  }
  if (member === undefined) return (state) => variable.entries(state)[0]?.value ?? '';
  const lower = member.toLowerCase();
  const { find } = variable;
  if (find !== undefined) return (state) => find(state, lower)[0]?.value ?? '';
  return (state) => valueNamed(variable.entries(state), lower) ?? '';
}
