import type { Place } from './syntax.ts';

/** Why a word of a rule set cannot be used; whoever knows the place says where. */
export class SecLangReason extends Error {
  override readonly name = 'SecLangReason';
}

/** A fault in a rule set. */
export interface SecLangProblem {
  readonly place: Place;
  /** Id of the rule it is in; null outside rules, or where the rule has none. */
  readonly ruleId: number | null;
  /** What was found and what to do: `@verifyFoo is not an operator; did you mean @verifyCC?` */
  readonly message: string;
}

/** A rule set that cannot be loaded, with everything that is wrong about it. */
export class SecLangError extends Error {
  override readonly name = 'SecLangError';
  readonly problems: readonly SecLangProblem[];

  constructor(problems: readonly SecLangProblem[]) {
    super(problems.map(describeProblem).join('\n'));
    this.problems = problems;
  }
}

/** `a.conf:3 (rule 7): ...`; a setting of the configuration has no line. */
export function describeProblem({ place, ruleId, message }: SecLangProblem): string {
  const rule = ruleId === null ? '' : ` (rule ${ruleId})`;
  const line = place.line === 0 ? '' : `:${place.line}`;
  return `${place.file}${line}${rule}: ${message}`;
}
