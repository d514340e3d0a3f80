// hot path: synchronous, never throws
import type { CompiledLink, CompiledRule } from '../rule.ts';
import { TargetRules } from './candidates.ts';
import type { ValueScanner } from './scan.ts';
import type { SharedTarget } from './shared-targets.ts';
import type { BoundLink } from './step-rules.ts';

/** Rules to a number of a set of them. */
const BITS = 32;

export type Phase = 1 | 2 | 3 | 4 | 5;
const PHASES: readonly Phase[] = [1, 2, 3, 4, 5];

/**
 * Where rules of all phases look first, turned round: from targets to rules. Rules are numbered over all phases.
 *
 * Threads: one instance each.
 */
export class RulePlan {
  readonly scanner: ValueScanner;
  /** Targets of the head of the request, for all phases at once. */
  readonly heads: readonly TargetRules[];
  /** The others, by phase. */
  readonly others: Readonly<Record<Phase, readonly TargetRules[]>>;
  /** Phase -> number of its first rule; behind the last phase, how many rules there are. */
  readonly #firsts: readonly number[];
  /** Rules that must be tried whatever values hold. */
  readonly #always: Int32Array;
  readonly #byTarget: readonly (TargetRules | undefined)[];

  /** @param phases  Rules by phase, in order; their gates are open. */
  constructor(phases: Readonly<Record<Phase, readonly CompiledRule[]>>, scanner: ValueScanner) {
    this.scanner = scanner;
    const firsts = [0, 0];
    const always: number[] = [];
    const bound = new Map<SharedTarget, BoundTarget>();
    let count = 0;
    for (const phase of PHASES) {
      for (const { links } of phases[phase]) {
        const link = links[0] as CompiledLink;
        if (link.test === null || link.shared === null) always.push(count);
        else
          for (const target of new Set(link.shared.all.map(wholeOf))) bind(bound, target, phase, { rule: count, link });
        count += 1;
      }
      firsts.push(count);
    }
    this.#firsts = firsts;
    this.#always = new Int32Array(Math.ceil(count / BITS));
    for (const rule of always) addRule(this.#always, rule);
    const all = [...bound].map(([target, { links, phases: of }], place) => ({
      rules: new TargetRules(this, place, target, links, scanner),
      of,
    }));
    this.heads = all.filter(({ rules }) => rules.target.isHead).map(({ rules }) => rules);
    const others = (phase: Phase) =>
      all.filter(({ rules, of }) => !rules.target.isHead && of.has(phase)).map(({ rules }) => rules);
    this.others = { 1: others(1), 2: others(2), 3: others(3), 4: others(4), 5: others(5) };
    const byTarget: TargetRules[] = [];
    for (const { rules } of all) byTarget[rules.target.index] = rules;
    this.#byTarget = byTarget;
  }

  /** Rules whose first links look at the target. */
  rulesOf(target: SharedTarget): TargetRules | undefined {
    return this.#byTarget[wholeOf(target).index];
  }

  /** A set of the rules that must be tried whatever values hold. */
  always(): Int32Array {
    return this.#always.slice();
  }

  /** Number of the rule at a place of its phase. */
  numberOf(phase: Phase, place: number): number {
    return (this.#firsts[phase] as number) + place;
  }

  /**
   * @param rules  A set of them.
   * @param from   Place in the phase.
   * @returns  Place in the phase of the first one from there on; how many rules the phase has where there is none.
   */
  next(rules: Int32Array, phase: Phase, from: number): number {
    const first = this.#firsts[phase] as number;
    const end = this.#firsts[phase + 1] as number;
    let rule = first + from;
    while (rule < end) {
      const left = (rules[rule >>> 5] as number) >>> (rule & (BITS - 1));
      if (left !== 0) return Math.min(end, rule + lowestBit(left)) - first;
      rule = (rule | (BITS - 1)) + 1;
    }
    return end - first;
  }
}

interface BoundTarget {
  readonly links: BoundLink[];
  /** Of the rules. */
  readonly phases: Set<Phase>;
}

function bind(bound: Map<SharedTarget, BoundTarget>, target: SharedTarget, phase: Phase, link: BoundLink): void {
  const of = bound.get(target) ?? { links: [], phases: new Set() };
  of.links.push(link);
  of.phases.add(phase);
  bound.set(target, of);
}

/** What a rule excludes is a candidate with the rest, and left out when the rule is tried. */
const wholeOf = (target: SharedTarget): SharedTarget => target.whole?.target ?? target;

/** @param rules  A set of numbers of rules. */
export function addRule(rules: Int32Array, rule: number): void {
  rules[rule >>> 5] = (rules[rule >>> 5] as number) | (1 << (rule & (BITS - 1)));
}

/** @param bits  Not 0. */
const lowestBit = (bits: number): number => BITS - 1 - Math.clz32(bits & -bits);
