// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { Entry } from './entry.ts';
import type { Gate } from './gate/gate.ts';
import { type Groups, KnownResults } from './gate/known-results.ts';
import type { RequestGate } from './gate/request-gate.ts';
import type { SharedTarget } from './gate/shared-targets.ts';
import type { TargetSelector } from './removals.ts';
import type { CompiledLink, CompiledRule, LinkTest, RunAction } from './rule.ts';
import type { RequestState } from './state.ts';
import { formOf } from './steps.ts';
import { isRemoved, memberName, type Target, withoutRemoved } from './target.ts';
import type { InspectedValue } from './value.ts';

/** What held last, of all links. */
export interface Held {
  readonly variable: ByteText;
  readonly value: ByteText;
  readonly transformed: ByteText;
}

/**
 * Does a rule hold for the request? Runs what its links do for each value that holds, whether or not the rest of the
 * chain holds too, as ModSecurity does; what the rule does as a whole is the caller's.
 *
 * A rule that does not hold leaves no trace.
 *
 * @param number  Of the rule in the plan of its rule set; -1 for one that is in none.
 * @returns  What held last, in the order of evaluation; null where the rule does not hold.
 */
export function evaluateRule(rule: CompiledRule, state: RequestState, number = -1): Held | null {
  const removed = state.removals.targetsOf(rule);
  const links = new LinkRun(state, removed);
  const { length } = rule.links;
  for (let i = 0; i < length; i += 1) {
    if (!links.holds(rule.links[i] as CompiledLink, i === 0 ? number : -1)) return null;
  }
  return links.held;
}

const UNCONDITIONAL: Held = Object.freeze({ variable: '', value: '', transformed: '' });

const NO_GROUPS: Groups = Object.freeze([]);

/** One rule's way over its links. */
class LinkRun {
  readonly #state: RequestState;
  readonly #removed: readonly TargetSelector[];
  held: Held = UNCONDITIONAL;
  /** Number of the rule whose gate all values have passed that are tried; -1 where they are to pass it yet. */
  #planned = -1;
  /** The first value of a rule that holds clears what former rules left in MATCHED_VARS. */
  #isFirst = true;

  constructor(state: RequestState, removed: readonly TargetSelector[]) {
    this.#state = state;
    this.#removed = removed;
  }

  /** @param planned  Number of the rule, where this is its first link and values are known to be its candidates. */
  holds(link: CompiledLink, planned: number): boolean {
    if (link.test === null) {
      for (const run of link.runs) run(this.#state);
      return true;
    }
    this.#state.look += 1;
    this.#planned = -1;
    const { shared } = link;
    const past = this.#state.gate;
    if (shared === null || past === null) return this.#anyTargetHolds(link, link.test);
    if (this.#removed.length > 0 || !shared.isFixed) return this.#anyTargetHolds(link, link.test);
    this.#planned = planned;
    return this.#anySharedHolds(link, link.test, shared.all, past);
  }

  #anyTargetHolds(link: CompiledLink, test: LinkTest): boolean {
    let holds = false;
    const { targets } = link;
    for (let i = 0; i < targets.length; i += 1) {
      if (this.#targetHolds(targets[i] as Target, link, test)) holds = true;
    }
    return holds;
  }

  /** The same over values that were read already, without those that cannot make it hold. */
  #anySharedHolds(link: CompiledLink, test: LinkTest, targets: readonly SharedTarget[], past: RequestGate): boolean {
    const planned = this.#planned;
    let holds = false;
    for (let t = 0; t < targets.length; t += 1) {
      const shared = targets[t] as SharedTarget;
      const { names, values } = past.valuesOf(shared, this.#state);
      const { target } = shared;
      const variable = target.kind === 'count' ? target.label : target.variable;
      for (let i = 0; i < values.length; i += 1) {
        const value = values[i] as InspectedValue;
        if (planned !== -1 && !past.isCandidate(planned, shared, value)) continue;
        if (this.#valueHolds(link, test, variable, names === null ? null : (names[i] as ByteText), value)) holds = true;
      }
    }
    return holds;
  }

  #targetHolds(target: Target, link: CompiledLink, test: LinkTest): boolean {
    const { variable } = target;
    if (target.kind === 'scalar') {
      if (isRemoved(variable, this.#removed)) return false;
      return this.#textHolds(link, test, variable, target.read(this.#state));
    }
    const entries = this.#entriesOf(target);
    if (target.kind === 'count') return this.#textHolds(link, test, target.label, String(entries.length));
    let holds = false;
    // Those of now: a rule over MATCHED_VARS adds to the list that it goes through.
    const count = entries.length;
    for (let i = 0; i < count; i += 1) {
      const entry = entries[i] as Entry;
      if (this.#valueHolds(link, test, variable, entry.name, this.#state.valueOf(entry))) holds = true;
    }
    return holds;
  }

  #entriesOf(target: Exclude<Target, { readonly kind: 'scalar' }>): readonly Entry[] {
    const entries = target.entries(this.#state);
    return this.#removed.length === 0 ? entries : withoutRemoved(target.variable, entries, this.#removed);
  }

  #textHolds(link: CompiledLink, test: LinkTest, variable: string, text: ByteText): boolean {
    return this.#valueHolds(link, test, variable, null, this.#state.value(text));
  }

  #valueHolds(
    link: CompiledLink,
    test: LinkTest,
    variable: string,
    name: ByteText | null,
    value: InspectedValue,
  ): boolean {
    // Thousands of arguments may have one value. Whatever held may have changed what the operator compares with.
    const state = this.#state;
    if (value.missedIn === state.look && value.missedOf === state.stamp) return false;
    const holds = this.#anyFormHolds(link, test, variable, name, value);
    if (holds) state.look += 1;
    else {
      value.missedIn = state.look;
      value.missedOf = state.stamp;
    }
    return holds;
  }

  #anyFormHolds(
    link: CompiledLink,
    test: LinkTest,
    variable: string,
    name: ByteText | null,
    value: InspectedValue,
  ): boolean {
    const { gate } = link;
    const past = gate === null || this.#planned !== -1 ? null : this.#state.gate;
    if (link.forms === null) {
      if (past?.mayHoldBehind(gate as Gate, value, link.step) === false) return false;
      return this.#formHolds(link, test, variable, name, value, formOf(value, link.step));
    }
    if (past?.mayHoldAlong(gate as Gate, value, link.step) === false) return false;
    let holds = false;
    let last: InspectedValue | null = null;
    for (const step of link.forms) {
      const form = formOf(value, step);
      if (form === last) continue;
      last = form;
      if (this.#formHolds(link, test, variable, name, value, form)) holds = true;
    }
    return holds;
  }

  #formHolds(
    link: CompiledLink,
    test: LinkTest,
    variable: string,
    name: ByteText | null,
    value: InspectedValue,
    form: InspectedValue,
  ): boolean {
    const { captured } = this.#state;
    if (link.captures) captured.begin();
    // For each value: a macro may hold what the value before it wrote.
    const holds =
      form.isKept && link.number >= 0
        ? this.#knownToHold(link, test, form)
        : test(this.#state)(form, link.captures ? captured : null);
    if (holds === link.negated) return false;
    if (link.captures) captured.keep();
    this.#note(name === null ? variable : memberName(variable, name), value, form);
    const { runs } = link;
    for (let i = 0; i < runs.length; i += 1) (runs[i] as RunAction)(this.#state);
    return true;
  }

  /** An operator says the same of a value whenever it is asked: of one that is kept it is asked once. */
  #knownToHold(link: CompiledLink, test: LinkTest, form: InspectedValue): boolean {
    const { captured } = this.#state;
    form.results ??= new KnownResults();
    const { results } = form;
    if (results.hasMissed(link.number)) return false;
    const groups = results.groupsOf(link.number);
    if (groups !== undefined) {
      if (link.captures) captured.found = groups;
      return true;
    }
    const holds = test(this.#state)(form, link.captures ? captured : null);
    if (holds) results.noteHeld(link.number, link.captures ? captured.found : NO_GROUPS);
    else results.noteMiss(link.number);
    return holds;
  }

  #note(variable: ByteText, value: InspectedValue, form: InspectedValue): void {
    const entry: Entry = { name: variable, value: form.text };
    const state = this.#state;
    if (this.#isFirst) state.matched = [entry];
    else state.matched.push(entry);
    this.#isFirst = false;
    this.held = { variable, value: value.text, transformed: form.text };
  }
}
