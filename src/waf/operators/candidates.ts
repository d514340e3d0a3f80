import type { ByteText } from '../../base/byte-text.ts';
import type { OperatorTest } from '../operator.ts';
import { compileRuleSearch } from './patterns.ts';
import { type PatternNode, readPattern } from './pcre-syntax.ts';

/** Longest match of a pattern, bytes, for which matches that overlap are looked at too. */
const OVERLAP_MAX = 256;

/**
 * Some match of the pattern passes a check. Matches may overlap where the pattern bounds their length, so that no digit
 * in front hides a number; others are taken one behind the other. Linear, unless a pattern without bound looks far past
 * the end of each of its matches.
 *
 * Capture: the match.
 * @throws  SecLangReason as `readPattern`.
 */
export function compileCandidates(source: ByteText, isValid: (text: ByteText) => boolean): OperatorTest {
  const search = compileRuleSearch(source);
  const overlapping = longestMatch(readPattern(source)) <= OVERLAP_MAX;
  return ({ encoded }, captures) => {
    for (let match = search(encoded, 0); match !== null; ) {
      const text = match.groups[0] as ByteText;
      if (isValid(text)) {
        captures?.set(0, text);
        return true;
      }
      const next = overlapping || match.end === match.start ? afterByte(encoded, match.start) : match.end;
      match = search(encoded, next);
    }
    return false;
  };
}

/** Bytes of the longest text that it matches. */
function longestMatch(node: PatternNode): number {
  switch (node.kind) {
    case 'byte':
      return 1;
    case 'place':
      return 0;
    case 'capture':
      return longestMatch(node.node);
    case 'repeat': {
      const one = longestMatch(node.node);
      return one === 0 ? 0 : one * node.max;
    }
    case 'sequence':
      return node.nodes.reduce((sum, part) => sum + longestMatch(part), 0);
    case 'choice':
      return Math.max(...node.nodes.map(longestMatch));
  }
}

/** A byte takes one or two bytes where it is encoded. */
export function afterByte(encoded: Buffer, at: number): number {
  return at + ((encoded[at] ?? 0) >= 0x80 ? 2 : 1);
}
