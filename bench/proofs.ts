import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { ask } from './ask.ts';
import type { Case } from './cases.ts';
import type { Credentials } from './credentials.ts';
import type { Duty } from './duties.ts';
import type { Contender } from './field.ts';
import type { LoadProcess } from './load.ts';
import type { LoadJob } from './load-wire.ts';
import { type Probe, probesOf } from './probes.ts';
import { FIELDS_PATH } from './upstream.ts';

/** Something that shows that a duty was done in this very run, and what was found. */
export interface Proof {
  readonly peer: string;
  readonly duty: Duty;
  readonly what: string;
  readonly wanted: string;
  readonly found: string;
  readonly holds: boolean;
}

/** What speaks against a proxy's figures. */
export function proofProblems(proofs: readonly Proof[]): readonly string[] {
  return proofs
    .filter(({ holds }) => !holds)
    .map(({ duty, what, wanted, found }) => `${duty} is not proved: ${what}: ${found}, not ${wanted}`);
}

/** Asks a proxy, before it is measured, for what it must refuse. */
export async function proveRefusals(
  one: Case,
  contender: Contender,
  credentials: Credentials,
): Promise<readonly Proof[]> {
  const proofs: Proof[] = [];
  for (const probe of probesOf(one, contender.duties, credentials)) proofs.push(await proofOf(one, contender, probe));
  if (contender.duties.includes('forwarded')) proofs.push(await proveFields(one, contender, credentials));
  return proofs;
}

async function proofOf(one: Case, { name, server }: Contender, probe: Probe): Promise<Proof> {
  const { duty, what, wanted, request } = probe;
  const { status } = await ask(server.port, one.tls, request);
  return { peer: name, duty, what, wanted: String(wanted), found: String(status), holds: status === wanted };
}

/** The upstream says what it was told. */
async function proveFields(one: Case, contender: Contender, credentials: Credentials): Promise<Proof> {
  const { headers } = one.auth === 'none' ? { headers: {} } : credentialOf(one, credentials);
  const request = {
    method: 'GET' as const,
    path: FIELDS_PATH,
    headers: { 'User-Agent': 'bench', Accept: '*/*', ...headers },
  };
  const { body } = await ask(contender.server.port, one.tls, request);
  const common = { peer: contender.name, duty: 'forwarded' as const, what: 'fields at the upstream' };
  const wanted = `a request id, 127.0.0.1, ${one.tls ? 'https' : 'http'}`;
  return { ...common, wanted, found: body, holds: /^\S+ 127\.0\.0\.1 https?$/.test(body) };
}

function credentialOf(one: Case, credentials: Credentials) {
  const field = one.auth === 'api-key' ? 'x-api-key' : 'Authorization';
  const text = one.auth === 'api-key' ? credentials.apiKeys[0] : `Bearer ${credentials.tokens[0]}`;
  return { headers: { [field]: text ?? '' } };
}

/**
 * What can be seen only when all requests have come: that the limiter counted them, and refuses more; a line each in
 * the access log; a count in the metrics.
 *
 * @param overshoot  More requests than the limiter lets through.
 */
export async function proveCounts(
  contender: Contender,
  load: LoadProcess,
  overshoot: LoadJob,
): Promise<readonly Proof[]> {
  const { name, peer, server, duties, adminPort, answered } = contender;
  const proofs: Proof[] = [];
  const atLeast = (duty: Duty, what: string, found: number, least: number) =>
    proofs.push({ peer: name, duty, what, wanted: `${least} or more`, found: String(found), holds: found >= least });
  if (duties.includes('access-log')) {
    atLeast('access-log', 'lines', await countMarks(join(server.folder, peer.log.file), peer.log.mark), answered);
  }
  if (duties.includes('metrics')) {
    const { body } = await ask(adminPort, false, { method: 'GET', path: '/metrics', headers: {} });
    atLeast('metrics', 'requests counted', sumOf(body, 'sallyport_requests_total'), answered);
  }
  if (duties.includes('limiter')) {
    const { limited } = await load.run(overshoot);
    atLeast('limiter', 'answers 429 once the limit is reached', limited, 1);
  }
  return proofs;
}

/** Lines of a file that hold a mark. */
export async function countMarks(path: string, mark: string): Promise<number> {
  let count = 0;
  let rest = '';
  for await (const piece of createReadStream(path, { encoding: 'latin1', highWaterMark: 1_048_576 })) {
    const lines = (rest + String(piece)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.includes(mark)) count += 1;
  }
  return count;
}

/** @param text  Metrics in Prometheus' text format. @returns  Sum over all series of a name. */
export function sumOf(text: string, name: string): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
