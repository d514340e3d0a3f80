import { type Exclusion, exclusionKey } from './exclusion.ts';
import { leavesNothing, type RuleLooks } from './rule-looks.ts';
import type { Signature } from './signatures.ts';
import { COSTS } from './smallest.ts';
import { numberedKey, numberedText } from './target-text.ts';

/** So many members of a variable in which a rule held before the variable as a whole is thought of. */
const MEMBERS_OF_VARIABLE_MIN = 3;

export interface CoverOptions {
  /** Rules may be left out as a whole. */
  readonly wholeRules: boolean;
  /** What an exclusion would let through beside those that are chosen; empty for nothing. */
  readonly letsThrough: (candidate: Exclusion, chosen: readonly Exclusion[], sample: Signature) => readonly string[];
}

export interface Cover {
  /** Signatures, by index, whose requests pass with these. */
  freedBy(exclusions: readonly Exclusion[]): ReadonlySet<number>;
  readonly chosen: readonly Exclusion[];
  /** By key: why it was not taken. */
  readonly turnedDown: ReadonlyMap<string, TurnedDown>;
}

export interface TurnedDown {
  readonly exclusion: Exclusion;
  /** Attacks, by name; empty for a whole rule where those are not asked for. */
  readonly attacks: readonly string[];
}

interface Candidate {
  readonly exclusion: Exclusion;
  /** Signatures by their index, and the hits of each that it leaves out. */
  readonly covers: Map<number, number[]>;
}

/**
 * A small set of exclusions that frees as many requests as can be: the greedy cover, which takes what brings most for
 * its cost, breadth being the cost. What lets an attack through is not taken.
 */
export function coverOf(
  signatures: readonly Signature[],
  looks: ReadonlyMap<number, RuleLooks>,
  options: CoverOptions,
): Cover {
  const search = new Search(signatures, candidatesOf(signatures, looks), options);
  search.run();
  return search;
}

class Search implements Cover {
  chosen: Exclusion[] = [];
  readonly turnedDown = new Map<string, TurnedDown>();
  readonly #signatures: readonly Signature[];
  readonly #candidates: ReadonlyMap<string, Candidate>;
  readonly #options: CoverOptions;
  /** By signature: candidates that leave out some of its hits. */
  readonly #coversOf: readonly { readonly key: string; readonly hits: readonly number[] }[][];

  constructor(signatures: readonly Signature[], candidates: ReadonlyMap<string, Candidate>, options: CoverOptions) {
    this.#signatures = signatures;
    this.#candidates = candidates;
    this.#options = options;
    this.#coversOf = signatures.map(() => []);
    for (const [key, { covers }] of candidates) {
      for (const [index, hits] of covers) this.#coversOf[index]?.push({ key, hits });
    }
  }

  run(): void {
    for (const [key, { exclusion }] of this.#candidates) {
      if (exclusion.breadth === 'rule' && !this.#options.wholeRules) {
        this.turnedDown.set(key, { exclusion, attacks: [] });
      }
    }
    for (let next = this.#best(); next !== null; next = this.#best()) {
      const { exclusion, covers } = next;
      const [sample = 0] = covers.keys();
      const attacks = this.#options.letsThrough(exclusion, this.chosen, this.#signatures[sample] as Signature);
      if (attacks.length > 0) this.turnedDown.set(exclusionKey(exclusion), { exclusion, attacks });
      else this.chosen.push(exclusion);
    }
    this.#prune();
  }

  #best(): Candidate | null {
    const covered = this.#coveredBy(this.chosen);
    const open = this.#signatures.map((signature, index) => this.#isOpen(signature, index, covered));
    let best: Candidate | null = null;
    let bestGain = 0;
    for (const [key, candidate] of this.#candidates) {
      if (this.turnedDown.has(key) || this.chosen.includes(candidate.exclusion)) continue;
      const gain = this.#gain(candidate, covered, open) / COSTS[candidate.exclusion.breadth];
      if (gain > bestGain) [best, bestGain] = [candidate, gain];
    }
    return best;
  }

  /** Requests that it brings nearer to passing, by how near. */
  #gain({ covers }: Candidate, covered: readonly ReadonlySet<number>[], open: readonly boolean[]): number {
    let gain = 0;
    for (const [index, hits] of covers) {
      if (open[index] !== true) continue;
      const { need, records } = this.#signatures[index] as Signature;
      const done = covered[index] as ReadonlySet<number>;
      const left = need - this.#sum(index, [...done]);
      const more = this.#sum(
        index,
        hits.filter((hit) => !done.has(hit)),
      );
      gain += (records.length * Math.min(left, more)) / need;
    }
    return gain;
  }

  /** Not free yet, and it can be with what may still be chosen. */
  #isOpen(signature: Signature, index: number, covered: readonly ReadonlySet<number>[]): boolean {
    const done = covered[index] as ReadonlySet<number>;
    if (this.#sum(index, [...done]) >= signature.need) return false;
    const possible = new Set(done);
    for (const { key, hits } of this.#coversOf[index] ?? []) {
      if (!this.turnedDown.has(key)) for (const hit of hits) possible.add(hit);
    }
    return this.#sum(index, [...possible]) >= signature.need;
  }

  #sum(index: number, hits: readonly number[]): number {
    const all = (this.#signatures[index] as Signature).hits;
    return hits.reduce((sum, hit) => sum + (all[hit]?.weight ?? 0), 0);
  }

  /** Hits of each signature that are left out. */
  #coveredBy(exclusions: readonly Exclusion[]): Set<number>[] {
    const covered = this.#signatures.map(() => new Set<number>());
    for (const exclusion of exclusions) {
      for (const [index, hits] of this.#candidates.get(exclusionKey(exclusion))?.covers ?? []) {
        for (const hit of hits) covered[index]?.add(hit);
      }
    }
    return covered;
  }

  freedBy(exclusions: readonly Exclusion[]): ReadonlySet<number> {
    const covered = this.#coveredBy(exclusions);
    const freed = this.#signatures.flatMap(({ need }, index) =>
      this.#sum(index, [...(covered[index] as Set<number>)]) >= need ? [index] : [],
    );
    return new Set(freed);
  }

  /** Takes out what frees nothing any more, the last first. */
  #prune(): void {
    const freed = this.freedBy(this.chosen).size;
    for (const one of [...this.chosen].reverse()) {
      const without = this.chosen.filter((other) => other !== one);
      if (this.freedBy(without).size === freed) this.chosen = without;
    }
  }
}

/** What could be left out: each hit by itself, names that differ in numbers, the variable. */
function candidatesOf(
  signatures: readonly Signature[],
  looks: ReadonlyMap<number, RuleLooks>,
): ReadonlyMap<string, Candidate> {
  const candidates = new Map<string, Candidate>();
  const add = (exclusion: Exclusion, index: number, hit: number): void => {
    const key = exclusionKey(exclusion);
    const candidate = candidates.get(key) ?? { exclusion, covers: new Map<number, number[]>() };
    candidates.set(key, candidate);
    candidate.covers.set(index, [...(candidate.covers.get(index) ?? []), hit]);
  };
  const groups = new Map<string, { broad: Exclusion; names: Set<string>; least: number; hits: [number, number][] }>();
  const group = (broad: Exclusion, least: number, name: string, index: number, hit: number): void => {
    const key = exclusionKey(broad);
    const own = groups.get(key) ?? { broad, names: new Set(), least, hits: [] };
    groups.set(key, own);
    own.names.add(name.toLowerCase());
    own.hits.push([index, hit]);
  };
  signatures.forEach((signature, index) => {
    signature.hits.forEach(({ exclusion, variable, name }, hit) => {
      add(exclusion, index, hit);
      const { ruleId } = exclusion;
      const own = looks.get(ruleId);
      if (name === null || own === undefined) return;
      const numbered = numberedKey(name) === null ? null : numberedText(variable, name);
      const base = { route: signature.route, ruleId, why: '' };
      if (numbered !== null && exclusion.breadth === 'member') {
        group({ ...base, target: numbered, breadth: 'numbered' }, 2, name, index, hit);
      }
      if (!leavesNothing(own, variable, null)) {
        group({ ...base, target: variable, breadth: 'variable' }, MEMBERS_OF_VARIABLE_MIN, name, index, hit);
      }
    });
  });
  for (const { broad, names, least, hits } of groups.values()) {
    if (names.size >= least) for (const [index, hit] of hits) add(broad, index, hit);
  }
  return candidates;
}
