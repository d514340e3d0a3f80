import type { ByteText } from '../../base/byte-text.ts';
import { compileBytePattern } from '../../base/regex.ts';
import { trimmed } from './characters.ts';
import { quoteEnd, unescaped } from './lex.ts';
import { shown } from './problems.ts';
import { SecLangReason } from './reason.ts';
import type { Selector, VariablePart } from './syntax.ts';

/**
 * Reads a list of variables: `ARGS|!ARGS:foo|&REQUEST_HEADERS:Host|ARGS:/^id_/|TX:'a|b'|XML:/*`.
 *
 * @returns  At least one part. Whether there is a variable of that name is not looked at.
 * @throws   SecLangReason.
 */
export function parseVariables(text: ByteText): VariablePart[] {
  const parts: VariablePart[] = [];
  let at = 0;
  for (;;) {
    HEAD.lastIndex = at;
    const head = HEAD.exec(text);
    if (head === null) throw new SecLangReason(`a variable is expected, not ${shown(text.slice(at))}`);
    const [whole, sign = '', written = ''] = head;
    const name = written.toUpperCase();
    at += whole.length;
    let selector: Selector | null = null;
    if (text[at] === ':') {
      [selector, at] = parseSelector(text, at + 1, name);
    }
    parts.push({ mode: MODES[sign] ?? 'take', name, selector });
    while (text[at] === ' ' || text[at] === '\t') at += 1;
    if (at === text.length) return parts;
    if (text[at] !== '|') throw new SecLangReason(`"|" is expected behind ${name}, not ${shown(text.slice(at))}`);
    at += 1;
  }
}

/** Of a rule: something must be looked at. @throws  SecLangReason. */
export function parseRuleVariables(text: ByteText): VariablePart[] {
  const parts = parseVariables(text);
  if (parts.every(({ mode }) => mode === 'exclude'))
    throw new SecLangReason(`${shown(text)} only excludes: nothing is looked at`);
  return parts;
}

const HEAD = /[ \t]*([!&]?)[ \t]*([A-Za-z_][A-Za-z0-9_]*)/y;
const MODES: Readonly<Record<string, VariablePart['mode']>> = { '!': 'exclude', '&': 'count' };

/** @returns  The selector, and the offset behind it. */
function parseSelector(text: ByteText, from: number, name: string): [Selector, number] {
  if (text[from] === "'") {
    const end = quoteEnd(text, from + 1, "'");
    if (end === -1) throw new SecLangReason(`a ' behind ${name} is not closed`);
    const inner = unescaped(text.slice(from + 1, end), "'");
    const isPattern = !isTree(name) && inner.length >= 2 && inner.startsWith('/') && inner.endsWith('/');
    return [isPattern ? pattern(inner.slice(1, -1), name) : named(inner, name), end + 1];
  }
  if (text[from] === '/' && !isTree(name)) {
    const end = quoteEnd(text, from + 1, '/');
    if (end === -1) {
      throw new SecLangReason(
        `a / behind ${name} is not closed; a name that begins with one is written in single quotes`,
      );
    }
    return [pattern(text.slice(from + 1, end), name), end + 1];
  }
  const pipe = text.indexOf('|', from);
  const end = pipe === -1 ? text.length : pipe;
  return [named(trimmed(text.slice(from, end)), name), end];
}

/** What stands behind the colon is a path in a tree: it begins with a slash, and is no pattern. */
function isTree(name: string): boolean {
  return name === 'XML' || name === 'JSON';
}

function named(text: ByteText, name: string): Selector {
  if (text === '') throw new SecLangReason(`nothing stands behind "${name}:"`);
  return { kind: 'name', text };
}

function pattern(escaped: ByteText, name: string): Selector {
  const source = unescaped(escaped, '/');
  if (source === '') throw new SecLangReason(`the pattern behind "${name}:" is empty; ${name} by itself is all of it`);
  checkPattern(source);
  return { kind: 'pattern', source };
}

/** @throws  SecLangReason where RE2 cannot compile it. */
export function checkPattern(source: ByteText): void {
  try {
    compileBytePattern(source);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SecLangReason(`${shown(source)} is not a regular expression of RE2: ${error.message}`);
  }
}
