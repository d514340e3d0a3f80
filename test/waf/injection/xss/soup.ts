import fc from 'fast-check';

const PIECES =
  `< > / = " ' \` - -- --> ! <!-- --!> -!> <! <![CDATA[ ]]> ] <? <% %> </ /> <!doctype a script SCRIPT scr\0ipt svg
  xsl <a <b/ onclick on onabc href HREF src style xmlns xlink:href attributeName by to values javascript: java jav
  data: vbscript view-source: &# &#x &#74; &#x6a; &#106 &#0; &#10; &#32; &#330; &#x100000; & ; 0 7 f [if import xml
  entity \xa0 \x7f meta link href= href=" onx= \xc3\xa9 % ? \0`
    .split(/[ \n]+/)
    .concat(' ', '\t', '\n', '\v', '\r');

/** Pieces of HTML in any order: byte text. */
export const htmlSoup = fc
  .array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 24 })
  .map((pieces) => pieces.join(''));

/** Any bytes, as byte text. */
export const anyBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
