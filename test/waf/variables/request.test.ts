import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Asked, form, linesOf, multipart } from '../../support/inspections.ts';

/** What a variable gives, `NAME=value` each, in phase 2 unless another is named. */
function valuesOf(variable: string, asked: Asked, phase = 2): readonly string[] {
  const rule = `SecRule ${variable} "@unconditionalMatch" "id:1,phase:${phase},pass,nolog,setvar:tx.all=%{tx.all}{%{MATCHED_VAR_NAME}=%{MATCHED_VAR}}"`;
  const [line = ''] = linesOf(`${rule}\nSecAction "id:2,phase:5,pass,log,msg:'%{tx.all}'"`, asked);
  return [...line.matchAll(/\{(.*?)\}/gs)].map(([, value]) => value as string);
}

const GET: Asked = {
  target: '/a%20b//c/../x%2e;p=1/file.php?a=1%20+2&b&=c&a=%zz&d[]=5#frag',
  fields: ['Host', 'h.test:80', 'Cookie', 'a=1; b ; c="x;y"; =z;d=%20+1;; a=2', 'X-Two', '1', 'x-two', '2'],
};
const AUTH: Asked = { fields: ['Authorization', `Basic ${Buffer.from('ann:secret').toString('base64')}`] };
const FORM = form('n=v&m=%41&n=');
const UPLOAD = multipart(
  ['Content-Disposition: form-data; name="plain"', 'text'],
  ['Content-Disposition: form-data; name="up"; filename="a.php"\r\nContent-Type: text/plain', '12345'],
);
const JSON_BODY: Asked = {
  method: 'POST',
  fields: ['Content-Type', 'application/json'],
  body: '{"a":["x",{"b":1}],"c":null}',
};

const TABLE: readonly (readonly [variable: string, asked: Asked, ...values: string[]])[] = [
  ['REQUEST_URI', GET, 'REQUEST_URI=/a b//c/../x.;p=1/file.php?a=1 +2&b&=c&a=%zz&d[]=5'],
  ['REQUEST_URI', { target: '/a%20b?' }, 'REQUEST_URI=/a b?'],
  ['REQUEST_URI_RAW', GET, `REQUEST_URI_RAW=${GET.target}`],
  ['REQUEST_FILENAME', GET, 'REQUEST_FILENAME=/a b//c/../x.;p=1/file.php'],
  ['REQUEST_BASENAME', GET, 'REQUEST_BASENAME=file.php'],
  ['REQUEST_LINE', GET, `REQUEST_LINE=GET ${GET.target} HTTP/1.1`],
  ['REQUEST_METHOD', FORM, 'REQUEST_METHOD=POST'],
  ['REQUEST_PROTOCOL', GET, 'REQUEST_PROTOCOL=HTTP/1.1'],
  ['QUERY_STRING', GET, 'QUERY_STRING=a=1%20+2&b&=c&a=%zz&d[]=5'],
  ['ARGS', GET, 'ARGS:a=1  2', 'ARGS:b=', 'ARGS:=c', 'ARGS:a=%zz', 'ARGS:d[]=5'],
  ['ARGS:A', GET, 'ARGS:a=1  2', 'ARGS:a=%zz'],
  ['ARGS:/^[ab]$/', GET, 'ARGS:a=1  2', 'ARGS:b=', 'ARGS:a=%zz'],
  ['ARGS|!ARGS:a', GET, 'ARGS:b=', 'ARGS:=c', 'ARGS:d[]=5'],
  ['ARGS|!ARGS:/^[abd]/', GET, 'ARGS:=c'],
  ['&ARGS', GET, 'ARGS=5'],
  ['&ARGS:a', GET, 'ARGS:a=2'],
  ['&ARGS:none', GET, 'ARGS:none=0'],
  ['ARGS_NAMES', GET, 'ARGS_NAMES:a=a', 'ARGS_NAMES:b=b', 'ARGS_NAMES:=', 'ARGS_NAMES:a=a', 'ARGS_NAMES:d[]=d[]'],
  ['ARGS_COMBINED_SIZE', FORM, 'ARGS_COMBINED_SIZE=5'],
  ['ARGS_GET', FORM],
  [
    'ARGS_GET_NAMES',
    GET,
    'ARGS_GET_NAMES:a=a',
    'ARGS_GET_NAMES:b=b',
    'ARGS_GET_NAMES:=',
    'ARGS_GET_NAMES:a=a',
    'ARGS_GET_NAMES:d[]=d[]',
  ],
  ['ARGS_POST', FORM, 'ARGS_POST:n=v', 'ARGS_POST:m=A', 'ARGS_POST:n='],
  ['ARGS_POST_NAMES', FORM, 'ARGS_POST_NAMES:n=n', 'ARGS_POST_NAMES:m=m', 'ARGS_POST_NAMES:n=n'],
  ['REQUEST_HEADERS:x-TWO', GET, 'REQUEST_HEADERS:X-Two=1', 'REQUEST_HEADERS:x-two=2'],
  ['REQUEST_HEADERS:/^HO/', GET, 'REQUEST_HEADERS:Host=h.test:80'],
  ['REQUEST_HEADERS_NAMES:Host', GET, 'REQUEST_HEADERS_NAMES:Host=Host'],
  ['REQUEST_COOKIES:a', GET, 'REQUEST_COOKIES:a=1', 'REQUEST_COOKIES:a=2'],
  ['REQUEST_COOKIES:d', GET, 'REQUEST_COOKIES:d=%20+1'],
  ['REQUEST_COOKIES_NAMES:c', GET, 'REQUEST_COOKIES_NAMES:c=c'],
  ['SERVER_NAME', GET, 'SERVER_NAME=h.test'],
  ['SERVER_NAME', { fields: ['Host', '[::1]:8080'] }, 'SERVER_NAME=[::1]'],
  ['SERVER_ADDR', GET, 'SERVER_ADDR=198.51.100.1'],
  ['SERVER_PORT', GET, 'SERVER_PORT=443'],
  ['REMOTE_ADDR', GET, 'REMOTE_ADDR=192.0.2.7'],
  ['REMOTE_HOST', GET, 'REMOTE_HOST=192.0.2.7'],
  ['REMOTE_PORT', GET, 'REMOTE_PORT=40001'],
  ['REMOTE_USER', AUTH, 'REMOTE_USER=ann'],
  ['AUTH_TYPE', AUTH, 'AUTH_TYPE=Basic'],
  ['PATH_INFO', { target: '/a/b' }, 'PATH_INFO=/a/b'],
  ['UNIQUE_ID', GET, 'UNIQUE_ID=request-1'],
  ['TIME_EPOCH', GET, `TIME_EPOCH=${Date.UTC(2026, 0, 5, 12) / 1000}`],
  ['TIME_YEAR', GET, 'TIME_YEAR=2026'],
  ['TIME_MON', GET, 'TIME_MON=0'],
  ['TIME_DAY', GET, `TIME_DAY=${new Date(Date.UTC(2026, 0, 5, 12)).getDate()}`],
  ['TIME_SEC', GET, 'TIME_SEC=0'],
  ['REQUEST_BODY', FORM, 'REQUEST_BODY=n=v&m=%41&n='],
  ['REQUEST_BODY', UPLOAD, 'REQUEST_BODY='],
  ['REQUEST_BODY_LENGTH', FORM, 'REQUEST_BODY_LENGTH=12'],
  ['FULL_REQUEST', { fields: ['A', 'b'], body: 'c' }, 'FULL_REQUEST=GET / HTTP/1.1\r\nA: b\r\n\r\nc'],
  ['FULL_REQUEST_LENGTH', { fields: ['A', 'b'], body: 'c' }, 'FULL_REQUEST_LENGTH=25'],
  ['REQBODY_PROCESSOR', FORM, 'REQBODY_PROCESSOR=URLENCODED'],
  ['REQBODY_PROCESSOR', UPLOAD, 'REQBODY_PROCESSOR=MULTIPART'],
  ['REQBODY_PROCESSOR', GET, 'REQBODY_PROCESSOR='],
  ['REQBODY_ERROR', FORM, 'REQBODY_ERROR=0'],
  ['INBOUND_DATA_ERROR', { ...FORM, isBodyPartial: true }, 'INBOUND_DATA_ERROR=1'],
  ['FILES', UPLOAD, 'FILES:up=a.php'],
  ['FILES_NAMES', UPLOAD, 'FILES_NAMES:up=up'],
  ['FILES_SIZES', UPLOAD, 'FILES_SIZES:up=5'],
  ['FILES_COMBINED_SIZE', UPLOAD, 'FILES_COMBINED_SIZE=5'],
  ['FILES_TMP_CONTENT', UPLOAD, 'FILES_TMP_CONTENT:up=12345'],
  ['FILES_TMPNAMES', UPLOAD],
  ['MULTIPART_FILENAME', UPLOAD, 'MULTIPART_FILENAME:up=a.php'],
  ['MULTIPART_NAME', UPLOAD, 'MULTIPART_NAME:up=up'],
  [
    'MULTIPART_PART_HEADERS:up',
    UPLOAD,
    'MULTIPART_PART_HEADERS:up=Content-Disposition: form-data; name="up"; filename="a.php"',
    'MULTIPART_PART_HEADERS:up=Content-Type: text/plain',
  ],
  ['MULTIPART_STRICT_ERROR', UPLOAD, 'MULTIPART_STRICT_ERROR=0'],
  ['MULTIPART_UNMATCHED_BOUNDARY', UPLOAD, 'MULTIPART_UNMATCHED_BOUNDARY=0'],
  ['ARGS', UPLOAD, 'ARGS:plain=text'],
];

test('variables of a request give what it holds', () => {
  for (const [variable, asked, ...values] of TABLE) assert.deepEqual(valuesOf(variable, asked), values, variable);
  assert.equal(TABLE.length, 67);
});

test('variables of bodies that a rule chooses a processor for', () => {
  const json = 'SecAction "id:9,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"\n';
  const probe = (variable: string) =>
    `SecRule ${variable} "@unconditionalMatch" "id:1,phase:2,pass,nolog,setvar:tx.all=%{tx.all}{%{MATCHED_VAR_NAME}=%{MATCHED_VAR}}"\nSecAction "id:2,phase:5,pass,log,msg:'%{tx.all}'"`;
  assert.deepEqual(linesOf(json + probe('ARGS'), JSON_BODY), [
    '2 {ARGS:json.a.array_0=x}{ARGS:json.a.array_1.b=1}{ARGS:json.c=}',
  ]);
  const xml = 'SecAction "id:9,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"\n';
  const document: Asked = { method: 'POST', body: '<a b="c">d</a>' };
  assert.deepEqual(linesOf(xml + probe('XML:/*|XML://@*'), document), ['2 {XML:/*=d}{XML:attributes://@*=c}']);
  const broken: Asked = { ...JSON_BODY, body: '{"a":' };
  assert.match(
    linesOf(json + probe('REQBODY_ERROR|REQBODY_ERROR_MSG'), broken)[0] ?? '',
    /REQBODY_ERROR=1.*ends too early/,
  );
});

test('variables of the answer', () => {
  const asked: Asked = {
    status: 404,
    answerFields: ['Content-Type', 'text/html', 'X-A', '1'],
    answer: 'page',
    isAnswerPartial: true,
  };
  const table: Readonly<Record<string, string>> = {
    RESPONSE_STATUS: 'RESPONSE_STATUS=404',
    STATUS_LINE: 'STATUS_LINE=HTTP/1.1 404',
    RESPONSE_PROTOCOL: 'RESPONSE_PROTOCOL=HTTP/1.1',
    'RESPONSE_HEADERS:x-a': 'RESPONSE_HEADERS:X-A=1',
    'RESPONSE_HEADERS_NAMES:x-a': 'RESPONSE_HEADERS_NAMES:X-A=X-A',
    RESPONSE_CONTENT_TYPE: 'RESPONSE_CONTENT_TYPE=text/html',
    RESPONSE_CONTENT_LENGTH: 'RESPONSE_CONTENT_LENGTH=4',
    RESPONSE_BODY: 'RESPONSE_BODY=page',
    OUTBOUND_DATA_ERROR: 'OUTBOUND_DATA_ERROR=1',
  };
  for (const [variable, value] of Object.entries(table)) assert.deepEqual(valuesOf(variable, asked, 4), [value]);
});

test('a scalar is looked at where the request has none; a collection without members is not', () => {
  const rules = ['TX:none', 'REQUEST_HEADERS:None', 'ARGS', 'REQUEST_BODY', 'FILES_COMBINED_SIZE', 'RESPONSE_BODY'].map(
    (variable, index) => `SecRule ${variable} "!@rx zzz" "id:${index + 1},phase:2,pass,log"`,
  );
  assert.deepEqual(linesOf(rules.join('\n')), ['4', '5', '6']);
});
