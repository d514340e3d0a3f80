import type { ByteText } from '../base/byte-text.ts';
import { MATCH_TEXT_BYTES_MAX } from '../limits.ts';
import type { RuleMatch } from '../waf/inspection.ts';
import { type Exclusion, exclusionControl, exclusionKey } from './exclusion.ts';
import type { RecordedRequest } from './recorded-request.ts';
import { memberNames } from './request-members.ts';
import type { Judged, RouteJudge } from './route-judge.ts';
import { isOfRequest, leavesNothing, type RuleLooks } from './rule-looks.ts';
import { numberedText, targetText } from './target-text.ts';

/** Each round tells one more place of each rule: a rule that holds in more members is left out of their variable. */
const MEMBERS_MAX = 8;
const ROUNDS_MAX = 48;
/** Targets of a chain that are tried together. */
const TRIED_MAX = 64;

/** A place in which a rule holds, and what leaves it out. */
export interface Hit {
  readonly exclusion: Exclusion;
  /** `ARGS`; '' for a rule as a whole. */
  readonly variable: string;
  /** Byte text; null where it is no member. */
  readonly name: ByteText | null;
}

/** Why a request is blocked. */
export interface Hits {
  readonly first: Judged;
  /** With all of them left out it passes, unless `last` says otherwise. */
  readonly hits: readonly Hit[];
  readonly last: Judged;
  /** Targets that cannot be written down, for people. */
  readonly unwritable: readonly string[];
}

/** Finds the places in which rules hold until the request passes: what held is left out, and rules run again. */
export function findHits(judge: RouteJudge, record: RecordedRequest, looks: ReadonlyMap<number, RuleLooks>): Hits {
  const finder = new Finder(judge, record, looks);
  const first = judge.judge(record);
  let last = first;
  for (let round = 0; round < ROUNDS_MAX && last.judgement.kind !== 'passes'; round += 1) {
    if (!finder.take(last)) break;
    last = judge.judge(record, finder.controls);
  }
  return { first, hits: finder.hits, last, unwritable: [...finder.unwritable] };
}

/** `ARGS:id` -> variable and name, as a target is written. @param text  Byte text, what a match says. */
export function partsOfVariable(text: ByteText): { variable: string; name: ByteText | null } {
  // Attributes of XML are called so by the engine.
  if (text.startsWith('XML:attributes')) return { variable: 'XML', name: '//@*' };
  const colon = text.indexOf(':');
  return colon === -1
    ? { variable: text, name: null }
    : { variable: text.slice(0, colon), name: text.slice(colon + 1) };
}

class Finder {
  readonly unwritable = new Set<string>();
  readonly #judge: RouteJudge;
  readonly #record: RecordedRequest;
  readonly #looks: ReadonlyMap<number, RuleLooks>;
  readonly #hits = new Map<string, Hit>();
  /** How often a rule held in members of a variable. */
  readonly #members = new Map<string, number>();

  constructor(judge: RouteJudge, record: RecordedRequest, looks: ReadonlyMap<number, RuleLooks>) {
    this.#judge = judge;
    this.#record = record;
    this.#looks = looks;
  }

  get hits(): readonly Hit[] {
    return [...this.#hits.values()];
  }

  get controls(): readonly string[] {
    return this.hits.map(({ exclusion }) => exclusionControl(exclusion));
  }

  /** @returns  Whether there was anything to leave out that was not left out before. */
  take({ matches }: Judged): boolean {
    let isNew = false;
    for (const match of matches) {
      const looks = this.#looks.get(match.ruleId);
      if (looks === undefined || looks.isVerdict || match.phase > 2) continue;
      for (const hit of this.#hitsOf(match, looks)) if (this.#add(hit)) isNew = true;
    }
    return isNew;
  }

  #add(hit: Hit): boolean {
    const key = exclusionKey(hit.exclusion);
    if (this.#hits.has(key)) return false;
    this.#hits.set(key, hit);
    return true;
  }

  #hitsOf(match: RuleMatch, looks: RuleLooks): readonly Hit[] {
    const { variable, name } = partsOfVariable(match.variable);
    const isOwn = isOfRequest(variable) && looks.parts.some((part) => part.name === variable);
    if (!isOwn) return this.#probed(match.ruleId, looks);
    const hit = this.#hitIn(match, looks, variable, name);
    if (!this.#hits.has(exclusionKey(hit.exclusion))) return [hit];
    // It holds all the same: a number of members, or a later link of its chain.
    return [this.#whole(match.ruleId, 'it holds with that left out, too')];
  }

  #hitIn({ ruleId, variable: text }: RuleMatch, looks: RuleLooks, variable: string, name: ByteText | null): Hit {
    if (leavesNothing(looks, variable, name)) return this.#whole(ruleId, 'it looks at nothing else');
    if (name === null) return this.#target(ruleId, variable, null);
    const exact = text.length >= MATCH_TEXT_BYTES_MAX ? null : targetText(variable, name);
    if (exact === null) this.unwritable.add(text);
    const key = `${ruleId} ${variable}`;
    const count = (this.#members.get(key) ?? 0) + 1;
    this.#members.set(key, count);
    if (exact !== null && count <= MEMBERS_MAX) return this.#target(ruleId, variable, name, exact);
    const numbered = exact === null ? null : numberedText(variable, name);
    if (numbered !== null && count <= 2 * MEMBERS_MAX)
      return this.#target(ruleId, variable, name, numbered, 'numbered');
    if (leavesNothing(looks, variable, null)) return this.#whole(ruleId, 'it looks at nothing else');
    return this.#target(ruleId, variable, null);
  }

  /** What held is not what the rule begins with: its own targets are tried. */
  #probed(ruleId: number, looks: RuleLooks): readonly Hit[] {
    const targets = this.#ownTargets(ruleId, looks);
    const one = targets.find((hit) => !this.#holdsWithout(ruleId, [hit]));
    if (one !== undefined) return [one];
    if (targets.length > TRIED_MAX || this.#holdsWithout(ruleId, targets)) {
      return [this.#whole(ruleId, 'no target of its own decides')];
    }
    // Several hold at once: whatever need not be left out is not, the broadest first.
    let needed = targets;
    for (const hit of [...targets].reverse()) {
      const without = needed.filter((other) => other !== hit);
      if (!this.#holdsWithout(ruleId, without)) needed = without;
    }
    return needed;
  }

  #holdsWithout(ruleId: number, hits: readonly Hit[]): boolean {
    const controls = [...this.controls, ...hits.map(({ exclusion }) => exclusionControl(exclusion))];
    return this.#judge.judge(this.#record, controls).matches.some((match) => match.ruleId === ruleId);
  }

  /** Members first, then variables. */
  #ownTargets(ruleId: number, looks: RuleLooks): readonly Hit[] {
    const members: Hit[] = [];
    const variables: Hit[] = [];
    const add = (list: Hit[], variable: string, name: ByteText | null): void => {
      const text = targetText(variable, name);
      if (text === null || leavesNothing(looks, variable, name)) return;
      const hit = this.#target(ruleId, variable, name, text);
      if (!this.#hits.has(exclusionKey(hit.exclusion))) list.push(hit);
    };
    for (const { name: variable, selector, mode } of looks.parts) {
      if (mode === 'count') continue;
      const names = selector?.kind === 'name' ? [selector.text] : memberNames(this.#record.request, variable);
      for (const name of names) add(members, variable, name);
      if (selector === null) add(variables, variable, null);
    }
    return [...members, ...variables];
  }

  #target(
    ruleId: number,
    variable: string,
    name: ByteText | null,
    target: string = variable,
    breadth: Exclusion['breadth'] = name === null ? 'variable' : 'member',
  ): Hit {
    return { exclusion: { route: this.#judge.route, ruleId, target, breadth, why: '' }, variable, name };
  }

  #whole(ruleId: number, why: string): Hit {
    const exclusion = { route: this.#judge.route, ruleId, target: null, breadth: 'rule', why } as const;
    return { exclusion, variable: '', name: null };
  }
}
