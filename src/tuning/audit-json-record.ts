import { byteTextOfString } from '../base/byte-text.ts';
import type { RecordedMatch, RecordedRequest } from './recorded-request.ts';
import { announcesBody, bodyOfRecord, isMapping, RecordedValues, textOf } from './recorded-values.ts';

const OUTCOMES: ReadonlyMap<string, NonNullable<RecordedRequest['outcome']>> = new Map([
  ['blocked', 'blocked'],
  ['detected', 'detected'],
  ['matched', 'passed'],
  ['passed', 'passed'],
  ['failed', 'passed'],
]);

/**
 * An entry of an audit log in JSON: ours, or that of ModSecurity 3, of which it has the shape.
 *
 * @param transaction  Member of that name.
 * @returns  Null where it has no request.
 */
export function recordOfTransaction(transaction: unknown, place: string): RecordedRequest | null {
  if (!isMapping(transaction) || !isMapping(transaction.request)) return null;
  const { request } = transaction;
  const [method, uri] = [textOf(request.method), textOf(request.uri)];
  if (method === '' || uri === '') return null;
  const values = new RecordedValues();
  const fields = isMapping(request.headers)
    ? Object.entries(request.headers).flatMap(([name, value]) => [
        byteTextOfString(name),
        values.decoded(textOf(value)),
      ])
    : [];
  const hasFields = isMapping(request.headers);
  const said = typeof request.body === 'string' ? request.body : undefined;
  const { body, bytes } = bodyOfRecord(said, announcesBody(fields), (text) => values.decoded(text));
  const target = values.decoded(uri);
  return {
    id: textOf(transaction.unique_id) || place,
    place,
    request: { method: byteTextOfString(method), target, fields, body: bytes },
    hasFields,
    body,
    isDecoded: true,
    client: textOf(transaction.client_ip) || '192.0.2.1',
    route: textOf(transaction.route) || null,
    outcome: OUTCOMES.get(textOf(transaction.outcome)) ?? null,
    matches: Array.isArray(transaction.messages) ? transaction.messages.flatMap(matchOf) : null,
    withheldCount: values.withheldCount,
    isInexact: values.isInexact,
  };
}

function matchOf(message: unknown): RecordedMatch[] {
  if (!isMapping(message) || !isMapping(message.details)) return [];
  const { ruleId, phase, variable } = message.details;
  const id = Number(textOf(ruleId));
  if (!Number.isSafeInteger(id) || id < 1) return [];
  return [{ ruleId: id, phase: Number(textOf(phase)) || 0, variable: byteTextOfString(textOf(variable)) }];
}
