import assert from 'node:assert/strict';
import type { ByteText } from '../../src/base/byte-text.ts';
import type { OperatorContext } from '../../src/waf/operator.ts';
import { operatorNamed } from '../../src/waf/operators.ts';
import { InspectedValue } from '../../src/waf/value.ts';

const NO_FILES: OperatorContext = { readData: (path) => assert.fail(`reads ${path}`) };

/** An operator, ready for values: captures are null, or an array that is written to. */
export function compiled(
  name: string,
  parameter: ByteText,
  context = NO_FILES,
): (text: ByteText, captures?: ByteText[]) => boolean {
  const word = operatorNamed(name);
  assert.ok(word !== undefined, name);
  const holds = word.compile(parameter, context);
  return (text, captures) => {
    const value = new InspectedValue(text);
    if (captures === undefined) return holds(value, null);
    return holds(value, { set: (index, found) => (captures[index] = found) });
  };
}

/** What an operator captures; null where it does not hold. */
export function captured(name: string, parameter: ByteText, text: ByteText, context = NO_FILES): ByteText[] | null {
  const captures: ByteText[] = [];
  const holds = compiled(name, parameter, context)(text, captures);
  assert.equal(compiled(name, parameter, context)(text), holds, 'captures change the answer');
  return holds ? captures : null;
}
