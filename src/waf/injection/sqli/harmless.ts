// hot path: synchronous, never throws
import type { Reading } from './reading.ts';
import { KIND, type Token } from './token.ts';

const DASH = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const HASH = 0x23;
const SPACE = 0x20;
const ASCII_MAX = 0x7f;
/** Keywords shorter than this are none that write files. */
const INTO_LENGTH = 5;

/**
 * Some shapes of injections are those of honest text too (`rock and roll`, `1 union`, `2010--`): is this one of them?
 *
 * @param reading  Of a value whose fingerprint is known.
 */
export function isHarmless(reading: Reading): boolean {
  const { text } = reading.tokenizer;
  const { length } = reading;
  // A comment that names it hides the statement from logs of SQL Server.
  if (length > 1 && reading.token(length - 1).kind === KIND.comment && text.includes('sp_password')) return false;
  if (length === 2) return isHarmlessPair(reading, reading.token(0), reading.token(1));
  if (length === 3) return isHarmlessTriple(reading, reading.token(0), reading.token(1), reading.token(2));
  return false;
}

function isHarmlessPair(reading: Reading, a: Token, b: Token): boolean {
  const { text, count } = reading.tokenizer;
  if (b.kind === KIND.union) return count === 2;
  const first = b.byteAt(text, 0);
  if (first === HASH) return true;
  if (b.kind !== KIND.comment) return b.length > 2 && first === DASH;
  if (a.kind === KIND.name && first !== SLASH) return true;
  if (a.kind === KIND.number && first === SLASH) return false;
  if (a.kind === KIND.number) return count <= 2 && !endsNumber(text, a.length);
  // `--` at the very end is meant; with words behind it, people write it too.
  return b.length > 2 && first === DASH;
}

/**
 * Behind a true number there is space, a byte that is not ASCII, or a comment: not so in what only begins as one, such
 * as `1234-ABC--`.
 */
function endsNumber(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  const next = text.charCodeAt(at + 1);
  return code <= SPACE || code > ASCII_MAX || (code === SLASH && next === STAR) || (code === DASH && next === DASH);
}

function isHarmlessTriple(reading: Reading, a: Token, b: Token, c: Token): boolean {
  const { text, count } = reading.tokenizer;
  if (a.kind === KIND.string && c.kind === KIND.string && (b.kind === KIND.operator || b.kind === KIND.logic)) {
    // Injected: `x' + 'y`, the outer quotes not in the value, and of the kind of the inner ones.
    return !(a.openedBy === 0 && c.closedBy === 0 && a.closedBy === c.openedBy);
  }
  if (b.kind === KIND.logic && isPlainLogic(a.kind, c.kind)) return count === 3;
  if (b.kind === KIND.keyword) return b.length < INTO_LENGTH || !beginsWithInto(b, text);
  return false;
}

/** `rock & roll`, `5 and 10`, `5 and @x`: harmless where nothing was folded. */
function isPlainLogic(a: number, c: number): boolean {
  if (a === KIND.string) return c === KIND.name;
  if (a === KIND.name) return c === KIND.number;
  return a === KIND.number && (c === KIND.number || c === KIND.variable || c === KIND.string);
}

/** INTO OUTFILE, INTO DUMPFILE. */
function beginsWithInto(token: Token, text: string): boolean {
  return token.contentOf(text).slice(0, 4).toUpperCase() === 'INTO';
}
