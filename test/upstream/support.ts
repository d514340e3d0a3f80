import type { UpstreamConfig } from '../../src/config/schema.ts';
import { type Downstream, Transaction, type TransactionOwner } from '../../src/transaction.ts';
import { type Balancer, triedBit } from '../../src/upstream/balance.ts';
import type { EjectionPolicy } from '../../src/upstream/health.ts';
import type { Target } from '../../src/upstream/targets.ts';

export const POLICY: EjectionPolicy = { failuresMax: 3, ejectMs: 2_000, ejectMsMax: 60_000, ejectPercentMax: 50 };

/** A transaction that only balancers look at: they never touch the client's side. */
export function transaction(client = '', hashField = ''): Transaction {
  const tx = new Transaction({} as Downstream, {} as TransactionOwner, 0, 0);
  tx.client = client;
  tx.hashField = hashField;
  return tx;
}

/** Targets of one upstream with slots 0, 1, 2 ... in order. */
export function targetsOf(weights: readonly number[], firstName = 0): Target[] {
  return weights.map((weight, index) => ({
    upstream: 'api',
    index,
    slot: index,
    url: `http://10.0.0.${firstName + index}:8080`,
    secure: false,
    hostname: `10.0.0.${firstName + index}`,
    port: 8080,
    authority: `10.0.0.${firstName + index}:8080`,
    weight,
  }));
}

/** How often each target was picked. */
export function spread(
  balancer: Balancer,
  targets: readonly Target[],
  picks: number,
  nowMs = 0,
  tried: readonly number[] = [],
): number[] {
  const mask = tried.reduce((bits, index) => bits | triedBit(index), 0);
  const counts = targets.map(() => 0);
  const tx = transaction();
  for (let pick = 0; pick < picks; pick += 1) {
    const target = balancer.pick(tx, nowMs, mask);
    if (target !== null) counts[target.index] = (counts[target.index] as number) + 1;
  }
  return counts;
}

/** An upstream's configuration with the schema's defaults where nothing else is said. */
export function upstreamOf(
  urls: readonly string[],
  active: Partial<UpstreamConfig['health']['active']> = {},
): UpstreamConfig {
  return {
    targets: urls.map((url) => ({ url })),
    balance: 'round-robin',
    hashBy: 'address',
    host: 'keep',
    tls: { verify: true, serverName: '', ca: '', minVersion: '1.2' },
    timeouts: { connectMs: 2_000, headMs: 30_000, idleMs: 30_000, totalMs: 0 },
    concurrency: { mode: 'off', max: 1_000, min: 4, windowMs: 200, minRttEveryMs: 30_000, bufferPercent: 25 },
    keepAlive: { connectionsMax: 64, idleMs: 4_000 },
    circuit: { connectionsMax: 1_024, pendingMax: 1_024, requestsMax: 65_536 },
    retry: { attemptsMax: 2, budgetPercent: 20 },
    health: {
      active: {
        path: '',
        intervalMs: 2_000,
        timeoutMs: 1_000,
        healthyAfter: 2,
        unhealthyAfter: 2,
        statusMin: 200,
        statusMax: 399,
        ...active,
      },
      passive: POLICY,
    },
  };
}
