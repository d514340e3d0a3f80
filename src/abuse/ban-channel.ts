/**
 * What machines that know of each other's bans share: a set of records, and the order in which they came.
 *
 * Calls reject when the other side does not answer; they are repeated then, and must bear that.
 */
export interface BanChannel {
  /** Keeps records, and removes those that are forgotten. Texts are those of `formatRecord`, named by `banId`. */
  tell(changes: BanChanges): Promise<void>;
  /** @param cursor  From the news before; null for all that is kept. @returns  The oldest of what came after it. */
  ask(cursor: string | null): Promise<BanNews>;
}

export interface BanChanges {
  readonly set: readonly (readonly [id: string, text: string])[];
  readonly forget: readonly string[];
}

export interface BanNews {
  /** What the cursor counts on is gone, and all that is kept must be asked for anew; the rest says nothing then. */
  readonly isLost: boolean;
  readonly cursor: string;
  readonly texts: readonly string[];
  /** There is more behind these. */
  readonly isMore: boolean;
}
