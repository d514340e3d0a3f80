interface Dated {
  readonly id: string;
  readonly record: { readonly sinceMs: number };
}

/** Newest first; of two of one time in the order of their ids, so that every list has the same order. */
export function newestFirst(a: Dated, b: Dated): number {
  return b.record.sinceMs - a.record.sinceMs || (a.id < b.id ? -1 : 1);
}

/**
 * Cuts a page out of a list.
 *
 * @param entries  As `newestFirst` has them.
 * @param cursor   `next` of the page before; null for the first page.
 * @returns  The page, and the cursor of the next one, null on the last.
 */
export function pageOf<E extends Dated>(
  entries: readonly E[],
  limit: number,
  cursor: string | null,
): { readonly page: readonly E[]; readonly next: string | null } {
  const from = cursor === null ? 0 : entries.findIndex((entry) => isBehind(entry, cursor));
  const page = from === -1 ? [] : entries.slice(from, from + limit);
  const last = page.at(-1);
  const isEnd = last === undefined || from + limit >= entries.length;
  return { page, next: isEnd ? null : `${last.record.sinceMs}-${last.id}` };
}

/** Does the entry come behind the cursor in a list? */
function isBehind({ id, record }: Dated, cursor: string): boolean {
  const dash = cursor.indexOf('-');
  const sinceMs = Number(cursor.slice(0, dash));
  return record.sinceMs < sinceMs || (record.sinceMs === sinceMs && id > cursor.slice(dash + 1));
}
