// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { type FoldState, START } from './fold-state.ts';
import { mergeWords } from './merge-words.ts';
import { KIND, type Token } from './token.ts';
import { contentIs, isArithmetic, isUnary } from './token-tests.ts';

/**
 * Folds the two tokens at the window's start.
 *
 * @returns  True where they changed and are to be looked at anew.
 */
export function foldTwo(state: FoldState): boolean {
  const { text } = state;
  const a = state.at(0);
  const b = state.at(1);
  if (a.kind === KIND.string && b.kind === KIND.string) return state.drop(1, 0);
  if (a.kind === KIND.semicolon && b.kind === KIND.semicolon) return state.drop(1, 0);
  if ((a.kind === KIND.operator || a.kind === KIND.logic) && (isUnary(b, text) || b.kind === KIND.type)) {
    return state.drop(1, START);
  }
  if (a.kind === KIND.open && isUnary(b, text)) return state.drop(1, 1);
  if (mergeWords(a, b, text)) return state.drop(1, 1);
  if (a.kind === KIND.semicolon && b.kind === KIND.function && beginsWithIf(b, text)) {
    // A statement of Transact-SQL, not the function of MySQL.
    b.kind = KIND.statement;
    return true;
  }
  if ((a.kind === KIND.name || a.kind === KIND.variable) && b.kind === KIND.open && isCalled(a, text)) {
    a.kind = KIND.function;
    return true;
  }
  if (a.kind === KIND.keyword && (contentIs(a, text, 'IN') || contentIs(a, text, 'NOT IN'))) {
    // Else a word of a phrase: IN BOOLEAN MODE.
    a.kind = b.kind === KIND.open ? KIND.operator : KIND.name;
    return true;
  }
  return foldOthers(state, a, b, text);
}

function foldOthers(state: FoldState, a: Token, b: Token, text: ByteText): boolean {
  switch (a.kind) {
    case KIND.operator:
      if (contentIs(a, text, 'LIKE') || contentIs(a, text, 'NOT LIKE')) {
        if (b.kind === KIND.open) a.kind = KIND.function;
        return false;
      }
      break;
    case KIND.type:
      if (isTyped(b.kind)) {
        state.move(0, 1);
        return state.drop(1, START);
      }
      break;
    case KIND.collate:
      if (b.kind === KIND.name) {
        // Names of collations have underscores.
        if (b.contentOf(text).includes('_')) {
          b.kind = KIND.type;
          state.left = 0;
        }
        return false;
      }
      break;
    case KIND.backslash:
      // SQL Server reads `\1` as 1, and `\%0` as 0 % 0.
      if (isArithmetic(b, text)) {
        a.kind = KIND.number;
        return state.drop(0, START);
      }
      state.move(0, 1);
      return state.drop(1, START);
    case KIND.open:
      if (b.kind === KIND.open) return state.drop(1, START);
      break;
    case KIND.close:
      if (b.kind === KIND.close) return state.drop(1, START);
      break;
    case KIND.openBrace:
      if (b.kind === KIND.name) return foldBrace(state, b);
      break;
  }
  return b.kind === KIND.closeBrace ? state.drop(1, START) : false;
}

function beginsWithIf(token: Token, text: ByteText): boolean {
  return (token.byteAt(text, 0) | 0x20) === 0x69 && (token.byteAt(text, 1) | 0x20) === 0x66;
}

const CALLED = new Set([
  'CURRENT_DATE',
  'CURRENT_TIME',
  'CURRENT_TIMESTAMP',
  'CURRENT_USER',
  'DATABASE',
  'LOCALTIME',
  'LOCALTIMESTAMP',
  'PASSWORD',
  'USER',
  'USER_ID',
  'USER_NAME',
]);

/** Functions whose names are common as names of columns too: a parenthesis tells. */
function isCalled(token: Token, text: ByteText): boolean {
  return CALLED.has(token.contentOf(text).toUpperCase());
}

function isTyped(kind: number): boolean {
  return (
    kind === KIND.name ||
    kind === KIND.number ||
    kind === KIND.type ||
    kind === KIND.open ||
    kind === KIND.function ||
    kind === KIND.variable ||
    kind === KIND.string
  );
}

/** `{foo expression}` is the expression; an empty name in backticks behind a brace serves to hide. */
function foldBrace(state: FoldState, name: Token): boolean {
  if (name.length > 0) return state.drop(2, START);
  name.kind = KIND.evil;
  state.end(2);
  return true;
}
