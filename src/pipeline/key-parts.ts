// hot path: synchronous, never throws
import type { ClientPrefix } from '../base/ip-prefix.ts';
import { claimAt, claimText } from '../identity.ts';
import type { Transaction } from '../transaction.ts';
import { hashReader } from './hash-field.ts';

/** Reads a key from a transaction; '' where a part of it is absent. */
export type KeyReader = (tx: Transaction) => string;

/** A key that stands for an absent one must not be a value that somebody could send. */
const ADDRESS_INSTEAD = '\u0002';
/**
 * Between the parts of a key. No field can hold it: values with control characters are refused. Claims can, and have
 * their length before them.
 */
const SEPARATOR = '\u0001';
/** Between who said something and what: no name in a configuration holds it. */
const WITHIN = '\u0003';

/**
 * Compiles the `key` of a policy.
 *
 * @param parts     As the schema allows them, at least one.
 * @param captured  From `capturedNames` of the same configuration.
 * @param prefix    What counts as one client address.
 */
export function compileKey(parts: readonly string[], captured: readonly string[], prefix: ClientPrefix): KeyReader {
  const readers = parts.map((part) => partReader(part, captured, prefix));
  const [first, second] = readers;
  if (first === undefined) return () => '';
  if (second === undefined) return first;
  return (tx) => {
    let key = '';
    for (const reader of readers) {
      const part = reader(tx);
      if (part === '') return '';
      key += key === '' ? part : SEPARATOR + part;
    }
    return key;
  };
}

/** As `compileKey`; where a part is absent the client's address stands for the key. */
export function compileKeyOrAddress(
  parts: readonly string[],
  captured: readonly string[],
  prefix: ClientPrefix,
): KeyReader {
  const read = compileKey(parts, captured, prefix);
  return (tx) => {
    const key = read(tx);
    return key === '' ? ADDRESS_INSTEAD + prefix.of(tx.client) : key;
  };
}

/** Does a key tell who calls? Such keys can be read once authentication has looked. */
export function tellsCaller(parts: readonly string[]): boolean {
  return parts.some((part) => ['api-key', 'subject', 'client'].includes(part) || part.startsWith(CLAIM));
}

const CLAIM = 'claim:';

/**
 * What is said of a caller holds for who said it: two issuers may use one name for two people. With its length, since
 * whoever may choose a claim could write the end of one part and the beginning of another into it.
 */
function callerPart(tx: Transaction, value: string): string {
  if (value === '') return '';
  return `${tx.identity?.kind}${WITHIN}${tx.identity?.issuer}${WITHIN}${value.length}${WITHIN}${value}`;
}

function partReader(part: string, captured: readonly string[], prefix: ClientPrefix): KeyReader {
  switch (part) {
    case 'address':
      return (tx) => prefix.of(tx.client);
    case 'route':
      return (tx) => tx.route?.name ?? '';
    case 'host':
      return (tx) => tx.host;
    case 'method':
      return (tx) => tx.method;
    case 'api-key':
      return (tx) => (tx.identity?.kind === 'api-key' ? callerPart(tx, tx.identity.client) : '');
    case 'subject':
      return (tx) => callerPart(tx, tx.identity?.subject ?? '');
    case 'client':
      return (tx) => callerPart(tx, tx.identity?.client ?? '');
    default:
      if (part.startsWith(CLAIM)) {
        const name = part.slice(CLAIM.length);
        return (tx) => (tx.identity === null ? '' : callerPart(tx, claimText(claimAt(tx.identity.claims, name)) ?? ''));
      }
      return hashReader(part, captured);
  }
}
