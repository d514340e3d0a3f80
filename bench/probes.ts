import { generateKeyPairSync } from 'node:crypto';
import type { Case } from './cases.ts';
import { apiKey, type Credentials, KEY_HEADER, tokenOf } from './credentials.ts';
import type { Duties, Duty } from './duties.ts';
import { type LoadRequest, requestsOf } from './requests.ts';

/** A request, and the status it must get. */
export interface Probe {
  readonly duty: Duty;
  readonly what: string;
  readonly request: LoadRequest;
  readonly wanted: number;
}

const ATTACK = '?q=%3Cscript%3Ealert(document.cookie)%3C/script%3E';

/** Requests that show each duty at work: the honest ones are of the case's own load. */
export function probesOf(one: Case, duties: Duties, credentials: Credentials): readonly Probe[] {
  const { load, auth, routes } = one;
  const [honest] = requestsOf({ load, auth, routes, credentials, requests: 1, seed: 0 });
  if (honest === undefined) throw new Error(`${one.name} has no requests`);
  const probes: Probe[] = [];
  const add = (duty: Duty, what: string, wanted: number, change: Partial<LoadRequest>) =>
    probes.push({ duty, what, wanted, request: { ...honest, ...change } });
  const [first] = duties;
  if (first !== undefined) add(first, 'an honest request', 200, {});
  const withField = (name: string, text: string) => ({ headers: { ...honest.headers, [name]: text } });
  if (duties.includes('jwt')) {
    const bearer = (token: string) => withField('Authorization', `Bearer ${token}`);
    const { Authorization: _, ...bare } = honest.headers;
    add('jwt', 'no token', 401, { headers: bare });
    add('jwt', 'a token of another key', 401, bearer(tokenOf(strangersKey(), 'caller-1')));
    add('jwt', 'a token that is over', 401, bearer(tokenOf(credentials.signingKey, 'caller-1', -3_600)));
  }
  if (duties.includes('api-key')) {
    const { [KEY_HEADER]: _, ...bare } = honest.headers;
    add('api-key', 'no key', 401, { headers: bare });
    add('api-key', 'an unknown key', 401, withField(KEY_HEADER, apiKey()));
  }
  for (const duty of ['rules', 'baseline'] as const) {
    if (duties.includes(duty)) add(duty, 'an attack', 403, { path: `/search${ATTACK}` });
  }
  if (duties.includes('routes')) add('routes', 'a path without a route', 404, { path: '/services/none-0/v1/x' });
  return probes;
}

function strangersKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
