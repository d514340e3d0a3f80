import { byteTextOf } from '../../../src/base/byte-text.ts';
import type { Inspection, PhaseOutcome, RequestFacts, RuleMatch } from '../../../src/waf/inspection.ts';
import { reflectionOf } from '../../support/reflection.ts';
import type { Executor, Observed } from './executor.ts';
import { frontStatus } from './front-status.ts';
import { readRawRequest } from './raw-request.ts';
import type { Probe } from './stage.ts';

/** What this file asks of an inspection. */
export type InspectedPhases = Pick<
  Inspection,
  | 'requestHeaders'
  | 'wantsRequestBody'
  | 'requestBody'
  | 'responseHeaders'
  | 'wantsResponseBody'
  | 'responseBody'
  | 'logging'
  | 'matches'
>;

/** Begins the inspection of one request under a rule set that is compiled already. */
export type Inspect = (request: RequestFacts) => InspectedPhases;

/** Wall clock of every request: the same answer each time. */
const STARTED_AT_MS = Date.UTC(2026, 0, 5, 12);

/**
 * Puts requests to an engine by itself, all five phases, with the answer that the reflecting upstream would give.
 * Where the engine interrupts, the status is that of the interruption, and phase 5 still runs.
 */
export class EngineExecutor implements Executor {
  readonly name: string;
  readonly #inspect: Inspect;
  #count = 0;

  constructor(name: string, inspect: Inspect) {
    this.name = name;
    this.#inspect = inspect;
  }

  /** Everything happens before this returns. */
  async run(probe: Probe): Promise<Observed> {
    this.#count += 1;
    const request = readRawRequest(probe.bytes, {
      uniqueId: `stage-${this.#count}`,
      clientAddress: '127.64.1.1',
      clientPort: 40_000,
      serverAddress: '127.0.0.1',
      serverPort: 80,
      startedAtMs: STARTED_AT_MS,
    });
    if (request.kind === 'refused') return { status: request.status, error: null, answer: '', ids: [], lines: [] };
    const { facts, body } = request;
    const inspection = this.#inspect(facts);
    const refused = frontStatus(facts);
    const {
      status,
      fields,
      body: answer,
    } = refused === null
      ? reflectionOf(facts.method, facts.target, Buffer.from(body, 'latin1'))
      : { status: refused, fields: [], body: Buffer.alloc(0) };
    const answerFields = [...fields, ['Content-Length', String(answer.length)]].flat();
    const phases: readonly (() => PhaseOutcome)[] = [
      () => inspection.requestHeaders(),
      () => inspection.requestBody(inspection.wantsRequestBody ? body : '', false),
      () => inspection.responseHeaders(status, answerFields),
      () => inspection.responseBody(inspection.wantsResponseBody ? byteTextOf(answer) : '', false),
    ];
    let came = PASSED;
    for (const phase of phases) {
      came = phase();
      if (came.kind !== 'pass') break;
    }
    const last = inspection.logging();
    const logged = inspection.matches.filter((match) => match.logged);
    return {
      ...outcome(last.kind === 'failed' ? last : came, status),
      answer: answer.toString('latin1'),
      ids: [...new Set(logged.map((match) => match.ruleId))],
      lines: logged.map(lineOf),
    };
  }

  async close(): Promise<void> {}
}

const PASSED: PhaseOutcome = { kind: 'pass' };

function outcome(came: PhaseOutcome, status: number): Pick<Observed, 'status' | 'error'> {
  switch (came.kind) {
    case 'pass':
      return { status, error: null };
    case 'interrupt':
      if (came.interruption.kind === 'drop') return { status: null, error: 'dropped' };
      return { status: came.interruption.status, error: null };
    default:
      return { status: null, error: `the engine failed: ${came.error}` };
  }
}

/** Reads as the lines of other engines' logs do, as far as tests look at them. */
function lineOf(match: RuleMatch): string {
  const what = `Matched ${match.operator} against ${match.variable} [id "${match.ruleId}"]`;
  return `${what} [msg "${match.message}"] [data "${match.data}"]`.replaceAll(/[\r\n]/g, ' ');
}
