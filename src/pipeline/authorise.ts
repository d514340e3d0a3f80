// hot path: synchronous, never throws
import { compileRequirements, type Requirements } from '../auth/requirements.ts';
import { withoutFields } from '../message/claims.ts';
import type { Route, Transaction } from '../transaction.ts';
import { PASS, type Verdict } from '../verdict.ts';
import { asksWho } from './authenticate.ts';
import { type Challenges, compileChallenges } from './challenge.ts';
import type { PhaseContext } from './context.ts';
import { withoutParameter } from './credential.ts';
import { compileIdentityFields, type IdentityFields } from './identity-fields.ts';
import { LoginGate } from './login.ts';
import { noteRefused } from './refused-caller.ts';

interface RouteDemands {
  readonly requirements: Requirements | null;
  readonly challenges: Challenges;
  readonly login: LoginGate | null;
  readonly hides: boolean;
}

/**
 * Phase authorise: may this caller do that? Then says upstream who calls, and takes the credential off where a route
 * wants that.
 *
 * @returns  A phase that refuses with 401 or 403; null where no route asks who calls.
 */
export function compileAuthorise(context: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  const { config, routes, metrics } = context;
  const demands = new Map<Route, RouteDemands>();
  for (const route of routes) {
    const { auth } = route.config.policies;
    if (!asksWho(auth)) continue;
    demands.set(route, {
      requirements: compileRequirements(auth),
      challenges: compileChallenges(config, auth),
      login: LoginGate.of(context, route),
      hides: auth.hideCredentials,
    });
  }
  if (demands.size === 0) return null;
  const fields: IdentityFields | null = compileIdentityFields(context);
  const credentials: ReadonlySet<string> = new Set(['authorization', 'dpop', config.apiKeys.header.toLowerCase()]);
  const { query: parameter, store } = config.apiKeys;
  const hide = (tx: Transaction): void => {
    tx.forwardFields = withoutFields(tx.forwardFields, credentials);
    if (store !== 'off' && parameter !== '' && tx.query !== '') tx.query = withoutParameter(tx.query, parameter);
  };
  return (tx, nowMs) => {
    const asked = tx.route === null ? undefined : demands.get(tx.route);
    if (asked === undefined) return PASS;
    const { requirements, challenges, login, hides } = asked;
    const { identity } = tx;
    if (requirements !== null) {
      if (identity === null) {
        if (!requirements.asks(tx.method)) return PASS;
        const begun = login === null ? null : login.begin(tx, false, nowMs);
        if (begun !== null) return begun;
        noteRefused(tx, metrics, 'missing', 'the method asks for a credential');
        return challenges.missing;
      }
      const lack = requirements.lack(identity, tx.method, nowMs);
      if (lack !== null) {
        if (lack.reason === 'step-up' && identity.kind === 'session' && login !== null) {
          const begun = login.begin(tx, true, nowMs);
          if (begun !== null) return begun;
        }
        noteRefused(tx, metrics, lack.reason, lack.detail);
        return lack.reason === 'step-up' ? challenges.stepUp : challenges.forbidden(lack.scopes);
      }
    }
    if (identity === null) return PASS;
    if (hides) hide(tx);
    const added = fields === null ? '' : fields.of(tx, identity, nowMs);
    if (added === null) {
      noteRefused(tx, metrics, 'claims', 'what is to be said of the caller fits no field');
      return challenges.forbidden([]);
    }
    if (added !== '') {
      tx.forwardFields += added;
      if (tx.isAscii && Buffer.byteLength(added) !== added.length) tx.isAscii = false;
    }
    return PASS;
  };
}
