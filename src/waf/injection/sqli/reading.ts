// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { fold } from './fold.ts';
import { FoldState } from './fold-state.ts';
import { KIND, type Token } from './token.ts';
import { Tokenizer } from './tokenizer.ts';

const BACKTICK = 0x60;

/** A value read as SQL in one place of a statement: the kinds of its folded tokens. Used again for the next reading. */
export class Reading {
  readonly tokenizer = new Tokenizer();
  readonly #state = new FoldState();
  /** Folded tokens, 0 to 5. One where any is evil. */
  length = 0;

  /** @param quote, isMysql  See Tokenizer.start. */
  read(text: ByteText, quote: string, isMysql: boolean): void {
    this.tokenizer.start(text, quote, isMysql);
    this.length = fold(this.tokenizer, this.#state);
    this.#endInBacktick();
    this.#showEvil();
  }

  /** Lets go of the value, which may be large. */
  release(): void {
    this.tokenizer.start('', '', false);
  }

  /** One of the folded tokens; later slots are stale. */
  token(index: number): Token {
    return this.#state.tokens[index] as Token;
  }

  /** The letters of its tokens: `s&1c`. */
  get fingerprint(): string {
    let letters = '';
    for (let i = 0; i < this.length; i += 1) letters += String.fromCharCode(this.token(i).kind);
    return letters;
  }

  /** A lone backtick at the end was a comment to MySQL clients of old PHP. */
  #endInBacktick(): void {
    if (this.length <= 2) return;
    const last = this.token(this.length - 1);
    if (last.kind === KIND.name && last.openedBy === BACKTICK && last.length === 0 && last.closedBy === 0) {
      last.kind = KIND.comment;
    }
  }

  /** What serves to hide is all that counts. */
  #showEvil(): void {
    for (let i = 0; i < this.length; i += 1) {
      if (this.token(i).kind !== KIND.evil) continue;
      this.token(0).kind = KIND.evil;
      this.length = 1;
    }
  }
}
