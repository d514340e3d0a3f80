import { fieldOf } from '../support/answer-parser.ts';
import { type Http1Case, neverAdmin, valuesOf } from './case.ts';

type Expect = Http1Case['expect'];
type More = Omit<Http1Case, 'name' | 'bytes' | 'expect'>;
const EITHER = 'refuse or forward safely';

const raw = (name: string, text: string, expect: Expect, more: More = {}): Http1Case => ({
  name,
  bytes: Buffer.from(text, 'latin1'),
  expect,
  ...more,
});
/** A GET whose target is the case. */
const target = (name: string, path: string, expect: Expect, more: More = {}) =>
  raw(name, `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`, expect, { check: neverAdmin, ...more });
/** A GET whose further field lines are the case. */
const fields = (name: string, lines: string, expect: Expect, more: More = {}) =>
  raw(name, `GET /a HTTP/1.1\r\nHost: h\r\n${lines}\r\n\r\n`, expect, more);
/** A POST whose framing fields and body are the case. */
const post = (name: string, lines: string, body: string, expect: Expect, more: More = {}) =>
  raw(name, `POST /a HTTP/1.1\r\nHost: h\r\n${lines}\r\n\r\n${body}`, expect, more);
const chunked = (name: string, body: string, expect: Expect, more: More = {}) =>
  post(name, 'Transfer-Encoding: chunked', body, expect, more);
const host = (name: string, lines: string, expect: Expect, more: More = {}) =>
  raw(name, `GET /a HTTP/1.1\r\n${lines}\r\n\r\n`, expect, more);

const HELLO = '5\r\nhello\r\n0\r\n\r\n';
const get = { method: 'GET', target: '/a', body: '' };
const sends = (body: string) => ({ method: 'POST', target: '/a', body });

/** The upstream must not see these fields. */
const without =
  (...names: string[]): NonNullable<Http1Case['check']> =>
  (seen) => {
    const found = names.filter((name) => seen.some((request) => valuesOf(request, name) !== ''));
    return found.length === 0 ? null : `the upstream saw ${found.join(', ')}`;
  };
/** The upstream must see exactly this. */
const withField =
  (name: string, value: string): NonNullable<Http1Case['check']> =>
  (seen) =>
    seen.every((request) => valuesOf(request, name) === value)
      ? null
      : `${name} is ${JSON.stringify(valuesOf(seen[0], name))}`;
/** No trace of a spoofed value anywhere in the head, and our own word about the client intact. */
const nowhere =
  (value: string): NonNullable<Http1Case['check']> =>
  (seen, _, clientAddress) => {
    const hit = seen.find((request) => request.rawHead.includes(value));
    if (hit) return `the upstream was told ${value}: ${JSON.stringify(hit.rawHead)}`;
    const told = seen.map((request) => valuesOf(request, 'x-forwarded-for'));
    return told.every((text) => text === clientAddress) ? null : `X-Forwarded-For is ${told.join('; ')}`;
  };

/** Cases of our own, beside the shared ones. */
export const OWN_CASES: readonly Http1Case[] = [
  // Request line.
  raw('line-two-spaces', 'GET  /a HTTP/1.1\r\nHost: h\r\n\r\n', 'refuse'),
  raw('line-tab', 'GET\t/a\tHTTP/1.1\r\nHost: h\r\n\r\n', 'refuse'),
  raw('line-leading-space', ' GET /a HTTP/1.1\r\nHost: h\r\n\r\n', 'refuse'),
  raw('line-trailing-space', 'GET /a HTTP/1.1 \r\nHost: h\r\n\r\n', 'refuse'),
  raw('line-version-12', 'GET /a HTTP/1.2\r\nHost: h\r\n\r\n', EITHER),
  raw('line-version-lower', 'GET /a http/1.1\r\nHost: h\r\n\r\n', 'refuse'),
  raw('line-no-target', 'GET HTTP/1.1\r\nHost: h\r\n\r\n', 'refuse'),
  raw('line-bare-cr', 'GET /a HTTP/1.1\rHost: h\r\n\r\n', 'refuse'),
  raw('line-empty-first', '\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n', EITHER),
  raw('line-http2-preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'refuse'),
  raw('line-tls-hello', `\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03${'\x42'.repeat(160)}`, 'refuse'),
  raw('line-method-endless', `${'A'.repeat(300)} /a HTTP/1.1\r\nHost: h\r\n\r\n`, EITHER),
  raw('line-method-crlf', 'GE\r\nT /a HTTP/1.1\r\nHost: h\r\n\r\n', 'refuse'),
  raw('method-track', 'TRACK /a HTTP/1.1\r\nHost: h\r\n\r\n', 'refuse'),
  raw('method-head', 'HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n', 'forward', {
    methods: ['HEAD'],
    first: { method: 'HEAD', target: '/a', body: '' },
    check: (_, exchange) =>
      exchange.bytes.toString('latin1').endsWith('\r\n\r\n') ? null : 'a HEAD was answered with a body',
  }),
  raw('method-delete-body', 'DELETE /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello', 'forward', {
    first: { method: 'DELETE', target: '/a', body: 'hello' },
  }),

  // Target.
  target('target-absolute-same', 'http://h/a', EITHER, { first: get }),
  target('target-absolute-https', 'https://h/a', EITHER, { first: get }),
  target('target-authority', 'h:80', 'refuse'),
  target('target-no-slash', 'a', 'refuse'),
  target('target-star', '*', 'refuse'),
  target('target-backslash', '/public\\..\\admin', EITHER),
  target('target-encoded-backslash', '/public/%5c..%5cadmin', EITHER),
  target('target-encoded-slash', '/public%2f..%2fadmin', 'refuse', { status: [400] }),
  target('target-encoded-slash-plain', '/a%2Fb', 'refuse', { status: [400] }),
  target('target-path-parameter', '/public/..;/admin', EITHER),
  target('target-path-parameter-named', '/public/..;x=y/admin', EITHER),
  target('target-half-encoded-dots', '/public/.%2E/admin', EITHER),
  target('target-twice-encoded-dots', '/public/%252e%252e/admin', EITHER),
  target('target-single-dot', '/./admin', EITHER),
  target('target-encoded-letter', '/%61dmin', EITHER),
  target('target-dots-past-root', '/../../admin', EITHER),
  target('target-trailing-slashes', '/admin//', EITHER),
  target('target-admin-query', '/admin?x=1', 'refuse', { status: [405] }),
  target('target-triple-slash', '///admin', EITHER),
  target('target-overlong-utf8', '/public/%c0%ae%c0%ae/admin', EITHER),
  target('target-percent-u', '/%u0061dmin', 'refuse'),
  target('target-cut-percent', '/a%4', 'refuse'),
  target('target-encoded-crlf', '/a%0d%0aInjected:%20yes', EITHER, {
    check: (seen) => (seen.some((r) => valuesOf(r, 'injected') !== '') ? 'a field was injected' : null),
  }),
  target('target-encoded-crlf-query', '/a?x=%0d%0aInjected:%20yes', EITHER, {
    check: (seen) => (seen.some((r) => valuesOf(r, 'injected') !== '') ? 'a field was injected' : null),
  }),
  target('target-query-second-mark', '/a?x=/../admin?y', EITHER, { first: { ...get, target: '/a?x=/../admin?y' } }),
  target('target-query-8bit', '/a?x=\xff', 'refuse'),
  target('target-control', '/a\x1bb', 'refuse'),
  target('target-del', '/a\x7fb', 'refuse'),
  target('target-9000', `/${'a'.repeat(9_000)}`, 'refuse', { status: [414] }),
  target('target-8000', `/${'a'.repeat(8_000)}`, 'forward', { first: { ...get, target: `/${'a'.repeat(8_000)}` } }),
  target('target-60000', `/${'a'.repeat(60_000)}`, 'refuse', { status: [414, 431] }),

  // Host.
  host('host-twice-same', 'Host: h\r\nHost: h', 'refuse'),
  host('host-twice-different', 'Host: h\r\nHost: evil', 'refuse'),
  host('host-list', 'Host: h, evil', 'refuse'),
  host('host-space-inside', 'Host: h evil', 'refuse'),
  host('host-space-before-colon', 'Host : h', 'refuse'),
  host('host-path', 'Host: h/evil', 'refuse'),
  host('host-scheme', 'Host: http://h', 'refuse'),
  host('host-port-letters', 'Host: h:80a', 'refuse'),
  host('host-port-too-high', 'Host: h:99999', 'refuse'),
  host('host-encoded-nul', 'Host: h%00', 'refuse'),
  host('host-backslash', 'Host: h\\evil', 'refuse'),
  host('host-quote', 'Host: h"', 'refuse'),
  host('host-ipv6', 'Host: [::1]:8080', EITHER, { check: withField('host', '[::1]:8080') }),
  host('host-ipv6-open', 'Host: [::1', 'refuse'),
  host('host-folded', 'Host:\r\n h', 'refuse'),

  // Framing.
  post('te-twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', HELLO, 'refuse'),
  post('te-twice-identity', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', HELLO, 'refuse'),
  post('te-chunked-chunked', 'Transfer-Encoding: chunked, chunked', HELLO, 'refuse'),
  post('te-gzip-chunked', 'Transfer-Encoding: gzip, chunked', HELLO, 'refuse'),
  post('te-quoted', 'Transfer-Encoding: "chunked"', HELLO, 'refuse'),
  post('te-parameter', 'Transfer-Encoding: chunked;q=1', HELLO, 'refuse'),
  post('te-comma-first', 'Transfer-Encoding: ,chunked', HELLO, 'refuse'),
  post('te-folded', 'Transfer-Encoding:\r\n chunked', HELLO, 'refuse'),
  post('te-nul', 'Transfer-Encoding: chunked\x00', HELLO, 'refuse'),
  post('te-formfeed', 'Transfer-Encoding: \x0cchunked', HELLO, 'refuse'),
  post('te-nbsp-name', 'Transfer-Encoding\xa0: chunked', HELLO, 'refuse'),
  post('te-underscore', 'Transfer_Encoding: chunked\r\nContent-Length: 15', HELLO, EITHER),
  post('te-bare-cr', 'X: y\rTransfer-Encoding: chunked', HELLO, 'refuse'),
  post('te-bare-lf', 'X: y\nTransfer-Encoding: chunked', HELLO, 'refuse'),
  post('cl-inner-space', 'Content-Length: 5 5', 'hello', 'refuse'),
  post('cl-fraction', 'Content-Length: 5.0', 'hello', 'refuse'),
  post('cl-exponent', 'Content-Length: 5e0', 'hello', 'refuse'),
  post('cl-list-different', 'Content-Length: 5, 6', 'hello', 'refuse'),
  post('cl-comma-first', 'Content-Length: ,5', 'hello', 'refuse'),
  post('cl-fullwidth-digit', 'Content-Length: \xef\xbc\x95', 'hello', 'refuse'),
  post('cl-nul', 'Content-Length: 5\x00', 'hello', 'refuse'),
  // Bits 30 and 31 mark chunked bodies inside older builds of uWebSockets.js: no length may ever set them.
  ...['1073741829', '2147483653', '3221225477', '4294967301'].map((length) =>
    post(
      `cl-bit-flags-${length}`,
      `Content-Length: ${length}`,
      `${HELLO}GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n`,
      'refuse',
      {
        mayBegin: true,
      },
    ),
  ),
  post('cl-2-64-plus-5', 'Content-Length: 18446744073709551621', 'hello', 'refuse'),
  post('cl-short', 'Content-Length: 3', 'hello', EITHER, { first: sends('hel') }),
  post('cl-none', 'X: y', 'hello', EITHER, { first: sends('') }),
  post('cl-zero-then-admin', 'Content-Length: 0', 'GET /admin HTTP/1.1\r\nHost: h\r\n\r\n', EITHER, {
    check: neverAdmin,
    first: sends(''),
  }),
  post('te-in-connection', 'Connection: transfer-encoding\r\nTransfer-Encoding: chunked', HELLO, EITHER, {
    first: sends('hello'),
  }),
  post(
    'cl-in-connection',
    'Connection: content-length\r\nContent-Length: 38',
    'GET /admin HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n',
    EITHER,
    {
      check: neverAdmin,
    },
  ),

  // Chunks.
  chunked('chunk-overflow', 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n', 'refuse', { mayBegin: true }),
  chunked('chunk-wraps-64-bit', '10000000000000005\r\nhello\r\n0\r\n\r\n', 'refuse', { mayBegin: true }),
  chunked('chunk-space-after', '5 \r\nhello\r\n0\r\n\r\n', EITHER, { first: sends('hello') }),
  chunked('chunk-space-before', ' 5\r\nhello\r\n0\r\n\r\n', EITHER),
  chunked('chunk-underscore', '0_5\r\nhello\r\n0\r\n\r\n', 'refuse', { mayBegin: true }),
  // The Node 20 build of uWebSockets.js reads no digits as 0, the last chunk: then what follows is judged by itself.
  chunked('chunk-empty-size', '\r\nGET /admin HTTP/1.1\r\nHost: h\r\n\r\n0\r\n\r\n', EITHER, { check: neverAdmin }),
  chunked('chunk-letter', 'g\r\nhello\r\n0\r\n\r\n', 'refuse', { mayBegin: true }),
  chunked('chunk-extension-lf', '5;a\nb\r\nhello\r\n0\r\n\r\n', EITHER),
  chunked('chunk-extension-cr', '5;a\rb\r\nhello\r\n0\r\n\r\n', EITHER),
  chunked('chunk-extension-20k', `5;${'a'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`, EITHER, { first: sends('hello') }),
  chunked('chunk-leading-zeros', '00005\r\nhello\r\n0\r\n\r\n', EITHER, { first: sends('hello') }),
  chunked('chunk-upper-hex', 'A\r\n0123456789\r\n0\r\n\r\n', 'forward', { first: sends('0123456789') }),
  chunked('chunk-trailer-framing', '5\r\nhello\r\n0\r\nContent-Length: 50\r\nHost: evil\r\n\r\n', EITHER, {
    check: (seen) => (seen.some((r) => r.rawHead.includes('evil')) ? 'a trailer became a field' : null),
  }),
  chunked('chunk-trailer-identity', '5\r\nhello\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n', EITHER, {
    check: nowhere('1.2.3.4'),
  }),
  chunked('chunk-last-without-crlf', '5\r\nhello\r\n0\r\nGET /admin HTTP/1.1\r\nHost: h\r\n\r\n', EITHER, {
    check: neverAdmin,
  }),
  chunked('chunk-then-admin', `${HELLO}GET /admin HTTP/1.1\r\nHost: h\r\n\r\n`, EITHER, {
    check: neverAdmin,
    first: sends('hello'),
  }),
  chunked('chunk-holds-request', '27\r\nGET /admin HTTP/1.1\r\nHost: h\r\nX: y1\r\n\r\n\r\n0\r\n\r\n', EITHER, {
    check: neverAdmin,
  }),

  // Pipelining.
  raw(
    'pipeline-third-bad',
    'GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\nGET /c HTTP/1.1\r\n\r\n',
    EITHER,
    {
      upstreamRequests: 2,
      check: (seen) => (seen.some((r) => r.target === '/c') ? 'a request without Host was forwarded' : null),
    },
  ),
  raw(
    'pipeline-after-get-body',
    'GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: h\r\n\r\n',
    EITHER,
    {
      upstreamRequests: 2,
      first: { ...get, body: 'hello' },
    },
  ),
  raw('pipeline-garbage', 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n\x00\x01\x02\r\n\r\n', EITHER, { first: get }),

  // Field names and values.
  // The Node 20 build of uWebSockets.js ends its field list at an empty name: what follows reaches nobody.
  fields('name-empty', ': x\r\nX-After: 1', EITHER, { first: get, check: without('x-after') }),
  post(
    'name-empty-hides-length',
    ': x\r\nContent-Length: 38',
    'GET /admin HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n',
    EITHER,
    {
      check: neverAdmin,
    },
  ),
  fields('name-tab', 'X\tY: a', 'refuse'),
  fields('name-space-before-colon', 'X : a', 'refuse'),
  fields('name-nul', 'X\x00Y: a', 'refuse'),
  fields('name-del', 'X\x7fY: a', 'refuse'),
  fields('name-slash', 'X/Y: a', 'refuse'),
  fields('name-quote', 'X"Y: a', 'refuse'),
  fields('name-8bit', 'X\xe9: a', 'refuse'),
  fields('name-first-line-space', ' X: a', 'refuse'),
  fields('value-nul', 'X: a\x00b', 'refuse'),
  fields('value-escape', 'X: a\x1bb', 'refuse'),
  fields('value-bare-lf', 'X: a\nInjected: yes', 'refuse', { check: without('injected') }),
  fields('value-latin1', 'X: caf\xe9', EITHER),
  fields('value-utf8-separator', 'X: a\xe2\x80\xa8Injected: yes', EITHER, { check: without('injected') }),
  fields('fields-97', Array.from({ length: 96 }, (_, i) => `X${i}: a`).join('\r\n'), 'refuse', { status: [431] }),
  fields('fields-48', Array.from({ length: 47 }, (_, i) => `X${i}: a`).join('\r\n'), 'forward', { first: get }),
  // The Node 20 build of uWebSockets.js takes 48 fields; with the others the gateway's own limit rules.
  fields('fields-90', Array.from({ length: 89 }, (_, i) => `X${i}: a`).join('\r\n'), EITHER, { first: get }),
  fields('fields-1000', Array.from({ length: 1_000 }, (_, i) => `X${i}: a`).join('\r\n'), 'refuse', { status: [431] }),
  fields('field-17k', `X: ${'a'.repeat(17_000)}`, 'refuse', { status: [431] }),
  fields('field-15k', `X: ${'a'.repeat(15_000)}`, 'forward', { first: get, check: withField('x', 'a'.repeat(15_000)) }),
  fields('field-200k', `X: ${'a'.repeat(200_000)}`, 'refuse', { status: [431] }),
  fields('name-17k', `${'X'.repeat(17_000)}: a`, 'refuse', { status: [431] }),
  fields('authorization-twice', 'Authorization: Bearer a\r\nAuthorization: Bearer b', EITHER, {
    check: (seen) =>
      seen.some((r) => valuesOf(r, 'authorization').includes(',')) ? 'two credentials were forwarded' : null,
  }),

  // Claims about the client.
  fields('spoof-forwarded', 'Forwarded: for=1.2.3.4;proto=https', EITHER, { check: nowhere('1.2.3.4') }),
  fields('spoof-real-ip', 'X-Real-IP: 1.2.3.4', EITHER, { check: nowhere('1.2.3.4') }),
  fields('spoof-true-client-ip', 'True-Client-IP: 1.2.3.4', EITHER, { check: nowhere('1.2.3.4') }),
  fields('spoof-xff-underscore', 'X_Forwarded_For: 1.2.3.4', EITHER, { check: nowhere('1.2.3.4') }),
  fields('spoof-xff-many', 'X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 1.2.3.4, 127.0.0.1', EITHER, {
    check: nowhere('1.2.3.4'),
  }),
  fields('spoof-proto', 'X-Forwarded-Proto: https', EITHER, { check: withField('x-forwarded-proto', 'http') }),
  fields('spoof-host', 'X-Forwarded-Host: evil', EITHER, { check: nowhere('evil') }),
  fields('spoof-original-url', 'X-Original-URL: /admin\r\nX-Rewrite-URL: /admin', EITHER, { check: nowhere('/admin') }),
  fields('spoof-method', 'X-HTTP-Method-Override: DELETE', EITHER, { check: nowhere('DELETE') }),
  fields('spoof-request-id', 'X-Request-Id: evil-id', EITHER, { check: nowhere('evil-id') }),
  fields('traceparent-bad', 'traceparent: ../../etc/passwd', EITHER, { check: nowhere('passwd') }),

  // Connection options and hop-by-hop fields.
  fields('connection-authorization', 'Connection: authorization\r\nAuthorization: Bearer t', EITHER, {
    check: withField('authorization', 'Bearer t'),
  }),
  fields('connection-cookie', 'Connection: close, Cookie\r\nCookie: a=b', EITHER, {
    check: withField('cookie', 'a=b'),
  }),
  fields('connection-xff', 'Connection: x-forwarded-for', EITHER, { check: nowhere('1.2.3.4') }),
  fields('connection-xff-spoof', 'Connection: x-forwarded-for\r\nX-Forwarded-For: 1.2.3.4', EITHER, {
    check: nowhere('1.2.3.4'),
  }),
  fields('connection-host', 'Connection: host', EITHER, { check: withField('host', 'h') }),
  fields('connection-custom', 'Connection: x-hop, keep-alive\r\nX-Hop: 1\r\nX-End: 2', 'forward', {
    first: get,
    check: (seen, exchange, client) =>
      without('x-hop')(seen, exchange, client) ?? withField('x-end', '2')(seen, exchange, client),
  }),
  fields('connection-close', 'Connection: close', 'forward', {
    first: get,
    check: (_, exchange) => (exchange.closed ? null : 'the connection stayed open'),
  }),
  fields('te-trailers', 'TE: trailers\r\nConnection: TE', 'forward', { first: get, check: without('te') }),
  fields('keep-alive', 'Keep-Alive: timeout=5', 'forward', { first: get, check: without('keep-alive') }),
  fields('proxy-connection', 'Proxy-Connection: keep-alive', 'forward', {
    first: get,
    check: without('proxy-connection'),
  }),
  fields('proxy-authorization', 'Proxy-Authorization: Basic eDp5', EITHER, { check: without('proxy-authorization') }),
  fields(
    'upgrade-h2c',
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    EITHER,
    {
      check: without('upgrade', 'http2-settings'),
    },
  ),
  fields('upgrade-unknown', 'Connection: Upgrade\r\nUpgrade: foo/2', EITHER, { check: without('upgrade') }),
  post(
    'upgrade-websocket-post',
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nContent-Length: 5',
    'hello',
    EITHER,
    {
      check: without('upgrade'),
    },
  ),
  fields('expect-unknown', 'Expect: 200-maybe', EITHER, { check: without('expect'), status: [417] }),
  fields('expect-without-body', 'Expect: 100-continue', EITHER, { first: get }),

  // Body limits: the route for /small takes 10 bytes.
  raw('body-over-limit', `POST /small/a HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n${'a'.repeat(11)}`, 'refuse', {
    status: [413],
  }),
  raw('body-at-limit', `POST /small/a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n${'a'.repeat(10)}`, 'forward', {
    first: { method: 'POST', target: '/small/a', body: 'a'.repeat(10) },
  }),
  raw(
    'body-over-limit-chunked',
    'POST /small/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\naaaaaa\r\n6\r\naaaaaa\r\n0\r\n\r\n',
    'refuse',
    {
      status: [413],
      mayBegin: true,
    },
  ),
  raw(
    'body-over-limit-expect',
    'POST /small/a HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n',
    'refuse',
    {
      status: [413],
      check: (_, exchange) => (exchange.answers[0] ? null : 'no answer'),
    },
  ),
  raw('body-problem-document', 'POST /small/a HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n', 'refuse', {
    status: [413],
    check: (_, exchange) => {
      const answer = exchange.answers[0];
      if (!answer) return 'no answer';
      const type = fieldOf(answer, 'content-type');
      if (type !== 'application/problem+json') return `content type ${type}`;
      const document = JSON.parse(answer.body.toString()) as Record<string, unknown>;
      return document.status === 413 && typeof document.type === 'string' ? null : answer.body.toString();
    },
  }),
];
