// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import type { ByteWork, Transformation } from './transformation.ts';
import { InspectedValue } from './value.ts';

/** One transformation behind others. All chains of a rule set share their beginnings: a tree, made once. */
export interface Step {
  /** Number of this step in its tree; 0 is the value as it is. */
  readonly index: number;
  readonly before: Step | null;
  readonly apply: Transformation;
  /** The same on bytes; null for one that works on text only. */
  readonly work: ByteWork | null;
  /** A look at the text: false where it stays as it is; null where groups say enough. */
  readonly mayChange: ((text: ByteText) => boolean) | null;
  /** The steps up to this one, the first first, without the value as it is. */
  readonly path: readonly Step[];
  /** Groups of bytes (src/waf/gate/byte-groups.ts) without which this step, and all up to it, change nothing. */
  readonly changedBy: number;
  readonly changedByAll: number;
  /** It does nothing but make letters lower case. */
  readonly isLowercase: boolean;
}

/** The same name behind the same step is the same step. */
export type NamedStep = Pick<Step, 'apply' | 'work' | 'mayChange' | 'changedBy'> & { readonly name: string };

/** The steps of a rule set. */
export class StepTree {
  readonly root: Step = Object.freeze({
    index: 0,
    before: null,
    apply: (text: ByteText) => text,
    work: null,
    mayChange: null,
    path: [],
    changedBy: 0,
    changedByAll: 0,
    isLowercase: false,
  });
  readonly #steps = new Map<string, Step>();

  after(before: Step, { name, apply, work, changedBy, mayChange }: NamedStep): Step {
    const key = `${before.index} ${name}`;
    const known = this.#steps.get(key);
    if (known !== undefined) return known;
    const path: Step[] = [...before.path];
    const step = Object.freeze({
      index: this.#steps.size + 1,
      before,
      apply,
      work,
      mayChange,
      path,
      changedBy,
      changedByAll: before.changedByAll | changedBy,
      isLowercase: name === 'lowercase',
    });
    path.push(step);
    this.#steps.set(key, step);
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
  return new InspectedValue(text, before.owner, before.isKept);
}
