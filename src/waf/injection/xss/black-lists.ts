// hot path: synchronous, never throws
import type { ByteText } from '../../../base/byte-text.ts';

/** What an attribute may do with its value. */
export const ATTRIBUTE = {
  harmless: 0,
  /** Runs script, or changes what a page is, whatever the value. */
  black: 1,
  /** Its value is an address. */
  url: 2,
  /** Its value is the name of another attribute: SVG's `attributeName`. */
  indirect: 3,
} as const;

export type AttributeKind = (typeof ATTRIBUTE)[keyof typeof ATTRIBUTE];

const TAGS = new Set([
  'applet',
  'base',
  'comment',
  'embed',
  'frame',
  'frameset',
  'handler',
  'iframe',
  'import',
  'isindex',
  'link',
  'listener',
  'meta',
  'noscript',
  'object',
  'script',
  'style',
  'vmlframe',
  'xml',
  'xss',
]);

const ATTRIBUTES = new Map<string, AttributeKind>([
  ['action', ATTRIBUTE.url],
  ['attributename', ATTRIBUTE.indirect],
  ['background', ATTRIBUTE.url],
  ['by', ATTRIBUTE.url],
  ['dataformatas', ATTRIBUTE.black],
  ['datasrc', ATTRIBUTE.black],
  ['dynsrc', ATTRIBUTE.url],
  ['filter', ATTRIBUTE.black],
  ['folder', ATTRIBUTE.url],
  ['formaction', ATTRIBUTE.url],
  ['from', ATTRIBUTE.url],
  ['handler', ATTRIBUTE.url],
  ['href', ATTRIBUTE.url],
  ['lowsrc', ATTRIBUTE.url],
  ['poster', ATTRIBUTE.url],
  ['src', ATTRIBUTE.url],
  ['style', ATTRIBUTE.black],
  ['to', ATTRIBUTE.url],
  ['values', ATTRIBUTE.url],
]);

/** Longest of the lists. */
const NAME_MAX = 13;

/** Whether a tag runs script, loads something or changes what a page is; all of SVG and XSL are taken to. */
export function isBlackTag(text: ByteText, start: number, end: number): boolean {
  if (end - start < 3) return false;
  const beginning = text.slice(start, start + 3).toLowerCase();
  if (beginning === 'svg' || beginning === 'xsl') return true;
  const name = nameOf(text, start, end);
  return name !== null && TAGS.has(name);
}

/** What an attribute of this name does with its value. Any `on...` of five characters is an event's handler. */
export function attributeKindOf(text: ByteText, start: number, end: number): AttributeKind {
  const size = end - start;
  if (size < 2) return ATTRIBUTE.harmless;
  if (size >= 5) {
    const beginning = text.slice(start, start + 5).toLowerCase();
    if (beginning.startsWith('on') || beginning === 'xmlns' || beginning === 'xlink') return ATTRIBUTE.black;
  }
  const name = nameOf(text, start, end);
  return (name !== null && ATTRIBUTES.get(name)) || ATTRIBUTE.harmless;
}

/** A name in small letters, without NULs, which browsers drop or have dropped; null where it is too long for a list. */
function nameOf(text: ByteText, start: number, end: number): string | null {
  const name = text.slice(start, end);
  const bare = name.includes('\0') ? name.replace(/\0/g, '') : name;
  return bare.length > NAME_MAX ? null : bare.toLowerCase();
}
