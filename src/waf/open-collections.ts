import type { ByteText } from '../base/byte-text.ts';
import type { Entry } from './entry.ts';

/** Names of the collections that outlive a request. */
export const COLLECTION_NAMES = ['GLOBAL', 'IP', 'RESOURCE', 'SESSION', 'USER'] as const;

const LOWER_NAMES: ReadonlySet<string> = new Set(COLLECTION_NAMES.map((name) => name.toLowerCase()));

/** @param lower  `ip`. */
export const isCollection = (lower: string): boolean => LOWER_NAMES.has(lower);

/** One collection that `initcol` opened: `ip` of one address. Shared by all threads; names without regard to case. */
export interface OpenCollection {
  get(name: ByteText): ByteText | undefined;
  set(name: ByteText, value: ByteText): void;
  /** Exact under threads. */
  add(name: ByteText, by: number): void;
  unset(name: ByteText): void;
  /** The variable is gone after so long. */
  expire(name: ByteText, seconds: number): void;
  entries(): readonly Entry[];
}

/** Where they are kept. */
export interface OpenCollections {
  /** @param timeoutSeconds  An untouched collection is gone after so long: SecCollectionTimeout. */
  open(collection: string, key: ByteText, timeoutSeconds: number): OpenCollection;
}
