import type { KeyAnswer, KeyDesk, KeyRefusal, KeyView } from '../api-keys/orders.ts';
import type { KeyTerms } from '../api-keys/record.ts';
import { momentOf } from './order-words.ts';
import { pageQuery } from './page-query.ts';
import { json, problem, type Reply } from './reply.ts';

const ID = /^[0-9a-f]{24}$/;
const OF_OWNER = { name: 'owner', lengthMax: 128, meaning: 'the owner of keys' };
/** Longer than any key. */
const KEY_LENGTH_MAX = 256;
/** A year: a former secret that works for longer is a second key. */
const GRACE_SECONDS_MAX = 31_536_000;

const STATUSES: Readonly<Record<KeyRefusal['found'], number>> = {
  wrong: 422,
  absent: 404,
  conflict: 409,
  unavailable: 503,
};

/** What may be done to a key, by the last part of its path. */
export const KEY_ACTIONS = ['rotate', 'revoke', 'enable', 'disable'] as const;
export type KeyAction = (typeof KEY_ACTIONS)[number];

/** `GET /keys`. @param target  Of the request, with its query. */
export function listKeys(desk: KeyDesk, target: string): Reply {
  const query = pageQuery(target, OF_OWNER);
  if (typeof query === 'string') return problem(400, query);
  const { limit, after, only: owner } = query;
  const page = desk.list({ limit, after, owner });
  return 'ok' in page ? refusal(page) : json(200, page);
}

/** `POST /keys`: the one answer that has the secret. @param who  Address of the operator. */
export async function createKey(desk: KeyDesk, body: unknown, who: string): Promise<Reply> {
  const terms = termsOf(body);
  if (typeof terms === 'string') return problem(422, terms);
  return answered(await desk.create(terms, who), 201);
}

/** `GET /keys/{id}`. */
export function showKey(desk: KeyDesk, id: string): Reply {
  return ID.test(id) ? answered(desk.show(id)) : strangeId();
}

/** `POST /keys/{id}/{action}`. @param body  Of a rotation. */
export async function changeKey(
  desk: KeyDesk,
  id: string,
  action: KeyAction,
  body: unknown,
  who: string,
): Promise<Reply> {
  if (!ID.test(id)) return strangeId();
  if (action !== 'rotate') return answered(await desk[action](id, who));
  const graceSeconds = graceOf(body);
  if (typeof graceSeconds === 'string') return problem(422, graceSeconds);
  return answered(await desk.rotate(id, graceSeconds * 1_000, who));
}

/** `POST /keys/verify`. */
export function verifyKey(desk: KeyDesk, body: unknown): Reply {
  const given = membersOf(body, ['key']);
  if (typeof given === 'string') return problem(422, given);
  const { key } = given;
  if (typeof key !== 'string' || key.length > KEY_LENGTH_MAX) return problem(422, 'key must be an API key as text.');
  return answered(desk.verify(key));
}

function answered(answer: KeyAnswer<KeyView>, status = 200): Reply {
  return answer.ok ? json(status, answer.key) : refusal(answer);
}

function refusal({ found, words }: KeyRefusal): Reply {
  return problem(STATUSES[found], `${words.charAt(0).toUpperCase()}${words.slice(1)}.`);
}

function strangeId(): Reply {
  return problem(404, 'Ids of keys have 24 hexadecimal digits; GET /keys shows them.');
}

const MEMBERS = ['name', 'owner', 'scopes', 'rateLimit', 'cidrs', 'origins', 'routes', 'notBefore', 'expires'];

/** @returns  Terms for the desk to judge, or what is wrong with their form. */
function termsOf(body: unknown): Readonly<Record<keyof KeyTerms, unknown>> | string {
  const given = membersOf(body, MEMBERS);
  if (typeof given === 'string') return given;
  const { name, owner, scopes = [], rateLimit = '', cidrs = [], origins = [], routes = [] } = given;
  const notBeforeMs = timeOf(given.notBefore);
  const expiresAtMs = timeOf(given.expires);
  const form = 'must be a time such as 2030-01-31T00:00:00Z, or null.';
  if (notBeforeMs === null) return `notBefore ${form}`;
  if (expiresAtMs === null) return `expires ${form}`;
  return { name, owner, scopes, rateLimit, cidrs, origins, routes, notBeforeMs, expiresAtMs };
}

function graceOf(body: unknown): number | string {
  const given = membersOf(body, ['graceSeconds']);
  if (typeof given === 'string') return given;
  const { graceSeconds } = given;
  if (!Number.isInteger(graceSeconds) || (graceSeconds as number) < 0 || (graceSeconds as number) > GRACE_SECONDS_MAX) {
    return `graceSeconds must be a whole number from 0 to ${GRACE_SECONDS_MAX}: so long the former secret goes on working.`;
  }
  return graceSeconds as number;
}

function membersOf(body: unknown, names: readonly string[]): Record<string, unknown> | string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'The body must be a JSON object.';
  if (Object.keys(body).some((name) => !names.includes(name))) return `The members are ${names.join(', ')}.`;
  return body as Record<string, unknown>;
}

/** @returns  Milliseconds; 0 for no bound, null for what is no time. */
function timeOf(value: unknown): number | null {
  if (value === undefined || value === null) return 0;
  const ms = momentOf(value);
  return ms > 0 ? ms : null;
}
