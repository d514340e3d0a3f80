/** A file that a rule is tried on: path and text. */
export type Sample = readonly [path: string, text: string];

export interface Rule {
  readonly name: string;
  readonly applies: (path: string) => boolean;
  /** Pure. @returns What is wrong, a sentence each. */
  readonly check: (path: string, text: string) => string[];
  /** Violations planted to prove that the rule fires. */
  readonly fires: readonly Sample[];
  /** Look-alikes that it must leave alone. */
  readonly passes: readonly Sample[];
}
