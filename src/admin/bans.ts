import type { BanDesk, BanOrder, BanQuery } from '../abuse/ban-orders.ts';
import { json, problem, type Reply } from './reply.ts';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;
const CURSOR = /^[0-9]{1,16}-[0-9a-f]{24}$/;
const ID = /^[0-9a-f]{24}$/;
const KEY_LENGTH_MAX = 2_048;
/** The longest ban that the configuration allows, too. */
const SECONDS_MAX = 2_678_400;
const REASON_LENGTH_MAX = 200;

/** `GET /bans`. @param target  Of the request, with its query. */
export function listBans(desk: BanDesk, target: string): Reply {
  const query = queryOf(target);
  return typeof query === 'string' ? problem(400, query) : json(200, desk.list(query));
}

/** `POST /bans`. @param body  As JSON gave it. @param who  Address of the operator. */
export function addBan(desk: BanDesk, body: unknown, who: string): Reply {
  const order = orderOf(body);
  if (typeof order === 'string') return problem(422, order);
  const answer = desk.add(order, who);
  return answer.ok ? json(201, answer.ban) : problem(422, `${answer.words}.`);
}

/** `DELETE /bans/{id}`. */
export function liftBan(desk: BanDesk, id: string, who: string): Reply {
  if (!ID.test(id)) return problem(404, 'Ids of bans have 24 hexadecimal digits; GET /bans shows them.');
  const answer = desk.lift(id, who);
  return answer.ok ? json(200, answer.ban) : problem(404, answer.words);
}

/** @returns  The query, or what is wrong with it. */
function queryOf(target: string): BanQuery | string {
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
  if (key !== null && (key === '' || key.length > KEY_LENGTH_MAX)) return 'key must be the value of a ban.';
  return { limit: limit === null ? LIMIT_DEFAULT : Number(limit), after, key };
}

const MEMBERS = ['rule', 'kind', 'value', 'seconds', 'reason'];

/** @returns  The order, or what is wrong with it. */
function orderOf(body: unknown): BanOrder | string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'The body must be a JSON object.';
  const unknown = Object.keys(body).filter((name) => !MEMBERS.includes(name));
  if (unknown.length > 0) return `The members are ${MEMBERS.join(', ')}.`;
  const { rule = 'manual', kind = 'address', value, seconds, reason = '' } = body as Record<string, unknown>;
  if (typeof rule !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(rule)) {
    return 'rule must be "manual" or the name of a rule.';
  }
  if (kind !== 'address') return 'kind must be "address".';
  if (typeof value !== 'string' || value.length > 64) return 'value must be an address as text.';
  if (!Number.isInteger(seconds) || (seconds as number) < 1 || (seconds as number) > SECONDS_MAX) {
    return `seconds must be a whole number from 1 to ${SECONDS_MAX}.`;
  }
  if (typeof reason !== 'string' || reason.length > REASON_LENGTH_MAX || /[\p{C}\p{Zl}\p{Zp}]/u.test(reason)) {
    return `reason must be text of at most ${REASON_LENGTH_MAX} characters, without control characters.`;
  }
  return { rule, value, seconds: seconds as number, reason };
}
