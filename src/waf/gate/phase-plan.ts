// hot path: synchronous, never throws
import type { CompiledLink, CompiledRule } from '../rule.ts';
import type { RequestState } from '../state.ts';
import type { RequestGate } from './request-gate.ts';
import type { TargetGroup } from './target-groups.ts';

/** Numbers to a clause: word of the hits, bit in it, groups of bytes. */
const CLAUSE = 3;

/**
 * The gates of one phase's rules in flat memory: honest requests pass nearly all of them over, which should cost no
 * walk through objects. What is noted here of one request holds while its phase runs.
 *
 * Threads: one instance each.
 */
export class PhasePlan {
  /** Rule -> the group of its first link, by its place in `groups`; -1 for one that must be tried. */
  readonly #groupOf: Int32Array;
  /** Rule -> where its clauses begin; they end where those of the next one begin. */
  readonly #starts: Int32Array;
  readonly #clauses: Int32Array;
  readonly #groups: readonly TargetGroup[];
  readonly #words: number;
  /** Of each group: hits, groups of bytes, and which look that was. */
  readonly #hits: Int32Array;
  readonly #bytes: Int32Array;
  readonly #looks: Float64Array;

  /**
   * @param rules  Of the phase, in order; their gates are open.
   * @param words  Of hits.
   */
  constructor(rules: readonly CompiledRule[], words: number) {
    const groups: TargetGroup[] = [];
    const clauses: number[] = [];
    this.#groupOf = new Int32Array(rules.length);
    this.#starts = new Int32Array(rules.length + 1);
    for (const [index, rule] of rules.entries()) {
      const { gate, group } = rule.links[0] as CompiledLink;
      this.#groupOf[index] = gate === null || group === null ? -1 : placeOf(group, groups);
      if (gate !== null && group !== null) clauses.push(...gate.clauses);
      this.#starts[index + 1] = clauses.length;
    }
    this.#clauses = Int32Array.from(clauses);
    this.#groups = groups;
    this.#words = words;
    this.#hits = new Int32Array(groups.length * words);
    this.#bytes = new Int32Array(groups.length);
    this.#looks = new Float64Array(groups.length);
  }

  /** False where the first link of a rule cannot hold: then the rule would leave no trace. */
  mayHold(rule: number, past: RequestGate, state: RequestState): boolean {
    const group = this.#groupOf[rule] as number;
    if (group === -1) return true;
    if (this.#looks[group] !== past.look) this.#look(group, past, state);
    const clauses = this.#clauses;
    const end = this.#starts[rule + 1] as number;
    const hits = group * this.#words;
    const bytes = this.#bytes[group] as number;
    for (let i = this.#starts[rule] as number; i < end; i += CLAUSE) {
      const met = (this.#hits[hits + (clauses[i] as number)] as number) & (clauses[i + 1] as number);
      if ((met | (bytes & (clauses[i + 2] as number))) === 0) return false;
    }
    return true;
  }

  #look(group: number, past: RequestGate, state: RequestState): void {
    const seen = past.seen(this.#groups[group] as TargetGroup, state);
    const from = group * this.#words;
    for (let word = 0; word < this.#words; word += 1) this.#hits[from + word] = seen.hits[word] as number;
    this.#bytes[group] = seen.groups;
    this.#looks[group] = past.look;
  }
}

function placeOf(group: TargetGroup, groups: TargetGroup[]): number {
  const place = groups.indexOf(group);
  if (place !== -1) return place;
  groups.push(group);
  return groups.length - 1;
}
