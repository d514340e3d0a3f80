import type { ByteText } from '../../base/byte-text.ts';
import { RULE_ID_MAX } from '../../limits.ts';
import { shown } from './problems.ts';
import { SecLangReason } from './reason.ts';
import type { IdRange } from './syntax.ts';

/** `1`, `5-9`, `1,5-9` or `1 5-9`. @throws  SecLangReason. */
export function idRangesOf(text: ByteText): IdRange[] {
  return text.split(/[ \t,]+/).map((part) => {
    const [first = '', last = first, ...more] = part.split('-');
    const range = { first: ruleIdOf(first), last: ruleIdOf(last) };
    if (more.length > 0 || range.first > range.last) throw new SecLangReason(`${shown(part)} is not a range of ids`);
    return range;
  });
}

/** @throws  SecLangReason. */
export function ruleIdOf(text: ByteText): number {
  const id = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (id < 1 || id > RULE_ID_MAX)
    throw new SecLangReason(`${shown(text)} is not an id: a whole number from 1 to ${RULE_ID_MAX}`);
  return id;
}
