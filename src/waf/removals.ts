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
  readonly #rules: RuleSelector[] = [];
  readonly #targets: { readonly rules: RuleSelector; readonly target: TargetSelector }[] = [];

  removeRules(rules: RuleSelector): void {
    this.#rules.push(rules);
  }

  removeTarget(rules: RuleSelector, target: TargetSelector): void {
    this.#targets.push({ rules, target });
  }

  removes(rule: CompiledRule): boolean {
    return this.#rules.length > 0 && this.#rules.some((selects) => selects(rule));
  }

  /** Targets that this rule must not look at; empty for most rules of most requests. */
  targetsOf(rule: CompiledRule): readonly TargetSelector[] {
    if (this.#targets.length === 0) return NONE;
    return this.#targets.filter(({ rules }) => rules(rule)).map(({ target }) => target);
  }
}

const NONE: readonly TargetSelector[] = Object.freeze([]);

export function byIds(ranges: readonly IdRange[]): RuleSelector {
  return ({ id }) => ranges.some(({ first, last }) => id >= first && id <= last);
}
