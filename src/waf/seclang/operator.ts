import type { ByteText } from '../../base/byte-text.ts';
import { isSpace, spacesEnd } from './characters.ts';
import { shown } from './problems.ts';
import { SecLangReason } from './reason.ts';
import type { OperatorPart } from './syntax.ts';

/**
 * Reads an operator: `@rx ^a`, `!@within GET POST`, `^a` and `!^a`, which are `@rx`. Spaces behind the name are
 * dropped, those at the end belong to the parameter. Whether there is such an operator is not looked at.
 *
 * @throws  SecLangReason.
 */
export function parseOperator(text: ByteText): OperatorPart {
  let at = spacesEnd(text, 0);
  const negated = text[at] === '!';
  if (negated) at = spacesEnd(text, at + 1);
  if (text[at] !== '@') return { negated, name: 'rx', parameter: text.slice(at) };
  const start = at + 1;
  at = start;
  while (at < text.length && !isSpace(text.charCodeAt(at))) at += 1;
  const name = text.slice(start, at);
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
    throw new SecLangReason(
      `${shown(`@${name}`)} is not an operator; a regular expression that begins with @ is written @rx @...`,
    );
  }
  return { negated, name, parameter: text.slice(spacesEnd(text, at)) };
}
