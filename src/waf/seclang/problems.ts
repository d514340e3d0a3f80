import { type ByteText, displayOf } from '../../base/byte-text.ts';
import { RULE_PROBLEMS_MAX } from '../../limits.ts';
import { type SecLangProblem, SecLangReason } from './reason.ts';
import type { Place } from './syntax.ts';

/** What is wrong with a rule set, as it comes up; past the cap the last one says that there is more. */
export class Problems {
  readonly list: SecLangProblem[] = [];

  get isFull(): boolean {
    return this.list.length >= RULE_PROBLEMS_MAX;
  }

  add(place: Place, ruleId: number | null, message: string): void {
    if (this.isFull) return;
    const isLast = this.list.length === RULE_PROBLEMS_MAX - 1;
    this.list.push({
      place,
      ruleId,
      message: isLast ? `${message} (problems behind this one are not looked for)` : message,
    });
  }

  /** Does something that may find a reason. @returns  Null where it did. */
  attempt<Result>(place: Place, ruleId: number | null, step: () => Result): Result | null {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof SecLangReason)) throw error;
      this.add(place, ruleId, error.message);
      return null;
    }
  }
}

/** Longest piece of a rule set in a message, characters. */
const SHOWN_MAX = 60;

/** Text of a rule set in quotes, cut where it is long, so that a message stays one line. */
export function shown(text: ByteText): string {
  return JSON.stringify(text.length <= SHOWN_MAX ? displayOf(text) : `${displayOf(text.slice(0, SHOWN_MAX))}...`);
}
