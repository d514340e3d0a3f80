import type { BanDesk, BanOrder } from '../abuse/ban-orders.ts';
import { noReason, REASON_WORDS } from './order-words.ts';
import { pageQuery } from './page-query.ts';
import { json, problem, type Reply } from './reply.ts';

const ID = /^[0-9a-f]{24}$/;
/** The longest ban that the configuration allows, too. */
const SECONDS_MAX = 2_678_400;
const OF_KEY = { name: 'key', lengthMax: 2_048, meaning: 'the value of a ban' };

/** `GET /bans`. @param target  Of the request, with its query. */
export function listBans(desk: BanDesk, target: string): Reply {
  const query = pageQuery(target, OF_KEY);
  if (typeof query === 'string') return problem(400, query);
  const { limit, after, only: key } = query;
  return json(200, desk.list({ limit, after, key }));
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
  if (noReason(reason)) return REASON_WORDS;
  return { rule, value, seconds: seconds as number, reason: reason as string };
}
