/** What the main thread tells ingress threads about API keys. Both sides import this file. */

/** A key as it travels: threads read the record when somebody first uses it. */
export interface KeyOnWire {
  readonly id: string;
  /** Of the secrets that work: base64url; the current one first. */
  readonly digests: readonly string[];
  /** From `formatRecord`. */
  readonly line: string;
}

/** Everything, for a thread that begins; null in a task where there are no API keys. */
export interface KeySnapshot {
  /** False while the store has not been read: nobody can say then that a key is unknown. */
  readonly isLoaded: boolean;
  readonly keys: readonly KeyOnWire[];
}

/** What changed since. Messages arrive in the order in which they were sent, behind the snapshot. */
export interface KeyNews {
  readonly kind: 'keys';
  readonly isLoaded: boolean;
  readonly set: readonly KeyOnWire[];
  /** Ids of keys that are gone. */
  readonly drop: readonly string[];
}
