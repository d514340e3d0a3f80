const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;
const CURSOR = /^[0-9]{1,16}-[0-9a-f]{24}$/;
const KEY_LENGTH_MAX = 2_048;

/** Which page of a list of records is asked for. */
export interface PageQuery {
  readonly limit: number;
  readonly after: string | null;
  readonly key: string | null;
}

/**
 * Reads the query of a list.
 *
 * @param target  Of the request, with its query.
 * @param thing   What is listed, for the words: `a ban`.
 * @returns  The query, or what is wrong with it.
 */
export function pageQuery(target: string, thing: string): PageQuery | string {
  const mark = target.indexOf('?');
  const given = new URLSearchParams(mark === -1 ? '' : target.slice(mark + 1));
  for (const name of given.keys()) {
    if (!['limit', 'after', 'key'].includes(name)) return 'The parameters are limit, after and key.';
    if (given.getAll(name).length > 1) return `${name} stands there more than once.`;
  }
  const limit = given.get('limit');
  if (limit !== null && !(/^[1-9][0-9]{0,3}$/.test(limit) && Number(limit) <= LIMIT_MAX)) {
    return `limit must be 1 to ${LIMIT_MAX}.`;
  }
  const after = given.get('after');
  if (after !== null && !CURSOR.test(after)) return 'after must be what next said on the page before.';
  const key = given.get('key');
  if (key !== null && (key === '' || key.length > KEY_LENGTH_MAX)) return `key must be the value of ${thing}.`;
  return { limit: limit === null ? LIMIT_DEFAULT : Number(limit), after, key };
}
