import { compileBodyBound } from '../body/bound.ts';
import { compileGuard } from '../message/guard.ts';
import { compileTransport } from '../message/transport.ts';
import { compileRouting } from '../router/routing.ts';
import type { Transaction } from '../transaction.ts';
import type { Verdict } from '../verdict.ts';
import { compileAccess, compileRouteAccess } from './access.ts';
import { compileAccount } from './account.ts';
import { compileAuthenticate } from './authenticate.ts';
import { compileAuthorise } from './authorise.ts';
import { compileBan, compileBanCount } from './ban.ts';
import { compileClient } from './client.ts';
import { compileConcurrency } from './concurrency.ts';
import type { PhaseContext } from './context.ts';
import { compileForward } from './forward.ts';
import { compileConsumerLimit, compileLimit } from './limit.ts';
import { loginPaths } from './login-paths.ts';
import { compileResponse } from './response.ts';
import { compileShed } from './shed.ts';
import { compileThrottle } from './throttle.ts';
import { compileUpgrade } from './upgrade.ts';
import { compileWafBody } from './waf-body.ts';
import { compileWafHeaders } from './waf-headers.ts';
import { compileWafResponse } from './waf-response.ts';

/** One look at a transaction. Never throws for a refusal: a refusal is a value. */
export type Phase = (tx: Transaction, nowMs: number) => Verdict;

export interface PhaseRow {
  readonly name: string;
  /**
   * Builds the phase for a configuration; null where the configuration switches it off, so that a request never pays
   * for it.
   */
  readonly compile: (context: PhaseContext) => Phase | null;
  /** Runs once at the end of every request, whatever became of it. */
  readonly always?: true;
  /** Runs for the gateway's own refusals as well, before they leave: a phase behind the upstream's answer. */
  readonly refusals?: true;
}

/**
 * The way of a request, in order: cheap refusals first. ARCHITECTURE.md draws this list as a table; a test compares.
 * A phase that answers `pending` (limit where Redis decides, a throttle, the upstream) is resumed at the row after it.
 */
export const PHASES: readonly PhaseRow[] = Object.freeze([
  { name: 'guard', compile: ({ config }) => compileGuard({ keepEncodedSlash: config.paths.encodedSlash === 'keep' }) },
  { name: 'client', compile: (context) => compileClient(context) },
  { name: 'access', compile: (context) => compileAccess(context) },
  { name: 'ban', compile: (context) => compileBan(context) },
  { name: 'transport', compile: ({ config }) => compileTransport(config) },
  { name: 'route', compile: ({ config, routes }) => compileRouting(routes, loginPaths(config, routes)) },
  { name: 'shed', compile: (context) => compileShed(context) },
  { name: 'route-access', compile: (context) => compileRouteAccess(context) },
  { name: 'limit', compile: (context) => compileLimit(context) },
  { name: 'authenticate', compile: (context) => compileAuthenticate(context) },
  { name: 'authorise', compile: (context) => compileAuthorise(context) },
  { name: 'consumer-limit', compile: (context) => compileConsumerLimit(context) },
  { name: 'waf-headers', compile: (context) => compileWafHeaders(context) },
  { name: 'upgrade', compile: (context) => compileUpgrade(context) },
  { name: 'body', compile: () => compileBodyBound() },
  { name: 'waf-body', compile: (context) => compileWafBody(context) },
  { name: 'throttle', compile: (context) => compileThrottle(context) },
  { name: 'concurrency', compile: (context) => compileConcurrency(context) },
  { name: 'upstream', compile: (context) => compileForward(context) },
  { name: 'waf-response', compile: (context) => compileWafResponse(context) },
  { name: 'ban-count', compile: (context) => compileBanCount(context), refusals: true },
  { name: 'response', compile: ({ config }) => compileResponse(config) },
  { name: 'account', compile: (context) => compileAccount(context), always: true },
]);
