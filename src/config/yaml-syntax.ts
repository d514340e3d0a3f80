import { type Document, Scalar, visit, type YAMLError } from 'yaml';
import type { Place, Report } from './report.ts';

/**
 * Puts a parser's errors into an operator's words.
 *
 * No message quotes the text, as the parser's own do: it may hold secrets.
 *
 * @param document  With at least one error or warning; both stop the boot.
 * @param text      The file.
 * @param place     Line and column of an offset.
 */
export function noteSyntax(document: Document, text: string, report: Report, place: (offset: number) => Place): void {
  const errors = [...document.errors, ...document.warnings];
  const deep = errors.find((error) => error.code === 'RESOURCE_EXHAUSTION');
  const rows = deep === undefined ? errors.sort((a, b) => a.pos[0] - b.pos[0]) : [deep];
  const lines = new Set<number>();
  for (const error of rows) {
    const at = place(openedAt(document, error));
    // The first one of a line is the cause of the others.
    if (lines.has(at.line) || lines.size === SYNTAX_ERRORS_MAX) continue;
    lines.add(at.line);
    const [found, remedy] = PARAMETER_IN_FLOW.test(text.split('\n')[at.line - 1] ?? '')
      ? ['a path parameter without quotes inside [ ]', 'put quotes around it: ["/a/{id}"]']
      : syntaxWords(error);
    report.faultAt(at, [], found, remedy);
  }
}

/** Syntax errors shown at once: later ones mostly follow from the first. */
const SYNTAX_ERRORS_MAX = 5;

/** `[/a/{id}]`: inside brackets an unquoted brace opens a mapping. */
const PARAMETER_IN_FLOW = /\[[^\]]*\/[^"',\]]*\{/;

function syntaxWords(error: YAMLError): [found: string, remedy: string] {
  switch (error.code) {
    case 'RESOURCE_EXHAUSTION':
      return ['nested too deeply', 'write the settings out flat'];
    case 'TAG_RESOLVE_FAILED':
    case 'MULTIPLE_TAGS':
      return ['a tag (!), which is not supported', 'remove it, or put quotes around a text that begins with !'];
    case 'TAB_AS_INDENT':
      return ['a tab in the indentation', 'indent with spaces'];
    case 'BAD_INDENT':
      return ['the indentation does not fit, or a bracket or quote is left open', 'line it up with its neighbours'];
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return ['a second ": " on this line', 'put quotes around a text that contains ": "'];
    case 'BLOCK_IN_FLOW':
      return ['an indented block inside [ ] or { }', 'write the whole in one of the two styles'];
    case 'MISSING_CHAR':
      return ['something is left open: a quote, a bracket, a comma or a ":"', 'close it'];
    case 'BAD_DQ_ESCAPE':
      return ['an unknown escape after \\ in double quotes', 'use single quotes, or write \\\\ for one \\'];
    case 'BAD_SCALAR_START':
      return ['a text that begins with @ or `', 'put quotes around it'];
    case 'MULTIPLE_DOCS':
      return ['a second document (---)', 'keep one document per file'];
    case 'NON_STRING_KEY':
    case 'KEY_OVER_1024_CHARS':
      return ['a key that is not a plain name', 'write keys as short plain texts'];
    case 'BAD_DIRECTIVE':
      return ['an unknown directive (%)', 'remove the line'];
    case 'BAD_ALIAS':
    case 'ALIAS_PROPS':
    case 'MULTIPLE_ANCHORS':
      return ['a misplaced anchor (&) or alias (*)', 'put quotes around a text that begins with & or *'];
    default:
      return [
        'text that YAML does not allow here',
        'check colons, quotes and indentation on this line and the one before',
      ];
  }
}

/** Where to look: an open quote is noticed at the end of the file, but stands where its text begins. */
function openedAt(document: Document, error: YAMLError): number {
  let offset = error.pos[0];
  if (error.code !== 'MISSING_CHAR') return offset;
  visit(document, {
    Scalar(_key, { type, range }) {
      const isQuoted = type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE;
      if (isQuoted && range != null && range[0] <= error.pos[0] && error.pos[0] <= range[1]) offset = range[0];
    },
  });
  return offset;
}
