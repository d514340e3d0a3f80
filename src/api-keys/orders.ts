import type { KeyStanding, KeyTerms } from './record.ts';

/** What operators see of API keys, and may do to them. */

export interface KeyView {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  /** How it stands now. */
  readonly state: KeyStanding;
  readonly scopes: readonly string[];
  readonly rateLimit: string;
  readonly cidrs: readonly string[];
  readonly origins: readonly string[];
  readonly routes: readonly string[];
  /** ISO 8601; null for no bound. */
  readonly notBefore: string | null;
  readonly expires: string | null;
  readonly created: string;
  readonly changed: string;
  /** End of the former secret's grace; null where it has none, or none any more. */
  readonly formerSecretUntil: string | null;
}

/** A key with its secret: shown this once. */
export interface KeyWithSecret extends KeyView {
  readonly key: string;
}

export interface KeyPage {
  /** By time of creation. */
  readonly keys: readonly KeyView[];
  /** Keys that fit the filter, on all pages. */
  readonly total: number;
  /** For the next page; null on the last. */
  readonly next: string | null;
}

export interface KeyQuery {
  /** 1 to 1,000. */
  readonly limit: number;
  /** `next` of the page before; null for the first. */
  readonly after: string | null;
  /** Only keys of this owner; null for all. */
  readonly owner: string | null;
}

/** Words are a sentence without its full stop. */
export interface KeyRefusal {
  readonly ok: false;
  /** wrong: the order; absent: no such key; conflict: with what became of it; unavailable: the store. */
  readonly found: 'wrong' | 'absent' | 'conflict' | 'unavailable';
  readonly words: string;
}

export type KeyAnswer<T extends KeyView> = { readonly ok: true; readonly key: T } | KeyRefusal;

/** API keys as the operators' listener uses them. @param who  Address of the operator, for the log. */
export interface KeyDesk {
  list(query: KeyQuery): KeyPage | KeyRefusal;
  show(id: string): KeyAnswer<KeyView>;
  create(terms: Readonly<Record<keyof KeyTerms, unknown>>, who: string): Promise<KeyAnswer<KeyWithSecret>>;
  /** @param graceMs  How long the former secret goes on working. */
  rotate(id: string, graceMs: number, who: string): Promise<KeyAnswer<KeyWithSecret>>;
  revoke(id: string, who: string): Promise<KeyAnswer<KeyView>>;
  enable(id: string, who: string): Promise<KeyAnswer<KeyView>>;
  disable(id: string, who: string): Promise<KeyAnswer<KeyView>>;
  /** Whose key this is, whatever its state. @param text  The key itself. */
  verify(text: string): KeyAnswer<KeyView>;
}
