import type { KeyRecord } from './record.ts';

/** What became of a change. Words are a sentence without its full stop. */
export type Saved =
  | { readonly kind: 'saved' }
  /** Somebody else changed the key meanwhile: the book has what holds now, or will soon. */
  | { readonly kind: 'conflict' }
  /** `apiKeys.keysMax` are kept already. */
  | { readonly kind: 'full' }
  | { readonly kind: 'failed'; readonly words: string };

export const SAVED: Saved = Object.freeze({ kind: 'saved' });

/** Where API keys are kept. It puts into its book what is kept, and nothing else. Threads: main. */
export interface KeyStore {
  /** False while changes are refused, or those of other gateways are not heard. */
  readonly isUp: boolean;
  /** Changes of other gateways that were heard. */
  readonly heard: number;
  /** Reads what there is. @throws  SP_CONFIG  Where the gateway must not start. */
  start(): Promise<void>;
  /**
   * Keeps a record; when this says saved it outlives the process, and is in the book.
   *
   * @param record  Its version is one above the one in the book, or 1. Never rejects.
   */
  save(record: KeyRecord): Promise<Saved>;
  /** Lets go of records for good. Never rejects: what fails is tried again by the caller, some time. */
  forget(records: readonly KeyRecord[]): Promise<void>;
  stop(): Promise<void>;
}

/** Where stores tell of what went wrong, and of what is well again. */
export interface KeyLog {
  info(context: object, message: string): void;
  warn(context: object, message: string): void;
  error(context: object, message: string): void;
}
