import { readFileSync } from 'node:fs';
import { sharedMaterial } from '../support/shared-material.ts';
import { type Http1Case, neverAdmin, valuesOf } from './case.ts';

/** How many cases the shared file holds: a file that lost some must not pass quietly. */
export const SHARED_CASES = 66;

interface Row {
  readonly name: string;
  readonly bytes_base64: string;
  readonly expect: Http1Case['expect'];
  readonly upstream_requests?: number;
  readonly upstream_requests_max?: number;
  readonly first?: { readonly method: string; readonly target: string; readonly body: string };
  readonly note?: string;
}

/** What the notes of single cases demand, by case. A case with a note and no entry here fails the run. */
const NOTES: Readonly<Record<string, NonNullable<Http1Case['check']>>> = {
  pipeline: (seen, exchange) => {
    const order = exchange.answers.map((answer) => /"target":"([^"]*)"/.exec(answer.body.toString())?.[1]);
    const wanted = ['/a', '/b'].slice(0, order.length);
    if (order.join() !== wanted.join()) return `answers for ${order.join()} instead of ${wanted.join()}`;
    if (exchange.answers.length < 2 && !exchange.closed)
      return 'the second request was neither served nor the connection closed';
    return seen.every((request, i) => request.target === ['/a', '/b'][i]) ? null : 'requests out of order';
  },
  'cl-underscore': (seen) => {
    const lookalike = (name: string) =>
      name.includes('_') && /^(content-length|transfer-encoding)$/.test(name.replaceAll('_', '-'));
    return seen.some((request) => request.fields.some(([name]) => lookalike(name)))
      ? 'a framing lookalike was forwarded'
      : null;
  },
  'get-smuggle-body': (seen) => neverAdmin(seen),
  'uri-dotdot': (seen) => neverAdmin(seen),
  'uri-enc-dotdot': (seen) => neverAdmin(seen),
  'uri-double-slash': (seen) => neverAdmin(seen),
  'xff-spoof': (seen, _, clientAddress) => {
    const told = valuesOf(seen[0], 'x-forwarded-for');
    return told === clientAddress ? null : `X-Forwarded-For is ${JSON.stringify(told)}, the client is ${clientAddress}`;
  },
  'utf8-crlf-lookalike': (seen) =>
    seen.some((request) => request.fields.some(([name]) => name === 'injected')) ? 'a field was injected' : null,
};

/** Path of the shared cases, or null where they are absent. */
export function sharedCasesFile(): string | null {
  return sharedMaterial('http1/cases.json');
}

/** @throws  Error when the file holds another number of cases than written down, or a note that nobody checks. */
export function loadSharedCases(file: string): Http1Case[] {
  const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
  if (rows.length !== SHARED_CASES)
    throw new Error(`${file} holds ${rows.length} cases, ${SHARED_CASES} are written down`);
  for (const name of Object.keys(NOTES)) {
    if (!rows.some((row) => row.name === name)) throw new Error(`the check for ${name} has no case any more`);
  }
  return rows.map((row) => {
    const check = NOTES[row.name];
    if (row.note !== undefined && check === undefined)
      throw new Error(`nobody checks the note of case ${row.name}: ${row.note}`);
    const upstreamRequests = row.upstream_requests ?? row.upstream_requests_max;
    return {
      name: row.name,
      bytes: Buffer.from(row.bytes_base64, 'base64'),
      expect: row.expect,
      ...(upstreamRequests === undefined ? {} : { upstreamRequests }),
      ...(row.first ? { first: row.first } : {}),
      ...(check ? { check } : {}),
    };
  });
}
