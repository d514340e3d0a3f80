import type { ByteText } from '../../base/byte-text.ts';
import { SecLangReason } from '../seclang/reason.ts';
import { type ByteSet, complementOf, foldedOf, overlaps, singleByte } from './byte-set.ts';
import { ALL_BYTES, ESCAPED_CLASSES, NAMED_CLASSES, NOT_LINE_FEED, VERTICAL } from './pcre-classes.ts';

/** Places between bytes. `line-*` also hold at line feeds within the value. */
export type PatternPlace = 'start' | 'end' | 'line-start' | 'line-end' | 'word-edge' | 'not-word-edge';

/** A pattern as it is meant: every flag is worked into it, every class is the set of its bytes. */
export type PatternNode =
  | { readonly kind: 'byte'; readonly set: ByteSet }
  | { readonly kind: 'place'; readonly place: PatternPlace }
  | {
      readonly kind: 'repeat';
      readonly node: PatternNode;
      readonly min: number;
      /** Infinity for no bound. */
      readonly max: number;
      readonly lazy: boolean;
    }
  /** Empty: matches the empty text. */
  | { readonly kind: 'sequence'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'capture'; readonly node: PatternNode };

/**
 * Reads a pattern as ModSecurity gives it to PCRE: bytes without UTF, `.` takes line ends too, `^` and `$` are the ends
 * of the value unless `(?m)` says otherwise.
 *
 * @param source  Byte text.
 * @throws  SecLangReason for what is no pattern, and for what only a backtracking matcher does: look-around, back
 *          references, atomic groups, recursion, conditions, verbs; possessive repeats where they change the result.
 * Source: pcre2pattern(3) of PCRE2 10.42.
 */
export function readPattern(source: ByteText): PatternNode {
  return new Reader(source).whole();
}

/** PCRE's own bound on nested parentheses (parens nest limit). */
const NESTING_MAX = 250;
/** PCRE's own bound on counts. */
const COUNT_MAX = 65_535;

const LINE_END: PatternNode = {
  kind: 'choice',
  nodes: [
    {
      kind: 'sequence',
      nodes: [
        { kind: 'byte', set: singleByte(0x0d, false) },
        { kind: 'byte', set: singleByte(0x0a, false) },
      ],
    },
    { kind: 'byte', set: VERTICAL },
  ],
};

const CONTROL_ESCAPES: ReadonlyMap<string, number> = new Map([
  ['a', 0x07],
  ['e', 0x1b],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
]);

const PLACE_ESCAPES: ReadonlyMap<string, PatternPlace> = new Map([
  ['A', 'start'],
  // Where the search begins: the whole value is searched, once.
  ['G', 'start'],
  ['z', 'end'],
  ['b', 'word-edge'],
  ['B', 'not-word-edge'],
]);

interface Flags {
  ignoreCase: boolean;
  multiLine: boolean;
  dotAll: boolean;
  extended: boolean;
  lazy: boolean;
}

const FLAG_LETTERS: ReadonlyMap<string, keyof Flags> = new Map([
  ['i', 'ignoreCase'],
  ['m', 'multiLine'],
  ['s', 'dotAll'],
  ['x', 'extended'],
  ['U', 'lazy'],
]);

const CLASS_NAME = /^\[:(\^?)([a-z]+|[<>]):\]/;

/** How often at least and at most. */
type Count = readonly [number, number];

const ANY: Count = [0, Number.POSITIVE_INFINITY];
const SOME: Count = [1, Number.POSITIVE_INFINITY];
const MAYBE: Count = [0, 1];

/** A repeat that gives nothing back, with what follows not looked at yet. */
interface Possessive {
  readonly index: number;
  readonly text: string;
}

class Reader {
  readonly #source: string;
  #at = 0;
  #depth = 0;
  #captures = 0;
  #flags: Flags = { ignoreCase: false, multiLine: false, dotAll: true, extended: false, lazy: false };
  /** Numbers that are octal if there are fewer groups, and back references if not. */
  #octalOrBackReference = 0;
  #quoting = false;

  constructor(source: string) {
    this.#source = source;
  }

  whole(): PatternNode {
    const node = this.#alternatives();
    if (this.#at < this.#source.length) throw this.#reason('a ) closes nothing');
    if (this.#octalOrBackReference > 0 && this.#octalOrBackReference <= this.#captures) throw this.#backReference();
    return node;
  }

  #alternatives(): PatternNode {
    const nodes = [this.#sequence()];
    while (this.#take('|')) nodes.push(this.#sequence());
    return nodes.length === 1 ? (nodes[0] as PatternNode) : { kind: 'choice', nodes };
  }

  #sequence(): PatternNode {
    const nodes: PatternNode[] = [];
    const possessives: Possessive[] = [];
    for (;;) {
      this.#skip();
      if (this.#at >= this.#source.length) break;
      if (!this.#quoting && (this.#peek() === '|' || this.#peek() === ')')) break;
      const start = this.#at;
      const atom = this.#atom();
      if (atom === null) continue;
      const node = this.#repeated(atom, () => {
        possessives.push({ index: nodes.length, text: this.#source.slice(start, this.#at) });
      });
      nodes.push(node);
    }
    for (const possessive of possessives) this.#checkPossessive(nodes, possessive);
    return nodes.length === 1 ? (nodes[0] as PatternNode) : { kind: 'sequence', nodes };
  }

  /** Comments and ends of quotes; under `x` white space and comments to the end of the line. */
  #skip(): void {
    for (;;) {
      const character = this.#source[this.#at];
      if (character !== '\\' && character !== '(' && (this.#quoting || !this.#flags.extended)) return;
      if (this.#take('\\E')) this.#quoting = false;
      else if (this.#quoting) return;
      else if (this.#take('\\Q')) this.#quoting = true;
      else if (this.#take('(?#')) this.#skipPast(')', 'a comment (?# has no end');
      else if (!this.#flags.extended) return;
      else if (/[\t-\r ]/.test(this.#peek())) this.#at += 1;
      else if (this.#take('#')) {
        const end = this.#source.indexOf('\n', this.#at);
        this.#at = end === -1 ? this.#source.length : end + 1;
      } else return;
    }
  }

  #skipPast(end: string, otherwise: string): void {
    const at = this.#source.indexOf(end, this.#at);
    if (at === -1) throw this.#reason(otherwise);
    this.#at = at + end.length;
  }

  /** Null for what stands for nothing: flags. */
  #atom(): PatternNode | null {
    const character = this.#next();
    if (this.#quoting) return this.#literal(character);
    switch (character) {
      case '.':
        return { kind: 'byte', set: this.#flags.dotAll ? ALL_BYTES : NOT_LINE_FEED };
      case '^':
        return { kind: 'place', place: this.#flags.multiLine ? 'line-start' : 'start' };
      case '$':
        return { kind: 'place', place: this.#flags.multiLine ? 'line-end' : 'end' };
      case '[':
        return { kind: 'byte', set: this.#class() };
      case '(':
        return this.#group();
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        throw this.#reason(`${character} repeats nothing`);
      case '{':
        this.#at -= 1;
        if (this.#count() !== null) throw this.#reason('a count in braces repeats nothing');
        this.#at += 1;
        return this.#literal('{');
      default:
        return this.#literal(character);
    }
  }

  #literal(character: string): PatternNode {
    return { kind: 'byte', set: singleByte(character.charCodeAt(0), this.#flags.ignoreCase) };
  }

  #repeated(atom: PatternNode, onPossessive: () => void): PatternNode {
    let node = atom;
    for (;;) {
      this.#skip();
      if (this.#quoting) return node;
      const count = this.#count();
      if (count === null) return node;
      const possessive = this.#take('+');
      const lazy = !possessive && this.#take('?') !== this.#flags.lazy;
      if (possessive && node.kind !== 'byte') throw this.#backtracking('a possessive repeat of a group');
      node = { kind: 'repeat', node, min: count[0], max: count[1], lazy };
      if (possessive) onPossessive();
    }
  }

  /** A repeat without its `?` or `+`. Null, and nothing read, where there is none. */
  #count(): Count | null {
    const character = this.#source[this.#at];
    if (character === '*' || character === '+' || character === '?') {
      this.#at += 1;
      return character === '*' ? ANY : character === '+' ? SOME : MAYBE;
    }
    if (character !== '{') return null;
    const found = /^\{([0-9]{1,9})(,?)([0-9]{0,9})\}/.exec(this.#source.slice(this.#at, this.#at + 22));
    if (found === null || (found[2] === '' && found[3] !== '')) return null;
    const min = Number(found[1]);
    const max = found[2] === '' ? min : found[3] === '' ? Number.POSITIVE_INFINITY : Number(found[3]);
    if (min > COUNT_MAX || (max > COUNT_MAX && max !== Number.POSITIVE_INFINITY))
      throw this.#reason('a count is too big');
    if (max < min) throw this.#reason(`${found[0]} counts downwards`);
    this.#at += found[0].length;
    return [min, max];
  }

  /** Giving back is of no use where what follows can never be what was repeated: then nothing changes without it. */
  #checkPossessive(nodes: readonly PatternNode[], { index, text }: Possessive): void {
    const own = nodes[index] as PatternNode;
    const set = own.kind === 'repeat' && own.node.kind === 'byte' ? own.node.set : ALL_BYTES;
    let next = nodes[index + 1];
    if (next === undefined && this.#depth === 0) return;
    if (next?.kind === 'place' && next.place === 'end') return;
    if (next?.kind === 'repeat' && next.min > 0) next = next.node;
    if (next?.kind === 'byte' && !overlaps(next.set, set)) return;
    throw this.#backtracking(`possessive ${text}`);
  }

  #group(): PatternNode | null {
    if (this.#peek() === '*') throw this.#backtracking('a verb (*');
    let captures = true;
    const outer = { ...this.#flags };
    if (this.#take('?')) {
      const name = /^(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/.exec(this.#source.slice(this.#at, this.#at + 140));
      if (name !== null) this.#at += name[0].length;
      else {
        captures = false;
        if (this.#setFlags()) return null;
      }
    }
    if (captures) this.#captures += 1;
    if (this.#depth === NESTING_MAX) throw this.#reason(`groups are nested deeper than ${NESTING_MAX}`);
    this.#depth += 1;
    const node = this.#alternatives();
    this.#depth -= 1;
    if (!this.#take(')')) throw this.#reason('missing )');
    this.#flags = outer;
    return captures ? { kind: 'capture', node } : node;
  }

  /** Behind `(?`. True where flags are all there is, and hold up to the end of the group around them. */
  #setFlags(): boolean {
    const unset = this.#take('^');
    const found = /^([imsxUnJ]*)(?:-([imsxUnJ]*))?([:)])/.exec(this.#source.slice(this.#at, this.#at + 40));
    if (found === null) throw this.#operator();
    const [text, on = '', off = '', end] = found;
    if (/[nJ]/.test(on + off)) throw this.#reason(`(?${text} has a flag that is not supported`);
    const flags = { ...this.#flags };
    if (unset) Object.assign(flags, { ignoreCase: false, multiLine: false, dotAll: false, extended: false });
    for (const letter of on) flags[FLAG_LETTERS.get(letter) as keyof Flags] = true;
    for (const letter of off) flags[FLAG_LETTERS.get(letter) as keyof Flags] = false;
    this.#at += text.length;
    this.#flags = flags;
    return end === ')';
  }

  #operator(): SecLangReason {
    const shown =
      /^(?:<?[=!]|>|\||\(|P?[=>&]|[+-]?[0-9]+|R)?/.exec(this.#source.slice(this.#at, this.#at + 9))?.[0] ?? '';
    return this.#backtracking(`(?${shown || this.#peek()}`);
  }

  #escape(): PatternNode {
    const letter = this.#peek();
    const set = ESCAPED_CLASSES.get(letter);
    const place = PLACE_ESCAPES.get(letter);
    if (set !== undefined || place !== undefined || 'NCRZ'.includes(letter)) this.#at += 1;
    if (letter === '') throw this.#reason('trailing \\');
    if (set !== undefined) return { kind: 'byte', set };
    if (place !== undefined) return { kind: 'place', place };
    // A name of a character; `\N{2}` are two.
    if (letter === 'N' && /^\{[^0-9]/.test(this.#source.slice(this.#at, this.#at + 2)))
      throw this.#backtracking('\\N{');
    if (letter === 'N') return { kind: 'byte', set: NOT_LINE_FEED };
    if (letter === 'C') return { kind: 'byte', set: ALL_BYTES };
    if (letter === 'R') return LINE_END;
    if (letter === 'Z') return this.#endOrLineFeed();
    if (/[1-9]/.test(letter)) return this.#octalOrReference();
    return { kind: 'byte', set: singleByte(this.#escapedByte(), this.#flags.ignoreCase) };
  }

  /** `\Z` looks at a last line feed without taking it: the same where nothing but an end of groups follows. */
  #endOrLineFeed(): PatternNode {
    if (!/^(?:$|[)|])/.test(this.#source.slice(this.#at, this.#at + 1))) {
      throw this.#reason('\\Z is supported at the end of an alternative only; \\z is the end of the value');
    }
    const lineFeed: PatternNode = { kind: 'byte', set: singleByte(0x0a, false) };
    return {
      kind: 'sequence',
      nodes: [
        { kind: 'repeat', node: lineFeed, min: 0, max: 1, lazy: false },
        { kind: 'place', place: 'end' },
      ],
    };
  }

  #octalOrReference(): PatternNode {
    const digits = /^[0-9]{1,9}/.exec(this.#source.slice(this.#at, this.#at + 9))?.[0] ?? '';
    if (digits.length === 1 || /^[89]/.test(digits)) throw this.#backReference();
    this.#octalOrBackReference = Math.max(this.#octalOrBackReference, Number(digits));
    return { kind: 'byte', set: singleByte(this.#octal(3), this.#flags.ignoreCase) };
  }

  /** Behind the backslash: an escape for one byte, in a class or outside. */
  #escapedByte(): number {
    const letter = this.#next();
    const control = CONTROL_ESCAPES.get(letter);
    if (control !== undefined) return control;
    if (letter === 'x') return this.#hex();
    if (letter === 'c') return this.#control();
    if (letter === 'o' && this.#take('{')) return this.#braced(8);
    if (/[0-7]/.test(letter)) {
      this.#at -= 1;
      return this.#octal(3);
    }
    // PCRE2 refuses letters that mean nothing; `_` and all bytes above 127 stand for themselves.
    if (/[A-Za-z89]/.test(letter)) throw this.#backtracking(`\\${letter}`);
    return letter.charCodeAt(0);
  }

  #octal(digitsMax: number): number {
    const digits = /^[0-7]+/.exec(this.#source.slice(this.#at, this.#at + digitsMax))?.[0] ?? '';
    this.#at += digits.length;
    return this.#byte(Number.parseInt(digits, 8));
  }

  #hex(): number {
    if (this.#take('{')) return this.#braced(16);
    const digits = /^[0-9a-fA-F]{0,2}/.exec(this.#source.slice(this.#at, this.#at + 2))?.[0] ?? '';
    this.#at += digits.length;
    return digits === '' ? 0 : Number.parseInt(digits, 16);
  }

  #braced(radix: 8 | 16): number {
    const end = this.#source.indexOf('}', this.#at);
    const digits = this.#source.slice(this.#at, end);
    if (end === -1 || !(radix === 8 ? /^[0-7]+$/ : /^[0-9a-fA-F]+$/).test(digits)) {
      throw this.#reason('a byte in braces is no number');
    }
    this.#at = end + 1;
    return this.#byte(Number.parseInt(digits, radix));
  }

  #byte(value: number): number {
    if (value > 255) throw this.#reason(`${value} is no byte: values are bytes, write those of the character in UTF-8`);
    return value;
  }

  #control(): number {
    const code = this.#next().toUpperCase().charCodeAt(0);
    if (!(code >= 0x20 && code <= 0x7e)) throw this.#reason('\\c stands before no printable character');
    return code ^ 0x40;
  }

  #class(): ByteSet {
    const negated = this.#take('^');
    const set = new Uint8Array(256);
    let first = true;
    for (;;) {
      if (this.#at >= this.#source.length) throw this.#reason('missing ] of a class');
      if (this.#take('\\E')) this.#quoting = false;
      else if (!this.#quoting && this.#take('\\Q')) this.#quoting = true;
      else {
        if (!first && !this.#quoting && this.#take(']')) break;
        first = false;
        this.#classItem(set);
      }
    }
    const folded = this.#flags.ignoreCase ? foldedOf(set) : set;
    return negated ? complementOf(folded) : folded;
  }

  /** Adds one byte, range or class to the set. */
  #classItem(set: Uint8Array): void {
    const from = this.#classAtom();
    if (typeof from !== 'number') {
      for (let byte = 0; byte < 256; byte += 1) if (from[byte] === 1) set[byte] = 1;
      return;
    }
    set[from] = 1;
    const hyphen = this.#source[this.#at] === '-' && !this.#quoting;
    // A hyphen at the end of a class, or before a class in it, is one.
    if (!hyphen || this.#source[this.#at + 1] === ']' || this.#at + 1 >= this.#source.length) return;
    const before = this.#at;
    this.#at += 1;
    const to = this.#classAtom();
    if (typeof to !== 'number') {
      this.#at = before;
      return;
    }
    if (to < from) throw this.#reason(`the range ${this.#source.slice(before - 1, this.#at)} runs downwards`);
    set.fill(1, from, to + 1);
  }

  #classAtom(): number | ByteSet {
    const named =
      this.#quoting || this.#peek() !== '[' ? null : CLASS_NAME.exec(this.#source.slice(this.#at, this.#at + 16));
    if (named !== null) {
      const set = NAMED_CLASSES.get(named[2] as string);
      if (set === undefined) throw this.#reason(`${named[0]} is no class of bytes`);
      this.#at += named[0].length;
      return this.#caseless(named[2] as string, named[1] === '^' ? complementOf(set) : set);
    }
    const character = this.#next();
    if (this.#quoting || character !== '\\') return character.charCodeAt(0);
    const letter = this.#peek();
    const set = ESCAPED_CLASSES.get(letter);
    if (set !== undefined) {
      this.#at += 1;
      return set;
    }
    if (letter === 'b') {
      this.#at += 1;
      return 0x08;
    }
    return this.#escapedByte();
  }

  /** Under `i`, `[:upper:]` and `[:lower:]` are all letters, and their negations none. */
  #caseless(name: string, set: ByteSet): ByteSet {
    if (!this.#flags.ignoreCase || (name !== 'upper' && name !== 'lower')) return set;
    const letters = NAMED_CLASSES.get('alpha') as ByteSet;
    return set[0] === 1 ? complementOf(letters) : letters;
  }

  #peek(): string {
    return this.#source[this.#at] ?? '';
  }

  #next(): string {
    const character = this.#source[this.#at];
    if (character === undefined) throw this.#reason('it ends in the middle of an escape');
    this.#at += 1;
    return character;
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #backReference(): SecLangReason {
    return this.#backtracking('a back reference \\');
  }

  #backtracking(what: string): SecLangReason {
    return this.#reason(`${what} is nothing that RE2 can match in linear time; write the pattern without it`);
  }

  #reason(words: string): SecLangReason {
    return new SecLangReason(`pattern, at character ${this.#at + 1}: ${words}`);
  }
}
