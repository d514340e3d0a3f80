import { SecLangReason } from './reason.ts';
import { isDisruptive, isNamed, lastNamed, settledActions } from './rule-actions.ts';
import type { ActionPart, Directive } from './syntax.ts';

export type Phase = 1 | 2 | 3 | 4 | 5;

/** Without a SecDefaultAction for its phase a rule has these, and what one does not say is as here. */
const BUILT_IN: readonly ActionPart[] = ['log', 'auditlog', 'pass'].map((name) => ({ name, value: null }));

/** What makes no sense for all rules of a phase. */
const NOT_DEFAULTS: readonly string[] = [
  'id',
  'chain',
  'msg',
  'logdata',
  'rev',
  'ver',
  'severity',
  'skip',
  'skipafter',
];

/** SecDefaultAction: what rules that follow do, by phase. */
export class DefaultActions {
  readonly #byPhase = new Map<Phase, readonly ActionPart[]>();

  of(phase: Phase): readonly ActionPart[] {
    return this.#byPhase.get(phase) ?? BUILT_IN;
  }

  /** @throws  SecLangReason. */
  set({ actions }: Directive & { kind: 'default-action' }): void {
    const phaseAction = lastNamed(actions, 'phase');
    if (phaseAction === null) throw new SecLangReason('SecDefaultAction needs a phase');
    const phase = phaseOf(phaseAction);
    if (this.#byPhase.has(phase)) throw new SecLangReason(`phase ${phase} has a SecDefaultAction already`);
    const wrong = actions.find(({ name }) => NOT_DEFAULTS.includes(name.toLowerCase()));
    if (wrong !== undefined) throw new SecLangReason(`SecDefaultAction cannot have ${wrong.name}`);
    if (actions.some((action) => isNamed(action, 't') && action.value?.toLowerCase() === 'none')) {
      throw new SecLangReason('SecDefaultAction cannot have t:none: leave the transformations out');
    }
    const disruptive = actions.findLast(isDisruptive);
    if (disruptive === undefined)
      throw new SecLangReason('SecDefaultAction needs a disruptive action: pass, deny or the like');
    if (isNamed(disruptive, 'block'))
      throw new SecLangReason('block means what SecDefaultAction says: name another action');
    this.#byPhase.set(
      phase,
      settledActions([...BUILT_IN, ...actions]).filter((action) => !isNamed(action, 'phase')),
    );
  }
}

const PHASE_WORDS: Readonly<Record<string, Phase>> = {
  '1': 1,
  '2': 2,
  '3': 3,
  '4': 4,
  '5': 5,
  request: 2,
  response: 4,
  logging: 5,
};
const PHASES = new Map(Object.entries(PHASE_WORDS));

/** @throws  SecLangReason. */
export function phaseOf({ value }: ActionPart): Phase {
  const phase = PHASES.get(value?.toLowerCase() ?? '');
  if (phase === undefined) {
    throw new SecLangReason(`phase is 1 to 5, request, response or logging, not ${JSON.stringify(value ?? '')}`);
  }
  return phase;
}
