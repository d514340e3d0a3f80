import type { ByteText } from '../../base/byte-text.ts';
import { clausesOfTexts } from '../gate/clauses.ts';
import type { OperatorTest, OperatorWord } from '../operator.ts';
import { SecLangReason } from '../seclang/reason.ts';
import { PhraseAutomaton } from './phrase-automaton.ts';

/**
 * `@pm`: one of the phrases, parted by white space, occurs in the value, ASCII case ignored. `|41 42|` are bytes in
 * hexadecimal, as in Snort; `\` before `:`, `;`, `\`, `"` and `|` is left out. Capture: the phrase, as in the rule.
 */
export const pm: OperatorWord = {
  name: 'pm',
  needs: (parameter) => clausesOfTexts(phrasesOf(parameter)),
  compile: (parameter) => testOf(phrasesOf(parameter)),
};

/** @param phrases  Nothing is found where there are none. */
export function testOf(phrases: readonly ByteText[]): OperatorTest {
  const automaton = new PhraseAutomaton(phrases);
  return (value, captures) => {
    const found = automaton.find(value.text);
    if (found !== null) captures?.set(0, found);
    return found !== null;
  };
}

/** Bytes given in hexadecimal belong to their phrase, white space too. */
function phrasesOf(parameter: ByteText): ByteText[] {
  const phrases: ByteText[] = [];
  let phrase = '';
  const pieces = parameter.matchAll(/\|([^|]*)\||\\([:;\\"|])|[\t-\r ]+|\|.*|[^|\\\t-\r ]+|\\/gs);
  for (const [piece, hex, escaped] of pieces) {
    if (hex !== undefined && isHex(hex)) phrase += Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('latin1');
    else if (escaped !== undefined) phrase += escaped;
    else if (piece.startsWith('|') && piece.length > 1) {
      throw new SecLangReason(`@pm: ${piece} is neither bytes in hexadecimal, |0d 0a|, nor an escaped bar, \\|`);
    } else if (/^[\t-\r ]/.test(piece)) {
      phrases.push(phrase);
      phrase = '';
    } else phrase += piece;
  }
  phrases.push(phrase);
  return phrases.filter((text) => text !== '');
}

function isHex(text: string): boolean {
  return /^ *(?:[0-9a-fA-F]{2} *)+$/.test(text);
}
