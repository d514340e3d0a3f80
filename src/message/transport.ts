// hot path: synchronous, never throws
import type { Config } from '../config/schema.ts';
import type { Transaction } from '../transaction.ts';
import { PASS, refuse, type Verdict } from '../verdict.ts';

/**
 * Phase transport: plain HTTP is sent to HTTPS where both are served (RFC 9110 15.4.9: 308 keeps method and body).
 *
 * @returns  A phase, or null when there is nothing to redirect.
 */
export function compileTransport(config: Config): ((tx: Transaction, nowMs: number) => Verdict) | null {
  if (!config.tls.redirect || config.listen.https.port === 0 || config.listen.http.port === 0) return null;
  const port = config.tls.redirectPort || config.listen.https.port;
  const suffix = port === 443 ? '' : `:${port}`;
  return (tx) => {
    if (tx.secure) return PASS;
    return refuse('SP_HTTPS_REQUIRED', undefined, ['location', `https://${tx.host}${suffix}${tx.path}${tx.query}`]);
  };
}

/** The value of Strict-Transport-Security (RFC 6797 6.1), or '' when it is off. */
export function strictTransportSecurity(config: Config): string {
  const { maxAgeSeconds, includeSubDomains, preload } = config.tls.hsts;
  if (maxAgeSeconds === 0 || config.listen.https.port === 0) return '';
  return `max-age=${maxAgeSeconds}${includeSubDomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`;
}
