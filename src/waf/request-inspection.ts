import type { ByteText } from '../base/byte-text.ts';
import type { Inspection, Interruption, PhaseOutcome, RequestFacts, RuleMatch } from './inspection.ts';
import { runPhase } from './phase-run.ts';
import type { CompiledRules } from './rule-set.ts';
import { entriesOf, RequestState, type WafServices } from './state.ts';
import { responseHeader } from './variables/response.ts';

const PASSED: PhaseOutcome = Object.freeze({ kind: 'pass' });

/** One request under a compiled rule set. What goes wrong inside comes out as a `failed` outcome. Threads: one. */
export class RequestInspection implements Inspection {
  readonly #rules: CompiledRules;
  readonly #state: RequestState;

  constructor(rules: CompiledRules, facts: RequestFacts, services: WafServices) {
    this.#rules = rules;
    this.#state = new RequestState(facts, rules.settings, services, rules.scanner, rules.tx);
  }

  requestHeaders(): PhaseOutcome {
    return this.#run(1, () => {});
  }

  get wantsRequestBody(): boolean {
    return this.#state.requestBodyAccess && this.#rules.readsRequestBody && this.#isOn(2);
  }

  requestBody(body: ByteText, isPartial: boolean): PhaseOutcome {
    const state = this.#state;
    return this.#run(2, () => {
      if (!state.requestBodyAccess) return;
      state.body = body;
      state.isBodyPartial = isPartial;
      const { processor } = state;
      if (body === '' || processor === '') return;
      const type = state.header('content-type') ?? '';
      state.parsed = state.services.parseBody(processor, type, body, state.settings.bodyCaps);
    });
  }

  responseHeaders(status: number, fields: readonly ByteText[]): PhaseOutcome {
    return this.#run(3, () => {
      this.#state.responseStatus = status;
      this.#state.responseHeaders = entriesOf(fields);
    });
  }

  get wantsResponseBody(): boolean {
    const state = this.#state;
    if (!state.responseBodyAccess || !this.#rules.readsResponseBody || !this.#isOn(4)) return false;
    const type = responseHeader(state, 'content-type').split(';')[0]?.trim().toLowerCase() ?? '';
    return state.settings.responseTypes.has(type);
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
      const interruption = runPhase(this.#rules.phases[phase], this.#state, phase);
      return interruption === null ? PASSED : { kind: 'interrupt', interruption };
    } catch (error) {
      return { kind: 'failed', error };
    }
  }
}
