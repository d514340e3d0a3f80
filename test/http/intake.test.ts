import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Intake } from '../../src/http/intake.ts';
import type { HttpRequest } from '../../src/http/uws-types.ts';
import { type Downstream, Transaction, type TransactionOwner } from '../../src/transaction.ts';

type Field = readonly [string, string];

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  /** `host: api.example` comes by itself unless `host` is false. */
  readonly host?: boolean;
  readonly fields?: readonly Field[];
}

const LIMITS = {
  headBytesMax: 16_384,
  targetBytesMax: 8_192,
  fieldsMax: 96,
  contentLengthMax: Number.MAX_SAFE_INTEGER,
};

/** What uWS hands to a handler: fields in order, names lower-case, duplicates included. */
function requestOf({ method = 'GET', path = '/', query = '', host = true, fields = [] }: Asked): HttpRequest {
  const all: readonly Field[] = host ? [['host', 'api.example'], ...fields] : fields;
  const request = {
    getCaseSensitiveMethod: () => method,
    getMethod: () => method.toLowerCase(),
    getUrl: () => path,
    getQuery: () => query,
    getHeader: (name: string) => all.find(([other]) => other === name)?.[1] ?? '',
    forEach: (each: (name: string, value: string) => void) => {
      for (const [name, value] of all) each(name, value);
    },
  };
  return request as unknown as HttpRequest;
}

function read(asked: Asked, intake = new Intake(LIMITS, [])): Transaction {
  const tx = new Transaction({} as Downstream, {} as TransactionOwner, 0, 0);
  intake.read(tx, requestOf(asked));
  return tx;
}

const faultOf = (fields: readonly Field[]): string | null => read({ fields }).fault;

describe('what is kept', () => {
  test('method, target, host and the fields that policies read', () => {
    const tx = read({
      method: 'POST',
      path: '/a',
      query: 'b=c',
      fields: [
        ['user-agent', 'curl'],
        ['authorization', 'Bearer x'],
        ['cookie', 'a=1'],
        ['cookie', 'b=2'],
        ['content-length', '12'],
        ['x-forwarded-for', '1.1.1.1'],
        ['x-forwarded-for', '2.2.2.2'],
        ['x-request-id', 'abc'],
        ['traceparent', '00-1'],
        ['tracestate', 'a=1'],
        ['tracestate', 'b=2'],
        ['via', '1.1 a'],
      ],
    });
    assert.equal(tx.fault, null);
    assert.deepEqual([tx.method, tx.rawPath, tx.query, tx.authority], ['POST', '/a', '?b=c', 'api.example']);
    assert.deepEqual([tx.userAgent, tx.authorization, tx.cookie], ['curl', 'Bearer x', 'a=1; b=2']);
    assert.deepEqual([tx.xForwardedFor, tx.requestIdReceived, tx.via], ['1.1.1.1, 2.2.2.2', 'abc', '1.1 a']);
    assert.deepEqual([tx.traceparent, tx.tracestate], ['00-1', 'a=1, b=2']);
    assert.deepEqual([tx.contentLength, tx.lengthDeclared], [12, true]);
    assert.equal(tx.forwardFields, 'user-agent: curl\r\nauthorization: Bearer x\r\ncookie: a=1\r\ncookie: b=2\r\n');
    assert.equal(tx.isAscii, true);
  });

  test('fields go on in their order, repeated ones too; those of this hop and of others’ claims do not', () => {
    const tx = read({
      fields: [
        ['accept', 'a'],
        ['te', 'trailers'],
        ['x-forwarded-port', '1'],
        ['accept', 'b'],
        ['keep-alive', 'timeout=5'],
        ['x-http-method-override', 'DELETE'],
        ['expect', '100-continue'],
        ['forwarded', 'for=1.1.1.1'],
        ['x', ''],
      ],
    });
    assert.equal(tx.fault, null);
    assert.equal(tx.forwardFields, 'accept: a\r\naccept: b\r\nx: \r\n');
  });

  test('every field as received, in bytes, where a firewall looks; else none', () => {
    const fields: readonly Field[] = [
      ['x-a', 'é'],
      ['te', 'trailers'],
      ['x-a', '2'],
      ['content-length', '0'],
    ];
    const kept = read({ fields }, new Intake({ ...LIMITS, keepFields: true }, []));
    assert.deepEqual(kept.receivedFields, [
      ...['host', 'api.example', 'x-a', '\xc3\xa9', 'te', 'trailers', 'x-a', '2', 'content-length', '0'],
    ]);
    assert.equal(read({ fields }).receivedFields, null);
  });

  test('captured names are kept by position and forwarded', () => {
    const tx = read(
      {
        fields: [
          ['x-b', '2'],
          ['x-a', '1'],
        ],
      },
      new Intake(LIMITS, ['x-a', 'x-b']),
    );
    assert.deepEqual(tx.captured, ['1', '2']);
    assert.equal(tx.forwardFields, 'x-b: 2\r\nx-a: 1\r\n');
    assert.equal(read({}, new Intake(LIMITS, ['x-a'])).captured, null);
  });

  test('nothing of one request is left for the next one of the same intake', () => {
    const intake = new Intake(LIMITS, ['x-a']);
    const loud: Field[] = [
      ['x-a', '1'],
      ['connection', 'x-b'],
      ['x-b', 'b'],
      ['content-length', '5'],
      ['te', 'x'],
    ];
    read({ fields: [...loud, ['authorization', 'a'], ['transfer-encoding', 'chunked'], ['bad name', '']] }, intake);
    const tx = read(
      {
        fields: [
          ['x-b', 'kept'],
          ['authorization', 'b'],
        ],
      },
      intake,
    );
    assert.equal(tx.fault, null);
    assert.equal(tx.forwardFields, 'x-b: kept\r\nauthorization: b\r\n');
    assert.deepEqual([tx.contentLength, tx.lengthDeclared, tx.captured], [0, false, null]);
  });
});

describe('framing', () => {
  const CL = (value: string): Field => ['content-length', value];
  const TE = (value: string): Field => ['transfer-encoding', value];
  test('a length over what the front carries is refused, not cut', () => {
    const intake = new Intake({ ...LIMITS, contentLengthMax: 999_999_999 }, []);
    assert.equal(read({ fields: [CL('999999999')] }, intake).fault, null);
    assert.equal(read({ fields: [CL('1000000000')] }, intake).fault, 'SP_REQUEST_BODY_TOO_LARGE');
  });

  const cases: readonly (readonly [string, readonly Field[], number | null])[] = [
    ['nothing', [], 0],
    ['length', [CL('5')], 5],
    ['length 0', [CL('0')], 0],
    ['longest length', [CL('999999999999999')], 999_999_999_999_999],
    ['chunked', [TE('chunked')], -1],
    ['Chunked', [TE('Chunked')], -1],
    ['two equal lengths', [CL('5'), CL('5')], null],
    ['two lengths', [CL('5'), CL('6')], null],
    ['both', [CL('5'), TE('chunked')], null],
    ['both, other order', [TE('chunked'), CL('5')], null],
    ['two codings', [TE('chunked'), TE('chunked')], null],
    ...[
      '',
      ' ',
      '+5',
      '-5',
      '05',
      '5,5',
      '5, 5',
      '0x5',
      '5.0',
      '1e3',
      '5 ',
      ' 5',
      '1000000000000000',
      '٥',
      '5\x7f',
    ].map((value) => [`length ${JSON.stringify(value)}`, [CL(value)], null] as const),
    ...[
      '',
      'identity',
      'gzip',
      'gzip, chunked',
      'chunked, chunked',
      'chunked;q=1',
      'xchunked',
      ' chunked',
      'chunKed ',
    ].map((value) => [`coding ${JSON.stringify(value)}`, [TE(value)], null] as const),
  ];
  for (const [name, fields, length] of cases) {
    test(name, () => {
      const tx = read({ method: 'POST', fields });
      assert.equal(tx.fault, length === null ? 'SP_REQUEST_FRAMING' : null);
      if (length !== null) assert.equal(tx.contentLength, length);
      assert.equal(tx.forwardFields, '', 'framing fields never go on as they came');
    });
  }

  test('`content-length: 0` is told from no length at all', () => {
    assert.equal(read({ fields: [CL('0')] }).lengthDeclared, true);
    assert.equal(read({}).lengthDeclared, false);
  });
});

describe('faults', () => {
  test('exactly one Host', () => {
    assert.equal(read({ host: false }).fault, 'SP_REQUEST_HOST');
    assert.equal(faultOf([['host', 'api.example']]), 'SP_REQUEST_HOST');
  });

  test('fields of which one copy is the truth', () => {
    for (const name of ['authorization', 'content-type', 'traceparent']) {
      assert.equal(faultOf([[name, 'a']]), null);
      assert.equal(
        faultOf([
          [name, 'a'],
          [name, 'a'],
        ]),
        'SP_REQUEST_FIELD',
        name,
      );
    }
  });

  test('names that another parser takes for reserved ones, and names that are none', () => {
    for (const name of ['content_length', 'x_forwarded_for', 'transfer_encoding', 'a b', '']) {
      assert.equal(faultOf([[name, '1']]), 'SP_REQUEST_FIELD', name);
      assert.equal(read({ fields: [[name, '1']] }).forwardFields, '', name);
    }
  });

  test('the only expectation is 100-continue', () => {
    assert.equal(faultOf([['expect', '100-Continue']]), null);
    assert.equal(faultOf([['expect', '200-ok']]), 'SP_REQUEST_EXPECTATION');
  });

  test('DEL, and what was no UTF-8, in any field that goes upstream', () => {
    const names = [
      'x-any',
      'user-agent',
      'cookie',
      'authorization',
      'content-type',
      'x-forwarded-for',
      'via',
      'x-request-id',
    ];
    for (const name of names) {
      assert.equal(faultOf([[name, 'a\x7fb']]), 'SP_REQUEST_FIELD', `${name}, DEL`);
      assert.equal(faultOf([[name, 'a\ufffdb']]), 'SP_REQUEST_FIELD', `${name}, U+FFFD`);
    }
  });

  test('valid UTF-8 goes on and is not taken for ASCII; not in fields that are written anew', () => {
    const tx = read({ fields: [['x-any', 'ccčĊ']] });
    assert.equal(tx.fault, null);
    assert.equal(tx.isAscii, false);
    for (const name of [
      'forwarded',
      'tracestate',
      'x-forwarded-host',
      'x-forwarded-proto',
      'x-request-id',
      'traceparent',
    ]) {
      assert.equal(faultOf([[name, 'č']]), 'SP_REQUEST_FIELD', name);
    }
  });

  test('the first one wins; sizes come before all', () => {
    assert.equal(
      faultOf([
        ['expect', 'x'],
        ['a b', ''],
      ]),
      'SP_REQUEST_EXPECTATION',
    );
    assert.equal(
      faultOf([
        ['a b', ''],
        ['expect', 'x'],
      ]),
      'SP_REQUEST_FIELD',
    );
    assert.equal(
      faultOf([
        ['a b', ''],
        ['x', 'y'.repeat(20_000)],
      ]),
      'SP_REQUEST_HEAD_TOO_LARGE',
    );
  });
});

describe('sizes', () => {
  test('the head, to the byte', () => {
    // GET / HTTP/1.1 CRLF, host: api.example CRLF, x: ... CRLF: 13 bytes stand for the line's fixed part.
    const used = 'GET'.length + 1 + 13 + 'host: api.example\r\n'.length + 'x: \r\n'.length;
    const fits = LIMITS.headBytesMax - used;
    assert.equal(faultOf([['x', 'y'.repeat(fits)]]), null);
    assert.equal(faultOf([['x', 'y'.repeat(fits + 1)]]), 'SP_REQUEST_HEAD_TOO_LARGE');
  });

  test('dropped fields count as well', () => {
    assert.equal(faultOf([['te', 'y'.repeat(17_000)]]), 'SP_REQUEST_HEAD_TOO_LARGE');
  });

  test('the number of fields, Host included', () => {
    const many = (count: number): Field[] => Array.from({ length: count }, (_, i) => [`x-${i}`, '']);
    assert.equal(faultOf(many(95)), null);
    assert.equal(faultOf(many(96)), 'SP_REQUEST_HEAD_TOO_LARGE');
  });

  test('the target, query included', () => {
    const path = `/${'p'.repeat(4_000)}`;
    assert.equal(read({ path, query: 'q'.repeat(8_192 - 4_002) }).fault, null);
    assert.equal(read({ path, query: 'q'.repeat(8_192 - 4_001) }).fault, 'SP_REQUEST_TARGET_TOO_LONG');
  });
});

describe('fields that Connection names', () => {
  const forwarded = (connection: string, fields: readonly Field[], captured: readonly string[] = []): string =>
    read({ fields: [['connection', connection], ...fields] }, new Intake(LIMITS, captured)).forwardFields;

  test('go no further; the rest keeps its order', () => {
    const fields: Field[] = [
      ['a', '1'],
      ['x-hop', '2'],
      ['b', '3'],
      ['x-hop', '4'],
      ['cookie', 'c=1'],
    ];
    assert.equal(forwarded('X-Hop', fields), 'a: 1\r\nb: 3\r\ncookie: c=1\r\n');
    assert.equal(forwarded('keep-alive, ,x-hop ,\tb', fields), 'a: 1\r\ncookie: c=1\r\n');
  });

  test('in several Connection fields, before and after', () => {
    const tx = read({
      fields: [
        ['a', '1'],
        ['connection', 'a'],
        ['b', '2'],
        ['connection', 'b'],
        ['c', '3'],
      ],
    });
    assert.equal(tx.forwardFields, 'c: 3\r\n');
  });

  test('never those that identity, framing or a policy rests on', () => {
    const fields: Field[] = [
      ['authorization', 'a'],
      ['cookie', 'c=1'],
      ['content-type', 't'],
      ['user-agent', 'u'],
      ['x-api-key', 'k'],
      ['origin', 'o'],
      ['range', 'r'],
    ];
    const names = fields.map(([name]) => name).join(', ');
    assert.equal(
      forwarded(`${names}, x-gone`, [...fields, ['x-gone', '1']]),
      fields.map(([n, v]) => `${n}: ${v}\r\n`).join(''),
    );
  });

  test('nor does naming Host, Content-Length or X-Forwarded-For change what we know', () => {
    const tx = read({
      fields: [
        ['connection', 'host, content-length, x-forwarded-for'],
        ['content-length', '5'],
        ['x-forwarded-for', '1.1.1.1'],
      ],
    });
    assert.equal(tx.fault, null);
    assert.deepEqual([tx.authority, tx.contentLength, tx.xForwardedFor], ['api.example', 5, '1.1.1.1']);
    assert.equal(tx.forwardFields, '');
  });

  test('a captured one stays known for balancing when it does not go on', () => {
    assert.equal(
      forwarded(
        'x-a',
        [
          ['x-a', '1'],
          ['x-b', '2'],
        ],
        ['x-a'],
      ),
      'x-b: 2\r\n',
    );
  });

  test('names that are no tokens take nothing off and bring nothing in', () => {
    assert.equal(forwarded('a\r\nx: y, \u010d', [['a', '1']]), 'a: 1\r\n');
  });
});
