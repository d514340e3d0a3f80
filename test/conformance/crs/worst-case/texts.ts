import { readFileSync } from 'node:fs';
import type { Random } from '../../../../bench/random.ts';
import type { ByteText } from '../../../../src/base/byte-text.ts';
import type { Clause } from '../../../../src/waf/gate/clauses.ts';
import { literalsOf, literalsThatMeetAll } from './gate-literals.ts';

/** Texts that are made to cost much, of any length. A new one each time: memory of former ones must not help. */
export interface HostileText {
  readonly name: string;
  readonly make: (length: number, random: Random) => ByteText;
}

/** @param clauses  What the gate knows of the rule set that they are aimed at. */
export function hostileTexts(clauses: readonly Clause[]): readonly HostileText[] {
  const literals = literalsOf(clauses);
  const meetAll = literalsThatMeetAll(clauses);
  return [
    ...SHAPES,
    words('documentation', documentation()),
    words('all literals of the gate', literals),
    words('literals that meet every clause', meetAll),
    words(
      'literals without their ends',
      literals.map((literal) => literal.slice(0, -1)).filter((piece) => piece !== ''),
    ),
    words(
      'literals behind escapes',
      meetAll.map((literal) => `\\%25&#x41;/**/'"${literal}`),
    ),
  ];
}

/** Nothing hostile: what long texts cost that people write. */
function documentation(): readonly ByteText[] {
  const file = (name: string) => readFileSync(new URL(`../../../../../${name}`, import.meta.url), 'latin1');
  return ['docs/waf.md', 'docs/waf-regex.md', 'docs/login.md', 'docs/throttling.md'].flatMap((name) =>
    file(name).split(/\s+/),
  );
}

/** Bytes from 0x21 to 0x7e, or all. */
const randomBytes =
  (first: number, last: number) =>
  (length: number, random: Random): ByteText => {
    const bytes = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i += 1) bytes[i] = first + random(last - first + 1);
    return bytes.toString('latin1');
  };

/** Pieces in the order of the list from anywhere in it, over and over. */
function words(name: string, pieces: readonly ByteText[], between = ' '): HostileText {
  const text = `${pieces.join(between)}${between}`;
  return {
    name,
    make: (length, random) => {
      const from = random(text.length);
      return text.repeat(Math.ceil((from + length) / text.length)).slice(from, from + length);
    },
  };
}

/** Pieces that somebody draws. */
function drawn(name: string, pieces: readonly ByteText[], between = ' '): HostileText {
  return {
    name,
    make: (length, random) => {
      const made: ByteText[] = [];
      for (let size = 0; size < length; ) {
        const piece = `${pieces[random(pieces.length)]}${between}`;
        made.push(piece);
        size += piece.length;
      }
      return made.join('').slice(0, length);
    },
  };
}

const SQL =
  "select union all from where and or not null insert into update set delete drop table having group by order limit 1 0 'a' ( ) = <> -- /* */ ; ||  concat char sleep benchmark @@version 0x41 like in between case when then else end".split(
    ' ',
  );
const SHELL =
  'c"a"t /e?c/pa\\sswd $(id) `ls` ; | && wget curl bash -c sh nc $\x7bIFS} powershell cmd /c echo $u un\'a\'me env ping -n > < /dev/tcp'.split(
    ' ',
  );
const MARKUP =
  '<script <svg onload= <img src=x onerror= javascript: <iframe style= expression( data:text/html; <a href= formaction= on on= = " > < / \' &#x6a; <b <!-- @import -moz-binding'.split(
    ' ',
  );
const CODE =
  'eval( system( exec( process.env require( __proto__ constructor prototype <?php $_GET base64_decode( phpinfo() $\x7bjndi:ldap:// java.lang.Runtime new Function( #{ {{ ${ %> <% import os ../ ..\\ file:// http:// php:// gopher:// @type rO0AB O:8:" a:1:{'.split(
    ' ',
  );
const ESCAPES = [
  '%41',
  '%2541',
  '%u0041',
  '\\x41',
  '\\u0041',
  '&#x41;',
  '&lt;',
  '\\101',
  '/*',
  '*/',
  '+',
  '\\',
  "'",
  '"',
  '^',
];

const SHAPES: readonly HostileText[] = [
  { name: 'random printable ASCII', make: randomBytes(0x20, 0x7e) },
  { name: 'random bytes', make: randomBytes(0x00, 0xff) },
  drawn('random letters', Array.from('abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789'), ''),
  drawn('words of SQL', SQL),
  drawn('words of shells', SHELL),
  drawn('words of markup', MARKUP),
  drawn('words of code', CODE),
  drawn('words of all', [...SQL, ...SHELL, ...MARKUP, ...CODE]),
  drawn('escapes of all kinds', ESCAPES, ''),
  drawn('quotes and signs', Array.from(`'"%\\\`$&|;<>(){}[]*/=,.-#@!?~^ `), ''),
  words('percent signs', ['%25%'], ''),
  words('backslashes', ['\\\\x'], ''),
  words('quotes', [`'"`], ''),
  words('brackets', ['([{<'], ''),
  words('dots and slashes', ['../', '..\\', './/', '/*'], ''),
  words('spaces', [' \t  '], ''),
  words('one letter', ['a'], ''),
  words('digits and commas', ['1,', '2)', '3 '], ''),
  drawn('base64', ['c2VsZWN0', 'PHNjcmlwdD4', 'dW5pb24gYWxs', 'Li4vLi4v', 'rO0ABQ=='], ''),
  words('words with equals signs', ['a=b', '1=1', "'='", 'or a=a'], ' '),
];
