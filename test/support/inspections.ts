import type { RuleEngine } from '../../src/waf/engine.ts';
import type { Inspection, PhaseOutcome, RequestFacts } from '../../src/waf/inspection.ts';
import { engineOf } from './rule-sets.ts';

/** One request and its answer; what is left out is that of a plain GET. */
export interface Asked extends Partial<RequestFacts> {
  readonly body?: string;
  readonly isBodyPartial?: boolean;
  readonly status?: number;
  readonly answerFields?: readonly string[];
  readonly answer?: string;
  readonly isAnswerPartial?: boolean;
}

export const FACTS: RequestFacts = Object.freeze({
  uniqueId: 'request-1',
  clientAddress: '192.0.2.7',
  clientPort: 40_001,
  serverAddress: '198.51.100.1',
  serverPort: 443,
  method: 'GET',
  target: '/',
  protocol: 'HTTP/1.1',
  fields: ['Host', 'shop.example'],
  startedAtMs: Date.UTC(2026, 0, 5, 12),
});

/** What an engine made of a request: phases 1 to 4 until one does not pass, then phase 5. */
export interface Told {
  readonly inspection: Inspection;
  /** One for each phase that ran. */
  readonly outcomes: readonly PhaseOutcome[];
  /** `id` or `id message` of each match, in order. */
  readonly lines: readonly string[];
}

export function ask(engine: RuleEngine, asked: Asked = {}): Told {
  const inspection = engine.begin({ ...FACTS, ...asked });
  const phases: readonly (() => PhaseOutcome)[] = [
    () => inspection.requestHeaders(),
    () => inspection.requestBody(asked.body ?? '', asked.isBodyPartial ?? false),
    () => inspection.responseHeaders(asked.status ?? 200, asked.answerFields ?? ['Content-Type', 'text/plain']),
    () => inspection.responseBody(asked.answer ?? '', asked.isAnswerPartial ?? false),
  ];
  const outcomes: PhaseOutcome[] = [];
  for (const phase of phases) {
    const outcome = phase();
    outcomes.push(outcome);
    if (outcome.kind !== 'pass') break;
  }
  outcomes.push(inspection.logging());
  const lines = inspection.matches.map(({ ruleId, message }) => `${ruleId} ${message}`.trimEnd());
  return { inspection, outcomes, lines };
}

/** Matches of a request under rules, `id message`. @throws  Where the engine failed. */
export function linesOf(rules: string, asked: Asked = {}): readonly string[] {
  const { outcomes, lines } = ask(engineOf(rules), asked);
  for (const outcome of outcomes) if (outcome.kind === 'failed') throw outcome.error;
  return lines;
}

/** Fields and body of a form. */
export const form = (body: string): Asked => ({
  method: 'POST',
  fields: ['Host', 'shop.example', 'Content-Type', 'application/x-www-form-urlencoded'],
  body,
});

/** A part of multipart/form-data for each: its header lines, and its content. */
export const multipart = (...parts: readonly (readonly [string, string])[]): Asked => ({
  method: 'POST',
  fields: ['Host', 'shop.example', 'Content-Type', 'multipart/form-data; boundary=frame'],
  body: `${parts.map(([head, content]) => `--frame\r\n${head}\r\n\r\n${content}\r\n`).join('')}--frame--\r\n`,
});
