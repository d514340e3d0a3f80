// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { KIND, Token } from './token.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Tokens of a fingerprint. */
export const TOKENS_MAX = 5;
/** A sixth is read to judge the fifth, and a slot more takes what the tokenizer reads behind it. */
const SLOTS = TOKENS_MAX + 3;

/** The tokens that folding works on: a window that moves over them from the left. */
export class FoldState {
  /** Tokens before `count` are read; those before `left` are folded as far as they can be. */
  readonly tokens: readonly Token[] = Array.from({ length: SLOTS }, () => new Token());
  count = 0;
  left = 0;
  /** False once the value has no more tokens. */
  hasMore = true;
  /** Folding met what it cannot judge. */
  isEnded = false;
  /** The comment that was read last, with nothing behind it. */
  readonly comment = new Token();
  #tokenizer: Tokenizer | null = null;

  reset(tokenizer: Tokenizer): void {
    this.#tokenizer = tokenizer;
    this.count = 0;
    this.left = 0;
    this.hasMore = true;
    this.isEnded = false;
    this.comment.kind = KIND.none;
  }

  get text(): ByteText {
    return this.#tokenizer === null ? '' : this.#tokenizer.text;
  }

  /** The token `offset` places right of the window's start. */
  at(offset: number): Token {
    return this.tokens[this.left + offset] as Token;
  }

  /** Reads one token into the slot behind those that are read; it is not counted yet. */
  readOne(): boolean {
    this.hasMore = this.#tokenizer?.next(this.tokens[this.count] as Token) ?? false;
    return this.hasMore;
  }

  /** Reads until the window holds so many tokens. Comments are dropped, the last one remembered. */
  read(size: number): void {
    while (this.hasMore && this.count <= TOKENS_MAX && this.count - this.left < size) {
      if (!this.readOne()) return;
      const token = this.tokens[this.count] as Token;
      if (token.kind === KIND.comment) this.comment.copy(token);
      else {
        this.comment.kind = KIND.none;
        this.count += 1;
      }
    }
  }

  /** Drops the last tokens, and goes on `back` places further left. Always true, for rules to return. */
  drop(tokens: number, back: number): true {
    this.count -= tokens;
    this.left = this.left > back ? this.left - back : 0;
    return true;
  }

  /** Reads no more: so many tokens of the window are the last, and all count, more than five too. */
  end(tokens: number): void {
    this.count = this.left + tokens;
    this.hasMore = false;
    this.isEnded = true;
    this.comment.kind = KIND.none;
  }

  /** Overwrites the token at one offset of the window by the one at another. */
  move(to: number, from: number): void {
    this.at(to).copy(this.at(from));
  }
}

/** As `back` of drop: to the leftmost token. */
export const START = TOKENS_MAX + 1;
