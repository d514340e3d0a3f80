/**
 * What machines that know of each other's bans or revocations share: a set of records, and the order of their changes.
 *
 * Calls reject when the other side does not answer; they are repeated then, and must bear that.
 */
export interface RecordChannel {
  /** Keeps records, and removes those that are forgotten. A text is named by its id, of which there is one. */
  tell(changes: RecordChanges): Promise<void>;
  /** @param cursor  From the news before; null for all that is kept. @returns  The oldest of what came after it. */
  ask(cursor: string | null): Promise<RecordNews>;
}

export interface RecordChanges {
  readonly set: readonly (readonly [id: string, text: string])[];
  /** Removed where what is kept is still this text: another machine may have made it anew meanwhile. */
  readonly forget: readonly (readonly [id: string, text: string])[];
}

export interface RecordNews {
  /** What the cursor counts on is gone, and all that is kept must be asked for anew; the rest says nothing then. */
  readonly isLost: boolean;
  readonly cursor: string;
  readonly texts: readonly string[];
  /** There is more behind these. */
  readonly isMore: boolean;
}
