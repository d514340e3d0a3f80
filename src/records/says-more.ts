/** A record that is known, and its text. */
interface Known<R> {
  readonly record: R;
  readonly line: string;
}

/** How records of one kind are joined, and written. */
interface Joining<R> {
  readonly merge: (a: R, b: R) => R;
  readonly format: (record: R) => string;
}

/**
 * Of two that change one record at once the later is heard alone: who knows what both said tells it.
 *
 * @param own   After what was told has been joined to it, where there was room.
 * @param told  By another machine.
 * @returns  True where own says all of it and more.
 */
export function saysMore<R>(own: Known<R>, told: R, { merge, format }: Joining<R>): boolean {
  const knowsAll = format(merge(own.record, told)) === own.line;
  return knowsAll && format(told) !== own.line;
}
