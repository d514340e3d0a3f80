// hot path: synchronous, never throws
import { type FoldState, TOKENS_MAX } from './fold-state.ts';
import { foldThree } from './fold-three.ts';
import { foldTwo } from './fold-two.ts';
import { KIND, type Token } from './token.ts';
import { isUnary } from './token-tests.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * Reads tokens and folds them: what changes nothing about the shape of a statement goes (signs, parentheses at the
 * start, arithmetic, lists, comments between), until at most five tokens are left that nothing folds.
 *
 * @param tokenizer  Started.
 * @param state  Left with the tokens.
 * @returns  Their number, 0 to 5; up to 6 where the last is evil.
 */
export function fold(tokenizer: Tokenizer, state: FoldState): number {
  state.reset(tokenizer);
  if (!skipStart(state)) return 0;
  while (!state.isEnded) {
    if (state.count >= TOKENS_MAX) foldFive(state);
    if (!state.hasMore || state.left >= TOKENS_MAX) {
      state.left = state.count;
      break;
    }
    if (fill(state, 2) && !foldTwo(state) && fill(state, 3) && !foldThree(state)) {
      // Nothing folds here: the leftmost stays as it is.
      state.left += 1;
    }
  }
  return finish(state);
}

/** What opens a value without meaning: comments, parentheses, types, signs. */
function skipStart(state: FoldState): boolean {
  const token = state.tokens[0] as Token;
  while (state.readOne()) {
    const { kind } = token;
    if (kind === KIND.comment || kind === KIND.open || kind === KIND.type || isUnary(token, state.text)) continue;
    state.count = 1;
    return true;
  }
  return false;
}

/** Reads until the window holds so many; where the value has fewer, all are taken as folded. */
function fill(state: FoldState, size: number): boolean {
  state.read(size);
  if (state.count - state.left >= size) return true;
  state.left = state.count;
  return false;
}

/** Five tokens that stand for their first: a call of arithmetic (`1-(2)`), or a list over parentheses (`1),(2`). */
function foldFive(state: FoldState): void {
  if (!isCall(state.tokens) && !isOverParentheses(state.tokens)) return;
  if (state.count > TOKENS_MAX) {
    (state.tokens[1] as Token).copy(state.tokens[TOKENS_MAX] as Token);
    state.count = 2;
  } else state.count = 1;
  state.left = 0;
}

function isCall(tokens: readonly Token[]): boolean {
  const first = kindAt(tokens, 0);
  if (first !== KIND.number && first !== KIND.name) return false;
  if (kindAt(tokens, 2) !== KIND.open || kindAt(tokens, 4) !== KIND.close) return false;
  const between = kindAt(tokens, 1);
  const inner = kindAt(tokens, 3);
  if (first === KIND.number) return (between === KIND.operator || between === KIND.comma) && inner === KIND.number;
  return between === KIND.operator && (inner === KIND.name || inner === KIND.number);
}

function isOverParentheses(tokens: readonly Token[]): boolean {
  const first = kindAt(tokens, 0);
  if (first !== KIND.number && first !== KIND.name) return false;
  if (kindAt(tokens, 1) !== KIND.close || kindAt(tokens, 3) !== KIND.open) return false;
  return kindAt(tokens, 2) === (first === KIND.number ? KIND.comma : KIND.operator) && kindAt(tokens, 4) === first;
}

function kindAt(tokens: readonly Token[], index: number): number {
  return (tokens[index] as Token).kind;
}

/** A comment at the end belongs to the fingerprint, if there is room; the sixth token does not. */
function finish(state: FoldState): number {
  const { left, tokens, comment } = state;
  if (state.isEnded) return state.count;
  if (left < TOKENS_MAX && comment.kind === KIND.comment) {
    (tokens[left] as Token).copy(comment);
    return left + 1;
  }
  return Math.min(left, TOKENS_MAX);
}
