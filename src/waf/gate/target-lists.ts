import type { VariablePart } from '../seclang/syntax.ts';
import type { Step } from '../steps.ts';
import type { Target } from '../target.ts';
import { ARGUMENT_VARIABLES } from '../variables/arguments.ts';
import { BODY_VARIABLES } from '../variables/body.ts';
import { REQUEST_VARIABLES } from '../variables/request.ts';
import { RESPONSE_VARIABLES } from '../variables/response.ts';

/** What rules look at that name the same variables: read once a phase. Immutable. */
export interface TargetList {
  /** Number of this list among those of its rule set. */
  readonly index: number;
  readonly targets: readonly Target[];
  /** No rule changes within a phase what is read here; else it may where `ctl` changes how the body is read. */
  readonly isFixed: boolean;
}

/** A list of targets behind the same transformations. Immutable. */
export interface TargetGroup {
  /** Number of this group among those of its rule set. */
  readonly index: number;
  readonly list: TargetList;
  /** The forms that rules look at: one, or several with multiMatch. */
  readonly steps: readonly Step[];
  /** A value without bytes of these groups has no form but itself. */
  readonly changedBy: number;
}

/** The lists and groups of a rule set; all its profiles share them. */
export class TargetGroups {
  readonly #lists = new Map<string, TargetList>();
  readonly #groups = new Map<string, TargetGroup>();

  /**
   * @param parts    What the targets were compiled from.
   * @param steps    As in TargetGroup.
   * @returns  Null where something that a rule does may change what the targets hold.
   */
  groupOf(parts: readonly VariablePart[], targets: readonly Target[], steps: readonly Step[]): TargetGroup | null {
    if (targets.length === 0 || !parts.every(isSteady)) return null;
    const list = this.#listOf(parts, targets);
    const key = [list.index, ...steps.map(({ index }) => index)].join(' ');
    let group = this.#groups.get(key);
    if (group === undefined) {
      const changedBy = steps.reduce((groups, step) => groups | step.changedByAll, 0);
      group = Object.freeze({ index: this.#groups.size, list, steps: Object.freeze([...steps]), changedBy });
      this.#groups.set(key, group);
    }
    return group;
  }

  #listOf(parts: readonly VariablePart[], targets: readonly Target[]): TargetList {
    const key = JSON.stringify(parts);
    let list = this.#lists.get(key);
    if (list === undefined) {
      list = Object.freeze({
        index: this.#lists.size,
        targets: Object.freeze([...targets]),
        isFixed: !parts.some(isBody),
      });
      this.#lists.set(key, list);
    }
    return list;
  }
}

/** Variables that say the same throughout a phase, whatever rules do, unless `ctl` changes how the body is read. */
const STEADY: ReadonlySet<string> = new Set([
  ...Object.keys(REQUEST_VARIABLES),
  ...Object.keys(ARGUMENT_VARIABLES),
  ...Object.keys(BODY_VARIABLES),
  ...Object.keys(RESPONSE_VARIABLES),
  'XML',
]);

/** What `ctl` may change among them: variables that depend on what processes the body. */
const isBody = ({ name }: VariablePart): boolean => name === 'REQUEST_BODY' || name === 'REQBODY_PROCESSOR';

const isSteady = ({ name }: VariablePart): boolean => STEADY.has(name);
