import type { ByteText } from '../../../../src/base/byte-text.ts';

/** A deterministic source of numbers below `bound`: the same variants in every run. */
export function numbers(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

type Mutation = (text: ByteText, at: number, next: (bound: number) => number) => ByteText;

const WHITE = ['\t', '\n', '\v', '\f', '\r', ' ', '\0', '/'];
const FRONTS = [
  '"',
  "'",
  '`',
  '">',
  "'>",
  'x ',
  'x=',
  '<!-- -->',
  '<',
  '</',
  '<a ',
  '<b title="',
  '&#32;',
  '\xa0',
  '--',
];

const MUTATIONS: readonly Mutation[] = [
  (text) => text.toUpperCase(),
  (text) => [...text].map((letter, index) => (index % 2 ? letter.toUpperCase() : letter.toLowerCase())).join(''),
  (text, at, next) => text.slice(0, at) + WHITE[next(WHITE.length)] + text.slice(at),
  (text, _at, next) => text.replaceAll(' ', WHITE[next(WHITE.length)] as string),
  (text, at) => `${text.slice(0, at)}&#${text.charCodeAt(at)};${text.slice(at + 1)}`,
  (text, at) => `${text.slice(0, at)}&#x${text.charCodeAt(at).toString(16)};${text.slice(at + 1)}`,
  (text) => text.replace(/j(?=ava)/gi, '&#106'),
  (text, _at, next) => FRONTS[next(FRONTS.length)] + text,
  (text, _at, next) => text + FRONTS[next(FRONTS.length)],
  (text) => text.replaceAll('"', "'"),
  (text) => text.replaceAll('"', '`'),
  (text) => text.replaceAll('"', ''),
  (text, at) => text.slice(at),
  (text, at) => text.slice(0, at),
  (text, at, next) => text.slice(0, at) + String.fromCharCode(next(255)) + text.slice(at + 1),
];

/** Variants of each text: case, white space, NULs, references, quotes, what stands in front and behind, pieces. */
export function mutate(texts: readonly ByteText[], count: number, seed: number): ByteText[] {
  const next = numbers(seed);
  return Array.from({ length: count }, (_, index) => {
    let text = texts[index % texts.length] as ByteText;
    for (let times = next(3); times >= 0; times -= 1) {
      if (text !== '') text = (MUTATIONS[next(MUTATIONS.length)] as Mutation)(text, next(text.length), next);
    }
    return text;
  });
}
