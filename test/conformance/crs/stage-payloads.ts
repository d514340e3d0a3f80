import { formDecoded, type Payload } from './payload-lists.ts';
import { readRawRequest } from './raw-request.ts';
import type { Stage } from './stage.ts';

/** Of no interest: every stage has them, with the same values. */
const COMMON_FIELDS = ['host', 'accept', 'connection', 'content-length', 'content-type', 'accept-language'];
const CONNECTION = {
  uniqueId: '',
  clientAddress: '127.0.0.1',
  clientPort: 0,
  serverAddress: '127.0.0.1',
  serverPort: 0,
  startedAtMs: 0,
};

/**
 * What the tests of a rule set put into requests, apart from the place where they put it: values of queries and forms,
 * other bodies whole, values of fields.
 */
export function stagePayloads(stages: readonly Stage[]): readonly Payload[] {
  const texts = new Map<string, string>();
  for (const { bytes, ruleId } of stages) {
    const request = readRawRequest(bytes, CONNECTION);
    if (request.kind === 'refused') continue;
    const { target, fields } = request.facts;
    const query = target.indexOf('?');
    const isForm = /content-type: application\/x-www-form-urlencoded/i.test(bytes.toString('latin1'));
    const found = [
      ...(query === -1 ? [] : valuesOf(target.slice(query + 1))),
      ...(isForm ? valuesOf(request.body) : [request.body]),
      ...fields.filter((_, i) => i % 2 === 1 && !COMMON_FIELDS.includes(fields[i - 1]?.toLowerCase() ?? '')),
    ];
    for (const text of found) if (text !== '' && !texts.has(text)) texts.set(text, `crs-${ruleId}`);
  }
  return [...texts].map(([text, list]) => ({ list, text }));
}

function valuesOf(pairs: string): readonly string[] {
  return pairs.split('&').map((pair) => formDecoded(pair.slice(pair.indexOf('=') + 1)));
}
