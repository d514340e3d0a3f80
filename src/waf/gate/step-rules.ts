// hot path: synchronous, never throws
import type { CompiledLink } from '../rule.ts';
import type { Step } from '../steps.ts';
import type { Seen } from './gate.ts';

/** The first link of a rule. */
export interface BoundLink {
  /** Number of the rule in its plan. */
  readonly rule: number;
  readonly link: CompiledLink;
}

/** Numbers to a clause: word of the hits, bit in it, groups of bytes. */
const CLAUSE = 3;

/** The gates of rules that look at the same target behind the same step, in flat memory. */
export class StepRules {
  readonly step: Step;
  /** They look at the value as it is and behind each step on the way (multiMatch). */
  readonly isWay: boolean;
  readonly #rules: Int32Array;
  /** Rule -> where its clauses begin; they end where those of the next one begin. */
  readonly #starts: Int32Array;
  readonly #clauses: Int32Array;

  /** @param links  At least one. */
  constructor(links: readonly BoundLink[]) {
    const [{ link }] = links as [BoundLink];
    this.step = link.step;
    this.isWay = link.forms !== null;
    this.#rules = Int32Array.from(links, ({ rule }) => rule);
    const clauses: number[] = [];
    this.#starts = new Int32Array(links.length + 1);
    for (const [index, { link }] of links.entries()) {
      clauses.push(...(link.gate?.clauses ?? []));
      this.#starts[index + 1] = clauses.length;
    }
    this.#clauses = Int32Array.from(clauses);
  }

  /**
   * Adds the numbers of rules whose gates let pass what was seen.
   *
   * @param seen  What a value holds behind the step; of a way, behind any step on it.
   */
  addPassing({ hits, groups }: Seen, rules: number[]): void {
    const clauses = this.#clauses;
    let from = 0;
    for (let index = 0; index < this.#rules.length; index += 1) {
      const end = this.#starts[index + 1] as number;
      let at = from;
      for (; at < end; at += CLAUSE) {
        const met = (hits[clauses[at] as number] as number) & (clauses[at + 1] as number);
        if ((met | (groups & (clauses[at + 2] as number))) === 0) break;
      }
      if (at >= end) rules.push(this.#rules[index] as number);
      from = end;
    }
  }
}
