import type { CompiledRule } from './rule.ts';
import type { EngineSettings, RuleKnowledge } from './state.ts';

/** A rule set as one route runs it. Immutable. */
export interface CompiledRules {
  readonly settings: EngineSettings;
  /** Null where every rule is tried on every value. */
  readonly known: RuleKnowledge | null;
  /** Rules by phase, in order. */
  readonly phases: Readonly<Record<1 | 2 | 3 | 4 | 5, readonly CompiledRule[]>>;
  /** Some rule looks at the body of requests, at that of answers: otherwise bodies pass untouched. */
  readonly readsRequestBody: boolean;
  readonly readsResponseBody: boolean;
}
