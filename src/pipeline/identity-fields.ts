// hot path: synchronous, never throws
import { claimAt, type Identity } from '../identity.ts';
import { IDENTITY_FIELD_CHARACTERS_MAX } from '../limits.ts';
import type { Transaction } from '../transaction.ts';
import type { PhaseContext } from './context.ts';

/** What upstreams are told about a caller. */
export interface IdentityFields {
  /** @returns  `name: value\r\n` each; null where a value fits no field. */
  of(tx: Transaction, identity: Identity, nowMs: number): string | null;
}

/** Null where upstreams are told nothing. */
export function compileIdentityFields(context: PhaseContext): IdentityFields | null {
  const { identity: settings } = context.config;
  const { internalTokens } = context.auth;
  const readers = settings.fields.map(({ name, from }) => ({ name: name.toLowerCase(), read: compileReader(from) }));
  if (readers.length === 0 && internalTokens === null) return null;
  const field = settings.token.field.toLowerCase();
  // An identity serves many requests: what is said of it is made once.
  const made = new WeakMap<Identity, string | null>();
  const plain = (identity: Identity): string | null => {
    let text: string | null = '';
    for (const { name, read } of readers) {
      const value = read(identity);
      if (value === '') continue;
      text = isFieldValue(value) && text !== null ? `${text}${name}: ${value}\r\n` : null;
    }
    made.set(identity, text);
    return text;
  };
  return {
    of: (tx, identity, nowMs) => {
      const known = made.get(identity);
      const text = known === undefined ? plain(identity) : known;
      if (text === null || internalTokens === null) return text;
      const audience = context.groups[tx.route?.upstream ?? -1]?.name ?? '';
      return `${text}${field}: ${internalTokens.of(identity, audience, nowMs)}\r\n`;
    },
  };
}

function compileReader(from: string): (identity: Identity) => string {
  switch (from) {
    case 'kind':
      return ({ kind }) => kind;
    case 'issuer':
      return ({ issuer }) => issuer;
    case 'subject':
      return ({ subject }) => subject;
    case 'client':
      return ({ client }) => client;
    case 'scopes':
      return ({ scopes }) => scopes.join(' ');
    default: {
      const name = from.slice('claim:'.length);
      return ({ claims }) => textOf(claimAt(claims, name));
    }
  }
}

/** Lists and objects as JSON: joined by a comma, a member that holds one would be two. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const HALF_PAIR = /\p{Surrogate}/u;

/** RFC 9110 5.5, without obsolete bytes: no control character, no blank at either end, no half of a character pair. */
function isFieldValue(value: string): boolean {
  if (value.length > IDENTITY_FIELD_CHARACTERS_MAX || value.trim() !== value) return false;
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  }
  return !HALF_PAIR.test(value);
}
