// hot path: synchronous, never throws
import type { Transaction } from '../transaction.ts';
import { protectFields } from './fields.ts';

/**
 * Takes the claims of strangers off a request: fields about the client or the request it sent that proxies write and
 * servers behind us may believe (`forwarding.claims`). From a trusted proxy they go on as they came, and no Connection
 * field can name them away.
 *
 * @param claims    Field names, in any case.
 * @param captured  What the intake keeps by position; names all claims.
 * @returns  A function for requests whose peer is not trusted. Those without captured fields cost one comparison.
 */
export function compileClaims(claims: readonly string[], captured: readonly string[]): (tx: Transaction) => void {
  const names = new Set(claims.map((name) => name.toLowerCase()));
  const positions = [...names].map((name) => captured.indexOf(name));
  protectFields(names);
  return (tx) => {
    const values = tx.captured;
    if (values === null) return;
    let seen = false;
    for (const position of positions) {
      if (values[position] === undefined) continue;
      seen = true;
      // Nor may balancing go by it.
      values[position] = '';
    }
    if (seen) tx.forwardFields = withoutFields(tx.forwardFields, names);
  };
}

/**
 * A field section without some fields.
 *
 * @param fields  `name: value\r\n` each, names in lower case.
 * @param names   In lower case.
 */
export function withoutFields(fields: string, names: ReadonlySet<string>): string {
  let kept = '';
  let line = 0;
  while (line < fields.length) {
    const end = fields.indexOf('\r\n', line);
    // Every line has its end; what would have none is not passed on.
    if (end === -1) break;
    if (!names.has(fields.slice(line, fields.indexOf(':', line)))) kept += fields.slice(line, end + 2);
    line = end + 2;
  }
  return kept;
}
