/**
 * Cost of one access-log line: ours by concatenation, against pino writing the same members to a sink in memory.
 * Run: node dist/native-bench/access-log.js [ours|pino|request-id]; one process per case. The byte count proves it ran.
 */
import { pino } from 'pino';
import { AccessLog } from '../src/telemetry/access-log.ts';
import { RequestIds } from '../src/telemetry/request-id.ts';
import { type Downstream, type Route, Transaction, type TransactionOwner } from '../src/transaction.ts';

const VARIETY = 4_096;
const AGENTS = Array.from(
  { length: 50 },
  (_, i) =>
    `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${80 + i}.0.0.0 Safari/537.36`,
);
const route = { kind: 'route', index: 0, name: 'orders' } as Route;
const nowhere = {} as Downstream & TransactionOwner;
const ids = new RequestIds(1);
const transactions = Array.from({ length: VARIETY }, (_, i) =>
  Object.assign(new Transaction(nowhere, nowhere, Date.now(), 0), {
    method: i % 5 === 0 ? 'POST' : 'GET',
    host: 'api.example.com',
    path: `/v1/customers/${i * 7}/orders/${i}`,
    query: `?page=${i}`,
    userAgent: Buffer.from(AGENTS[i % AGENTS.length] ?? '').toString('latin1'),
    client: `192.0.2.${i % 250}`,
    requestId: ids.next(),
    route,
    status: i % 17 === 0 ? 404 : 200,
    upstreamName: 'shop',
    upstreamTarget: 'http://10.0.0.1:8080',
    upstreamMs: (i * 13) / 70,
    tries: 1,
    bytesReceived: i,
    bytesSent: i * 31,
  }),
);

let bytes = 0;
const cases: Record<string, () => (tx: Transaction, i: number) => void> = {
  ours() {
    const log = new AccessLog({ thread: 1, query: false, redact: [] }, (chunk) => {
      // Flattened as sending it would.
      bytes += Buffer.byteLength(chunk);
      return true;
    });
    return (tx, i) => log.write(tx, 1_700_000_000_000 + (i >> 3), i / 300);
  },
  pino() {
    const log = pino(
      { base: null },
      {
        write(line: string) {
          bytes += Buffer.byteLength(line);
        },
      },
    );
    return (tx, i) => {
      log.info(
        {
          thread: 1,
          requestId: tx.requestId,
          client: tx.client,
          method: tx.method,
          host: tx.host,
          path: tx.path,
          status: tx.status,
          route: tx.route?.name,
          upstream: tx.upstreamName,
          target: tx.upstreamTarget,
          tries: tx.tries,
          durationMs: i / 300,
          upstreamMs: tx.upstreamMs,
          bytesIn: tx.bytesReceived,
          bytesOut: tx.bytesSent,
          userAgent: tx.userAgent,
        },
        'request',
      );
    };
  },
  'request-id'() {
    const fresh = new RequestIds(2);
    return () => {
      bytes += fresh.next().length;
    };
  },
};

const name = process.argv[2] ?? 'ours';
const write = cases[name]?.();
if (write === undefined) {
  process.stderr.write(`cases: ${Object.keys(cases).join(', ')}\n`);
  process.exit(2);
}
const rounds = 60;
const passes = Array.from({ length: 6 }, () => {
  const from = process.hrtime.bigint();
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < VARIETY; i++) write(transactions[i] as Transaction, round * VARIETY + i);
  }
  return Number(process.hrtime.bigint() - from) / (rounds * VARIETY);
});
process.stdout.write(`${name}: ${Math.min(...passes).toFixed(0)} ns a line, ${bytes} bytes, node ${process.version}\n`);
