import type { ByteText } from '../base/byte-text.ts';
import type { Gate } from './gate/gate.ts';
import type { LinkTargets } from './gate/shared-targets.ts';
import type { OperatorTest } from './operator.ts';
import type { Place } from './seclang/syntax.ts';
import type { RequestState } from './state.ts';
import type { Step } from './steps.ts';
import type { Target } from './target.ts';
import type { Template } from './template.ts';

/** What an action does when a value holds. Never throws. */
export type RunAction = (state: RequestState) => void;

/** What a rule does with the request, once it holds as a whole. */
export type Disruption =
  | { readonly kind: 'deny' | 'drop' }
  | { readonly kind: 'redirect'; readonly url: Template }
  /** The rest of this phase, of the request's phases, or of all phases but logging. */
  | { readonly kind: 'allow'; readonly scope: 'phase' | 'request' | 'all' };

/** One rule of a chain, ready to run. Immutable. */
export interface CompiledLink {
  /** Empty for a SecAction, which always holds. */
  readonly targets: readonly Target[];
  readonly test: LinkTest | null;
  readonly negated: boolean;
  /** Of the operator and whether it captures, in its rule set; -1 for one whose parameter has macros. */
  readonly number: number;
  /** Says of which values it cannot hold; null where that is not known. */
  readonly gate: Gate | null;
  /** Its targets as all rules of the set read them; null where rules may change what they hold. */
  readonly shared: LinkTargets | null;
  /** The last transformation. With multiMatch, the value as it is and after each step, in `forms`. */
  readonly step: Step;
  readonly forms: readonly Step[] | null;
  readonly captures: boolean;
  /** Run for each value that holds, in order. */
  readonly runs: readonly RunAction[];
  /** As written, for people: `@rx ^a`. */
  readonly operator: ByteText;
}

/** The operator for this request: its parameter may hold macros. Throws where their expansion means nothing to it. */
export type LinkTest = (state: RequestState) => OperatorTest;

/** What a rule does for clients that it does not act for. Immutable. */
export interface RuleOnTrial {
  /** Of clients, 0 to 100: it acts for those whose share is below. */
  readonly percent: number;
  /** For the others: the same rule, which is told and whose traces are taken back. */
  readonly rule: CompiledRule;
  /** It writes TX. */
  readonly writes: boolean;
}

/** A rule with its chain. Immutable. */
export interface CompiledRule {
  readonly id: number;
  readonly phase: number;
  readonly place: Place;
  readonly links: readonly CompiledLink[];
  readonly disruption: Disruption | null;
  /** 403 where it names none. */
  readonly status: number;
  readonly message: Template | null;
  readonly data: Template | null;
  readonly tags: readonly ByteText[];
  readonly severity: number;
  readonly version: ByteText;
  readonly revision: ByteText;
  /** Adds to a variable of TX whose name speaks of a score. */
  readonly scores: boolean;
  readonly logged: boolean;
  readonly audited: boolean;
  /** It acts for some clients only: see src/waf/trials.ts. Null where it acts for all. */
  readonly trial: RuleOnTrial | null;
  /** Rules of its phase that are passed over when it holds: 0 for none, Infinity for the rest of them. */
  readonly skips: number;
}
