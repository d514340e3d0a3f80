// hot path: synchronous, never throws
import { type ByteText, isAscii } from '../base/byte-text.ts';
import { ALL_GROUPS, groupsOfText } from './gate/byte-groups.ts';
import type { Hits } from './gate/gate.ts';

/** What a value is behind a step. A list, since few of a rule set's steps change a value. */
export interface KnownForm {
  /** Number of the step. */
  readonly step: number;
  readonly form: InspectedValue;
  readonly next: KnownForm | null;
}

/** A value as operators see it. Made once per distinct text of a request; what is derived from it is kept. */
export class InspectedValue {
  readonly text: ByteText;
  /** What transformations made of it, the last first: src/waf/steps.ts. */
  forms: KnownForm | null = null;
  /** Groups of the bytes that it holds: src/waf/gate/byte-groups.ts. All of them as long as nobody looked. */
  groups: number = ALL_GROUPS;
  /** What of the operators' needs it meets; null as long as nobody looked. */
  hits: Hits | null = null;
  /** The look of a rule in which the value did not hold: it need not be tested again for the next that has it. */
  missedIn = 0;
  #encoded: Buffer | null = null;

  /** The request it belongs to: another's forms and looks mean nothing. */
  readonly owner: object | null;

  constructor(text: ByteText, owner: object | null = null) {
    this.text = text;
    this.owner = owner;
  }

  /** One code point per byte, as UTF-8: the only form of arbitrary bytes that RE2 reads without loss. */
  get encoded(): Buffer {
    this.#encoded ??= Buffer.from(this.text, this.#isAscii ? 'latin1' : 'utf8');
    return this.#encoded;
  }

  get #isAscii(): boolean {
    return (this.groups & ABOVE_ASCII) === 0 || isAscii(this.text);
  }
}

const ABOVE_ASCII = groupsOfText('\x80');

/** Where an operator leaves what it found: TX.0 to TX.9. Null where the rule has no `capture`. */
export interface Captures {
  /** @param index  0 for the whole match, 1 to 9 for groups. Others are dropped. */
  set(index: number, text: ByteText): void;
}
