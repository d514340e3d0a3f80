// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import type { Entry } from '../entry.ts';
import type { RequestState } from '../state.ts';
import type { Step } from '../steps.ts';
import type { InspectedValue } from '../value.ts';
import { groupsOfText } from './byte-groups.ts';
import type { Gate, Hits, Seen } from './gate.ts';
import type { ValueScanner } from './scan.ts';
import { Sum } from './sum.ts';
import type { SharedTarget, TargetGroup, TargetList } from './target-groups.ts';

/** The values of one target, in the order in which rules look at them. */
export interface TargetValues extends Seen {
  /** Names of members; null for a variable without any. */
  readonly names: readonly ByteText[] | null;
  readonly values: readonly InspectedValue[];
  /** What they hold behind a step, by its index; and behind any step on the way to it. */
  readonly behind: (Seen | undefined)[];
  readonly along: (Seen | undefined)[];
}

/** Of all requests of this thread. */
let looks = 0;

/** One request's way past the gates of a rule set: what its values hold, by targets and steps. Threads: one. */
export class RequestGate {
  readonly #scanner: ValueScanner;
  #look = 0;
  /** For one value at a time. */
  readonly #one: Sum;
  /** Those of the head, for all phases. */
  readonly #heads: (TargetValues | undefined)[] = [];
  #targets: (TargetValues | undefined)[] = [];
  #lists: (Seen | undefined)[] = [];
  #groups: (Seen | undefined)[] = [];

  constructor(scanner: ValueScanner) {
    this.#scanner = scanner;
    this.#one = new Sum(scanner.none);
  }

  /** Number of what is known now: no other request has the same, nor this one when it has forgotten. */
  get look(): number {
    return this.#look;
  }

  /** What targets hold is no longer what it was: a phase begins, or a rule changed how the body is read. */
  forget(): void {
    looks += 1;
    this.#look = looks;
    this.#targets = [];
    this.#lists = [];
    this.#groups = [];
  }

  /** False where no value of the group can make the operator hold. */
  mayHold(gate: Gate, group: TargetGroup, state: RequestState): boolean {
    return gate.mayHold(this.seen(group, state));
  }

  /** What the values of a group hold. */
  seen(group: TargetGroup, state: RequestState): Seen {
    return this.#groups[group.index] ?? this.#lookAt(group, state);
  }

  /** The same for one target of the group. */
  mayHoldFor(gate: Gate, target: SharedTarget, group: TargetGroup, state: RequestState): boolean {
    return gate.mayHold(this.#behind(group, this.valuesOf(target, state)));
  }

  /** The same for one value behind one step. */
  mayHoldBehind(gate: Gate, value: InspectedValue, step: Step): boolean {
    const scanner = this.#scanner;
    scanner.look(value);
    if ((value.groups & step.changedByAll) === 0) return gate.mayHold(value as Seen);
    this.#one.clear();
    scanner.behind(value, step, this.#one);
    return gate.mayHold(this.#one);
  }

  /** The same for one value behind any step on the way to this one. */
  mayHoldAlong(gate: Gate, value: InspectedValue, last: Step): boolean {
    this.#scanner.look(value);
    this.#one.clear();
    this.#scanner.along(value, last, this.#one);
    return gate.mayHold(this.#one);
  }

  /** The values of a target; all of them were looked at. */
  valuesOf(target: SharedTarget, state: RequestState): TargetValues {
    return (target.isHead ? this.#heads : this.#targets)[target.index] ?? this.#readOnce(target, state);
  }

  /** Where nothing of a target is excluded, it is what the whole is, and what is known of that is known of it. */
  #readOnce(target: SharedTarget, state: RequestState): TargetValues {
    const { whole } = target;
    const all = whole === null ? null : this.valuesOf(whole.target, state);
    const isWhole = whole !== null && all !== null && !anyIs(whole.excludes, all.names ?? []);
    const values = isWhole ? (all as TargetValues) : this.#read(target, state);
    (target.isHead ? this.#heads : this.#targets)[target.index] = values;
    return values;
  }

  #lookAt(group: TargetGroup, state: RequestState): Seen {
    const raw = this.#lists[group.list.index] ?? this.#lookAtList(group.list, state);
    const seen = (raw.groups & group.changedBy) === 0 ? raw : this.#lookBehind(group, state);
    this.#groups[group.index] = seen;
    return seen;
  }

  #lookAtList({ index, targets }: TargetList, state: RequestState): Seen {
    const sum = new Sum(this.#scanner.none);
    for (let i = 0; i < targets.length; i += 1) sum.add(this.valuesOf(targets[i] as SharedTarget, state));
    this.#lists[index] = sum;
    return sum;
  }

  #lookBehind(group: TargetGroup, state: RequestState): Seen {
    const sum = new Sum(this.#scanner.none);
    const { targets } = group.list;
    for (let i = 0; i < targets.length; i += 1) {
      sum.add(this.#behind(group, this.valuesOf(targets[i] as SharedTarget, state)));
    }
    return sum;
  }

  #behind({ last, isWay, changedBy }: TargetGroup, values: TargetValues): Seen {
    if ((values.groups & changedBy) === 0) return values;
    return isWay ? this.#along(last, values) : this.#behindStep(last, values);
  }

  /** At least what the values hold behind the step. */
  #behindStep(step: Step, values: TargetValues): Seen {
    if ((values.groups & step.changedByAll) === 0) return values;
    const known = values.behind[step.index];
    if (known !== undefined) return known;
    const seen =
      step.isLowercase && step.before !== null
        ? lowered(this.#behindStep(step.before, values))
        : this.#sumBehind(step, values.values);
    values.behind[step.index] = seen;
    return seen;
  }

  /** At least what they hold behind any step on the way to this one. */
  #along(last: Step, { along, values }: TargetValues): Seen {
    const known = along[last.index];
    if (known !== undefined) return known;
    const sum = new Sum(this.#scanner.none);
    for (let i = 0; i < values.length; i += 1) this.#scanner.along(values[i] as InspectedValue, last, sum);
    along[last.index] = sum;
    return sum;
  }

  #sumBehind(step: Step, values: readonly InspectedValue[]): Seen {
    const sum = new Sum(this.#scanner.none);
    for (let i = 0; i < values.length; i += 1) this.#scanner.behind(values[i] as InspectedValue, step, sum);
    return sum;
  }

  #read({ target }: SharedTarget, state: RequestState): TargetValues {
    let read: TargetValues;
    if (target.kind === 'scalar') read = this.#single(state.value(target.read(state)));
    else {
      const entries = target.entries(state);
      if (target.kind === 'count') read = this.#single(state.value(String(entries.length)));
      else {
        const names: ByteText[] = [];
        const values: InspectedValue[] = [];
        const sum = new Sum(this.#scanner.none);
        for (let i = 0; i < entries.length; i += 1) {
          const entry = entries[i] as Entry;
          const value = state.valueOf(entry);
          this.#scanner.look(value);
          names.push(entry.name);
          values.push(value);
          sum.add(value as Seen);
        }
        read = { names, values, hits: sum.hits, groups: sum.groups, behind: [], along: [] };
      }
    }
    return read;
  }

  #single(value: InspectedValue): TargetValues {
    this.#scanner.look(value);
    return { names: null, values: [value], hits: value.hits as Hits, groups: value.groups, behind: [], along: [] };
  }
}

function anyIs(test: (name: ByteText) => boolean, names: readonly ByteText[]): boolean {
  for (let i = 0; i < names.length; i += 1) if (test(names[i] as ByteText)) return true;
  return false;
}

const UPPER = groupsOfText('A');
const LOWER = groupsOfText('a');

/** Literals ignore case: there is nothing new to see. */
function lowered(seen: Seen): Seen {
  const groups = (seen.groups & UPPER) === 0 ? seen.groups : seen.groups | LOWER;
  return groups === seen.groups ? seen : { hits: seen.hits, groups };
}
