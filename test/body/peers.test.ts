import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf } from '../../src/base/byte-text.ts';
import { isUtf8Text } from '../../src/body/utf8.ts';
import type { ParsedBody } from '../../src/parsed-body.ts';
import { fuzzRun } from '../support/fuzz.ts';
import { JSON_CASES } from './json-corpus.ts';
import { MULTIPART_CASES } from './multipart-corpus.ts';
import { readByBusboy, readBySaxes } from './peers.ts';
import { BOUNDARY_TYPE, oddThings, pairs, read, utf8 } from './support.ts';

// What we read is what another reader reads, or we refuse it.

const decoded = (text: string): string => bytesOf(text).toString('utf8');
const mixed = (words: readonly string[], most: number) =>
  fc.array(fc.constantFrom(...words), { maxLength: most }).map((chosen) => chosen.join(''));
/** A body with one place cut out, doubled or replaced. */
const spoiled = (bodies: fc.Arbitrary<string>, words: readonly string[]) =>
  fc.tuple(bodies, fc.nat(), fc.nat(4), fc.constantFrom('', ...words)).map(([body, at, length, word]) => {
    const from = body.length === 0 ? 0 : at % body.length;
    return body.slice(0, from) + word + body.slice(from + length);
  });

test('forms: URLSearchParams', (t) => {
  const forms = mixed(
    ['a', 'b', '=', '&', '+', '%', '%41', '%c3%a9', '%ff', '%2', '%zz', '%00', ';', '?', ' ', '"'],
    24,
  );
  const isSomething = (pair: string): boolean => pair !== '=';
  fc.assert(
    fc.property(forms, (form) => {
      // It drops a `?` at the start, and parts between two `&`.
      const body = `z&${form}`;
      const theirs = [...new URLSearchParams(body)].map(([name, value]) => `${name}=${value}`);
      assert.deepEqual(pairs(read('URLENCODED', body)).map(decoded).filter(isSomething), theirs.filter(isSomething));
    }),
    fuzzRun(t, 3_000),
  );
});

const JSON_WORDS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '"a"',
  '"\\u0041"',
  '\\',
  '1',
  '-0.5e3',
  '1e999',
  'true',
  'null',
  ' ',
  '\n',
  '\0',
  '\ufeff',
  '\\ud83d',
  'é',
];

/** Pairs of what JSON.parse made; '' for null and for empty containers. */
function flatten(value: unknown, name: string, into: [name: string, value: string][]): typeof into {
  if (typeof value !== 'object' || value === null) {
    into.push([name, value === null ? '' : String(value)]);
    return into;
  }
  const members = Object.entries(value);
  if (members.length === 0 && name !== 'json') into.push([name, '']);
  for (const [key, member] of members) {
    flatten(member, `${name}.${Array.isArray(value) ? 'array_' : ''}${key === '' ? 'empty-key' : key}`, into);
  }
  return into;
}

function parseAsJson(body: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(decoded(body)) };
  } catch {
    return null;
  }
}

/** @returns  Whether the body was read. */
function agreesWithJsonParse(body: string): boolean {
  const ours = read('JSON', body);
  const theirs = isUtf8Text(body) ? parseAsJson(body) : null;
  if (ours.error !== null || body === '') return false;
  assert.ok(theirs !== null, `read here alone: ${JSON.stringify(body)}`);
  const seen = new Set(ours.arguments.map(({ name, value }) => JSON.stringify([name, numberless(value)])));
  for (const [name, value] of flatten(theirs.value, 'json', [])) {
    assert.ok(seen.has(JSON.stringify([utf8(name), numberless(utf8(value))])), `${name}=${value} of ${body}`);
  }
  return true;
}

/** Numbers by their value: `1.50e3` and `1500`. */
function numberless(value: string): string {
  return /^-?\d[\d.eE+-]*$/.test(value) ? String(Number(value)) : value;
}

test('JSON: JSON.parse', (t) => {
  let read_ = 0;
  let alone = 0;
  const honest = fc.json({ maxDepth: 5 }).map(utf8);
  fc.assert(
    fc.property(honest, (body) => {
      const isRead = agreesWithJsonParse(body);
      if (isRead) read_ += 1;
      // Honest but for halves of surrogate pairs.
      else assert.match(read('JSON', body).error ?? '', /^half a surrogate pair/);
    }),
    fuzzRun(t, 1_000),
  );
  assert.ok(read_ > 500, `${read_} read`);
  fc.assert(
    fc.property(fc.oneof(mixed(JSON_WORDS, 12).map(utf8), spoiled(honest, JSON_WORDS.map(utf8))), (body) => {
      if (!agreesWithJsonParse(body) && isUtf8Text(body) && parseAsJson(body) !== null) {
        alone += 1;
        assert.match(read('JSON', body).error ?? '', /^(half a surrogate pair|a number that is too large)/, body);
      }
    }),
    fuzzRun(t, 5_000),
  );
  t.diagnostic(`${alone} bodies are read by JSON.parse alone`);
  for (const [written] of JSON_CASES)
    agreesWithJsonParse(written.startsWith('bytes:') ? written.slice(6) : utf8(written));
});

const XML_WORDS = [
  '<a>',
  '</a>',
  '<b c="d">',
  '</b>',
  '<e/>',
  'x',
  ' ',
  '\n',
  '\r\n',
  '&amp;',
  '&#65;',
  '&#x1F600;',
  '&e;',
  '&',
  '<',
  '>',
  ']]>',
  '"',
  '<![CDATA[y<&]]>',
  '<!-- z -->',
  '--',
  '<?p q?>',
  '<?xml version="1.0"?>',
  '<!DOCTYPE a>',
  'é',
  " f='g\"&lt;'",
  '\u0001',
];

/** Well-formed XML, more often than not. */
const { element: xmlElement } = fc.letrec<{ element: string; content: string }>((tie) => ({
  element: fc
    .tuple(
      fc.constantFrom('a', 'b:c', 'é'),
      mixed([' d="1"', " e='&quot;\t'", ' f = "&#10;é"'], 2),
      fc.array(tie('content'), { maxLength: 4 }),
    )
    .map(([name, attributes, contents]) => `<${name}${attributes}>${contents.join('')}</${name} >`),
  content: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('x', ' ', '\r\n', '&lt;', '&#233;', '<![CDATA[<&]]]]>', '<!---->', '<?p i?>', '<s/>', 'é'),
    tie('element'),
  ),
}));

test('XML: saxes', (t) => {
  let read_ = 0;
  const bodies = fc.oneof(xmlElement, spoiled(xmlElement, XML_WORDS), mixed(XML_WORDS, 10)).map(utf8);
  fc.assert(
    fc.property(bodies, (body) => {
      const ours = read('XML', body);
      if (body === '') return;
      const theirs = readBySaxes(body);
      assert.equal(ours.error === null, theirs !== null, `${decoded(body)}: ${ours.error}`);
      if (theirs === null) return;
      read_ += 1;
      const texts = theirs.texts.length < 2 ? ours.xmlTexts : ours.xmlTexts.slice(0, -1);
      assert.deepEqual(texts, theirs.texts, decoded(body));
      assert.deepEqual(ours.xmlAttributes, theirs.attributes, decoded(body));
    }),
    fuzzRun(t, 4_000),
  );
  assert.ok(read_ > 500, `${read_} read`);
});

const isClean = (body: ParsedBody): boolean => body.error === null && oddThings(body).length === 0;

/** @returns  Whether the body was read here, and so there. */
async function agreesWithBusboy(type: string, body: string): Promise<boolean> {
  const ours = read('MULTIPART', body, type);
  if (!isClean(ours) || body === '') return false;
  const found = [...pairs(ours), ...ours.files.map((file) => `${file.field}/${file.fileName}/${file.content}`)];
  const theirs = await readByBusboy(type, body);
  assert.deepEqual(theirs?.toSorted(), found.toSorted(), JSON.stringify(body));
  return true;
}

const MULTIPART_WORDS = [
  '--B',
  '--B--',
  '\r\n',
  '\n',
  '\r',
  'Content-Disposition: form-data; name="a"',
  '; filename="x"',
  '; filename="y\\z"',
  '; name=b',
  'Content-Type: text/plain',
  ': ',
  ';',
  '"',
  "'",
  '\\',
  ' ',
  'x',
  '\0',
  '\xff',
  '--',
  '\r\n\r\n',
];

test('multipart: busboy', async (t) => {
  let read_ = 0;
  const part = fc
    .tuple(
      fc.constantFrom('a', 'b c', '\xc3\xa9', 'd\\\\e'),
      fc.constantFrom('', '', '; filename="x.txt"', '; filename="C:\\dir\\y"', '; filename=z'),
      fc.constantFrom('', 'Content-Type: image/png\r\n', 'X-Other: 1\r\n'),
      mixed(['1', '\r\n', '\n', '\r', '--', '-B', '\0', '\xff', ' '], 6),
    )
    .map(
      ([name, file, more, content]) =>
        `--B\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${more}\r\n${content}\r\n`,
    );
  const whole = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `${parts.join('')}--B--\r\n`);
  const bodies = fc.oneof({ arbitrary: whole, weight: 2 }, spoiled(whole, MULTIPART_WORDS), mixed(MULTIPART_WORDS, 14));
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      if (await agreesWithBusboy(BOUNDARY_TYPE, body)) read_ += 1;
    }),
    fuzzRun(t, 2_000),
  );
  assert.ok(read_ > 500, `${read_} read`);
  let corpus = 0;
  for (const { type, body } of MULTIPART_CASES) if (await agreesWithBusboy(type ?? BOUNDARY_TYPE, body)) corpus += 1;
  assert.equal(corpus, 14);
});

test('no bytes make a reader throw, and what is found is of the body', (t) => {
  const words = [...JSON_WORDS, ...XML_WORDS, ...MULTIPART_WORDS, '&', '=', '%', '%41'];
  const bytes = fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array).toString('latin1'));
  const types = fc.oneof(
    fc.constant(BOUNDARY_TYPE),
    mixed(['multipart/form-data', ';', ' ', 'boundary', '=', 'B', '"', '\\', ',', '\t', 'é'], 10),
  );
  const processors = fc.constantFrom('URLENCODED', 'MULTIPART', 'JSON', 'XML', 'RAW');
  fc.assert(
    fc.property(processors, fc.oneof(bytes, mixed(words, 20)).map(utf8), types.map(utf8), (processor, body, type) => {
      const parsed = read(processor, body, type);
      assert.equal(parsed.processor, processor);
      const found = [...parsed.arguments.map(({ value }) => value), ...parsed.files.map(({ content }) => content)];
      assert.ok(found.every((text) => text.length <= body.length && !/[^\0-\xff]/.test(text)));
      assert.equal(parsed.multipart !== null, processor === 'MULTIPART');
    }),
    fuzzRun(t, 5_000),
  );
});
