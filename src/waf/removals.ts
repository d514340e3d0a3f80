// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { CompiledRule } from './rule.ts';
import type { IdRange } from './seclang/syntax.ts';

/** Which rules a `ctl` is about. */
export type RuleSelector = (rule: CompiledRule) => boolean;

/** Names a variable, or members of one. */
export interface TargetSelector {
  /** `ARGS`. */
  readonly variable: string;
  /** Null: the whole variable. */
  readonly names: ((name: ByteText) => boolean) | null;
}

/** What `ctl:ruleRemove...` took out of one request. */
export class Removals {
  /** Each once: a rule runs its `ctl` for each value that holds, and a request may have thousands of them. */
  readonly #rules = new Set<RuleSelector>();
  readonly #targets = new Map<TargetSelector, RuleSelector>();

  removeRules(rules: RuleSelector): void {
    this.#rules.add(rules);
  }

  /** @param target  One object for each `ctl` of a rule set. */
  removeTarget(rules: RuleSelector, target: TargetSelector): void {
    this.#targets.set(target, rules);
  }

  removes(rule: CompiledRule): boolean {
    for (const selects of this.#rules) if (selects(rule)) return true;
    return false;
  }

  /** Targets that this rule must not look at; empty for most rules of most requests. */
  targetsOf(rule: CompiledRule): readonly TargetSelector[] {
    if (this.#targets.size === 0) return NONE;
    const targets: TargetSelector[] = [];
    for (const [target, rules] of this.#targets) if (rules(rule)) targets.push(target);
    return targets;
  }
}

const NONE: readonly TargetSelector[] = Object.freeze([]);

export function byIds(ranges: readonly IdRange[]): RuleSelector {
  return ({ id }) => ranges.some(({ first, last }) => id >= first && id <= last);
}
