import { KEY_ID } from '../api-keys/record.ts';
import { REVOCATION_KINDS } from '../revocation/kinds.ts';
import type { RevocationAnswer, RevocationDesk, RevocationOrder } from '../revocation/orders.ts';
import { momentOf, noReason, REASON_WORDS } from './order-words.ts';
import { pageQuery } from './page-query.ts';
import { json, problem, type Reply } from './reply.ts';

const ID = /^[0-9a-f]{24}$/;
const VALUE_LENGTH_MAX = 2_048;
const ISSUER = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const STATUS = { wrong: 422, absent: 404, full: 409 } as const;
const OF_KEY = { name: 'key', lengthMax: 2_048, meaning: 'the value of a revocation' };

/** `GET /revocations`. @param target  Of the request, with its query. */
export function listRevocations(desk: RevocationDesk, target: string): Reply {
  const query = pageQuery(target, OF_KEY);
  if (typeof query === 'string') return problem(400, query);
  const { limit, after, only: key } = query;
  return json(200, desk.list({ limit, after, key }));
}

/** `POST /revocations`. @param body  As JSON gave it. @param who  Address of the operator. */
export async function addRevocation(desk: RevocationDesk, body: unknown, who: string): Promise<Reply> {
  const order = orderOf(body, Date.now());
  return typeof order === 'string' ? problem(422, order) : replyOf(await desk.add(order, who), 201);
}

/** `DELETE /revocations/{id}`. */
export async function liftRevocation(desk: RevocationDesk, id: string, who: string): Promise<Reply> {
  if (!ID.test(id)) return problem(404, 'Ids of revocations have 24 hexadecimal digits; GET /revocations shows them.');
  return replyOf(await desk.lift(id, who), 200);
}

function replyOf(answer: RevocationAnswer, status: number): Reply {
  if (answer.ok) return json(status, { ...answer.revocation, saved: answer.saved });
  return problem(STATUS[answer.found], answer.words.endsWith('.') ? answer.words : `${answer.words}.`);
}

const MEMBERS = ['kind', 'issuer', 'value', 'seconds', 'until', 'issuedUntil', 'reason'];

/** @returns  The order, or what is wrong with it. */
function orderOf(body: unknown, nowMs: number): RevocationOrder | string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'The body must be a JSON object.';
  const unknown = Object.keys(body).filter((name) => !MEMBERS.includes(name));
  if (unknown.length > 0) return `The members are ${MEMBERS.join(', ')}.`;
  const { kind, issuer = '', value, seconds, until, issuedUntil, reason = '' } = body as Record<string, unknown>;
  const known = REVOCATION_KINDS.find((name) => name === kind);
  if (known === undefined) return `kind must be one of ${REVOCATION_KINDS.join(', ')}.`;
  if (typeof issuer !== 'string' || !(issuer === '' || ISSUER.test(issuer))) {
    return 'issuer must be the name of an issuer in the configuration.';
  }
  // Any characters: whoever may choose a name must not choose one that cannot be revoked.
  if (typeof value !== 'string' || value === '' || value.length > VALUE_LENGTH_MAX) {
    return `value must be text of 1 to ${VALUE_LENGTH_MAX} characters.`;
  }
  // A typing error would revoke nothing, and a key instead of its id would stand in lists and in the log.
  if (known === 'key' && !KEY_ID.test(value)) {
    return 'value must be the id of an API key, 24 hexadecimal digits; GET /keys shows them.';
  }
  if (seconds !== undefined && until !== undefined) return 'Say seconds or until, not both.';
  if (seconds !== undefined && !(Number.isSafeInteger(seconds) && (seconds as number) > 0)) {
    return 'seconds must be a whole number from 1 on.';
  }
  const end = until === undefined ? null : momentOf(until);
  if (Number.isNaN(end)) return 'until must be a moment such as 2030-01-31T12:00:00Z.';
  const issued = issuedUntil === undefined ? null : issuedUntil === 'now' ? nowMs : momentOf(issuedUntil);
  if (Number.isNaN(issued)) return 'issuedUntil must be a moment such as 2030-01-31T12:00:00Z, or now.';
  if (noReason(reason)) return REASON_WORDS;
  return {
    kind: known,
    issuer,
    value,
    untilMs: seconds === undefined ? end : nowMs + (seconds as number) * 1_000,
    issuedUntilMs: issued,
    reason: reason as string,
  };
}
