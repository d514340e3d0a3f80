/**
 * The upstream parser against node's own: what ours takes, node takes with the same meaning; what node refuses, ours
 * refuses. And every sample cut at every byte means what the whole one means.
 *
 * SALLYPORT_TEST_FUZZ_RUNS   samples per property, default 12,000.
 * SALLYPORT_TEST_FUZZ_SEED   seed of a run to repeat; each run prints its own.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CHUNK_DATA, CHUNK_DONE, CHUNK_ERROR, CHUNK_MORE, ChunkedDecoder } from '../../src/upstream/chunked-decoder.ts';
import {
  FRAMING_CHUNKED,
  FRAMING_LENGTH,
  FRAMING_NONE,
  HEAD_INCOMPLETE,
  parseResponseHead,
  ResponseHead,
} from '../../src/upstream/response-head.ts';

const RUNS = Number(process.env.SALLYPORT_TEST_FUZZ_RUNS ?? 12_000);
const SEED = Number(process.env.SALLYPORT_TEST_FUZZ_SEED ?? Date.now() & 0x7fffffff);

/** Fields that do not reach the client. Written down once more, so that a slip in the parser's table shows. */
const DROPPED = new Set(
  'connection keep-alive content-length transfer-encoding proxy-connection te trailer upgrade date server'
    .split(' ')
    .concat('proxy-authenticate', 'proxy-authentication-info'),
);

interface Outcome {
  /** `complete`, `more` (the bytes ran out), or the reason of a refusal. */
  readonly end: string;
  readonly interim: readonly number[];
  readonly status: number;
  readonly clientHead: string;
  readonly keepAlive: boolean;
  readonly body: string;
  /** Bytes that belong to the answer; -1 when it ends with the connection. */
  readonly used: number;
}

/** Reads one answer as the upstream connection does; `pieces` are growing prefixes of `input`, by their lengths. */
function ours(input: Buffer, isHead: boolean, pieces: Iterable<number>): Outcome {
  const head = new ResponseHead();
  const decoder = new ChunkedDecoder();
  const interim: number[] = [];
  let headStart = 0;
  let position = -1;
  let body = '';
  const outcome = (end: string, used: number): Outcome => ({
    end,
    interim,
    status: position < 0 ? 0 : head.status,
    clientHead: position < 0 ? '' : head.clientHead.toString('latin1', 0, head.clientHeadBytes),
    keepAlive: position >= 0 && head.keepAlive,
    body,
    used,
  });
  for (const end of pieces) {
    while (position < 0) {
      const next = parseResponseHead(head, input, headStart, end, isHead);
      if (next < 0) return outcome(head.reason, -1);
      if (next === HEAD_INCOMPLETE) break;
      if (head.status >= 200 || head.status === 101) position = next;
      else interim.push(head.status);
      headStart = next;
    }
    if (position < 0) continue;
    if (head.framing === FRAMING_NONE) return outcome('complete', position);
    if (head.framing === FRAMING_CHUNKED) {
      for (;;) {
        const event = decoder.next(input, position, end);
        position = decoder.position;
        if (event === CHUNK_DATA) body += input.toString('latin1', decoder.dataStart, decoder.dataEnd);
        else if (event === CHUNK_DONE) return outcome('complete', position);
        else if (event === CHUNK_ERROR) return outcome(decoder.reason, -1);
        else break;
      }
      assert.equal(decoder.next(input, position, position), CHUNK_MORE);
    } else {
      body = input.toString('latin1', headStart, end);
      if (head.framing === FRAMING_LENGTH && body.length >= head.contentLength) {
        body = body.slice(0, head.contentLength);
        return outcome('complete', headStart + head.contentLength);
      }
    }
  }
  const byConnection = position >= 0 && head.framing !== FRAMING_LENGTH && head.framing !== FRAMING_CHUNKED;
  return outcome(byConnection ? 'complete' : 'more', -1);
}

const whole = (input: Buffer, isHead: boolean): Outcome => ours(input, isHead, [input.length]);

interface NodeOutcome {
  readonly accepted: boolean;
  readonly error: string;
  readonly interim: readonly number[];
  readonly status: number;
  readonly reason: string;
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly keepAlive: boolean;
}

/** What node's HTTP client makes of these bytes, followed by the end of the connection. */
function nodes(input: Buffer, isHead: boolean): Promise<NodeOutcome> {
  return new Promise((resolve) => {
    const interim: number[] = [];
    let answered = false;
    const socket = new Duplex({
      read() {},
      write(_chunk, _encoding, callback) {
        callback();
        if (answered) return;
        answered = true;
        setImmediate(() => {
          if (input.length > 0) socket.push(input);
          socket.push(null);
        });
      },
    });
    const request = http.request({
      method: isHead ? 'HEAD' : 'GET',
      host: 'upstream.test',
      createConnection: () => socket,
      insecureHTTPParser: false,
      maxHeaderSize: 1_048_576,
      headers: { connection: 'keep-alive' },
    });
    const settle = (accepted: boolean, error: string, answer: http.IncomingMessage | null, body: string): void => {
      resolve({
        accepted,
        error,
        interim,
        status: answer?.statusCode ?? 0,
        reason: answer?.statusMessage ?? '',
        rawHeaders: answer?.rawHeaders ?? [],
        body,
        keepAlive: Reflect.get(request, 'shouldKeepAlive') === true,
      });
      socket.destroy();
    };
    request.on('information', (info) => interim.push(info.statusCode));
    request.on('upgrade', (answer) => settle(true, '', answer, ''));
    request.on('error', (error) => settle(false, Reflect.get(error, 'code') ?? error.message, null, ''));
    request.on('response', (answer) => {
      let body = '';
      answer.setEncoding('latin1');
      answer.on('data', (piece: string) => {
        body += piece;
      });
      answer.on('error', (error) => settle(false, Reflect.get(error, 'code') ?? error.message, answer, body));
      answer.on('end', () => settle(answer.complete, answer.complete ? '' : 'incomplete', answer, body));
    });
    request.end();
  });
}

/** Names in `Connection` fields, lower case. */
function connectionNames(rawHeaders: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== 'connection') continue;
    for (const name of (rawHeaders[i + 1] ?? '').split(',')) names.add(name.trim().toLowerCase());
  }
  return names;
}

/** Named by the generators; these a Connection field may not remove. */
const PROTECTED = new Set(['set-cookie', 'content-type', 'cache-control', 'vary', 'etag']);

/** The head that the client must get, made from what node understood. Values trimmed: only OWS may differ. */
function expectedLines({ status, reason, rawHeaders }: NodeOutcome): string[] {
  const named = connectionNames(rawHeaders);
  const lines = [`${status} ${reason}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const lower = name.toLowerCase();
    if (DROPPED.has(lower) || (named.has(lower) && !PROTECTED.has(lower))) continue;
    lines.push(`${name}:${trim(rawHeaders[i + 1] ?? '')}`);
  }
  return lines;
}

const trim = (text: string): string => text.replace(/^[ \t]+|[ \t]+$/g, '');

function actualLines(clientHead: string): string[] {
  const [first = '', ...fields] = clientHead.split('\r\n');
  const lines = fields.map((line) => {
    const colon = line.indexOf(':');
    return `${line.slice(0, colon)}:${trim(line.slice(colon + 1))}`;
  });
  return [first, ...lines];
}

/** Why ours may refuse what node takes. Everything else that ours refuses, node must refuse too. */
const STRICTER = new Set([
  'not an HTTP/1 status line',
  'HTTP version is neither 1.0 nor 1.1',
  'status is not within 100-599',
  'no space after the status',
  'forbidden byte in the reason phrase',
  'bare CR after the reason phrase',
  'Transfer-Encoding is not chunked',
  'repeated Transfer-Encoding',
  'Transfer-Encoding on HTTP/1.0',
  'body on an interim answer',
  'interim answer that ends the connection',
  'malformed Content-Length',
  'too many names in Connection',
  'chunk size too large',
  'malformed chunk extension',
  'framing field in the trailer section',
]);

const counts = { accepted: 0, more: 0, refusedByBoth: 0, stricter: 0, cuts: 0 };

async function agree(input: Buffer, isHead: boolean): Promise<void> {
  const mine = whole(input, isHead);
  if (mine.end === 'complete') {
    const theirs = await nodes(mine.used < 0 ? input : input.subarray(0, mine.used), isHead);
    assert.equal(theirs.error, '', `node refuses: ${theirs.error}`);
    assert.ok(theirs.accepted);
    assert.equal(mine.status, theirs.status);
    assert.deepEqual(mine.interim, theirs.interim);
    assert.deepEqual(actualLines(mine.clientHead), expectedLines(theirs));
    assert.equal(mine.body, theirs.body);
    // Node decides before it knows that the answer to HEAD needs no length to end.
    const lengthless = isHead && !theirs.rawHeaders.some((name) => /^(content-length|transfer-encoding)$/i.test(name));
    assert.ok(!mine.keepAlive || theirs.keepAlive || lengthless, 'ours would use the connection again, node would not');
    counts.accepted += 1;
    return;
  }
  const theirs = await nodes(input, isHead);
  if (mine.end === 'more') {
    assert.ok(!theirs.accepted, 'ours waits for more, node is content');
    counts.more += 1;
  } else if (theirs.accepted) {
    assert.ok(STRICTER.has(mine.end), `only ours refuses: ${mine.end}`);
    counts.stricter += 1;
  } else {
    counts.refusedByBoth += 1;
  }
}

/** Two pieces cut at every byte, and all bytes one by one. */
function cutEverywhere(input: Buffer, isHead: boolean): void {
  const expected = whole(input, isHead);
  for (let cut = 0; cut <= input.length; cut += 1) {
    assert.deepEqual(ours(input, isHead, [cut, input.length]), expected, `cut at ${cut}`);
  }
  const every = Array.from({ length: input.length + 1 }, (_, size) => size);
  assert.deepEqual(ours(input, isHead, every), expected, 'byte by byte');
  counts.cuts += input.length + 2;
}

// ------------------------------------------------------------------ generators: text with one character per byte

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const TOKEN = "!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz";
const VALUE = `${TOKEN} \t"(),/:;<=>?@[\\]{}\x80\xe9\xff`;
const text = (alphabet: string, minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength });
const anyCase = (word: string): fc.Arbitrary<string> =>
  fc.constantFrom(word, word.toLowerCase(), word.toUpperCase(), word.replace(/e/g, 'E'));

const ows = fc.constantFrom('', ' ', ' ', ' ', '  ', '\t');
const plainField = fc
  .tuple(
    fc.oneof(
      text(TOKEN, 1, 14),
      fc.constantFrom('X-Hop', 'Set-Cookie', 'Content-Type', 'Vary', 'ETag', 'Date', 'Server'),
    ),
    ows,
    text(VALUE, 0, 30),
  )
  .map(([name, space, value]) => `${name}:${space}${value}`)
  // A generated name may not be one that frames the answer: those come from their own generators.
  .filter((line) => !/^(content-length|transfer-encoding|connection|upgrade):/i.test(line));
const hopField = fc
  .oneof(
    fc.tuple(
      anyCase('Connection'),
      fc.constantFrom('keep-alive', 'close', 'X-Hop', 'x-hop, vary', 'Keep-Alive ,X-HOP,,', 'upgrade', ''),
    ),
    fc.tuple(anyCase('Keep-Alive'), fc.constantFrom('timeout=5', 'timeout=5, max=100', 'max=1', '')),
    fc.tuple(anyCase('Trailer'), fc.constant('X-Sum')),
    fc.tuple(anyCase('Proxy-Authenticate'), fc.constant('Basic realm=x')),
    fc.tuple(anyCase('TE'), fc.constant('trailers')),
  )
  .map(([name, value]) => `${name}: ${value}`);
const status = fc.oneof(
  fc.constantFrom(200, 200, 200, 201, 204, 206, 301, 304, 404, 500),
  fc.integer({ min: 200, max: 599 }),
);
const reason = fc.oneof(fc.constantFrom('OK', ''), text(VALUE, 0, 12));
const chunkExtension = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constantFrom(';a', ';a=b', ';a="b c;\\"d"', ';a="\xff\t";b', ';a=b;c=d') },
);
const chunk = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(...'ab\r\n0;: \x00\xff'), minLength: 1, maxLength: 20 }),
    chunkExtension,
    fc.boolean(),
  )
  .map(([data, extension, upper]) => {
    const size = data.length.toString(16);
    return `${upper ? size.toUpperCase() : `0${size}`}${extension}\r\n${data}\r\n`;
  });
const trailers = fc.array(plainField, { maxLength: 2 }).map((lines) => lines.map((line) => `${line}\r\n`).join(''));
const framing = fc.oneof(
  fc
    .tuple(
      fc.array(chunk, { maxLength: 4 }),
      chunkExtension,
      trailers,
      anyCase('Transfer-Encoding'),
      anyCase('chunked'),
    )
    .map(([chunks, extension, trailer, name, value]) => ({
      field: `${name}: ${value}`,
      body: `${chunks.join('')}0${extension}\r\n${trailer}\r\n`,
    })),
  fc.tuple(text('ab\r\n\x00\xff', 0, 30), anyCase('Content-Length')).map(([body, name]) => ({
    field: `${name}: ${body.length}`,
    body,
  })),
  text('ab\r\n\x00', 0, 30).map((body) => ({ field: '', body })),
);
const interimHead = fc.constantFrom(
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n',
);

interface Sample {
  readonly text: string;
  readonly isHead: boolean;
}

const valid: fc.Arbitrary<Sample> = fc
  .record({
    interim: fc.array(interimHead, { maxLength: 1 }),
    version: fc.constantFrom('1', '1', '1', '0'),
    status,
    reason,
    fields: fc.array(fc.oneof({ weight: 4, arbitrary: plainField }, { weight: 1, arbitrary: hopField }), {
      maxLength: 6,
    }),
    place: fc.nat(),
    framing,
    surplus: fc.constantFrom('', '', '', '\r\n', 'HTTP/1.1 200 OK\r\n\r\n', '\0'),
    isHead: fc.nat(7).map((n) => n === 0),
  })
  .map((parts) => {
    const version = parts.framing.field.toLowerCase().startsWith('transfer') ? '1' : parts.version;
    const lines = [...parts.fields];
    if (parts.framing.field !== '') lines.splice(parts.place % (lines.length + 1), 0, parts.framing.field);
    const start = `HTTP/1.${version} ${parts.status} ${parts.reason}`;
    const head = `${parts.interim.join('')}${[start, ...lines].join('\r\n')}\r\n\r\n`;
    return { text: `${head}${parts.framing.body}${parts.surplus}`, isHead: parts.isHead };
  });

/** What has broken parsers before, to be put anywhere. */
const SNIPPETS = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '"',
  '=',
  '\x0b',
  '\x0c',
  '\x7f',
  '\x80',
  '0',
  '-',
  '+',
  '\r\n ',
  '\r\n\t',
  ' :',
  'Content-Length: 3\r\n',
  'content-length:5\r\n',
  'Content-Length: +3\r\n',
  'Content-Length: 3, 3\r\n',
  'Content-Length:\t3\r\n',
  'Content-Length: 3\t\r\n',
  'Content-Length: 3 \r\n',
  'Content-Length:\r\n',
  'Content-Length : 3\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'Content-Length: 0\r\n',
  'Content_Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: chunked \r\n',
  'Transfer-Encoding: chunked\t\r\n',
  'Transfer-Encoding:\tchunked\r\n',
  'Transfer-Encoding: xchunked\r\n',
  'Transfer-Encoding: chunked, identity\r\n',
  'Transfer-Encoding: gzip\r\n',
  'Transfer-Encoding\r\n',
  'Transfer-Encoding:\r\n chunked\r\n',
  'Transfer-Encoding:\r\n',
  'Connection: close\r\n',
  'Connection: \x80\r\n',
  'Connection: upgrade\r\nUpgrade: a\r\n',
  'Connection:close,close\r\n',
  'Connection: keep-alive\tclose\r\n',
  'Connection: closer\r\n',
  'Connection: close \r\n',
  'Connection: close;\r\n',
  'Connection:xkeep-alive\r\nXKeep-Alive: 1\r\n',
  'Connection: keep-alivex\r\n',
  'Connection:keep-alive, x-hop\r\nX-Hop: 1\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n',
  'HTTP/1.1 101 x\r\n\r\n',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 200\r\n',
  'HTTP/1.1 200 OK\r\r',
  'HTTP/1.1 200 OK\n',
  'HTTP/1.0 200 OK\r\n',
  'HTTP/0.9 200 OK\r\n',
  'HTTP/2.0 200 OK\r\n',
  'HTTP/1.1 099 x\r\n',
  'HTTP/1.1 999 x\r\n',
  'HTTP/1.1 204 x\r\n',
  'HTTP/1.1 304 x\r\n',
  'ICY 200 OK\r\n',
  '0\r\n\r\n',
  '0;\r\n',
  '0;a\r\n',
  '0 \r\n',
  '0 \r\n\r\n',
  '0\t\r\n\r\n',
  '0;\r\n\r\n',
  '0; a\r\n\r\n',
  '0\n\r\n',
  '0\r\n\n',
  '0\r\r\n',
  '00000000000000000\r\n',
  '0x1\r\n',
  'fffffffffffffffff\r\n',
  '1;a=b\r\nx\r\n',
  '1;a= b\r\nx\r\n',
  ';a="\r\n"',
  ';="',
  ';a=',
  'A: b\r\n',
  ': b\r\n',
  'A\r\n',
  'A : b\r\n',
];

const mutation = fc.record({
  kind: fc.constantFrom(
    'flip',
    'insert',
    'delete',
    'duplicate',
    'splice',
    'splice',
    'splice-line',
    'splice-line',
    'cut',
  ),
  at: fc.nat(),
  /** Anywhere, or in the body: a head would draw most of the mutations, and chunk framing is short. */
  inBody: fc.boolean(),
  size: fc.integer({ min: 1, max: 12 }),
  byte: fc.integer({ min: 0, max: 255 }),
  snippet: fc.constantFrom(...SNIPPETS),
});

function mutate(
  input: string,
  { kind, at, inBody, size, byte, snippet }: typeof mutation extends fc.Arbitrary<infer T> ? T : never,
): string {
  const first = inBody ? Math.max(0, input.indexOf('\r\n\r\n') + 2) % (input.length + 1) : 0;
  const i = first + (at % (input.length + 1 - first));
  const before = input.slice(0, i);
  const after = input.slice(i);
  switch (kind) {
    case 'flip':
      return `${before}${String.fromCharCode(byte)}${after.slice(1)}`;
    case 'insert':
      return `${before}${String.fromCharCode(byte)}${after}`;
    case 'delete':
      return `${before}${after.slice(size)}`;
    case 'duplicate':
      return `${before}${after.slice(0, size)}${after}`;
    case 'splice-line': {
      // At the start of a line, where a snippet means most.
      const line = input.indexOf('\n', i) + 1;
      return `${input.slice(0, line)}${snippet}${input.slice(line)}`;
    }
    case 'cut':
      return before;
    default:
      return `${before}${snippet}${after}`;
  }
}

const mutated: fc.Arbitrary<Sample> = fc
  .tuple(valid, fc.array(mutation, { minLength: 1, maxLength: 2 }))
  .map(([sample, mutations]) => ({ text: mutations.reduce(mutate, sample.text), isHead: sample.isHead }));

const options = { seed: SEED, numRuns: RUNS, includeErrorInReport: true } as const;

describe(`response parser against node's (seed ${SEED}, ${RUNS} samples per property)`, () => {
  it('takes every valid answer, as node does', async () => {
    await fc.assert(
      fc.asyncProperty(valid, async (sample) => {
        const input = latin1(sample.text);
        assert.equal(whole(input, sample.isHead).end, 'complete');
        await agree(input, sample.isHead);
      }),
      { ...options, numRuns: Math.ceil(RUNS / 2) },
    );
  });

  it('takes no mutated answer that node refuses, and means the same by the rest', async () => {
    const before = { ...counts };
    await fc.assert(
      fc.asyncProperty(mutated, (sample) => agree(latin1(sample.text), sample.isHead)),
      options,
    );
    // The generator is worth its time only while all four ends of a sample keep coming.
    for (const end of ['accepted', 'more', 'refusedByBoth', 'stricter'] as const) {
      assert.ok(counts[end] - before[end] > RUNS / 400, `${end}: ${counts[end] - before[end]}`);
    }
  });

  it('means the same by an answer cut at every byte', () => {
    fc.assert(
      fc.property(fc.oneof(valid, mutated), (sample) => cutEverywhere(latin1(sample.text), sample.isHead)),
      { ...options, numRuns: Math.ceil(RUNS / 4) },
    );
    console.log(`response parser fuzz: ${JSON.stringify(counts)}`);
  });

  it('never throws on arbitrary bytes', () => {
    const bytes = fc.tuple(
      fc.constantFrom('', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'),
      fc.uint8Array({ maxLength: 60 }),
    );
    fc.assert(
      fc.property(bytes, ([start, rest]) => {
        const input = Buffer.concat([latin1(start), rest]);
        cutEverywhere(input, false);
      }),
      { ...options, numRuns: Math.ceil(RUNS / 4) },
    );
  });
});
