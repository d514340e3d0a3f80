// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import { workOn, workText } from '../byte-work.ts';
import type { TransformationWord } from '../transformation.ts';

/** `t:removeCommentsChar`: takes out `/*`, `*` with `/`, `<!--`, `-->`, `--` and `#`; what they enclose stays. */
export const removeCommentsChar: TransformationWord = {
  names: ['removeCommentsChar'],
  changes: '*-#',
  compile: () => remove,
};

const TRIGGER = /\/\*|\*\/|--|#/;

function remove(text: ByteText): ByteText {
  if (!TRIGGER.test(text)) return text;
  const end = text.length;
  const bytes = workOn(text);
  let out = 0;
  for (let i = 0; i < end; ) {
    const length = markAt(text, i);
    if (length === 0) {
      bytes[out] = bytes[i] as number;
      out += 1;
      i += 1;
    } else {
      i += length;
    }
  }
  return workText(bytes, out, text);
}

/** @returns  How long the mark at this place is; 0 for none. */
function markAt(text: ByteText, at: number): number {
  const code = text.charCodeAt(at);
  if (code === 0x2f) return text.charCodeAt(at + 1) === 0x2a ? 2 : 0;
  if (code === 0x2a) return text.charCodeAt(at + 1) === 0x2f ? 2 : 0;
  if (code === 0x23) return 1;
  if (code === 0x3c) return text.startsWith('<!--', at) ? 4 : 0;
  if (code !== 0x2d || text.charCodeAt(at + 1) !== 0x2d) return 0;
  return text.charCodeAt(at + 2) === 0x3e ? 3 : 2;
}
