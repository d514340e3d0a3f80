// hot path: synchronous, never throws
import { clausesOfTexts } from '../gate/clauses.ts';
import { isXss } from '../injection/xss/detect.ts';
import type { OperatorWord } from '../operator.ts';

/**
 * `@detectXSS`: the value would run script in a page. Takes no parameter; what is written there is ignored, as in
 * ModSecurity. With `capture`, TX.0 is the whole value.
 */
export const detectXss: OperatorWord = {
  name: 'detectXSS',
  needs: () => clausesOfTexts(['<', '=']),
  compile: () => (value, captures) => {
    if (!isXss(value.text)) return false;
    captures?.set(0, value.text);
    return true;
  },
};
