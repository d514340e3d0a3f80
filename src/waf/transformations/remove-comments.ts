// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { workOn, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/**
 * `t:removeComments`: takes out comments of C and HTML, and all behind `--` and `#`. As in ModSecurity 3 either kind of
 * end closes either kind of beginning, an unclosed comment becomes a space, one that ends with the value a NUL, and the
 * byte behind a comment stays, whatever it is.
 */
export const removeComments: TransformationWord = { names: ['removeComments'], changes: '*-#', compile: () => remove };

const TRIGGER = /\/\*|--|#/;

function remove(text: ByteText): ByteText {
  if (!TRIGGER.test(text)) return text;
  const end = text.length;
  const bytes = workOn(text);
  let out = 0;
  for (let i = 0; i < end; out += 1) {
    const behind = behindBeginning(text, i);
    if (behind === i) {
      if (text.startsWith('--', i) || bytes[i] === 0x23) break;
      bytes[out] = bytes[i] as number;
      i += 1;
      continue;
    }
    i = behindEnd(text, behind);
    if (i > end) {
      bytes[out] = 0x20;
    } else {
      bytes[out] = i === end ? 0 : (bytes[i] as number);
      i += 1;
    }
  }
  return workText(bytes, out, text);
}

function behindBeginning(text: ByteText, at: number): number {
  const code = text.charCodeAt(at);
  if (code === 0x2f && text.charCodeAt(at + 1) === 0x2a) return at + 2;
  return code === 0x3c && text.startsWith('<!--', at) ? at + 4 : at;
}

/** @returns  Behind the next end of a comment; past the end of the value when there is none. */
function behindEnd(text: ByteText, from: number): number {
  for (let i = from; i + 1 < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x2a && text.charCodeAt(i + 1) === 0x2f) return i + 2;
    if (code === 0x2d && text.startsWith('-->', i)) return i + 3;
  }
  return text.length + 1;
}
