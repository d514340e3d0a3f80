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
  readonly #words = new Set<ByteText>();
  readonly #rules: RuleSelector[] = [];
  readonly #targets: { readonly rules: RuleSelector; readonly target: TargetSelector }[] = [];

  /** What was done, as each `ctl` says it: `ruleRemoveById=942100`. Another thread does the same by it. */
  get words(): readonly ByteText[] {
    return [...this.#words];
  }

  /** @param words  Of the ctl. */
  removeRules(words: ByteText, rules: RuleSelector): void {
    if (this.#words.has(words)) return;
    this.#words.add(words);
    this.#rules.push(rules);
  }

  /** @param words  Of the ctl. */
  removeTargets(words: ByteText, rules: RuleSelector, targets: readonly TargetSelector[]): void {
    if (this.#words.has(words)) return;
    this.#words.add(words);
    for (const target of targets) this.#targets.push({ rules, target });
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
