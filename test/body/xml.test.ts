import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAPS, read, utf8 } from './support.ts';

type XmlCase = readonly [body: string, texts: readonly string[], attributes?: readonly string[]];

const READ: readonly XmlCase[] = [
  ['<a/>', []],
  ['<a></a >', []],
  ['<a>x</a>', ['x']],
  ['<a> \n\t</a>', []],
  ['<?xml version="1.0"?><a>x</a>', ['x']],
  ["<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<a>x</a>\n", ['x']],
  ['<!-- c --><?p i?><a>x</a><!-- d --><?q?>', ['x']],
  ['<a>x<b>y</b> <c/>z</a>', ['x', 'y', 'z', 'xy z']],
  ['<a>UN<!-- -->ION<?p?> SEL<![CDATA[ECT]]></a>', ['UNION SELECT']],
  ['<a>UN<b/>ION</a>', ['UN', 'ION', 'UNION']],
  ['<a><![CDATA[<script>&amp;]]]]></a>', ['<script>&amp;]]']],
  ['<a>&lt;&gt;&amp;&quot;&apos;</a>', ['<>&"\'']],
  ['<a>&#60;&#x3c;&#x3C;&#0000060;</a>', ['<<<<']],
  ['<a>&#233;&#x20AC;&#x1F600;</a>', ['é€😀']],
  ['<a>é€😀</a>', ['é€😀']],
  ['<a b="c" d=\'e"\'/>', [], ['c', 'e"']],
  ['<a b = "c"\n d="&lt;&#10;"/>', [], ['c', '<\n']],
  ['<a b="x\ty\r\nz"/>', [], ['x y z']],
  ['<a>x\r\ny\rz</a>', ['x\ny\nz']],
  ['<a>x&#13;y</a>', ['x\ry']],
  ['<s:a xmlns:s="urn:x" s:b="c">x</s:a>', ['x'], ['urn:x', 'c']],
  ['<é-1 ü="x">y</é-1>', ['y'], ['x']],
  ['<a>]]&gt; ]] ></a>', [']]> ]] >']],
  ['\ufeff<a>x</a>', ['x']],
];

const REFUSED: readonly (readonly [body: string, error: string])[] = [
  [' ', 'has no element (byte 1)'],
  ['x', 'text outside the outermost element (byte 0)'],
  ['<!DOCTYPE a><a/>', 'a document type or other declaration (byte 0)'],
  ['<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>', 'a document type or other declaration (byte 0)'],
  ['<?xml version="1.0"?> <!DOCTYPE a SYSTEM "x"><a/>', 'a document type or other declaration (byte 22)'],
  ['<!doctype a><a/>', 'a document type or other declaration (byte 0)'],
  ['<a><!DOCTYPE b></a>', 'a declaration within an element (byte 3)'],
  ['<a>&e;</a>', 'a reference that is none of XML’s own (byte 3)'],
  ['<a>&</a>', 'a reference that is none of XML’s own (byte 3)'],
  ['<a>&amp</a>', 'a reference that is none of XML’s own (byte 3)'],
  ['<a>&AMP;</a>', 'a reference that is none of XML’s own (byte 3)'],
  ['<a>&#0;</a>', 'a reference that is none of XML’s own (byte 3)'],
  ['<a>&#xD800;</a>', 'a reference that is none of XML’s own (byte 3)'],
  ['<a>&#xFFFE;</a>', 'a reference that is none of XML’s own (byte 3)'],
  ['<a>&#x110000;</a>', 'a reference that is none of XML’s own (byte 3)'],
  ['<a>&#X41;</a>', 'a reference that is none of XML’s own (byte 3)'],
  ['<a b="&e;"/>', 'a reference that is none of XML’s own (byte 2)'],
  ['<?xml version="1.1"?><a/>', 'declares another version or encoding (byte 0)'],
  ['<?xml version="1.0" encoding="ISO-8859-1"?><a/>', 'declares another version or encoding (byte 0)'],
  ['<?xml version="1.0" encoding="UTF-7"?><a/>', 'declares another version or encoding (byte 0)'],
  ['<?xml version="1.0" encoding="UTF-16"?><a/>', 'declares another version or encoding (byte 0)'],
  ['<?XML version="1.0"?><a/>', 'declares another version or encoding (byte 0)'],
  [' <?xml version="1.0"?><a/>', 'an XML declaration not at the start (byte 1)'],
  ['bytes:\xfe\xff\0<\0a\0/\0>', 'is not UTF-8'],
  ['bytes:<\0a\0/\0>\0', 'has characters that XML does not allow'],
  ['bytes:<a>\xff</a>', 'is not UTF-8'],
  ['<a>\u0001</a>', 'has characters that XML does not allow'],
  ['<a>\uffff</a>', 'has characters that XML does not allow'],
  ['<a>', 'ends within an element (byte 3)'],
  ['<a', 'a tag that does not end (byte 2)'],
  ['<a b', 'an attribute without a value (byte 2)'],
  ['<a b=c/>', 'an attribute without a value (byte 2)'],
  ['<a b="c/>', 'an attribute that does not end (byte 2)'],
  ['<a b="c"d="e"/>', 'a tag that is malformed (byte 8)'],
  ['<a b="c" b="d"/>', 'an attribute that comes twice (byte 8)'],
  ['<a b="<"/>', '< in an attribute (byte 2)'],
  ['<a / >', 'a tag that does not end (byte 3)'],
  ['<1/>', 'a tag without a name (byte 0)'],
  ['< a/>', 'a tag without a name (byte 0)'],
  ['<×/>', 'a tag without a name (byte 0)'],
  ['<a></b>', 'an end tag that ends nothing (byte 3)'],
  ['<a></a></a>', 'something follows the outermost element (byte 7)'],
  ['<a/><b/>', 'something follows the outermost element (byte 4)'],
  ['<a/>x', 'something follows the outermost element (byte 4)'],
  ['<a>]]></a>', ']]> in a text (byte 3)'],
  ['<a><![CDATA[x</a>', 'a CDATA section that does not end (byte 3)'],
  ['<a><![cdata[x]]></a>', 'a declaration within an element (byte 3)'],
  ['<a><!-- -- --></a>', 'a comment that does not end, or has -- (byte 3)'],
  ['<a><!-- --></a', 'an end tag that ends nothing (byte 11)'],
  ['<a><!--></a>', 'a comment that does not end, or has -- (byte 3)'],
  ['<a><?p</a>', 'an instruction that does not end (byte 3)'],
  ['<a><? p?></a>', 'an instruction without a name (byte 3)'],
  ['<a><?p<?></a>', 'an instruction without a space (byte 3)'],
];

const bytesIn = (written: string): string =>
  written.startsWith('bytes:') ? written.slice('bytes:'.length) : utf8(written);

test('texts and attribute values are read', () => {
  for (const [written, texts, attributes = []] of READ) {
    const parsed = read('XML', bytesIn(written));
    assert.equal(parsed.error, null, written);
    assert.deepEqual(parsed.xmlTexts, texts.map(utf8), written);
    assert.deepEqual(parsed.xmlAttributes, attributes.map(utf8), written);
    assert.deepEqual(parsed.arguments, []);
  }
  assert.equal(READ.length, 24);
});

test('what is not plain XML 1.0 in UTF-8 is refused', () => {
  for (const [written, error] of REFUSED) assert.equal(read('XML', bytesIn(written)).error, error, written);
  assert.equal(REFUSED.length, 53);
});

test('depth and count are bounded', () => {
  const nested = (depth: number): string => `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`;
  assert.equal(read('XML', nested(CAPS.depthMax)).error, null);
  assert.match(read('XML', nested(CAPS.depthMax + 1)).error ?? '', /^is nested deeper than 50 /);
  const texts = (count: number): string => `<a>${'<b>x</b>'.repeat(count)}</a>`;
  // One of them is the text of all.
  assert.equal(read('XML', texts(999)).error, null);
  assert.equal(read('XML', texts(1_000)).error, 'holds more than 1000 values');
  const attributes = Array.from({ length: 1_001 }, (_, n) => `a${n}=""`).join(' ');
  const over = read('XML', `<a ${attributes}/>`);
  assert.equal(over.error, 'holds more than 1000 values');
  assert.equal(over.xmlAttributes.length, 1_000);
});
