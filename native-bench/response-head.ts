/**
 * CPU time per parsed response head: `node dist/native-bench/response-head.js [seconds per case]`.
 *
 * Each case parses heads in turn out of one read buffer, as a connection does. "new" heads differ from one to the next
 * in length, Date and an id; "repeated" ones are the same for 1,000 answers, as within a second of an honest upstream.
 * The fastest batch is what a machine with nothing else to do would show.
 */
import { FRAMING_LENGTH, parseResponseHead, ResponseHead } from '../src/upstream/response-head.ts';

const HEADS = 256;
const seconds = Number(process.argv[2] ?? 1);

function shortHead(n: number): string {
  return [
    'HTTP/1.1 200 OK',
    'Content-Type: application/json; charset=utf-8',
    `Date: Mon, 06 Oct 2025 07:${String(n % 60).padStart(2, '0')}:28 GMT`,
    'Connection: keep-alive',
    'Keep-Alive: timeout=5',
    `X-Trace: ${(n * 2_654_435_761).toString(36)}`,
    `Content-Length: ${n * 37}`,
    '\r\n',
  ].join('\r\n');
}

function longHead(n: number): string {
  const more = [
    'Server: Apache/2.4.62 (Debian)',
    'Cache-Control: private, max-age=0, must-revalidate',
    'Vary: Accept-Encoding, Origin',
    `ETag: W/"${(n * 40_503).toString(16)}-${n}"`,
    'Last-Modified: Sun, 05 Oct 2025 19:13:02 GMT',
    'Strict-Transport-Security: max-age=63072000; includeSubDomains',
    "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'",
    'X-Content-Type-Options: nosniff',
    'X-Frame-Options: DENY',
    'Referrer-Policy: no-referrer',
    `Set-Cookie: session=${(n * 2_246_822_519).toString(36)}; Path=/; HttpOnly; Secure; SameSite=Lax`,
    'Access-Control-Allow-Origin: https://app.example.com',
  ].join('\r\n');
  return shortHead(n).replace('\r\n\r\n', `\r\n${more}\r\n\r\n`);
}

interface Case {
  readonly name: string;
  readonly make: (n: number) => string;
  readonly repeats: number;
  readonly run: (buffer: Buffer, starts: readonly number[], parses: number, repeats: number) => number;
}

const CASES: readonly Case[] = [
  { name: ' 6 fields, new', make: shortHead, repeats: 1, run },
  { name: ' 6 fields, repeated', make: shortHead, repeats: 1_000, run },
  { name: ' 6 fields, strings', make: shortHead, repeats: 1, run: runOnStrings },
  { name: '18 fields, new', make: longHead, repeats: 1, run },
  { name: '18 fields, repeated', make: longHead, repeats: 1_000, run },
  { name: '18 fields, strings', make: longHead, repeats: 1, run: runOnStrings },
];

/** What a parser on strings costs at the least: decode, split, compare names, join what is kept. It checks nothing. */
function runOnStrings(buffer: Buffer, starts: readonly number[], parses: number, repeats: number): number {
  const dropped = new Set(['date', 'server', 'connection', 'keep-alive', 'content-length', 'transfer-encoding']);
  let checksum = 0;
  for (let n = 0; n < parses; n += 1) {
    const which = Math.floor(n / repeats) % HEADS;
    const lines = buffer.toString('latin1', starts[which], (starts[which + 1] as number) - 4).split('\r\n');
    let kept = (lines[0] as string).slice(9);
    for (let i = 1; i < lines.length; i += 1) {
      const line = lines[i] as string;
      const colon = line.indexOf(':');
      const name = line.slice(0, colon).toLowerCase();
      if (!dropped.has(name)) kept += `\r\n${line}`;
      else if (name === 'content-length') checksum += Number(line.slice(colon + 1));
    }
    checksum += kept.length + kept.charCodeAt(n % kept.length);
  }
  return checksum;
}

/** @returns  Sum over the results, to prove that heads were parsed. */
function run(buffer: Buffer, starts: readonly number[], parses: number, repeats: number): number {
  const head = new ResponseHead();
  let checksum = 0;
  for (let n = 0; n < parses; n += 1) {
    const which = Math.floor(n / repeats) % HEADS;
    const end = starts[which + 1] as number;
    if (parseResponseHead(head, buffer, starts[which] as number, end, false) !== end) throw new Error(head.reason);
    if (head.framing !== FRAMING_LENGTH) throw new Error('wrong framing');
    checksum += head.contentLength + head.clientHeadBytes + (head.clientHead[n % head.clientHeadBytes] as number);
  }
  return checksum;
}

for (const { name, make, repeats, run: parse } of CASES) {
  const heads = Array.from({ length: HEADS }, (_, n) => Buffer.from(make(n), 'latin1'));
  const buffer = Buffer.concat(heads);
  const starts = [0];
  for (const head of heads) starts.push((starts.at(-1) ?? 0) + head.length);
  const batch = 50_000;
  parse(buffer, starts, batch, repeats);
  let parses = 0;
  let checksum = 0;
  const before = process.cpuUsage();
  let micros = 0;
  let fastest = Number.POSITIVE_INFINITY;
  while (micros < seconds * 1_000_000) {
    checksum += parse(buffer, starts, batch, repeats);
    parses += batch;
    const used = process.cpuUsage(before);
    fastest = Math.min(fastest, used.user + used.system - micros);
    micros = used.user + used.system;
  }
  const mean = Math.round((micros * 1_000) / parses);
  const best = Math.round((fastest * 1_000) / batch);
  const bytes = Math.round(buffer.length / HEADS);
  const figures = `${mean} ns per head, fastest batch ${best}`;
  console.log(`${name.padEnd(20)} ${bytes} bytes  ${figures}  (${parses} heads, checksum ${checksum})`);
}
