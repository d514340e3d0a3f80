import { isDeepStrictEqual } from 'node:util';
import type { Config } from './schema.ts';
import { valueAt } from './schema-walk.ts';

/**
 * Settings that are read once, at start: sockets are open, threads run, and the HTTP front takes its head limit from
 * the process environment when it loads, answers of open connections are remembered as they were read.
 */
export const FIXED_AT_START: readonly string[] = Object.freeze([
  'listen.host',
  'listen.http.port',
  'listen.http.proxyProtocol',
  'listen.https.port',
  'listen.https.proxyProtocol',
  'threads',
  'waf.inspectThreads',
  'admin.host',
  'admin.port',
  'limits.headBytesMax',
  'answers.keep',
  'limiter.slots',
  'abuse.bansMax',
  'abuse.file',
  'revocations.max',
  'revocations.file',
  'dpop.replaysMax',
  'limiter.exchangeMs',
  'apiKeys.store',
  'apiKeys.file',
  'apiKeys.secret',
  'apiKeys.environment',
  'apiKeys.keysMax',
  'apiKeys.exchangeMs',
  'redis',
]);

/**
 * Names the settings whose change a reload cannot bring into force.
 *
 * @returns Key paths in the order of the schema; empty when a reload does all.
 * @throws  Never.
 */
export function needsRestart(before: Config, after: Config): string[] {
  const fixed = FIXED_AT_START.filter((text) => {
    const path = text.split('.');
    return !isDeepStrictEqual(valueAt(before, path), valueAt(after, path));
  });
  // The HTTP front takes one bound for all WebSockets when it starts to listen; routes may only stay below it.
  if (longestMessage(after) > longestMessage(before)) fixed.push('routes[].policies.websocket.messageBytesMax');
  return fixed;
}

/** Longest WebSocket message that any route accepts, bytes. */
export function longestMessage(config: Config): number {
  return Math.max(0, ...config.routes.map((route) => route.policies.websocket.messageBytesMax));
}
