// hot path: synchronous, never throws
import type { Transaction } from '../transaction.ts';
import { PASS, refuse, type Verdict } from '../verdict.ts';
import type { PhaseContext } from './context.ts';

/**
 * Phase upgrade: a WebSocket on a route that takes none is refused before it waits or takes a place.
 *
 * @returns  A phase that refuses with 403; null where every route takes WebSockets.
 */
export function compileUpgrade({ config }: PhaseContext): ((tx: Transaction, nowMs: number) => Verdict) | null {
  if (config.routes.every(({ policies }) => policies.websocket.enabled)) return null;
  return ({ webSocket, route }) =>
    webSocket === null || route === null || route.config.policies.websocket.enabled
      ? PASS
      : refuse('SP_WEBSOCKET_REFUSED');
}
