import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isXss, isXssFrom, mayBeXss } from '../../../../src/waf/injection/xss/detect.ts';
import { CONTEXT } from '../../../../src/waf/injection/xss/html-tokens.ts';
import { growsLinearly } from '../../../support/growth.ts';
import { NO_MATERIAL, sharedMaterial } from '../../../support/shared-material.ts';
import { readLists } from './lists.ts';
import { mutate } from './mutations.ts';
import { anyBytes, htmlSoup } from './soup.ts';

const lists = sharedMaterial('injection/lists');
const texts = fc.oneof(htmlSoup, anyBytes);

test('attacks of the lists', { skip: lists === null && NO_MATERIAL }, () => {
  const attacks = readLists(lists as string, /^(?:tbd-)?xss-/);
  assert.deepEqual([attacks.length, attacks.filter(isXss).length], [1_490, 1_389]);
});

test('honest texts of the lists', { skip: lists === null && NO_MATERIAL }, () => {
  const honest = readLists(lists as string, /^false_positives/);
  assert.equal(honest.length, 342);
  assert.deepEqual(honest.filter(isXss), []);
});

test('what is found, and what is not', () => {
  const attacks = [
    ...['<script>', '<SCRIPT src=x', '<scr\0ipt>', '</script x', '<svg/onload=1>', '<svgfoo>', '<xsl:a>', '<meta/'],
    ...['<a onclick=1>', '" onclick=1', "' onclick=1", '` onclick=1', 'onclick=1', 'x onfocus = ""', '<b style=x>'],
    ...['<b xmlns:a=b>', '<b xlink:href=c>', '<a href=javascript:1>', '<a href="&#74&#x41;v&#97;script:1">'],
    ...['<a href="\x01 \xa0j\na\0va:">', '<a src=data:,x>', '<a to=view-source:x>', '<a by=&#330;ava>', '<a href=java'],
    ...['<b attributename=href>', '<!doctype', '<!--`-->', '<!--[if a', '<?xml ?>', '<!ENTITY a', '<?import x', '<% `'],
  ];
  const harmless = [
    ...[
      '',
      'a',
      '<',
      '<b>',
      '</script>',
      '<sc ript>',
      '< script>',
      '<s\0vg>',
      '<b onclick>',
      '<b onclick=',
      '<b on=1>',
    ],
    ...['<b ona=1>', '<b o\0nclick=1>', '<a href=http:x>', '<a href=jav', '<a href="j&#97">', '<a href=j&Tab;ava>'],
    ...[
      '<a href="&#x10004b;ava">',
      '<b attributename=x>',
      '<!-- -->',
      '<!--xml',
      '<![CDATA[<script>',
      'a=b&c=d',
      '2 < 3',
    ],
    ...['" x="onclick"', '<!doc>', '</b onclick>', '<!impor'],
  ];
  assert.deepEqual(
    attacks.filter((text) => !isXss(text)),
    [],
  );
  assert.deepEqual(harmless.filter(isXss), []);
});

test('a byte 255 hides nothing, other than in libinjection', () => {
  for (const text of ['<b \xff onclick=1>', '<b onclick=\xff1>', '<b onclick \xff style=1>'])
    assert.ok(isXss(text), text);
});

test('what libinjection does not see is not seen here', () => {
  const unseen = [
    // A browser drops </> and goes on: libinjection takes the next tag for the end of one.
    'x></><script>alert(1)</script>',
    // A browser ends this comment at once, CDATA of HTML at the first >, and takes <% for text.
    'x><!--><script>alert(1)</script>',
    'x><![CDATA[><script>alert(1)</script>',
    'x><%<script>alert(1)</script>',
  ];
  assert.deepEqual(unseen.filter(isXss), []);
});

test('texts without < and = need no reading: the full path agrees', () => {
  const inAnyContext = (text: string): boolean => Object.values(CONTEXT).some((context) => isXssFrom(text, context));
  fc.assert(
    fc.property(texts, (text) => {
      assert.equal(isXss(text), inAnyContext(text));
      // Hardly any soup lacks both: take them out.
      const bare = text.replace(/[<=]/g, ' ');
      assert.ok(!mayBeXss(bare) && !inAnyContext(bare), bare);
    }),
    { numRuns: 3_000 },
  );
});

test('variants of attacks without < and = too', { skip: lists === null && NO_MATERIAL }, () => {
  const attacks = readLists(lists as string, /^xss-/);
  for (const text of mutate(attacks, 5_000, 3)) {
    const bare = text.replace(/[<=]/g, ' ');
    for (const context of Object.values(CONTEXT)) assert.ok(!isXssFrom(bare, context), bare);
  }
});

test('any bytes get a verdict', () => {
  let count = 0;
  fc.assert(
    fc.property(texts, (text) => {
      assert.equal(typeof isXss(text), 'boolean');
      count += 1;
    }),
    { numRuns: 3_000 },
  );
  assert.equal(count, 3_000);
});

test('time is linear in the text', () => {
  const bricks: readonly string[] = [
    ...['<', '<!--', '<a ', '"', "'", '`', '&#', '<!---->', '<!---', '<![CDATA[', '<![CDATA[]]>', '<%', '<%%>', '<?>'],
    ...[
      '<a href=',
      '<a href=">',
      '<a href="&#',
      '=',
      ' =',
      '/',
      '</',
      '</a',
      '<a\0',
      '\0',
      '-\0',
      "a='b' ",
      '<a b=`c`',
    ],
    ...['&#0;', '<a href="&#0', '<b to=\n', '<!', '>', 'a=b ', '%>', ']]>', '<!--`', '<a b=c>'],
  ];
  for (const brick of bricks) {
    assert.ok(
      growsLinearly((bytes) => isXss(brick.repeat(bytes / brick.length)), 16_384),
      brick,
    );
  }
});
