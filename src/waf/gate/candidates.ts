// hot path: synchronous, never throws
import type { CompiledLink } from '../rule.ts';
import { formOf, type Step } from '../steps.ts';
import type { InspectedValue } from '../value.ts';
import type { Seen } from './gate.ts';
import type { ValueScanner } from './scan.ts';
import type { SharedTarget } from './shared-targets.ts';
import { type BoundLink, StepRules } from './step-rules.ts';
import { Sum } from './sum.ts';

/** Rules by their numbers in a plan. Never changed. */
export type RuleNumbers = readonly number[];

/** Which rules a value may make hold, noted on the value. */
export interface KnownCandidates {
  /** Of the rules that look at one target. */
  readonly of: TargetRules;
  rules: RuleNumbers;
  /** How often it was asked for. */
  uses: number;
  readonly next: KnownCandidates | null;
}

const NONE: RuleNumbers = Object.freeze([]);
/** Targets of a plan for which a bit of the value says that no rule is left. */
const CLEAR_BITS = 31;
/** Kinds of values without hits, by the groups of bytes that they hold, of which it is known what rules say. */
const KINDS_MAX = 512;
/** Of values that are kept: how often it is asked anew what their rules said of them. */
const REFINED_MAX = 64;

/** What is the same for all values without hits that hold the same groups of bytes. */
interface Kind {
  readonly rules: RuleNumbers;
  /** Steps that may change such a value. */
  readonly changed: readonly StepRules[];
}

/**
 * The rules of a rule set whose first links look at one target: says of a value which of them it may make hold. Most
 * values of honest requests none, and that takes one look.
 *
 * Threads: one instance each.
 */
export class TargetRules {
  readonly target: SharedTarget;
  readonly #steps: readonly StepRules[];
  readonly #links: ReadonlyMap<number, CompiledLink>;
  readonly #kinds = new Map<number, Kind>();
  readonly #one: Sum;
  readonly #scanner: ValueScanner;
  readonly #plan: object;
  readonly #clearBit: number;
  readonly #clearMoreBit: number;

  /**
   * @param plan   What these rules are part of.
   * @param place  Of the target in the plan.
   * @param links  First links of the rules, with the rules' numbers.
   * @param scanner  Of the rule set.
   */
  constructor(plan: object, place: number, target: SharedTarget, links: readonly BoundLink[], scanner: ValueScanner) {
    this.target = target;
    this.#plan = plan;
    this.#clearBit = place < CLEAR_BITS ? 1 << place : 0;
    this.#clearMoreBit = place >= CLEAR_BITS && place < 2 * CLEAR_BITS ? 1 << (place - CLEAR_BITS) : 0;
    this.#links = new Map(links.map(({ rule, link }) => [rule, link]));
    const steps = new Map<string, BoundLink[]>();
    for (const bound of links) {
      const key = `${bound.link.step.index} ${bound.link.forms !== null}`;
      const same = steps.get(key);
      if (same === undefined) steps.set(key, [bound]);
      else same.push(bound);
    }
    this.#steps = [...steps.values()].map((same) => new StepRules(same));
    this.#one = new Sum(scanner.none);
    this.#scanner = scanner;
  }

  /** Rules of this target that the value may make hold. No other can hold by it. */
  candidates(value: InspectedValue): RuleNumbers {
    const isClear = (value.clear & this.#clearBit) | (value.clearMore & this.#clearMoreBit);
    if (isClear !== 0 && value.clearOf === this.#plan) return NONE;
    for (let known = value.candidates; known !== null; known = known.next) {
      if (known.of === this) return this.#known(value, known);
    }
    const rules = this.#find(value);
    if (rules === NONE) this.#clear(value);
    else value.candidates = { of: this, rules, uses: 1, next: value.candidates };
    return rules;
  }

  #clear(value: InspectedValue): void {
    if (value.clearOf !== this.#plan) {
      value.clearOf = this.#plan;
      value.clear = 0;
      value.clearMore = 0;
    }
    value.clear |= this.#clearBit;
    value.clearMore |= this.#clearMoreBit;
  }

  /** Operators say the same of a value whenever they are asked. */
  #known(value: InspectedValue, known: KnownCandidates): RuleNumbers {
    if (!value.isKept || known.uses >= REFINED_MAX) return known.rules;
    known.uses += 1;
    if ((known.uses & (known.uses - 1)) === 0) {
      const left = known.rules.filter((rule) => !isKnownToMiss(this.#links.get(rule) as CompiledLink, value));
      known.rules = left.length === 0 ? NONE : left;
      if (known.rules === NONE) this.#clear(value);
    }
    return known.rules;
  }

  #find(value: InspectedValue): RuleNumbers {
    const scanner = this.#scanner;
    scanner.look(value);
    const isPlain = value.hits === scanner.none;
    const kind = isPlain ? this.#kindOf(value.groups, value) : null;
    const steps = kind?.changed ?? this.#steps;
    if (kind !== null && steps.length === 0) return kind.rules;
    const rules: number[] = kind === null ? [] : [...kind.rules];
    for (let i = 0; i < steps.length; i += 1) {
      const step = steps[i] as StepRules;
      step.addPassing(this.#seenBehind(step, value), rules);
    }
    return rules.length === 0 ? NONE : rules;
  }

  #seenBehind({ step, isWay }: StepRules, value: InspectedValue): Seen {
    if ((value.groups & step.changedByAll) === 0) return value as Seen;
    this.#one.clear();
    if (isWay) this.#scanner.along(value, step, this.#one);
    else this.#scanner.behind(value, step, this.#one);
    return this.#one;
  }

  /** @param value  One of that kind, without hits. */
  #kindOf(groups: number, value: InspectedValue): Kind {
    const known = this.#kinds.get(groups);
    if (known !== undefined) return known;
    const rules: number[] = [];
    const changed: StepRules[] = [];
    for (const step of this.#steps) {
      if ((groups & step.step.changedByAll) !== 0) changed.push(step);
      else step.addPassing(value as Seen, rules);
    }
    const kind = { rules: rules.length === 0 ? NONE : rules, changed };
    if (this.#kinds.size >= KINDS_MAX) this.#kinds.clear();
    this.#kinds.set(groups, kind);
    return kind;
  }
}

/** Is it noted that the link does not hold for the value? */
function isKnownToMiss({ number, negated, forms, step }: CompiledLink, value: InspectedValue): boolean {
  if (number < 0) return false;
  if (forms === null) return misses(number, negated, formOf(value, step));
  return forms.every((form: Step) => misses(number, negated, formOf(value, form)));
}

function misses(number: number, negated: boolean, { results }: InspectedValue): boolean {
  if (results === null) return false;
  return negated ? results.groupsOf(number) !== undefined : results.hasMissed(number);
}
