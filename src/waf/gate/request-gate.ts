// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import type { RequestState } from '../state.ts';
import { formOf, type Step } from '../steps.ts';
import type { InspectedValue } from '../value.ts';
import type { Gate, Hits } from './gate.ts';
import type { ValueScanner } from './scan.ts';
import type { SharedTarget, TargetGroup, TargetList } from './target-groups.ts';

/** What some values hold together. */
interface Seen {
  readonly hits: Hits;
  readonly groups: number;
}

/** The values of one target, in the order in which rules look at them. */
export interface TargetValues extends Seen {
  /** Names of members; null for a variable without any. */
  readonly names: readonly ByteText[] | null;
  readonly values: readonly InspectedValue[];
  /** The same values behind a step, by its index. */
  readonly forms: (Seen | undefined)[];
}

/** One request's way past the gates of a rule set: what its values hold, by targets and steps. Threads: one. */
export class RequestGate {
  readonly #scanner: ValueScanner;
  #targets: (TargetValues | undefined)[] = [];
  #lists: (Seen | undefined)[] = [];
  #groups: (Seen | undefined)[] = [];

  constructor(scanner: ValueScanner) {
    this.#scanner = scanner;
  }

  /** What targets hold is no longer what it was: a phase begins, or a rule changed how the body is read. */
  forget(): void {
    this.#targets = [];
    this.#lists = [];
    this.#groups = [];
  }

  /** False where no value of the group can make the operator hold. */
  mayHold(gate: Gate, group: TargetGroup, state: RequestState): boolean {
    const seen = this.#groups[group.index] ?? this.#look(group, state);
    return gate.mayHold(seen.hits, seen.groups);
  }

  /** The same for one target of the group. */
  mayHoldFor(gate: Gate, target: SharedTarget, group: TargetGroup, state: RequestState): boolean {
    for (const step of group.steps) {
      const seen = this.#behind(step, this.valuesOf(target, state));
      if (gate.mayHold(seen.hits, seen.groups)) return true;
    }
    return false;
  }

  /** The values of a target; all of them were looked at. */
  valuesOf(target: SharedTarget, state: RequestState): TargetValues {
    return this.#targets[target.index] ?? this.#read(target, state);
  }

  #look(group: TargetGroup, state: RequestState): Seen {
    const raw = this.#lists[group.list.index] ?? this.#lookAtList(group.list, state);
    const seen = (raw.groups & group.changedBy) === 0 ? raw : this.#lookBehind(group, raw, state);
    this.#groups[group.index] = seen;
    return seen;
  }

  #lookAtList({ index, targets }: TargetList, state: RequestState): Seen {
    const sum = new Sum(this.#scanner.none);
    for (const target of targets) sum.add(this.valuesOf(target, state));
    this.#lists[index] = sum;
    return sum;
  }

  #lookBehind({ list, steps, changedBy }: TargetGroup, raw: Seen, state: RequestState): Seen {
    const sum = new Sum(this.#scanner.none);
    sum.add(raw);
    for (const target of list.targets) {
      const values = this.valuesOf(target, state);
      if ((values.groups & changedBy) === 0) continue;
      for (const step of steps) sum.add(this.#behind(step, values));
    }
    return sum;
  }

  /** More than there is, where a value behind the step is another: never less. */
  #behind(step: Step, values: TargetValues): Seen {
    if ((values.groups & step.changedByAll) === 0) return values;
    const known = values.forms[step.index];
    if (known !== undefined) return known;
    const sum = new Sum(this.#scanner.none);
    sum.add(values);
    for (const value of values.values) {
      if ((value.groups & step.changedByAll) === 0) continue;
      const form = formOf(value, step);
      if (form === value) continue;
      this.#scanner.look(form);
      sum.add(form as Seen);
    }
    values.forms[step.index] = sum;
    return sum;
  }

  #read({ index, target }: SharedTarget, state: RequestState): TargetValues {
    let read: TargetValues;
    if (target.kind === 'scalar') read = this.#one(state.value(target.read(state)));
    else {
      const entries = target.entries(state);
      if (target.kind === 'count') read = this.#one(state.value(String(entries.length)));
      else {
        const names: ByteText[] = [];
        const values: InspectedValue[] = [];
        const sum = new Sum(this.#scanner.none);
        for (const entry of entries) {
          const value = state.valueOf(entry);
          this.#scanner.look(value);
          names.push(entry.name);
          values.push(value);
          sum.add(value as Seen);
        }
        read = { names, values, hits: sum.hits, groups: sum.groups, forms: [] };
      }
    }
    this.#targets[index] = read;
    return read;
  }

  #one(value: InspectedValue): TargetValues {
    this.#scanner.look(value);
    return { names: null, values: [value], hits: value.hits as Hits, groups: value.groups, forms: [] };
  }
}

/** Adds up what values hold; copies what it was given only to change it. */
class Sum implements Seen {
  readonly #none: Hits;
  #own: number[] | null = null;
  hits: Hits;
  groups = 0;

  constructor(none: Hits) {
    this.#none = none;
    this.hits = none;
  }

  add({ hits, groups }: Seen): void {
    this.groups |= groups;
    if (hits === this.#none || hits === this.hits) return;
    if (this.hits === this.#none) {
      this.hits = hits;
      return;
    }
    const own = this.#own ?? this.hits.slice();
    this.#own = own;
    this.hits = own;
    for (let word = 0; word < own.length; word += 1) own[word] = (own[word] as number) | (hits[word] as number);
  }
}
