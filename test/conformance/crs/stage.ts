/** One request as it goes on the wire, by a name that reports use. */
export interface Probe {
  readonly name: string;
  readonly bytes: Buffer;
}

/** What a stage of a test asks of the answer and of the log: go-ftw's `output`. */
export interface Expectation {
  /** Null: any. */
  readonly status: number | null;
  readonly expectIds: readonly number[];
  readonly noExpectIds: readonly number[];
  /** Some line, or no line, of the log matches. */
  readonly matchRegex: string | null;
  readonly noMatchRegex: string | null;
  /** Text in the raw answer. */
  readonly responseContains: string | null;
  /** The connection ends without a readable answer. Then nothing else is asked. */
  readonly expectError: boolean;
  /** A second try is allowed. */
  readonly retryOnce: boolean;
  /** No other rule than one may hold. */
  readonly isolated: boolean;
}

/** One stage of one test of the Core Rule Set. */
export interface Stage extends Probe {
  /** `920100-4`; a second stage of the same test is `920100-4/2`. */
  readonly name: string;
  readonly ruleId: number;
  readonly testId: number;
  readonly description: string;
  readonly expected: Expectation;
}

export const ANYTHING: Expectation = {
  status: null,
  expectIds: [],
  noExpectIds: [],
  matchRegex: null,
  noMatchRegex: null,
  responseContains: null,
  expectError: false,
  retryOnce: false,
  isolated: false,
};
