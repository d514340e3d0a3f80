// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { workOn, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/**
 * `t:normalizePath`: one slash for several; segments `.` go, and `..` with the segment before it, but never above the
 * root; at the beginning of a relative path they stay. A slash at the end stays where there was one.
 *
 * ModSecurity 3 takes segments that only end in dots (`b..`, `...`, at times `b.`) for `..` and `.` as well; no file
 * system does.
 */
export const normalisePath: TransformationWord = {
  names: ['normalisePath', 'normalizePath'],
  changes: '/.',
  mayChange: (text) => TRIGGER.test(text),
  compile: () => normalise,
};

const TRIGGER = /\/\/|(?:^|\/)\.\.?(?:\/|$)/;

export function normalise(text: ByteText): ByteText {
  if (!TRIGGER.test(text)) return text;
  const { length } = text;
  const bytes = workOn(text);
  const hasSlash = bytes[length - 1] === 0x2f;
  // A root is kept; what is written behind it never overtakes what is read.
  const root = bytes[0] === 0x2f ? 1 : 0;
  let out = root;
  /** Segments written that a `..` can take away. */
  let depth = 0;
  for (let from = root; from < length; ) {
    const slash = text.indexOf('/', from);
    const to = slash === -1 ? length : slash;
    const dots = dotsOf(bytes, from, to);
    if (dots === 2 && depth > 0) {
      while (out > root && bytes[out - 1] !== 0x2f) out -= 1;
      if (out > root) out -= 1;
      depth -= 1;
    } else if (to > from && dots !== 1 && !(dots === 2 && root === 1)) {
      if (out > root) {
        bytes[out] = 0x2f;
        out += 1;
      }
      bytes.copyWithin(out, from, to);
      out += to - from;
      if (dots !== 2) depth += 1;
    }
    from = to + 1;
  }
  if (out === root) return root === 1 && hasSlash ? '/' : '';
  if (hasSlash) {
    bytes[out] = 0x2f;
    out += 1;
  }
  return workText(bytes, out, text);
}

/** 1 for the segment `.`, 2 for `..`, 0 for others. */
function dotsOf(bytes: Buffer, from: number, to: number): number {
  if (to - from > 2) return 0;
  for (let i = from; i < to; i += 1) if (bytes[i] !== 0x2e) return 0;
  return to - from;
}
