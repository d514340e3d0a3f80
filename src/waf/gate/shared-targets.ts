import type { ByteText } from '../../base/byte-text.ts';
import type { VariablePart } from '../seclang/syntax.ts';
import type { Target } from '../target.ts';
import { ARGUMENT_VARIABLES } from '../variables/arguments.ts';
import { BODY_VARIABLES } from '../variables/body.ts';
import { REQUEST_VARIABLES } from '../variables/request.ts';
import { RESPONSE_VARIABLES } from '../variables/response.ts';

/** One target that rules share: read once a phase, for all of them. Immutable. */
export interface SharedTarget {
  /** Number of this target among those of its rule set. */
  readonly index: number;
  readonly target: Target;
  /** What it holds is of the head of the request, which does not change. */
  readonly isHead: boolean;
  /** The same with the members that it excludes, and who they are; null where it excludes none. */
  readonly whole: { readonly target: SharedTarget; readonly excludes: (name: ByteText) => boolean } | null;
}

/** What a link looks at, as all rules of its set read it. Immutable. */
export interface LinkTargets {
  readonly all: readonly SharedTarget[];
  /** No rule changes within a phase what is read here; else it may, where `ctl` changes how the body is read. */
  readonly isFixed: boolean;
}

/** The targets of a rule set; all its profiles share them. */
export class SharedTargets {
  readonly #targets = new Map<string, SharedTarget>();

  /**
   * @param parts    What the targets were compiled from.
   * @param targets  In order; those that are excluded as a whole are left out.
   * @returns  Null where something that a rule does may change what the targets hold.
   */
  of(parts: readonly VariablePart[], targets: readonly Target[]): LinkTargets | null {
    if (targets.length === 0 || !parts.every(isSteady)) return null;
    return Object.freeze({ all: this.#sharedOf(parts, targets), isFixed: !parts.some(isBody) });
  }

  #sharedOf(parts: readonly VariablePart[], targets: readonly Target[]): readonly SharedTarget[] {
    const excluded = parts.filter(({ mode }) => mode === 'exclude');
    const wholly = new Set(excluded.filter(({ selector }) => selector === null).map(({ name }) => name));
    const taken = parts.filter(({ mode, name }) => mode !== 'exclude' && !wholly.has(name));
    const isInStep = taken.length === targets.length;
    return Object.freeze(
      targets.map((target, index) => {
        // What tells two targets apart: what is taken, and what is taken out of it.
        const part = isInStep ? taken[index] : undefined;
        const without = excluded.filter(({ name }) => name === part?.name);
        if (part === undefined) return this.#sharedTarget(JSON.stringify([index, parts]), target, false, null);
        const isHead = part.name in REQUEST_VARIABLES;
        const whole = this.#wholeOf(part, target, isHead);
        return this.#sharedTarget(JSON.stringify([part, ...without]), target, isHead, whole);
      }),
    );
  }

  #wholeOf(part: VariablePart, target: Target, isHead: boolean): SharedTarget['whole'] {
    if (target.kind !== 'members' || target.whole === null) return null;
    const { entries, excludes } = target.whole;
    const whole: Target = { ...target, entries, whole: null };
    return { target: this.#sharedTarget(JSON.stringify([part]), whole, isHead, null), excludes };
  }

  #sharedTarget(key: string, target: Target, isHead: boolean, whole: SharedTarget['whole']): SharedTarget {
    let shared = this.#targets.get(key);
    if (shared === undefined) {
      shared = Object.freeze({ index: this.#targets.size, target, isHead, whole });
      this.#targets.set(key, shared);
    }
    return shared;
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

const isSteady = ({ name }: VariablePart): boolean => STEADY.has(name);

/** What `ctl` may change among them: variables that depend on what processes the body. */
const isBody = ({ name }: VariablePart): boolean => name === 'REQUEST_BODY' || name === 'REQBODY_PROCESSOR';
