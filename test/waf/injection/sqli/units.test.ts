import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { detectSqlInjection } from '../../../../src/waf/injection/sqli/detect.ts';
import { fold } from '../../../../src/waf/injection/sqli/fold.ts';
import { FoldState } from '../../../../src/waf/injection/sqli/fold-state.ts';
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
  const tokenizer = new Tokenizer();
  tokenizer.start(text, '', false);
  const state = new FoldState();
  const length = fold(tokenizer, state);
  return Array.from({ length }, (_, i) => lineOf(state.tokens[i] as Token, text));
}

describe('cases of libinjection', { skip: folder === null ? NO_MATERIAL : false }, () => {
  const linesOf = (expected: string) => (expected === '' ? [] : expected.split('\n').map((line) => line.trim()));

  it('tokens', () => {
    const units = readUnits(folder as string, 'test-tokens-');
    for (const { name, input, expected } of units) assert.deepEqual(tokensOf(input), linesOf(expected), name);
    assert.equal(units.length, 249);
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
