import type { Random } from '../../../../bench/random.ts';
import type { ByteText } from '../../../../src/base/byte-text.ts';
import { type Asked, multipart } from '../../../support/inspections.ts';
import {
  type Clean,
  encoded,
  inCookie,
  inField,
  inJson,
  inName,
  inPart,
  inPath,
  inXml,
  token,
  whole,
} from './clean.ts';
import type { HostileText } from './texts.ts';

/** Where a hostile text may stand, filled up to what the gateway takes by default. */
export interface HostilePlace {
  readonly name: string;
  readonly fill: (text: HostileText, random: Random) => Asked;
}

/** Defaults of `limits` and `waf`: bytes of a target, of a head, of a body; fields; arguments of a body. */
const TARGET_BYTES = 8_192;
const HEAD_BYTES = 16_384;
const BODY_BYTES = 131_072;
const FIELDS = 96;
const ARGUMENTS = 1_000;

const HOST = ['Host', 'shop.example', 'User-Agent', 'curl/8', 'Accept', '*/*'];
/** Room for a field's value beside those and a request line. */
const FIELD_BYTES = HEAD_BYTES - 200;

type Draw = (length: number) => ByteText;

const place = (name: string, fill: (draw: Draw) => Asked): HostilePlace => ({
  name,
  fill: ({ make }, random) => fill((length) => make(length, random)),
});

const inTarget = (name: string, targetOf: (draw: Draw) => ByteText): HostilePlace =>
  place(name, (draw) => ({ target: targetOf(draw).slice(0, TARGET_BYTES), fields: HOST }));

const inFields = (name: string, fieldsOf: (draw: Draw) => readonly ByteText[]): HostilePlace =>
  place(name, (draw) => ({ fields: fieldsOf(draw) }));

const inBody = (name: string, type: string, bodyOf: (draw: Draw) => ByteText): HostilePlace =>
  place(name, (draw) => {
    const body = bodyOf(draw);
    if (body.length > BODY_BYTES) throw new Error(`${name}: ${body.length} bytes`);
    return withBody(type, body);
  });

const withBody = (type: string, body: ByteText): Asked => ({
  method: 'POST',
  fields: [...HOST, 'Content-Type', type, 'Content-Length', String(body.length)],
  body,
});

/** So many pieces of a body, each made of its number and a text that fits. */
const many =
  (total: number, count: number, overhead: number, make: (index: number, text: ByteText) => ByteText) =>
  (draw: Draw, clean: Clean): readonly ByteText[] => {
    const length = Math.floor(total / count) - overhead;
    return Array.from({ length: count }, (_, index) => make(index, clean(draw(length)).slice(0, length)));
  };

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';
const ROOM = BODY_BYTES - 200;

export const HOSTILE_PLACES: readonly HostilePlace[] = [
  inTarget('query: one value', (draw) => `/?a=${encoded(draw(TARGET_BYTES))}`),
  inTarget('query: one name', (draw) => `/?${encoded(draw(TARGET_BYTES))}=1`),
  inTarget(
    'query: values of 20 bytes',
    (draw) => `/?${many(TARGET_BYTES, 300, 7, (i, text) => `a${i}=${text}`)(draw, encoded).join('&')}`,
  ),
  inTarget(
    'query: names of 20 bytes',
    (draw) => `/?${many(TARGET_BYTES, 300, 7, (i, text) => `${i}${text}=1`)(draw, encoded).join('&')}`,
  ),
  inTarget(
    'query: values of 200 bytes',
    (draw) => `/?${many(TARGET_BYTES, 40, 6, (i, text) => `a${i}=${text}`)(draw, encoded).join('&')}`,
  ),
  inTarget(
    'query: values of 1 byte',
    (draw) => `/?${many(TARGET_BYTES, 2_000, 3, (_, text) => `a=${text}`)(draw, encoded).join('&')}`,
  ),
  inTarget('path', (draw) => `/${inPath(draw(TARGET_BYTES))}`),
  ...['User-Agent', 'Referer', 'Accept', 'X-Any', 'Authorization', 'Content-Type', 'Range'].map((name) =>
    inFields(`field: ${name}`, (draw) => ['Host', 'shop.example', name, inField(draw(FIELD_BYTES))]),
  ),
  inFields('fields: 90 values', (draw) => [
    ...HOST,
    ...many(
      FIELD_BYTES,
      FIELDS - 6,
      10,
      (i, text) => `x-${i}\n${text}`,
    )(draw, inField).flatMap((one) => one.split('\n')),
  ]),
  inFields('fields: 90 names', (draw) => [
    ...HOST,
    ...many(FIELD_BYTES, FIELDS - 6, 10, (i, text) => `${i}${text}`)(draw, token).flatMap((one) => [one, '1']),
  ]),
  inFields('cookie: one value', (draw) => [...HOST, 'Cookie', `a=${inCookie(draw(FIELD_BYTES))}`]),
  inFields('cookie: one name', (draw) => [...HOST, 'Cookie', `${inCookie(draw(FIELD_BYTES)).replaceAll('=', ':')}=1`]),
  inFields('cookie: values of 20 bytes', (draw) => [
    ...HOST,
    'Cookie',
    many(FIELD_BYTES, 600, 7, (i, text) => `a${i}=${text}`)(draw, inCookie).join('; '),
  ]),
  inBody('form: one value', FORM, (draw) => `a=${whole(encoded(draw(ROOM)), ROOM)}`),
  inBody('form: one name', FORM, (draw) => `${whole(encoded(draw(ROOM)), ROOM)}=1`),
  inBody('form: values of 200 bytes', FORM, (draw) =>
    many(ROOM, 640, 8, (i, text) => `a${i}=${text}`)(draw, encoded).join('&'),
  ),
  inBody('form: values of 1,000 bytes', FORM, (draw) =>
    many(ROOM, 130, 8, (i, text) => `a${i}=${text}`)(draw, encoded).join('&'),
  ),
  inBody('form: one long value, 900 short ones', FORM, (draw) =>
    [
      `a=${whole(encoded(draw(80_000)), 80_000)}`,
      ...many(50_000, 900, 8, (i, text) => `a${i}=${text}`)(draw, encoded),
    ].join('&'),
  ),
  inBody('form: 1,000 values', FORM, (draw) =>
    many(ROOM, ARGUMENTS, 8, (i, text) => `a${i}=${text}`)(draw, encoded).join('&'),
  ),
  inBody('form: 1,000 names', FORM, (draw) =>
    many(ROOM, ARGUMENTS, 8, (i, text) => `${i}${text}=1`)(draw, encoded).join('&'),
  ),
  inBody('JSON: one string', JSON_TYPE, (draw) => `{"a":"${whole(inJson(draw(ROOM)), ROOM)}"}`),
  inBody('JSON: one name', JSON_TYPE, (draw) => `{"${whole(inJson(draw(ROOM)), ROOM)}":1}`),
  inBody(
    'JSON: 1,000 strings',
    JSON_TYPE,
    (draw) => `[${many(ROOM, ARGUMENTS, 3, (_, text) => `"${whole(text, text.length)}"`)(draw, inJson).join(',')}]`,
  ),
  inBody(
    'JSON: 1,000 names',
    JSON_TYPE,
    (draw) =>
      `{${many(ROOM, ARGUMENTS, 9, (i, text) => `"${i}${whole(text, text.length)}":1`)(draw, inJson).join(',')}}`,
  ),
  place('multipart: one field', (draw) =>
    lengthened(multipart(['Content-Disposition: form-data; name="a"', inPart(draw(ROOM))])),
  ),
  place('multipart: one file', (draw) =>
    lengthened(multipart(['Content-Disposition: form-data; name="a"; filename="b"', inPart(draw(ROOM))])),
  ),
  place('multipart: one file name', (draw) =>
    lengthened(multipart([`Content-Disposition: form-data; name="a"; filename="${inName(draw(ROOM))}"`, 'b'])),
  ),
  place('multipart: 1,000 fields', (draw) =>
    lengthened(
      multipart(
        ...many(
          ROOM,
          ARGUMENTS,
          63,
          (i, text) => `Content-Disposition: form-data; name="a${i}"\n${text}`,
        )(draw, inPart).map((one) => one.split('\n') as [string, string]),
      ),
    ),
  ),
  inBody('XML: one text', 'text/xml', (draw) => `<a>${whole(inXml(draw(ROOM)), ROOM)}</a>`),
  inBody(
    'XML: 1,000 texts',
    'text/xml',
    (draw) =>
      `<a>${many(ROOM, ARGUMENTS, 8, (_, text) => `<b>${whole(text, text.length)}</b>`)(draw, inXml).join('')}</a>`,
  ),
  inBody(
    'XML: 1,000 attributes',
    'text/xml',
    (draw) =>
      `<a>${many(ROOM, ARGUMENTS, 9, (_, text) => `<b c="${whole(text, text.length)}"/>`)(draw, inXml).join('')}</a>`,
  ),
  inBody('body that nothing reads', 'text/plain', (draw) => draw(BODY_BYTES)),
  place('all at once: query, fields, form', (draw) => {
    const body = many(ROOM, ARGUMENTS, 8, (i, text) => `a${i}=${text}`)(draw, encoded).join('&');
    const { fields = [] } = withBody(FORM, body);
    const target = `/?${many(TARGET_BYTES, 300, 7, (i, text) => `b${i}=${text}`)(draw, encoded).join('&')}`;
    return {
      method: 'POST',
      target,
      body,
      fields: [...fields, 'Cookie', `c=${inCookie(draw(4_000))}`, 'Referer', inField(draw(3_500))],
    };
  }),
];

const lengthened = (asked: Asked): Asked => ({
  ...asked,
  fields: [...(asked.fields ?? []), 'Content-Length', String(asked.body?.length ?? 0)],
});
