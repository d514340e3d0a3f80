// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import { ALL_GROUPS, groupsOfText } from './gate/byte-groups.ts';
import type { Transformation } from './transformation.ts';
import { InspectedValue } from './value.ts';

/** One transformation behind others. All chains of a rule set share their beginnings: a tree, made once. */
export interface Step {
  /** Number of this step in its tree; 0 is the value as it is. */
  readonly index: number;
  readonly before: Step | null;
  readonly apply: Transformation;
  /** Groups of bytes (src/waf/gate/byte-groups.ts) without which this step, and all up to it, change nothing. */
  readonly changedBy: number;
  readonly changedByAll: number;
  /** It does nothing but make letters lower case. */
  readonly isLowercase: boolean;
}

/** The steps of a rule set. */
export class StepTree {
  readonly root: Step = Object.freeze({
    index: 0,
    before: null,
    apply: (text: ByteText) => text,
    changedBy: 0,
    changedByAll: 0,
    isLowercase: false,
  });
  readonly #steps = new Map<string, Step>();

  /**
   * @param name       What makes the transformation known: the same name behind the same step is the same step.
   * @param changedBy  As in Step.
   */
  after(before: Step, name: string, apply: Transformation, changedBy: number = ALL_GROUPS): Step {
    const key = `${before.index} ${name}`;
    let step = this.#steps.get(key);
    if (step === undefined) {
      step = Object.freeze({
        index: this.#steps.size + 1,
        before,
        apply,
        changedBy,
        changedByAll: before.changedByAll | changedBy,
        isLowercase: name === 'lowercase',
      });
      this.#steps.set(key, step);
    }
    return step;
  }
}

/** The value after a step and all before it; the very same where they change nothing. Each is computed once. */
export function formOf(value: InspectedValue, step: Step): InspectedValue {
  if (step.before === null || (value.groups & step.changedByAll) === 0) return value;
  for (let known = value.forms; known !== null; known = known.next) {
    if (known.step === step.index) return known.form;
  }
  const form = applied(formOf(value, step.before), step);
  value.forms = { step: step.index, form, next: value.forms };
  return form;
}

function applied(before: InspectedValue, step: Step): InspectedValue {
  if ((before.groups & step.changedBy) === 0) return before;
  const text = step.apply(before.text);
  if (text === before.text) return before;
  const form = new InspectedValue(text);
  if (step.isLowercase && before.hits !== null) {
    // Literals ignore case: there is nothing new to see.
    form.hits = before.hits;
    form.groups = (before.groups & ~UPPER) | LOWER;
  }
  return form;
}

const UPPER = groupsOfText('A');
const LOWER = groupsOfText('a');
