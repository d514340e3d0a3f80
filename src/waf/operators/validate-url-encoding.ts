// hot path: synchronous, never throws

import { HEX_VALUES } from '../../base/ascii.ts';
import type { ByteText } from '../../base/byte-text.ts';
import { clausesOfTexts } from '../gate/clauses.ts';
import type { OperatorWord } from '../operator.ts';

/** `@validateUrlEncoding`: a percent sign stands in the value without two hexadecimal digits behind it. */
export const validateUrlEncoding: OperatorWord = {
  name: 'validateUrlEncoding',
  needs: () => clausesOfTexts(['%']),
  compile: () => (value) => isMisencoded(value.text),
};

function isMisencoded(text: ByteText): boolean {
  for (let at = text.indexOf('%'); at !== -1; at = text.indexOf('%', at + 3)) {
    if (!isHex(text, at + 1) || !isHex(text, at + 2)) return true;
  }
  return false;
}

function isHex(text: ByteText, at: number): boolean {
  return at < text.length && HEX_VALUES[text.charCodeAt(at)] !== 255;
}
