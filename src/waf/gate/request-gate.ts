// hot path: synchronous, never throws
import type { ByteText } from '../../base/byte-text.ts';
import type { RequestState } from '../state.ts';
import { formOf } from '../steps.ts';
import type { InspectedValue } from '../value.ts';
import type { Gate, Hits } from './gate.ts';
import type { ValueScanner } from './scan.ts';
import type { TargetGroup, TargetList } from './target-lists.ts';

/** What some values hold together. */
interface Seen {
  readonly hits: Hits;
  readonly groups: number;
}

/** The values of a list of targets, in the order in which rules look at them. */
export interface ListedValues extends Seen {
  readonly variables: readonly string[];
  /** Names of members; '' for variables that have none. */
  readonly names: readonly ByteText[];
  readonly values: readonly InspectedValue[];
}

/** One request's way past the gates of a rule set: what its values hold, by group of targets. Threads: one. */
export class RequestGate {
  readonly scanner: ValueScanner;
  #lists: (ListedValues | undefined)[] = [];
  #groups: (Seen | undefined)[] = [];

  constructor(scanner: ValueScanner) {
    this.scanner = scanner;
  }

  /** What targets hold is no longer what it was: a phase begins, or a rule changed how the body is read. */
  forget(): void {
    this.#lists = [];
    this.#groups = [];
  }

  /** False where no value of the group can make the operator hold. */
  mayHold(gate: Gate, group: TargetGroup, state: RequestState): boolean {
    const seen = this.#groups[group.index] ?? this.#look(group, state);
    return gate.mayHold(seen.hits, seen.groups);
  }

  /** The values of a list; all of them were looked at. */
  valuesOf(list: TargetList, state: RequestState): ListedValues {
    return this.#lists[list.index] ?? this.#read(list, state);
  }

  #look(group: TargetGroup, state: RequestState): Seen {
    const listed = this.valuesOf(group.list, state);
    const seen = (listed.groups & group.changedBy) === 0 ? listed : this.#lookAtForms(group, listed);
    this.#groups[group.index] = seen;
    return seen;
  }

  /** More than there is, where a value itself is none of the forms: never less. */
  #lookAtForms({ steps, changedBy }: TargetGroup, listed: ListedValues): Seen {
    const { scanner } = this;
    let { groups } = listed;
    let hits: number[] | null = null;
    for (const value of listed.values) {
      if ((value.groups & changedBy) === 0) continue;
      for (const step of steps) {
        const form = formOf(value, step);
        if (form === value) continue;
        scanner.look(form);
        groups |= form.groups;
        if (form.hits === scanner.none || form.hits === value.hits) continue;
        hits ??= listed.hits.slice();
        addHits(hits, form.hits as Hits);
      }
    }
    return { hits: hits ?? listed.hits, groups };
  }

  #read(list: TargetList, state: RequestState): ListedValues {
    const variables: string[] = [];
    const names: ByteText[] = [];
    const values: InspectedValue[] = [];
    const { scanner } = this;
    let hits: number[] | null = null;
    let groups = 0;
    const add = (variable: string, name: ByteText, text: ByteText): void => {
      const value = state.value(text);
      scanner.look(value);
      variables.push(variable);
      names.push(name);
      values.push(value);
      groups |= value.groups;
      if (value.hits === scanner.none) return;
      hits ??= scanner.none.slice();
      addHits(hits, value.hits as Hits);
    };
    for (const target of list.targets) {
      const { variable } = target;
      if (target.kind === 'scalar') {
        add(variable, '', target.read(state));
        continue;
      }
      const entries = target.entries(state);
      if (target.kind === 'count') add(variable, '', String(entries.length));
      else for (const { name, value } of entries) add(variable, name, value);
    }
    const listed = { variables, names, values, hits: hits ?? scanner.none, groups };
    this.#lists[list.index] = listed;
    return listed;
  }
}

function addHits(sum: number[], hits: Hits): void {
  for (let word = 0; word < sum.length; word += 1) sum[word] = (sum[word] as number) | (hits[word] as number);
}
