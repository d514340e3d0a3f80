// hot path: synchronous, never throws
import type { AddressSet } from '../base/address-set.ts';
import { parseAddress } from '../base/ip-address.ts';
import { compileRanges } from '../config/address-ranges.ts';
import type { AccessConfig } from '../config/schema.ts';
import type { Route, Transaction } from '../transaction.ts';
import { PASS, refuse, type Verdict } from '../verdict.ts';
import type { PhaseContext } from './context.ts';

/** Does an address pass these lists? */
type Gate = (address: string) => boolean;

/**
 * Phase access: the address lists of the whole gateway.
 *
 * @returns  A phase that refuses with 403, or null without lists.
 */
export function compileAccess({ config }: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  const gate = compileGate(config.access, 'access');
  if (gate === null) return null;
  return (tx) => (gate(tx.client) ? PASS : refuse('SP_ADDRESS_DENIED'));
}

/**
 * Phase route-access: the address lists of the route.
 *
 * @returns  A phase that refuses with 403, or null where no route has lists.
 */
export function compileRouteAccess(context: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  const gates = new Map<Route, Gate>();
  for (const route of context.routes) {
    const gate = compileGate(route.config.policies.access, `routes.${route.name}.policies.access`);
    if (gate !== null) gates.set(route, gate);
  }
  if (gates.size === 0) return null;
  return (tx) => {
    const gate = tx.route === null ? undefined : gates.get(tx.route);
    return gate === undefined || gate(tx.client) ? PASS : refuse('SP_ADDRESS_DENIED');
  };
}

/** @returns  Null where there is nothing to ask. Where there is, an address that cannot be read does not pass. */
function compileGate({ deny, allow }: AccessConfig, setting: string): Gate | null {
  if (deny.length === 0 && allow.length === 0) return null;
  const denied: AddressSet | null = deny.length === 0 ? null : compileRanges(deny, `${setting}.deny`);
  const allowed: AddressSet | null = allow.length === 0 ? null : compileRanges(allow, `${setting}.allow`);
  return (address) => {
    const words = parseAddress(address);
    if (words === null) return false;
    if (denied?.has(words) === true) return false;
    return allowed === null || allowed.has(words);
  };
}
