import type { ByteText } from '../../base/byte-text.ts';
import { type ByteSet, rangesOf } from './byte-set.ts';
import type { PatternNode, PatternPlace } from './pcre-syntax.ts';

/**
 * A pattern in RE2's syntax, the same under any flag: case, `.` and classes are spelled out as bytes. RE2 joins `[aA]`
 * to literals that ignore case of ASCII only; its own `(?i)` would add U+212A to k, U+017F to s, and fold 0xC0-0xDE.
 */
export function re2SourceOf(node: PatternNode): ByteText {
  switch (node.kind) {
    case 'byte':
      return classOf(node.set);
    case 'place':
      return PLACES[node.place];
    case 'repeat':
      return `${repeatable(node.node)}${countOf(node.min, node.max)}${node.lazy ? '?' : ''}`;
    case 'sequence':
      return node.nodes
        .map((part) => (part.kind === 'choice' ? `(?:${re2SourceOf(part)})` : re2SourceOf(part)))
        .join('');
    case 'choice':
      return node.nodes.map(re2SourceOf).join('|');
    case 'capture':
      return `(${re2SourceOf(node.node)})`;
  }
}

const PLACES: Readonly<Record<PatternPlace, string>> = {
  start: '\\A',
  end: '\\z',
  'line-start': '(?m:^)',
  'line-end': '(?m:$)',
  'word-edge': '\\b',
  'not-word-edge': '\\B',
};

/** Source of each set: most patterns are literals, and literals share their sets. */
const sources = new WeakMap<ByteSet, string>();

function classOf(set: ByteSet): string {
  const known = sources.get(set);
  if (known !== undefined) return known;
  const ranges = rangesOf(set);
  const [first] = ranges;
  let source: string;
  if (first === undefined) source = '[^\\x00-\\x{10ffff}]';
  else if (ranges.length === 1 && first[0] === first[1]) source = byteOf(first[0]);
  else
    source = `[${ranges.map(([from, to]) => (from === to ? byteOf(from) : `${byteOf(from)}-${byteOf(to)}`)).join('')}]`;
  sources.set(set, source);
  return source;
}

function byteOf(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[A-Za-z0-9]/.test(character) ? character : `\\x${byte.toString(16).padStart(2, '0')}`;
}

function repeatable(node: PatternNode): string {
  const source = re2SourceOf(node);
  return node.kind === 'byte' || node.kind === 'capture' ? source : `(?:${source})`;
}

function countOf(min: number, max: number): string {
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  if (min === 0 && max === 1) return '?';
  return min === max ? `{${min}}` : `{${min},${max}}`;
}
