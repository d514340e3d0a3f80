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
 * @returns  Their number, 0 to 5; up to 7 where the last is evil.
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

/** Five tokens that stand for one: a call of arithmetic (`1-(2)`, `a,(b`). Gone, more of the value is seen. */
function foldFive(state: FoldState): void {
  const [a, b, c, d, e, sixth] = state.tokens as readonly [Token, Token, Token, Token, Token, Token];
  const isFolded =
    (a.kind === KIND.number &&
      (b.kind === KIND.operator || b.kind === KIND.comma) &&
      c.kind === KIND.open &&
      d.kind === KIND.number &&
      e.kind === KIND.close) ||
    (a.kind === KIND.name &&
      b.kind === KIND.operator &&
      c.kind === KIND.open &&
      (d.kind === KIND.name || d.kind === KIND.number) &&
      e.kind === KIND.close) ||
    (a.kind === KIND.number &&
      b.kind === KIND.close &&
      c.kind === KIND.comma &&
      d.kind === KIND.open &&
      e.kind === KIND.number) ||
    (a.kind === KIND.name &&
      b.kind === KIND.close &&
      c.kind === KIND.operator &&
      d.kind === KIND.open &&
      e.kind === KIND.name);
  if (!isFolded) return;
  if (state.count > TOKENS_MAX) {
    b.copy(sixth);
    state.count = 2;
  } else state.count = 1;
  state.left = 0;
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
