import type { Case } from './cases.ts';

/** Requests to each proxy, in the order in which they come. */
export interface Plan {
  readonly rounds: number;
  /** Before the first round. */
  readonly warmUp: number;
  /** Before each measurement. */
  readonly prelude: number;
  readonly requests: number;
  /** What a limiter lets through: all of these and a few more, so that the next ones prove that it counted them. */
  readonly requestsAllowed: number;
  /** As many more are certainly over the limit. */
  readonly overshoot: number;
}

export interface PlanOptions {
  readonly rounds: number;
  /** In one round; null for the case's own number. */
  readonly requests: number | null;
  readonly quick: boolean;
}

/** Requests of proofs, and of idle connections. */
const SPARE = 100;
/**
 * What a limiter may have forgotten of all that came, and more: a sliding window lets go of a little in every second of
 * its next one, and a firewall that refuses first does not show attacks to it.
 */
const FORGOTTEN_SHARE = 0.03;

export function planOf(one: Case, { rounds, requests: asked, quick }: PlanOptions): Plan {
  const atLeast = (amount: number) => Math.max(one.connections, Math.ceil(amount));
  const requests = atLeast(asked ?? (quick ? one.requestsQuick : one.requests));
  const warmUp = atLeast(asked === null && !quick ? one.warmUp : requests / 2);
  const prelude = atLeast(requests / 10);
  const requestsAllowed = warmUp + rounds * (prelude + requests) + SPARE;
  const overshoot = atLeast(requestsAllowed * FORGOTTEN_SHARE + 2 * SPARE);
  return { rounds, warmUp, prelude, requests, requestsAllowed, overshoot };
}
