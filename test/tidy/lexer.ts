export interface Layers {
  /** The source with comments and the insides of string, template and regular expression literals blanked. */
  readonly code: string;
  /** The source with everything but comments blanked. */
  readonly comments: string;
}

/** A `/` after one of these starts a regular expression, not a division. */
const BEFORE_PATTERN = /(?:^|[=(,:;!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|await))\s*$/;

/**
 * Tells code from comments and literals, so that a rule about code does not fire on words about it. Line numbers stay.
 *
 * @param text  TypeScript or JavaScript that compiles.
 */
export function layersOf(text: string): Layers {
  const code: string[] = [];
  const comments: string[] = [];
  /** Depth of braces within each `${` that is open. */
  const templates: number[] = [];
  let at = 0;
  const put = (end: number, target: 'code' | 'comment' | 'neither'): void => {
    const piece = text.slice(at, end);
    const blank = piece.replace(/[^\n]/g, ' ');
    code.push(target === 'code' ? piece : blank);
    comments.push(target === 'comment' ? piece : blank);
    at = end;
  };
  /** A literal's quotes stay, so that an empty one and a filled one differ: `''` and `'   '`. */
  const putLiteral = (end: number): void => {
    put(at + 1, 'code');
    put(Math.max(at, end - 1), 'neither');
    put(end, 'code');
  };

  while (at < text.length) {
    const char = text[at] ?? '';
    const next = text[at + 1];
    if (char === '/' && next === '/') put(orEnd(text, text.indexOf('\n', at)), 'comment');
    else if (char === '/' && next === '*') put(orEnd(text, text.indexOf('*/', at + 2), 2), 'comment');
    else if (char === "'" || char === '"') putLiteral(literalEnd(text, at + 1, char));
    else if (char === '/' && BEFORE_PATTERN.test(lastLine(code))) putLiteral(patternEnd(text, at + 1));
    else if (char === '`' || (char === '}' && templates.at(-1) === 0)) {
      if (char === '}') templates.pop();
      const end = templateEnd(text, at + 1);
      if (text[end - 1] === '{') templates.push(0);
      putLiteral(end);
    } else {
      const depth = templates.length - 1;
      if (depth >= 0 && char === '{') templates[depth] = (templates[depth] ?? 0) + 1;
      if (depth >= 0 && char === '}') templates[depth] = (templates[depth] ?? 0) - 1;
      put(at + 1, 'code');
    }
  }
  return { code: code.join(''), comments: comments.join('') };
}

function orEnd(text: string, index: number, length = 0): number {
  return index === -1 ? text.length : index + length;
}

/** The code before this place, as far back as a rule about what precedes a `/` must look. */
function lastLine(code: readonly string[]): string {
  return code.slice(-80).join('').trimEnd();
}

function literalEnd(text: string, from: number, quote: string): number {
  let at = from;
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function patternEnd(text: string, from: number): number {
  let inClass = false;
  let at = from;
  while (at < text.length && text[at] !== '\n' && (inClass || text[at] !== '/')) {
    if (text[at] === '[') inClass = true;
    if (text[at] === ']') inClass = false;
    at += text[at] === '\\' ? 2 : 1;
  }
  return at + 1;
}

/** @returns Index after the closing backtick, or after the `{` of the next `${`. */
function templateEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '`') {
    if (text[at] === '$' && text[at + 1] === '{') return at + 2;
    at += text[at] === '\\' ? 2 : 1;
  }
  return at + 1;
}
