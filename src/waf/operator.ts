import type { ByteText } from '../base/byte-text.ts';
import type { Clause } from './gate/clauses.ts';
import type { Captures, InspectedValue } from './value.ts';

/**
 * A compiled operator: does it hold for the value? Never throws for any value of any bytes, and costs time linear in
 * it. Negation (`!@rx`) is the engine's.
 */
export type OperatorTest = (value: InspectedValue, captures: Captures | null) => boolean;

/** What an operator may read while it is compiled. */
export interface OperatorContext {
  /**
   * A data file, found as ModSecurity does: beside the file of the rule.
   * @throws  SecLangError where it cannot be read.
   */
  readonly readData: (path: string) => ByteText;
  /** What `translate` makes of the parameter, where it was asked already. */
  readonly translated?: ByteText;
}

/** One SecLang operator: one file in src/waf/operators. */
export interface OperatorWord {
  /** SecLang spelling, without the at sign; looked up without regard to case. */
  readonly name: string;
  /**
   * @param parameter  What follows the name, macros expanded. A parameter with macros is compiled for each of its
   *                   expansions, while requests run; then a reason to refuse it is an internal failure.
   * @throws  SecLangReason for a parameter that means nothing, or is not supported.
   */
  readonly compile: (parameter: ByteText, context: OperatorContext) => OperatorTest;
  /**
   * A parameter that is a pattern, in the syntax of what runs it; threads share it. Such an operator reads no data, and
   * the same parameter compiles always or never.
   * @throws  SecLangReason as `compile` does.
   */
  readonly translate?: (parameter: ByteText) => ByteText;
  /**
   * What every value must hold for which the operator does: values without it are not tried. Empty, or left out, where
   * nothing can be said. Asked after `compile`, with what it took.
   */
  readonly needs?: (parameter: ByteText, context: OperatorContext) => readonly Clause[];
}
