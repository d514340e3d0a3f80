// hot path: synchronous, never throws
import { performance } from 'node:perf_hooks';
import { ERRORS } from '../errors.ts';
import type { ProblemAnswer } from '../message/problem.ts';
import type { Transaction, TransactionOwner } from '../transaction.ts';
import { PASS, type Refusal, refuse } from '../verdict.ts';
import type { PhaseContext } from './context.ts';
import { PHASES, type Phase, type PhaseRow } from './phases.ts';
import { secureFields } from './response.ts';

const NO_FIELDS = Buffer.alloc(0);

export interface PipelineOptions {
  readonly problems: (refusal: Refusal, requestId: string) => ProblemAnswer;
}

/**
 * The phase list, compiled for one configuration. A transaction keeps the pipeline it started with, so a reload never
 * changes the rules under a request.
 *
 * Threads: one instance per thread and generation.
 */
export class Pipeline implements TransactionOwner {
  readonly #phases: readonly Phase[];
  readonly #last: readonly Phase[];
  readonly #refusals: readonly Phase[];
  readonly #context: PhaseContext;
  readonly #problems: PipelineOptions['problems'];
  readonly #secureFields: Buffer | null;

  constructor(context: PhaseContext, options: PipelineOptions) {
    this.#context = context;
    this.#problems = options.problems;
    this.#secureFields = secureFields(context.config);
    const built = PHASES.map((row) => ({ row, phase: row.compile(context) }));
    const on = built.filter((one): one is { row: PhaseRow; phase: Phase } => one.phase !== null);
    const phasesOf = (which: (row: PhaseRow) => boolean) =>
      on.filter(({ row }) => which(row)).map(({ phase }) => phase);
    this.#phases = phasesOf(({ always }) => always !== true);
    this.#last = phasesOf(({ always }) => always === true);
    this.#refusals = phasesOf(({ refusals }) => refusals === true);
  }

  /** A request is here: counted until `finish`. */
  begin(): void {
    this.#context.load.requests += 1;
    this.#context.metrics.inFlight(1);
  }

  /** Runs a new transaction until it is refused or waits. */
  run(tx: Transaction, nowMs: number): void {
    try {
      this.#walk(tx, nowMs, 0);
    } catch (error) {
      this.failed(tx, error);
    }
  }

  resume(tx: Transaction, nowMs: number): boolean {
    return this.#walk(tx, nowMs, tx.phase + 1);
  }

  refuse(tx: Transaction, refusal: Refusal): void {
    if (tx.finished) return;
    // An answer that is looked at is not given any more.
    tx.inspection?.refused(tx);
    const { downstream } = tx;
    const status = refusal.status ?? ERRORS[refusal.code].status;
    tx.code = refusal.code;
    if (refusal.detail !== undefined && tx.reason === '') tx.reason = refusal.detail;
    if (downstream.gone || downstream.begun || status === 0) {
      if (downstream.begun && tx.status === 0) tx.status = status;
      downstream.cut();
      this.finish(tx);
      return;
    }
    tx.status = status;
    // Not after an error, which may be theirs.
    if (refusal.code !== 'SP_INTERNAL') {
      const nowMs = this.#nowMs(tx);
      for (const phase of this.#refusals) phase(tx, nowMs);
    }
    const problem = this.#problems(refusal, tx.requestId);
    const secured = tx.secure && this.#secureFields !== null;
    const added = tx.answerText + tx.cookieText;
    const more = added === '' ? NO_FIELDS : Buffer.from(added, 'latin1');
    const head =
      secured || more.length > 0
        ? Buffer.concat([problem.head, secured ? (this.#secureFields ?? NO_FIELDS) : NO_FIELDS, more])
        : problem.head;
    if (tx.method === 'HEAD') downstream.respondEmpty(problem.status, head, problem.body.length);
    else downstream.respond(problem.status, head, problem.body);
  }

  finish(tx: Transaction): void {
    if (tx.finished) return;
    tx.finished = true;
    this.#context.load.requests -= 1;
    this.#context.metrics.inFlight(-1);
    const nowMs = this.#nowMs(tx);
    for (const phase of this.#last) phase(tx, nowMs);
  }

  failed(tx: Transaction, error: unknown): void {
    const { log, metrics } = this.#context;
    metrics.handlerErrors();
    log.error({ err: error, requestId: tx.requestId, method: tx.method, path: tx.path }, 'error in a request handler');
    try {
      tx.downstream.abandon();
    } catch (second) {
      log.error({ err: second, requestId: tx.requestId }, 'error while letting go of a failed request');
    }
    this.refuse(tx, refuse('SP_INTERNAL'));
  }

  /** One reading of the cheaper clock gives both the time of day and an exact duration. */
  #nowMs(tx: Transaction): number {
    return tx.startedAtMs + (performance.now() - tx.startedAt);
  }

  /** @returns true when every phase from `from` on passed. */
  #walk(tx: Transaction, nowMs: number, from: number): boolean {
    const phases = this.#phases;
    for (let i = from; i < phases.length; i += 1) {
      tx.phase = i;
      const verdict = (phases[i] as Phase)(tx, nowMs);
      if (verdict === PASS) continue;
      if (verdict.kind === 'refuse') this.refuse(tx, verdict);
      return false;
    }
    return true;
  }
}
