import type { ByteText } from '../base/byte-text.ts';
import { WRITTEN_BYTES_MAX } from '../limits.ts';
import type { Inspection, Interruption, PhaseOutcome, RequestFacts, RuleMatch } from './inspection.ts';
import { type InspectionSnapshot, restore, snapshotOf } from './inspection-snapshot.ts';
import type { PatchRules } from './patch.ts';
import { runPhase } from './phase-run.ts';
import type { CompiledRules } from './rule-set.ts';
import { entriesOf, RequestState, type WafServices } from './state.ts';

const PASSED: PhaseOutcome = Object.freeze({ kind: 'pass' });

const OVER: PhaseOutcome = Object.freeze({
  kind: 'failed',
  error: new Error(`rules wrote more than ${WRITTEN_BYTES_MAX} bytes for one request`),
});

/** One request under a compiled rule set. What goes wrong inside comes out as a `failed` outcome. Threads: one. */
export class RequestInspection implements Inspection {
  readonly #rules: CompiledRules;
  readonly #patches: PatchRules | null;
  readonly #state: RequestState;

  /**
   * @param patches   Run before the rules in each phase, over the same state; null for none.
   * @param snapshot  Of the inspection that it goes on with; null for one that begins.
   */
  constructor(
    rules: CompiledRules,
    patches: PatchRules | null,
    facts: RequestFacts,
    services: WafServices,
    snapshot: InspectionSnapshot | null = null,
  ) {
    this.#rules = rules;
    this.#patches = patches;
    this.#state = new RequestState(facts, rules.settings, services, rules.known);
    if (snapshot !== null) restore(this.#state, snapshot);
  }

  requestHeaders(): PhaseOutcome {
    return this.#run(1, () => {});
  }

  get wantsRequestBody(): boolean {
    const reads = this.#rules.readsRequestBody || this.#patches?.readsRequestBody === true;
    return reads && this.#state.requestBodyAccess && this.#isOn(2);
  }

  requestBody(body: ByteText, isPartial: boolean): PhaseOutcome {
    return this.#run(2, () => this.#state.takeBody(body, isPartial));
  }

  snapshot(): InspectionSnapshot {
    return snapshotOf(this.#state);
  }

  adoptRequestBody(body: ByteText, isPartial: boolean, snapshot: InspectionSnapshot): void {
    // What processes a body is decided before the rules of phase 2 run.
    this.#state.takeBody(body, isPartial);
    restore(this.#state, snapshot);
  }

  responseHeaders(status: number, fields: readonly ByteText[]): PhaseOutcome {
    return this.#run(3, () => {
      this.#state.responseStatus = status;
      this.#state.responseHeaders = entriesOf(fields);
    });
  }

  get wantsResponseBody(): boolean {
    const state = this.#state;
    const reads = this.#rules.readsResponseBody || this.#patches?.readsResponseBody === true;
    if (!reads || !state.responseBodyAccess || !this.#isOn(4)) return false;
    const { responseTypes } = state.settings;
    // Two types, in one field or two: readers take either.
    return state.responseHeaders.some(
      ({ name, value }) =>
        name.toLowerCase() === 'content-type' && value.split(',').some((type) => responseTypes.has(mediaType(type))),
    );
  }

  responseBody(body: ByteText, isPartial: boolean): PhaseOutcome {
    return this.#run(4, () => {
      this.#state.responseBody = body;
      this.#state.isResponsePartial = isPartial;
    });
  }

  logging(): PhaseOutcome {
    return this.#run(5, () => {});
  }

  get matches(): readonly RuleMatch[] {
    return this.#state.matches;
  }

  get interruption(): Interruption | null {
    return this.#state.interruption;
  }

  score(name: string): ByteText {
    return this.#state.tx.find(name.toLowerCase())?.value ?? '';
  }

  get wantsAudit(): boolean {
    const { audit, settings, matches, responseStatus } = this.#state;
    if (audit !== 'relevant') return audit === 'on';
    if (matches.some(({ audited }) => audited)) return true;
    return settings.auditStatus?.(String(responseStatus)) ?? false;
  }

  get auditParts(): string {
    return this.#state.auditParts;
  }

  /** Rules of a phase may still run: neither switched off nor passed over by `allow`. */
  #isOn(phase: number): boolean {
    return this.#state.mode !== 'off' && phase > this.#state.allowedUpTo;
  }

  /** @param prepare  Makes known what the phase looks at. */
  #run(phase: 1 | 2 | 3 | 4 | 5, prepare: () => void): PhaseOutcome {
    try {
      prepare();
      this.#state.gate?.forget();
      const state = this.#state;
      const patched = this.#patches === null ? null : runPhase(this.#patches.phases[phase], state, phase, null);
      const interruption = patched ?? runPhase(this.#rules.phases[phase], state, phase, state.gate);
      if (interruption !== null) return { kind: 'interrupt', interruption };
      const { tx, env } = state;
      return tx.isOver || env.isOver ? OVER : PASSED;
    } catch (error) {
      return { kind: 'failed', error };
    }
  }
}

/** Lower case, without parameters. */
function mediaType(text: ByteText): string {
  const end = text.indexOf(';');
  return (end === -1 ? text : text.slice(0, end)).trim().toLowerCase();
}
