const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;
const CURSOR = /^[0-9]{1,16}-[0-9a-f]{24}$/;

/** Which page of a list of records is asked for. */
export interface PageQuery {
  readonly limit: number;
  readonly after: string | null;
  /** What the records asked for have in common; null for all. */
  readonly only: string | null;
}

/** The parameter that narrows a list down. */
export interface PageFilter {
  readonly name: string;
  readonly lengthMax: number;
  /** What it must be, for the words: `the value of a ban`. */
  readonly meaning: string;
}

/**
 * Reads the query of a list.
 *
 * @param target  Of the request, with its query.
 * @returns  The query, or what is wrong with it.
 */
export function pageQuery(target: string, filter: PageFilter): PageQuery | string {
  const mark = target.indexOf('?');
  const given = new URLSearchParams(mark === -1 ? '' : target.slice(mark + 1));
  for (const name of given.keys()) {
    if (!['limit', 'after', filter.name].includes(name)) return `The parameters are limit, after and ${filter.name}.`;
    if (given.getAll(name).length > 1) return `${name} stands there more than once.`;
  }
  const limit = given.get('limit');
  if (limit !== null && !(/^[1-9][0-9]{0,3}$/.test(limit) && Number(limit) <= LIMIT_MAX)) {
    return `limit must be 1 to ${LIMIT_MAX}.`;
  }
  const after = given.get('after');
  if (after !== null && !CURSOR.test(after)) return 'after must be what next said on the page before.';
  const only = given.get(filter.name);
  if (only !== null && (only === '' || only.length > filter.lengthMax)) {
    return `${filter.name} must be ${filter.meaning}.`;
  }
  return { limit: limit === null ? LIMIT_DEFAULT : Number(limit), after, only };
}
