// hot path: synchronous, never throws
import type { Config } from '../config/schema.ts';
import { strictTransportSecurity } from '../message/transport.ts';
import type { Transaction } from '../transaction.ts';
import { PASS, type Verdict } from '../verdict.ts';

/**
 * Phase response: what the gateway adds to an upstream's answer. Runs when the response head is there.
 *
 * @returns  A phase that always passes, or null when there is nothing to add.
 */
export function compileResponse(config: Config): ((tx: Transaction, nowMs: number) => Verdict) | null {
  const field = secureFields(config);
  if (field === null) return null;
  return (tx) => {
    if (tx.secure) tx.answerFields = field;
    return PASS;
  };
}

/** Fields of every answer over HTTPS, `\r\nname: value` each; null for none. */
export function secureFields(config: Config): Buffer | null {
  const value = strictTransportSecurity(config);
  return value === '' ? null : Buffer.from(`\r\nstrict-transport-security: ${value}`, 'latin1');
}
