// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';

/** What a run of characters is, in the words of libinjection's tokenizer. */
export const TOKEN = {
  dataText: 0,
  tagNameOpen: 1,
  tagNameClose: 2,
  tagNameSelfClose: 3,
  tagClose: 4,
  attributeName: 5,
  attributeValue: 6,
  comment: 7,
  doctype: 8,
} as const;

export type TokenKind = (typeof TOKEN)[keyof typeof TOKEN];

/** Where in a page a value may have been put: between tags, or within an attribute's value under each way to quote. */
export const CONTEXT = { data: 0, unquoted: 1, singleQuoted: 2, doubleQuoted: 3, backquoted: 4 } as const;

export type Context = (typeof CONTEXT)[keyof typeof CONTEXT];

const STATE = {
  data: 0,
  tagOpen: 1,
  endTagOpen: 2,
  tagName: 3,
  tagNameClose: 4,
  selfClosing: 5,
  beforeAttributeName: 6,
  attributeName: 7,
  afterAttributeName: 8,
  beforeAttributeValue: 9,
  quotedValue: 10,
  unquotedValue: 11,
  markup: 12,
  end: 13,
} as const;

type State = (typeof STATE)[keyof typeof STATE];

const QUOTES = ['', '', "'", '"', '`'] as const;

const NUL = 0;
const BANG = 0x21;
const DOUBLE_QUOTE = 0x22;
const PERCENT = 0x25;
const SINGLE_QUOTE = 0x27;
const DASH = 0x2d;
const SLASH = 0x2f;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const QUESTION = 0x3f;
const BACKQUOTE = 0x60;

/**
 * Cuts text into the tokens of HTML, as libinjection does: the tokenizer of the standard, with names, comments and
 * white space also as old browsers read them. Every step goes forward, so a text costs linear time.
 *
 * Use: `begin`, then `next` until it is false; after each true, `kind`, `start` and `end` are those of the token.
 * Source: HTML, 13.2.5 Tokenization; departures were measured on libmodsecurity 3.0.9.
 */
export class HtmlTokenizer {
  kind: TokenKind = TOKEN.dataText;
  start = 0;
  /** Behind its last character. */
  end = 0;
  #text: ByteText = '';
  #length = 0;
  #at = 0;
  #state: State = STATE.end;
  #quote = '';
  /** In `</name`. Survives `/>`, as in libinjection. */
  #isEndTag = false;

  /** Starts over with another text. */
  begin(text: ByteText, context: Context): void {
    this.#text = text;
    this.#length = text.length;
    this.#at = 0;
    this.#isEndTag = false;
    this.#quote = QUOTES[context];
    if (context === CONTEXT.data) this.#state = STATE.data;
    else this.#state = context === CONTEXT.unquoted ? STATE.beforeAttributeName : STATE.quotedValue;
  }

  /** @returns  Whether there was another token. */
  next(): boolean {
    for (;;) {
      switch (this.#state) {
        case STATE.data:
          if (this.#data()) return true;
          break;
        case STATE.tagOpen:
          if (this.#tagOpen()) return true;
          break;
        case STATE.endTagOpen:
          if (this.#endTagOpen()) return true;
          break;
        case STATE.tagName:
          return this.#tagName();
        case STATE.tagNameClose:
          this.#isEndTag = false;
          return this.#emit(TOKEN.tagNameClose, this.#at, this.#at + 1, this.#at + 1, STATE.data);
        case STATE.selfClosing:
          if (this.#selfClosing()) return true;
          break;
        case STATE.beforeAttributeName:
          if (this.#beforeAttributeName()) return true;
          break;
        case STATE.attributeName:
          return this.#attributeName();
        case STATE.afterAttributeName:
          this.#afterAttributeName();
          break;
        case STATE.beforeAttributeValue:
          this.#beforeAttributeValue();
          break;
        case STATE.quotedValue:
          return this.#until(TOKEN.attributeValue, this.#quote, STATE.beforeAttributeName);
        case STATE.unquotedValue:
          return this.#unquotedValue();
        case STATE.markup:
          return this.#markup();
        case STATE.end:
          return false;
      }
    }
  }

  #data(): boolean {
    const from = this.#at;
    if (from >= this.#length) return this.#stop();
    const tag = this.#text.indexOf('<', from);
    if (tag < 0) return this.#emit(TOKEN.dataText, from, this.#length, this.#length, STATE.end);
    this.#go(tag + 1, STATE.tagOpen);
    return tag > from && this.#emit(TOKEN.dataText, from, tag, tag + 1, STATE.tagOpen);
  }

  #tagOpen(): boolean {
    const at = this.#at;
    if (at >= this.#length) return this.#stop();
    const code = this.#text.charCodeAt(at);
    if (isLetter(code) || code === NUL) return this.#go(at, STATE.tagName);
    switch (code) {
      case BANG:
        return this.#go(at + 1, STATE.markup);
      case SLASH:
        this.#isEndTag = true;
        return this.#go(at + 1, STATE.endTagOpen);
      case QUESTION:
        this.#at = at + 1;
        return this.#until(TOKEN.comment, '>', STATE.data);
      case PERCENT:
        // <% ... %>, which old browsers took for a comment.
        this.#at = at + 1;
        return this.#until(TOKEN.comment, '%>', STATE.data);
      default:
        return this.#emit(TOKEN.dataText, at - 1, at, at, STATE.data);
    }
  }

  #endTagOpen(): boolean {
    const at = this.#at;
    if (at >= this.#length) return this.#stop();
    const code = this.#text.charCodeAt(at);
    if (code === GREATER) return this.#go(at, STATE.data);
    if (isLetter(code)) return this.#go(at, STATE.tagName);
    this.#isEndTag = false;
    return this.#until(TOKEN.comment, '>', STATE.data);
  }

  #tagName(): boolean {
    const from = this.#at;
    let at = from;
    for (; at < this.#length; at += 1) {
      const code = this.#text.charCodeAt(at);
      // A NUL is part of the name: some browsers skip it.
      if (code === NUL) continue;
      if (isWhite(code)) return this.#emit(TOKEN.tagNameOpen, from, at, at + 1, STATE.beforeAttributeName);
      if (code === SLASH) return this.#emit(TOKEN.tagNameOpen, from, at, at + 1, STATE.selfClosing);
      if (code !== GREATER) continue;
      if (!this.#isEndTag) return this.#emit(TOKEN.tagNameOpen, from, at, at, STATE.tagNameClose);
      this.#isEndTag = false;
      return this.#emit(TOKEN.tagClose, from, at, at + 1, STATE.data);
    }
    return this.#emit(TOKEN.tagNameOpen, from, at, at, STATE.end);
  }

  #selfClosing(): boolean {
    const at = this.#at;
    if (at >= this.#length) return this.#stop();
    if (this.#text.charCodeAt(at) !== GREATER) return this.#go(at, STATE.beforeAttributeName);
    return this.#emit(TOKEN.tagNameSelfClose, at - 1, at + 1, at + 1, STATE.data);
  }

  #beforeAttributeName(): boolean {
    const at = this.#skipWhite();
    if (at >= this.#length) return this.#stop();
    const code = this.#text.charCodeAt(at);
    if (code === SLASH) return this.#go(at + 1, STATE.selfClosing);
    if (code === GREATER) return this.#emit(TOKEN.tagNameClose, at, at + 1, at + 1, STATE.data);
    return this.#go(at, STATE.attributeName);
  }

  #attributeName(): boolean {
    const from = this.#at;
    // Its first character may be any: `=` too.
    let at = from + 1;
    for (; at < this.#length; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (isWhite(code)) return this.#emit(TOKEN.attributeName, from, at, at + 1, STATE.afterAttributeName);
      if (code === SLASH) return this.#emit(TOKEN.attributeName, from, at, at + 1, STATE.selfClosing);
      if (code === EQUALS) return this.#emit(TOKEN.attributeName, from, at, at + 1, STATE.beforeAttributeValue);
      if (code === GREATER) return this.#emit(TOKEN.attributeName, from, at, at, STATE.tagNameClose);
    }
    return this.#emit(TOKEN.attributeName, from, at, at, STATE.end);
  }

  #afterAttributeName(): void {
    const at = this.#skipWhite();
    const code = at < this.#length ? this.#text.charCodeAt(at) : -1;
    if (code < 0) this.#stop();
    else if (code === SLASH) this.#go(at + 1, STATE.selfClosing);
    else if (code === EQUALS) this.#go(at + 1, STATE.beforeAttributeValue);
    else if (code === GREATER) this.#go(at, STATE.tagNameClose);
    else this.#go(at, STATE.attributeName);
  }

  #beforeAttributeValue(): void {
    const at = this.#skipWhite();
    const code = at < this.#length ? this.#text.charCodeAt(at) : -1;
    if (code < 0) this.#stop();
    else if (code === DOUBLE_QUOTE || code === SINGLE_QUOTE || code === BACKQUOTE) {
      this.#quote = String.fromCharCode(code);
      this.#go(at + 1, STATE.quotedValue);
    } else this.#go(at, STATE.unquotedValue);
  }

  #unquotedValue(): boolean {
    const from = this.#at;
    let at = from;
    for (; at < this.#length; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (isWhite(code)) return this.#emit(TOKEN.attributeValue, from, at, at + 1, STATE.beforeAttributeName);
      if (code === GREATER) return this.#emit(TOKEN.attributeValue, from, at, at, STATE.tagNameClose);
    }
    return this.#emit(TOKEN.attributeValue, from, at, at, STATE.end);
  }

  /** Behind `<!`. */
  #markup(): boolean {
    const at = this.#at;
    if (this.#text.startsWith('--', at)) return this.#comment(at + 2);
    const word = this.#text.slice(at, at + 7);
    if (word === '[CDATA[') {
      this.#at = at + 7;
      return this.#until(TOKEN.dataText, ']]>', STATE.data);
    }
    const isDoctype = word.length === 7 && word.toLowerCase() === 'doctype';
    return this.#until(isDoctype ? TOKEN.doctype : TOKEN.comment, '>', STATE.data);
  }

  /** A comment ends at `-->` or `-!>`, NULs behind the first dash skipped. */
  #comment(from: number): boolean {
    const text = this.#text;
    let dash = text.indexOf('-', from);
    while (dash >= 0) {
      let at = dash + 1;
      while (at < this.#length && text.charCodeAt(at) === NUL) at += 1;
      const code = at < this.#length ? text.charCodeAt(at) : -1;
      if ((code === DASH || code === BANG) && text.charCodeAt(at + 1) === GREATER) {
        return this.#emit(TOKEN.comment, from, dash, at + 2, STATE.data);
      }
      dash = text.indexOf('-', dash + 1);
    }
    return this.#emit(TOKEN.comment, from, this.#length, this.#length, STATE.end);
  }

  /** A token up to a mark, or to the end of the text. */
  #until(kind: TokenKind, mark: string, state: State): boolean {
    const from = this.#at;
    const to = this.#text.indexOf(mark, from);
    if (to < 0) return this.#emit(kind, from, this.#length, this.#length, STATE.end);
    return this.#emit(kind, from, to, to + mark.length, state);
  }

  #skipWhite(): number {
    let at = this.#at;
    while (at < this.#length && isWhite(this.#text.charCodeAt(at))) at += 1;
    return at;
  }

  #emit(kind: TokenKind, start: number, end: number, at: number, state: State): true {
    this.kind = kind;
    this.start = start;
    this.end = end;
    this.#at = at;
    this.#state = state;
    return true;
  }

  #go(at: number, state: State): false {
    this.#at = at;
    this.#state = state;
    return false;
  }

  #stop(): false {
    this.#state = STATE.end;
    return false;
  }
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** Space, tab, line feed, vertical tab, form feed, carriage return; and NUL, since a browser may drop it. */
function isWhite(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === NUL;
}
