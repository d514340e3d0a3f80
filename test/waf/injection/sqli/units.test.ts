import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { detectSqlInjection } from '../../../../src/waf/injection/sqli/detect.ts';
import { Reading } from '../../../../src/waf/injection/sqli/fingerprint.ts';
import { KIND, Token } from '../../../../src/waf/injection/sqli/token.ts';
import { Tokenizer } from '../../../../src/waf/injection/sqli/tokenizer.ts';
import { NO_MATERIAL, sharedMaterial } from '../../../support/shared-material.ts';
import { readUnits } from '../units.ts';

const folder = sharedMaterial('injection/units');

/** A token as the cases write it: its letter, then its text with signs and quotes. */
function lineOf(token: Token, text: string): string {
  const isQuoted = token.kind === KIND.string || (token.kind === KIND.variable && token.openedBy !== 0);
  const opened = isQuoted && token.openedBy !== 0 ? String.fromCharCode(token.openedBy) : '';
  const closed = isQuoted && token.closedBy !== 0 ? String.fromCharCode(token.closedBy) : '';
  const signs = '@'.repeat(token.signs);
  return `${String.fromCharCode(token.kind)} ${signs}${opened}${token.contentOf(text)}${closed}`.trim();
}

function tokensOf(text: string): string[] {
  const tokenizer = new Tokenizer();
  tokenizer.start(text, '', false);
  const token = new Token();
  const lines: string[] = [];
  while (tokenizer.next(token)) lines.push(lineOf(token, text));
  return lines;
}

function foldedOf(text: string): string[] {
  const reading = new Reading();
  reading.read(text, '', false);
  return Array.from({ length: reading.length }, (_, i) => lineOf(reading.token(i), text));
}

describe('cases of libinjection', { skip: folder === null ? NO_MATERIAL : false }, () => {
  const linesOf = (expected: string) => (expected === '' ? [] : expected.split('\n').map((line) => line.trim()));

  it('tokens', () => {
    const units = readUnits(folder as string, 'test-tokens-');
    for (const { name, input, expected } of units) assert.deepEqual(tokensOf(input), linesOf(expected), name);
    assert.equal(units.length, 247);
  });

  it('folded tokens', () => {
    const units = readUnits(folder as string, 'test-folding-');
    for (const { name, input, expected } of units) assert.deepEqual(foldedOf(input), linesOf(expected), name);
    assert.equal(units.length, 118);
  });

  it('verdicts', () => {
    const units = readUnits(folder as string, 'test-sqli-');
    for (const { name, input, expected } of units) assert.equal(detectSqlInjection(input) ?? '', expected, name);
    assert.equal(units.length, 50);
  });
});
