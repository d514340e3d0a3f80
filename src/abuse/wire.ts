/** What threads tell the main thread about bans. Both sides import this file. */

/** A thread made a ban. It is in the shared table already; this is what the table cannot hold. */
export interface BanMade {
  readonly kind: 'ban-made';
  readonly rule: string;
  /** Kind of the key: `address`, `header:x-user`, or several joined by `+`. */
  readonly keyKind: string;
  /** Text of the key, at most `KEY_LENGTH_MAX` characters. */
  readonly value: string;
  /** Hash of the key, as the table knows it. */
  readonly high: number;
  readonly low: number;
  readonly reason: string;
  /** Another key that made room for it in the full table: high and low half of its hash. */
  readonly madeRoom: readonly [high: number, low: number] | null;
}
