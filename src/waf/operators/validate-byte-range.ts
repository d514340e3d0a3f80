import type { ByteText } from '../../base/byte-text.ts';
import { clausesOfBytes } from '../gate/clauses.ts';
import type { OperatorWord } from '../operator.ts';
import { SecLangReason } from '../seclang/reason.ts';
import { type ByteSet, byteSet, complementOf } from './byte-set.ts';

/** `@validateByteRange 9,10,32-126`: the value holds a byte that is not listed. Nothing listed: any byte is one. */
export const validateByteRange: OperatorWord = {
  name: 'validateByteRange',
  needs: (parameter) => clausesOfBytes(complementOf(listedBytes(parameter))),
  compile: (parameter) => {
    const allowed = listedBytes(parameter);
    return (value) => holdsOther(value.text, allowed);
  },
};

function listedBytes(parameter: ByteText): ByteSet {
  const items = parameter.trim() === '' ? [] : parameter.split(',');
  return byteSet(...items.map((item) => rangeOf(item.trim())));
}

function holdsOther(text: ByteText, allowed: ByteSet): boolean {
  for (let i = 0; i < text.length; i += 1) if (allowed[text.charCodeAt(i)] !== 1) return true;
  return false;
}

function rangeOf(item: string): readonly [number, number] {
  const found = /^([0-9]{1,3})(?:-([0-9]{1,3}))?$/.exec(item);
  const first = Number(found?.[1]);
  const last = Number(found?.[2] ?? found?.[1]);
  if (found !== null && first <= last && last <= 255) return [first, last];
  throw new SecLangReason(`@validateByteRange: "${item}" is neither a byte, 0 to 255, nor a range as 32-126`);
}
