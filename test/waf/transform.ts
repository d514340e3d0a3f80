import assert from 'node:assert/strict';
import type { UnicodeMap } from '../../src/waf/transformation.ts';
import { transformationNamed } from '../../src/waf/transformations.ts';

/** What a transformation makes of a value. */
export function transform(name: string, text: string, unicode: UnicodeMap | null = null): string {
  const word = transformationNamed(name);
  assert.ok(word !== null, `${name} is a transformation`);
  return word.compile(unicode)(text);
}
