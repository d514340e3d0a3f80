// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';
import { isBlackComment } from './black-comment.ts';
import { ATTRIBUTE, type AttributeKind, attributeKindOf, isBlackTag } from './black-lists.ts';
import { isBlackUrl } from './black-url.ts';
import { CONTEXT, type Context, HtmlTokenizer, TOKEN } from './html-tokens.ts';

const CONTEXTS = Object.values(CONTEXT);

/** One for the thread: nothing waits while a text is read. */
const tokenizer = new HtmlTokenizer();

/**
 * Whether text would run script in a page that puts it between tags, or into an attribute's value, quoted or not.
 * The verdicts of libinjection as in libmodsecurity 3.0.9, its blind spots included: text behind `</>`, `<!-->`, `<%`
 * and `<![CDATA[` is read as it reads it. One difference: a byte 255 in a tag ends its reading, and not this one.
 * Linear in the text.
 */
export function isXss(text: ByteText): boolean {
  return mayBeXss(text) && CONTEXTS.some((context) => isXssFrom(text, context));
}

/** Every finding begins at a tag or at an attribute with a value: without either character there is none. */
export function mayBeXss(text: ByteText): boolean {
  return text.includes('<') || text.includes('=');
}

/** The same for one place in a page. */
export function isXssFrom(text: ByteText, context: Context): boolean {
  let attribute: AttributeKind = ATTRIBUTE.harmless;
  tokenizer.begin(text, context);
  while (tokenizer.next()) {
    const { kind, start, end } = tokenizer;
    switch (kind) {
      case TOKEN.doctype:
        return true;
      case TOKEN.tagNameOpen:
        if (isBlackTag(text, start, end)) return true;
        break;
      case TOKEN.attributeName:
        attribute = attributeKindOf(text, start, end);
        continue;
      case TOKEN.attributeValue:
        if (isBlackValue(attribute, text, start, end)) return true;
        break;
      case TOKEN.comment:
        if (isBlackComment(text, start, end)) return true;
        break;
    }
    attribute = ATTRIBUTE.harmless;
  }
  return false;
}

function isBlackValue(attribute: AttributeKind, text: ByteText, start: number, end: number): boolean {
  switch (attribute) {
    case ATTRIBUTE.harmless:
      return false;
    case ATTRIBUTE.black:
      return true;
    case ATTRIBUTE.url:
      return isBlackUrl(text, start, end);
    case ATTRIBUTE.indirect:
      return attributeKindOf(text, start, end) !== ATTRIBUTE.harmless;
  }
}
