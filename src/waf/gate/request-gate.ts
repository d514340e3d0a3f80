// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import type { Entry } from '../entry.ts';
import type { RequestState } from '../state.ts';
import type { Step } from '../steps.ts';
import type { InspectedValue } from '../value.ts';
import type { RuleNumbers, TargetRules } from './candidates.ts';
import type { Gate, Seen } from './gate.ts';
import { addRule, type Phase, type RulePlan } from './rule-plan.ts';
import type { SharedTarget } from './shared-targets.ts';
import { Sum } from './sum.ts';

/** The values of one target, in the order in which rules look at them. */
export interface TargetValues {
  /** Names of members; null for a variable without any. */
  readonly names: readonly ByteText[] | null;
  readonly values: readonly InspectedValue[];
}

/** One request's way past the gates of a rule set: which rules its values may make hold. Threads: one. */
export class RequestGate {
  readonly #plan: RulePlan;
  /** For one value at a time. */
  readonly #one: Sum;
  /** Targets of the head, for all phases. */
  readonly #heads: (TargetValues | undefined)[] = [];
  #targets: (TargetValues | undefined)[] = [];
  /** Rules that may hold, of those whose targets were read. */
  readonly #candidates: Int32Array;
  #knowsHead = false;
  /** The phase of which all targets were read; 0 as long as something is to be read. */
  #knownPhase = 0;

  constructor(plan: RulePlan) {
    this.#plan = plan;
    this.#one = new Sum(plan.scanner.none);
    this.#candidates = plan.always();
  }

  /** What targets hold is no longer what it was: a phase begins, or a rule changed how the body is read. */
  forget(): void {
    this.#targets = [];
    this.#knownPhase = 0;
  }

  /**
   * @param from  Place in the phase.
   * @returns  Place of the first rule from there on that may hold; how many rules the phase has where none may.
   */
  nextRule(phase: Phase, from: number, state: RequestState): number {
    if (this.#knownPhase !== phase) this.#gather(phase, state);
    return this.#plan.next(this.#candidates, phase, from);
  }

  /** Number of the rule at a place of its phase. */
  numberOf(phase: Phase, place: number): number {
    return this.#plan.numberOf(phase, place);
  }

  /** Can a value of the target make the rule hold? @param rule  Number of one whose first link looks at the target. */
  isCandidate(rule: number, target: SharedTarget, value: InspectedValue): boolean {
    const rules = this.#plan.rulesOf(target);
    return rules === undefined || rules.candidates(value).includes(rule);
  }

  /** False where the operator cannot hold for one value behind one step. */
  mayHoldBehind(gate: Gate, value: InspectedValue, step: Step): boolean {
    const { scanner } = this.#plan;
    scanner.look(value);
    if ((value.groups & step.changedByAll) === 0) return gate.mayHold(value as Seen);
    this.#one.clear();
    scanner.behind(value, step, this.#one);
    return gate.mayHold(this.#one);
  }

  /** The same for one value behind any step on the way to this one. */
  mayHoldAlong(gate: Gate, value: InspectedValue, last: Step): boolean {
    const { scanner } = this.#plan;
    scanner.look(value);
    this.#one.clear();
    scanner.along(value, last, this.#one);
    return gate.mayHold(this.#one);
  }

  /** The values of a target. */
  valuesOf(target: SharedTarget, state: RequestState): TargetValues {
    return (target.isHead ? this.#heads : this.#targets)[target.index] ?? this.#readOnce(target, state);
  }

  #gather(phase: Phase, state: RequestState): void {
    const plan = this.#plan;
    if (!this.#knowsHead) this.#addAll(plan.heads, state);
    this.#knowsHead = true;
    this.#addAll(plan.others[phase], state);
    this.#knownPhase = phase;
  }

  #addAll(targets: readonly TargetRules[], state: RequestState): void {
    for (let t = 0; t < targets.length; t += 1) {
      const rules = targets[t] as TargetRules;
      const { values } = this.valuesOf(rules.target, state);
      for (let i = 0; i < values.length; i += 1) {
        this.#add(rules.candidates(values[i] as InspectedValue));
      }
    }
  }

  #add(rules: RuleNumbers): void {
    for (let i = 0; i < rules.length; i += 1) addRule(this.#candidates, rules[i] as number);
  }

  /** Where nothing of a target is excluded, it is what the whole is. */
  #readOnce(target: SharedTarget, state: RequestState): TargetValues {
    const { whole } = target;
    const all = whole === null ? null : this.valuesOf(whole.target, state);
    const isWhole = whole !== null && all !== null && !anyIs(whole.excludes, all.names ?? []);
    const values = isWhole ? (all as TargetValues) : read(target, state);
    (target.isHead ? this.#heads : this.#targets)[target.index] = values;
    return values;
  }
}

function read({ target }: SharedTarget, state: RequestState): TargetValues {
  if (target.kind === 'scalar') return { names: null, values: [state.value(target.read(state))] };
  const entries = target.entries(state);
  if (target.kind === 'count') return { names: null, values: [state.value(String(entries.length))] };
  const names: ByteText[] = [];
  const values: InspectedValue[] = [];
  for (let i = 0; i < entries.length; i += 1) {
    const entry = entries[i] as Entry;
    names.push(entry.name);
    values.push(state.valueOf(entry));
  }
  return { names, values };
}

function anyIs(test: (name: ByteText) => boolean, names: readonly ByteText[]): boolean {
  for (let i = 0; i < names.length; i += 1) if (test(names[i] as ByteText)) return true;
  return false;
}
