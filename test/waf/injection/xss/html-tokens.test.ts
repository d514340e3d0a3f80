import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTEXT, type Context, HtmlTokenizer, TOKEN } from '../../../../src/waf/injection/xss/html-tokens.ts';
import { NO_MATERIAL, sharedMaterial } from '../../../support/shared-material.ts';
import { readHtmlUnits } from './html-units.ts';

const units = sharedMaterial('injection/units');

const WORDS = new Map<number, string>([
  [TOKEN.dataText, 'DATA_TEXT'],
  [TOKEN.tagNameOpen, 'TAG_NAME_OPEN'],
  [TOKEN.tagNameClose, 'TAG_NAME_CLOSE'],
  [TOKEN.tagNameSelfClose, 'TAG_NAME_SELFCLOSE'],
  [TOKEN.tagClose, 'TAG_CLOSE'],
  [TOKEN.attributeName, 'ATTR_NAME'],
  [TOKEN.attributeValue, 'ATTR_VALUE'],
  [TOKEN.comment, 'TAG_COMMENT'],
  [TOKEN.doctype, 'DOCTYPE'],
]);

test('the corpus of libinjection: 63 files', { skip: units === null && NO_MATERIAL }, () => {
  const cases = readHtmlUnits(units as string);
  assert.equal(cases.length, 63);
  for (const { file, input, expected } of cases) assert.equal(tokensOf(input, CONTEXT.data), expected, file);
});

test('a text in quotes is cut behind them, and from there on as in a tag', () => {
  const cases: readonly (readonly [Context, string, string])[] = [
    [CONTEXT.unquoted, 'x" y=z>w', 'ATTR_NAME,2,x"\nATTR_NAME,1,y\nATTR_VALUE,1,z\nTAG_NAME_CLOSE,1,>\nDATA_TEXT,1,w'],
    [CONTEXT.unquoted, '/>w', 'TAG_NAME_SELFCLOSE,2,/>\nDATA_TEXT,1,w'],
    [CONTEXT.singleQuoted, "a'b=c", 'ATTR_VALUE,1,a\nATTR_NAME,1,b\nATTR_VALUE,1,c'],
    [CONTEXT.doubleQuoted, '">w', 'ATTR_VALUE,0,\nTAG_NAME_CLOSE,1,>\nDATA_TEXT,1,w'],
    [CONTEXT.doubleQuoted, "a'b=c", "ATTR_VALUE,5,a'b=c"],
    [CONTEXT.backquoted, 'a` b', 'ATTR_VALUE,1,a\nATTR_NAME,1,b'],
  ];
  for (const [context, text, expected] of cases) assert.equal(tokensOf(text, context), expected, text);
});

test('where libinjection leaves the standard', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['<!--a-!>b', 'TAG_COMMENT,1,a\nDATA_TEXT,1,b'],
    ['<!--a-\0->b', 'TAG_COMMENT,1,a\nDATA_TEXT,1,b'],
    ['<!-->b', 'TAG_COMMENT,2,>b'],
    ['<%a>b', 'TAG_COMMENT,3,a>b'],
    ['<![cdata[a]]>b', 'TAG_COMMENT,10,[cdata[a]]\nDATA_TEXT,1,b'],
    ['<a\0b c\0=d>', 'TAG_NAME_OPEN,3,a\0b\nATTR_NAME,1,c\nATTR_VALUE,1,d\nTAG_NAME_CLOSE,1,>'],
    ['</a/><b>', 'TAG_NAME_OPEN,1,a\nTAG_NAME_SELFCLOSE,2,/>\nTAG_CLOSE,1,b'],
    ['</><b>', 'DATA_TEXT,1,>\nTAG_CLOSE,1,b'],
  ];
  for (const [text, expected] of cases) assert.equal(tokensOf(text, CONTEXT.data), expected, text);
});

function tokensOf(text: string, context: Context): string {
  const tokenizer = new HtmlTokenizer();
  const lines: string[] = [];
  tokenizer.begin(text, context);
  while (tokenizer.next()) {
    const { kind, start, end } = tokenizer;
    lines.push(`${WORDS.get(kind)},${end - start},${text.slice(start, end)}`);
  }
  return lines.join('\n').trim();
}
