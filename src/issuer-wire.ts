import { createHash } from 'node:crypto';
import type { IssuerConfig } from './config/schema.ts';

/** What threads tell each other about the keys of issuers. Both sides import this file. */

/** A key as plain data: the public members of a JSON Web Key, or the PEM text of a public key or certificate. */
export type PlainKey = Readonly<Record<string, unknown>> | string;

/** What a key may be used for, as far as its description says: how src/issuers judges what src/auth makes. */
export type KeyVerdict =
  | { readonly kind: 'key' }
  /** Sound, and for something else. */
  | { readonly kind: 'skipped'; readonly reason: string }
  /** Weak, private or broken. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Main thread to ingress threads: the keys of one issuer, as they are now. */
export interface IssuerKeysNews {
  readonly kind: 'issuer-keys';
  /** Name in the configuration. */
  readonly issuer: string;
  /** `issuerSettings` of what they were had with: during a reload there may be two of one name. */
  readonly settings: string;
  /** Grows whenever `state` or `keys` changes, over all settings that the process has seen. */
  readonly version: number;
  readonly state: 'ready' | 'unavailable';
  /** Empty where `unavailable`. */
  readonly keys: readonly PlainKey[];
  /** False until the first fetch has ended, however it did. */
  readonly isTried: boolean;
  /** The last fetch brought keys: a key that is not among them is not the issuer's. */
  readonly isFresh: boolean;
  /**
   * When the last fetch that ended had begun, milliseconds since the epoch; 0 for none. It says nothing about keys that
   * were asked for later.
   */
  readonly beganAtMs: number;
  /** No fetch begins for so long, whoever asks; milliseconds, 0 for none. */
  readonly coolForMs: number;
}

/** Ingress thread to main thread: a token names a key that is not there. News answer, when the next fetch ends. */
export interface KeysWanted {
  readonly kind: 'keys-wanted';
  readonly issuer: string;
  readonly settings: string;
}

/** Fingerprint of everything that decides which keys an issuer has; never leaves the process. */
export function issuerSettings({ issuer, algorithms, keys }: IssuerConfig): string {
  return createHash('sha256')
    .update(JSON.stringify([issuer, algorithms, keys]))
    .digest('hex');
}

/** Are the keys fetched from a provider? Others never change by asking. */
export function isRemote({ keys }: IssuerConfig): boolean {
  return keys.source === 'discovery' || keys.source === 'jwks';
}
