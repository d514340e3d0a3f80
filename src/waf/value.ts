// hot path: synchronous, never throws
import { type ByteText, isAscii } from '../base/byte-text.ts';
import { ALL_GROUPS, groupsOfText } from './gate/byte-groups.ts';
import type { KnownCandidates } from './gate/candidates.ts';
import type { Hits } from './gate/gate.ts';
import type { KnownResults } from './gate/known-results.ts';

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
  /** Of the text: asked here, it is the same question for slices, ropes and flat texts. */
  readonly length: number;
  /** What transformations made of it, the last first: src/waf/steps.ts. */
  forms: KnownForm | null = null;
  /** Groups of the bytes that it holds: src/waf/gate/byte-groups.ts. All of them as long as nobody looked. */
  groups: number = ALL_GROUPS;
  /** What of the operators' needs it meets; null as long as nobody looked. */
  hits: Hits | null = null;
  /** Where its bytes lie at hand, and since when: src/waf/gate/scan.ts. */
  laidAt = 0;
  laidEra = -1;
  /** It, or a form of it, is long and meets so much that its other forms are not looked at: src/waf/gate/scan.ts. */
  isRich = false;
  /** The look of a rule in which the value did not hold: it need not be tested again for the next that has it. */
  missedIn = 0;
  /** The request that this look is of. */
  missedOf: object | null = null;
  /** It outlives the request: what is found of it is noted. */
  readonly isKept: boolean;
  /** Rules that it may make hold, by targets: src/waf/gate/candidates.ts. */
  candidates: KnownCandidates | null = null;
  /** The targets whose rules it cannot make hold, a bit each, and the plan that they are of. */
  clear = 0;
  clearMore = 0;
  clearOf: object | null = null;
  /** Of one that is kept: what operators say of it. */
  results: KnownResults | null = null;
  #encoded: Buffer | null = null;

  /** Where it belongs: a request, or what keeps it. What is noted on one of another rule set means nothing. */
  readonly owner: object | null;

  constructor(text: ByteText, owner: object | null = null, isKept = false) {
    this.text = text;
    this.length = text.length;
    this.owner = owner;
    this.isKept = isKept;
  }

  /** One code point per byte, as UTF-8: the only form of arbitrary bytes that RE2 reads without loss. */
  get encoded(): Buffer {
    if (this.#encoded !== null) return this.#encoded;
    const encoded = Buffer.from(this.text, this.#isAscii ? 'latin1' : 'utf8');
    // A small buffer is part of a large one, which it would keep.
    if (!this.isKept) this.#encoded = encoded;
    return encoded;
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
