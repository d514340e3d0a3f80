// hot path: synchronous, never throws
import { PRIORITIES, type Priority, priorityNumber } from '../throttle/shedder.ts';
import type { Route, Transaction } from '../transaction.ts';
import { PASS, type Verdict } from '../verdict.ts';
import type { PhaseContext } from './context.ts';
import { retryLater } from './retry-later.ts';

/**
 * Phase shed: refuses the least important requests while the process is overloaded.
 *
 * @returns  A phase that refuses with 503, or null where nothing is ever shed.
 */
export function compileShed(context: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  const { config, routes, metrics, policyRows, traffic } = context;
  if (config.shedding.loopDelayMs === 0 && config.shedding.memoryBytes === 0) return null;
  const { shedder } = traffic;
  const priorities = new Map<Route, number>(routes.map((route) => [route, priorityOf(route)]));
  const rows = PRIORITIES.map((priority) => policyRows[`shed:${priority}`] ?? -1);
  return (tx) => {
    if (shedder.level === 0 || tx.route === null) return PASS;
    const priority = priorities.get(tx.route) as number;
    if (!shedder.sheds(priority)) return PASS;
    metrics.policy(rows[priority] as number, 'refused');
    tx.policy = PRIORITIES[priority] as Priority;
    return retryLater('SP_SHED', shedder.retryAfterSeconds());
  };
}

function priorityOf({ config }: Route): number {
  return priorityNumber(config.policies.priority);
}
