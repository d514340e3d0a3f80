import { time, times } from './figures.ts';
import { type NativeRun, wayIn } from './results.ts';

/** What the gateway uses for a job, where, and what the figures of a run say of it. */
export interface Choice {
  readonly job: string;
  readonly use: string;
  readonly where: string;
  /** The row of a run that speaks: module and row. */
  readonly row: readonly [bench: string, row: string];
  /** What is used, and its nearest rival, by their names in the row. */
  readonly ours: string;
  readonly rival: string;
  /** Whether the figures are a reason for the choice, or what it costs. */
  readonly figuresAre: 'reason' | 'price';
  readonly because: string;
}

export const CHOICES: readonly Choice[] = [
  {
    job: 'patterns of rules',
    use: 're2, on Buffers',
    where: 'src/base/regex.ts',
    row: ['rx', 'hostile: (a+)+$, 20 bytes'],
    ours: '@rx',
    rival: 'RegExp',
    figuresAre: 'reason',
    because: 'a stranger chooses the text: RegExp takes twice as long for each byte more, RE2 does not',
  },
  {
    job: 'the same, honest values',
    use: 're2, on Buffers',
    where: 'src/base/regex.ts',
    row: ['rx', 'fields of a browser, 5 to 130 bytes'],
    ours: 'RE2, Buffer',
    rival: 'RegExp',
    figuresAre: 'price',
    because: 'on short values RegExp is cheaper; the gate (decision 0004) leaves few tests',
  },
  {
    job: 'how a value comes to RE2',
    use: 'a Buffer, made once for all rules',
    where: 'src/waf/value.ts',
    row: ['rx', 'fields of a browser, 5 to 130 bytes'],
    ours: 'RE2, Buffer',
    rival: 'RE2, string',
    figuresAre: 'reason',
    because: 'a string is written out anew for each test',
  },
  {
    job: 'many patterns on one value',
    use: 'one by one, behind the gate',
    where: 'src/waf/gate',
    row: ['rx', '8 patterns, fields of a browser'],
    ours: 'RE2 one by one, Buffer',
    rival: 'RE2.Set, Buffer',
    figuresAre: 'price',
    because:
      'with patterns of the baseline a set wins from four on and loses with one; the gate leaves few tests. ' +
      'With the Core Rule Set sets were dearer than single tests, and their memory ran out (decision 0004)',
  },
  {
    job: 'signatures of tokens, RSA',
    use: 'node:crypto',
    where: 'src/auth/verify.ts',
    row: ['jwt', 'RS256, 2048 bits'],
    ours: 'node:crypto',
    rival: '@node-rs',
    figuresAre: 'reason',
    because: 'OpenSSL is several times faster at RSA',
  },
  {
    job: 'signatures of tokens, ECDSA',
    use: 'node:crypto',
    where: 'src/auth/verify.ts',
    row: ['jwt', 'ES256'],
    ours: 'node:crypto',
    rival: '@node-rs',
    figuresAre: 'reason',
    because: 'OpenSSL is faster at P-256 and P-384',
  },
  {
    job: 'signatures of tokens, EdDSA',
    use: 'node:crypto',
    where: 'src/auth/verify.ts',
    row: ['jwt', 'EdDSA'],
    ours: 'node:crypto',
    rival: '@node-rs',
    figuresAre: 'price',
    because:
      'the one algorithm where @node-rs wins, once in the life of a token; decision 0003 says why it is not used',
  },
  {
    job: 'judging a token never seen',
    use: 'our judge over node:crypto',
    where: 'src/auth',
    row: ['jwt', 'RS256, 2048 bits'],
    ours: 'ours, cold',
    rival: 'fast-jwt',
    figuresAre: 'reason',
    because: 'about as dear as the fastest library with its cache off, claims, names and nesting checked',
  },
  {
    job: 'a second reader of JSON',
    use: 'simdjson.isValid',
    where: 'src/body/json.ts',
    row: ['json', '10 kB'],
    ours: 'simdjson.isValid',
    rival: 'JSON.parse',
    figuresAre: 'reason',
    because: 'it builds no objects, and answers whether a text is JSON; claims of tokens need the objects: JSON.parse',
  },
  {
    job: 'JSON into objects',
    use: 'JSON.parse',
    where: 'src/auth',
    row: ['json', '1 kB'],
    ours: 'JSON.parse',
    rival: 'simdjson.parse',
    figuresAre: 'reason',
    because: 'making objects across the native border costs more than reading',
  },
  {
    job: 'rate limits',
    use: 'our table in shared memory',
    where: 'src/limiter',
    row: ['limiter', '4096 addresses, all admitted'],
    ours: 'ours',
    rival: 'rate-limiter-flexible',
    figuresAre: 'reason',
    because: 'cheaper in one thread, and it counts for all threads, where the other counts for one',
  },
  {
    job: 'a request at the front',
    use: 'uWebSockets.js',
    where: 'src/http/uws.ts',
    row: ['front', 'answers of 90 bytes, 32 connections'],
    ours: 'uWebSockets.js',
    rival: 'node:http',
    figuresAre: 'reason',
    because: 'it parses without an object for each request',
  },
  {
    job: 'a request to an upstream',
    use: 'our client on node:net',
    where: 'src/upstream',
    row: ['upstream', 'answers of 90 bytes, 32 connections'],
    ours: 'ours',
    rival: 'undici, dispatch',
    figuresAre: 'reason',
    because: 'balancing, circuit and deadlines included',
  },
  {
    job: 'where requests are handled',
    use: 'on the ingress thread that has them',
    where: 'src/pipeline',
    row: ['threads', '100 bytes, one at a time'],
    ours: 'inline',
    rival: 'Piscina, sync',
    figuresAre: 'reason',
    because:
      'Piscina holds threads whose task never ends; a round trip for each request would cost more than the request',
  },
  {
    job: 'long bodies to inspect threads',
    use: 'a port of its own, to a task that never ends',
    where: 'src/gateway/inspect-threads.ts',
    row: ['threads', '128 kB, 16 at once'],
    ours: 'port, moved',
    rival: 'Piscina, sync, moved',
    figuresAre: 'reason',
    because: 'a port carries the body without the queue and the promises of a task',
  },
];

/** A line of the table, with the figures of a run. @throws Error where the run has not the row. */
export function choiceLine(run: NativeRun, choice: Choice): string {
  const [bench, row] = choice.row;
  const ours = wayIn(run, bench, row, choice.ours).cpuUs.median;
  const rival = wayIn(run, bench, row, choice.rival).cpuUs.median;
  const cells = [
    choice.job,
    choice.use,
    `\`${choice.where}\``,
    `${bench}: ${row}`,
    `${time(ours)} (${choice.ours})`,
    `${time(rival)} (${choice.rival})`,
    times(rival / ours),
    choice.figuresAre === 'price' ? `price: ${choice.because}` : choice.because,
  ];
  return `| ${cells.map(escaped).join(' | ')} |`;
}

/** In a table of Markdown a bar ends a cell, and `*` may mean emphasis. */
export function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*');
}
