// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { type FoldState, START } from './fold-state.ts';
import { KIND, type Token } from './token.ts';
import { contentIs, isUnary } from './token-tests.ts';

/**
 * Folds the three tokens at the window's start, which are no two to fold.
 *
 * @returns  True where they changed and are to be looked at anew.
 */
export function foldThree(state: FoldState): boolean {
  const { text } = state;
  const a = state.at(0);
  const b = state.at(1);
  const c = state.at(2);
  if (isChain(a, b, c, text)) return state.drop(2, START);
  if (isUnary(b, text)) return foldSign(state, a, c);
  if (a.kind === KIND.expression && b.kind === KIND.dot && c.kind === KIND.name) {
    state.move(1, 2);
    return state.drop(1, START);
  }
  if (a.kind === KIND.function && b.kind === KIND.open && c.kind !== KIND.close && contentIs(a, text, 'USER')) {
    // The function has no parameters: with some it is a column or table.
    a.kind = KIND.name;
  }
  return false;
}

/** Three that stand for their first: arithmetic, comparison, lists, names of columns, casts. */
function isChain(a: Token, b: Token, c: Token, text: ByteText): boolean {
  switch (b.kind) {
    case KIND.operator:
      if (isNumberOrName(a.kind) && isNumberOrName(c.kind)) return true;
      if (a.kind === KIND.variable && (c.kind === KIND.variable || isNumberOrName(c.kind))) return true;
      if (isOperand(a.kind) && c.kind === KIND.type && contentIs(b, text, '::')) return true;
      break;
    case KIND.comma:
      if (isOperand(a.kind) && isOperand(c.kind)) return true;
      break;
    case KIND.dot:
      if (a.kind === KIND.name && c.kind === KIND.name) return true;
      break;
  }
  if (a.kind === KIND.operator && c.kind === KIND.operator) return b.kind !== KIND.open;
  return a.kind === KIND.logic && c.kind === KIND.logic;
}

/** A sign or negation behind a word that begins an expression, or behind a comma, changes nothing. */
function foldSign(state: FoldState, a: Token, c: Token): boolean {
  const { kind } = a;
  const isClause = kind === KIND.expression || kind === KIND.group;
  if ((isClause || kind === KIND.comma) && c.kind === KIND.open) {
    state.move(1, 2);
    return state.drop(1, START);
  }
  if ((isClause || kind === KIND.keyword) && (isOperand(c.kind) || c.kind === KIND.function)) {
    state.move(1, 2);
    return state.drop(1, START);
  }
  if (kind !== KIND.comma) return false;
  if (isOperand(c.kind)) {
    // `1,-2`: back by three, so that the list itself is folded with what stands before the comma.
    state.move(1, 2);
    return state.drop(3, START);
  }
  if (c.kind === KIND.function) {
    state.move(1, 2);
    return state.drop(1, START);
  }
  return false;
}

function isNumberOrName(kind: number): boolean {
  return kind === KIND.number || kind === KIND.name;
}

function isOperand(kind: number): boolean {
  return kind === KIND.number || kind === KIND.name || kind === KIND.string || kind === KIND.variable;
}
