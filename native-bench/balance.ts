import { type Downstream, Transaction, type TransactionOwner } from '../src/transaction.ts';
import { compileBalancer, triedBit } from '../src/upstream/balance.ts';
import { compileCircuit } from '../src/upstream/circuit.ts';
import { TargetHealth } from '../src/upstream/health.ts';
import { createTargetTable } from '../src/upstream/layout.ts';
import type { Target } from '../src/upstream/targets.ts';

/**
 * Nanoseconds per pick, by policy and number of targets: all sound, one of them ejected, and on a second try. Clients
 * vary; a checksum of the targets picked proves that the work was done. Run: node dist/native-bench/balance.js
 */
const PICKS = 100_000;
const ROUNDS = 20;
const CLIENTS = 4_096;
const THREADS = 4;

const transactions = Array.from({ length: CLIENTS }, (_, client) => {
  const tx = new Transaction({} as Downstream, {} as TransactionOwner, 0, 0);
  tx.client = `10.${client % 7}.${(client >> 4) & 255}.${client & 255}`;
  return tx;
});

console.log('policy         targets      all sound    one ejected     second try   checksum');
for (const balance of ['round-robin', 'least-request', 'hash'] as const) {
  for (const size of [2, 50]) {
    const { targets, health } = upstream(size);
    const balancer = compileBalancer({ balance, hashBy: 'address' }, targets, health, 1);
    const measure = (nowMs: number, tried: number) =>
      timed((step) => {
        const tx = transactions[step % CLIENTS] as Transaction;
        return balancer.pick(tx, nowMs, tried)?.slot ?? -1;
      });
    measure(0, 0);
    const sound = measure(0, 0);
    const retry = measure(0, triedBit(1));
    const policy = { failuresMax: 1, ejectMs: 60_000, ejectMsMax: 60_000, ejectPercentMax: 50 };
    health.failed(
      0,
      policy,
      0,
      targets.map(({ slot }) => slot),
    );
    const ejected = measure(0, 0);
    console.log(
      balance.padEnd(14),
      String(size).padStart(7),
      ...[sound, ejected, retry].map(({ ns }) => `${ns.toFixed(1).padStart(11)} ns`),
      `  ${sound.checksum + ejected.checksum + retry.checksum}`,
    );
  }
}

const { health } = upstream(2);
const circuit = compileCircuit({ requestsMax: 65_536, connectionsMax: 1_024, pendingMax: 1_024 }, health, THREADS);
const bounds = (step: number): number => {
  const slot = step & 1;
  const entered = circuit.enterRequest(slot);
  circuit.leaveRequest(slot);
  return entered ? 1 : 0;
};
const answers = (step: number): number => {
  health.succeeded(step & 1, 0);
  return 1;
};
for (const [name, step] of [
  [`enterRequest and leaveRequest, ${THREADS} stripes`, bounds],
  ['succeeded, nothing to reset', answers],
] as const) {
  timed(step);
  const { ns, checksum } = timed(step);
  console.log(`${name}: ${ns.toFixed(1)} ns, count ${checksum}`);
}

function upstream(size: number): { targets: Target[]; health: TargetHealth } {
  const table = createTargetTable();
  const healths = Array.from({ length: THREADS }, (_, thread) => new TargetHealth(table, thread));
  const targets = Array.from({ length: size }, (_, index) => ({
    upstream: 'bench',
    index,
    slot: index,
    url: `http://10.1.0.${index}:8080`,
    secure: false,
    hostname: `10.1.0.${index}`,
    port: 8080,
    authority: `10.1.0.${index}:8080`,
    weight: 1 + (index % 3),
  }));
  // Some load of all threads, so that least request has something to compare.
  for (const [thread, view] of healths.entries()) {
    for (const { slot } of targets)
      for (let load = (slot * 7 + thread) % 5; load > 0; load -= 1) view.requestStarted(slot);
  }
  return { targets, health: healths[0] as TargetHealth };
}

/** The best of some rounds: on a shared machine the others measure the neighbours. */
function timed(step: (index: number) => number): { ns: number; checksum: number } {
  let checksum = 0;
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = process.hrtime.bigint();
    for (let index = 0; index < PICKS; index += 1) checksum += step(index);
    best = Math.min(best, Number(process.hrtime.bigint() - startedAt) / PICKS);
  }
  return { ns: best, checksum };
}
