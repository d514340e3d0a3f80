// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { Found } from './found.ts';
import { isXmlSpace, skipXmlSpace, xmlNameEnd } from './xml-names.ts';
import { decodeReferences } from './xml-references.ts';

/** The only declaration that is read: version 1.0 and UTF-8. */
const DECLARATION =
  /^<\?xml[ \t\n]+version[ \t\n]*=[ \t\n]*(?:"1\.0"|'1\.0')(?:[ \t\n]+encoding[ \t\n]*=[ \t\n]*(?:"utf-8"|'utf-8'))?(?:[ \t\n]+standalone[ \t\n]*=[ \t\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\n]*\?>/i;
/** A declaration is no longer. */
const DECLARATION_LENGTH_MAX = 1_024;

/** Walks one document, without recursion. Its text is UTF-8 of allowed characters, with LF at the ends of lines. */
export class XmlReader {
  readonly #text: ByteText;
  readonly #found: Found;
  readonly #depthMax: number;
  #at = 0;
  /** Names of open elements. */
  readonly #open: ByteText[] = [];
  /** All text so far, and that of the node at hand: comments and CDATA do not part it. */
  readonly #pieces: ByteText[] = [];
  readonly #node: ByteText[] = [];

  constructor(text: ByteText, depthMax: number, found: Found) {
    this.#text = text;
    this.#depthMax = depthMax;
    this.#found = found;
  }

  read(): boolean {
    const text = this.#text;
    const head = text.slice(0, DECLARATION_LENGTH_MAX);
    if (/^<\?xml[ \t\n]/i.test(head)) {
      const declaration = DECLARATION.exec(head);
      if (declaration === null || !head.startsWith('<?xml')) return this.#fail('declares another version or encoding');
      this.#at = declaration[0].length;
    }
    if (!this.#prolog()) return false;
    if (this.#at === text.length) return this.#fail('has no element');
    if (!this.#tag()) return false;
    while (this.#open.length > 0) {
      if (!this.#content()) return false;
    }
    if (!this.#prolog()) return false;
    if (this.#at < text.length) return this.#fail('something follows the outermost element');
    const { xmlTexts } = this.#found;
    return xmlTexts.length < 2 || this.#keep(xmlTexts, this.#pieces.join(''));
  }

  #fail(reason: string): false {
    return this.#found.fail(`${reason} (byte ${this.#at})`);
  }

  #keep(list: ByteText[], value: ByteText): boolean {
    if (!this.#found.hasRoom()) return false;
    list.push(value);
    return true;
  }

  /** White space, comments and instructions around the outermost element. */
  #prolog(): boolean {
    for (;;) {
      this.#at = skipXmlSpace(this.#text, this.#at);
      if (this.#text.startsWith('<!--', this.#at)) {
        if (!this.#comment()) return false;
      } else if (this.#text.startsWith('<?', this.#at)) {
        if (!this.#instruction()) return false;
      } else if (this.#text.startsWith('<!', this.#at)) {
        return this.#fail('a document type or other declaration');
      } else {
        return true;
      }
    }
  }

  /** One thing within an element. */
  #content(): boolean {
    const text = this.#text;
    const markup = text.indexOf('<', this.#at);
    if (markup === -1) return this.#fail('ends within an element');
    if (markup > this.#at) {
      const raw = text.slice(this.#at, markup);
      if (raw.includes(']]>')) return this.#fail(']]> in a text');
      const value = decodeReferences(raw);
      if (value === null) return this.#fail('a reference that is none of XML’s own');
      this.#node.push(value);
      this.#at = markup;
    }
    if (text.startsWith('</', markup)) return this.#endTag();
    if (text.startsWith('<!--', markup)) return this.#comment();
    if (text.startsWith('<![CDATA[', markup)) return this.#cdata();
    if (text.startsWith('<?', markup)) return this.#instruction();
    if (text.startsWith('<!', markup)) return this.#fail('a declaration within an element');
    return this.#tag();
  }

  #comment(): boolean {
    const end = this.#text.indexOf('--', this.#at + 4);
    if (end === -1 || this.#text[end + 2] !== '>') return this.#fail('a comment that does not end, or has --');
    this.#at = end + 3;
    return true;
  }

  #instruction(): boolean {
    const text = this.#text;
    const nameEnd = xmlNameEnd(text, this.#at + 2);
    if (nameEnd === -1) return this.#fail('an instruction without a name');
    if (/^xml$/i.test(text.slice(this.#at + 2, nameEnd))) return this.#fail('an XML declaration not at the start');
    const end = text.indexOf('?>', nameEnd);
    if (end === -1) return this.#fail('an instruction that does not end');
    if (end > nameEnd && !isXmlSpace(text.charCodeAt(nameEnd))) return this.#fail('an instruction without a space');
    this.#at = end + 2;
    return true;
  }

  #cdata(): boolean {
    const from = this.#at + '<![CDATA['.length;
    const end = this.#text.indexOf(']]>', from);
    if (end === -1) return this.#fail('a CDATA section that does not end');
    this.#node.push(this.#text.slice(from, end));
    this.#at = end + 3;
    return true;
  }

  /** A start tag, or that of an empty element. */
  #tag(): boolean {
    const text = this.#text;
    if (text[this.#at] !== '<') return this.#fail('text outside the outermost element');
    const nameEnd = xmlNameEnd(text, this.#at + 1);
    if (nameEnd === -1) return this.#fail('a tag without a name');
    const name = text.slice(this.#at + 1, nameEnd);
    this.#at = nameEnd;
    if (!this.#endNode() || !this.#attributes()) return false;
    if (this.#open.length === this.#depthMax) return this.#fail(`is nested deeper than ${this.#depthMax}`);
    if (text.startsWith('/>', this.#at)) {
      this.#at += 2;
      return true;
    }
    if (text[this.#at] !== '>') return this.#fail('a tag that does not end');
    this.#at += 1;
    this.#open.push(name);
    return true;
  }

  #attributes(): boolean {
    const text = this.#text;
    let names: Set<ByteText> | null = null;
    for (;;) {
      const from = skipXmlSpace(text, this.#at);
      const byte = text[from];
      if (byte === '>' || byte === '/' || byte === undefined) {
        this.#at = from;
        return true;
      }
      const nameEnd = xmlNameEnd(text, from);
      if (nameEnd === -1 || from === this.#at) return this.#fail('a tag that is malformed');
      const name = text.slice(from, nameEnd);
      names ??= new Set();
      if (names.has(name)) return this.#fail('an attribute that comes twice');
      names.add(name);
      const equals = skipXmlSpace(text, nameEnd);
      const open = skipXmlSpace(text, equals + 1);
      const quote = text[open];
      if (text[equals] !== '=' || (quote !== '"' && quote !== "'")) return this.#fail('an attribute without a value');
      const close = text.indexOf(quote, open + 1);
      if (close === -1) return this.#fail('an attribute that does not end');
      const raw = text.slice(open + 1, close);
      if (raw.includes('<')) return this.#fail('< in an attribute');
      // 3.3.3: white space as such is a space; as a reference it stays.
      const value = decodeReferences(/[\t\n]/.test(raw) ? raw.replace(/[\t\n]/g, ' ') : raw);
      if (value === null) return this.#fail('a reference that is none of XML’s own');
      if (!this.#keep(this.#found.xmlAttributes, value)) return false;
      this.#at = close + 1;
    }
  }

  #endTag(): boolean {
    const text = this.#text;
    const nameEnd = xmlNameEnd(text, this.#at + 2);
    const close = nameEnd === -1 ? -1 : skipXmlSpace(text, nameEnd);
    if (close === -1 || text[close] !== '>' || text.slice(this.#at + 2, nameEnd) !== this.#open.pop()) {
      return this.#fail('an end tag that ends nothing');
    }
    this.#at = close + 1;
    return this.#endNode();
  }

  /** A tag parts texts. */
  #endNode(): boolean {
    if (this.#node.length === 0) return true;
    const value = this.#node.length === 1 ? (this.#node[0] as ByteText) : this.#node.join('');
    this.#node.length = 0;
    this.#pieces.push(value);
    return !/[^ \t\n\r]/.test(value) || this.#keep(this.#found.xmlTexts, value);
  }
}
