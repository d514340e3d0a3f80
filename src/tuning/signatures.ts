import { type Exclusion, exclusionControl, exclusionKey } from './exclusion.ts';
import { findHits, type Hit } from './hits.ts';
import { loggedHits } from './logged-hits.ts';
import type { RecordedRequest } from './recorded-request.ts';
import type { Judged, RouteJudge } from './route-judge.ts';
import { outcomeOf, type RuleLooks } from './rule-looks.ts';

/** Requests of one route that are blocked for the same reasons. */
export interface Signature {
  readonly route: string;
  readonly hits: readonly WeighedHit[];
  /** They pass when the weights of what is left out come to this. */
  readonly need: number;
  /** Not all of them was recorded: this is by what the log tells, too. */
  readonly isFromLog: boolean;
  readonly records: RecordedRequest[];
}

export interface WeighedHit extends Hit {
  readonly weight: number;
}

/** Why false alarms are no more than counted. */
export interface Unexplained {
  readonly record: RecordedRequest;
  readonly why: string;
}

/** Collects false alarms by what they are blocked for. */
export class Signatures {
  readonly #all = new Map<string, Signature>();
  readonly unexplained: Unexplained[] = [];
  readonly #looks: ReadonlyMap<number, RuleLooks>;

  constructor(looks: ReadonlyMap<number, RuleLooks>) {
    this.#looks = looks;
  }

  get list(): readonly Signature[] {
    return [...this.#all.values()];
  }

  /** @returns  Whether the request is blocked. */
  take(judge: RouteJudge, record: RecordedRequest): boolean {
    const { first, hits, last } = findHits(judge, record, this.#looks);
    const hidden = hiddenHits(judge.route, record, first, this.#looks);
    if (hidden.length > 0) {
      const all = [...hits, ...hidden];
      this.#add(record, judge.route, all, true, () => allNeeded(all));
      return true;
    }
    if (first.judgement.kind === 'passes') return false;
    if (last.judgement.kind !== 'passes') this.unexplained.push({ record, why: last.judgement.words });
    else this.#add(record, judge.route, hits, false, () => weigh(judge, record, first, hits));
    return true;
  }

  /** One that was blocked, and cannot be judged again. */
  takeLogged(route: string, record: RecordedRequest): void {
    const { hits, unwritable } = loggedHits(record, route, this.#looks);
    if (unwritable.length > 0) this.unexplained.push({ record, why: 'a name cannot be written as a target' });
    else if (hits.length === 0) this.unexplained.push({ record, why: 'the log names no rule that could be left out' });
    else this.#add(record, route, hits, true, () => allNeeded(hits));
  }

  #add(record: RecordedRequest, route: string, hits: readonly Hit[], isFromLog: boolean, weighed: () => Weighed): void {
    const key = JSON.stringify([isFromLog, ...hits.map(({ exclusion }) => exclusionKey(exclusion)).sort()]);
    const known = this.#all.get(key);
    if (known !== undefined) known.records.push(record);
    else this.#all.set(key, { route, isFromLog, records: [record], ...weighed() });
  }
}

/** Places in values that were withheld, which do not hold any more: of a blocked request all are needed. */
function hiddenHits(
  route: string,
  record: RecordedRequest,
  { matches }: Judged,
  looks: ReadonlyMap<number, RuleLooks>,
): readonly Hit[] {
  const { withheldCount, isInexact } = record;
  const outcome = outcomeOf(record, looks);
  if ((outcome !== 'blocked' && outcome !== 'detected') || (withheldCount === 0 && !isInexact)) return [];
  const held = new Set(matches.map(({ ruleId }) => ruleId));
  return loggedHits(record, route, looks).hits.filter(({ exclusion }) => !held.has(exclusion.ruleId));
}

type Weighed = Pick<Signature, 'hits' | 'need'>;

/** What each hit adds to the score, measured by leaving it out; where no score decides, all are needed. */
function weigh(judge: RouteJudge, record: RecordedRequest, first: Judged, hits: readonly Hit[]): Weighed {
  const { score, threshold } = first;
  if (hits.length === 1 || score === null || threshold === null || score < threshold) return allNeeded(hits);
  const weighed = hits.map((hit) => ({ ...hit, weight: score - scoreWithout(judge, record, hit.exclusion, score) }));
  const sum = weighed.reduce((total, { weight }) => total + weight, 0);
  const need = score - threshold + 1;
  // Some count in each other's presence only, or something else than the score blocks as well.
  return sum < need ? allNeeded(hits) : { hits: weighed.filter(({ weight }) => weight > 0), need };
}

function scoreWithout(judge: RouteJudge, record: RecordedRequest, exclusion: Exclusion, score: number): number {
  return judge.judge(record, [exclusionControl(exclusion)]).score ?? score;
}

function allNeeded(hits: readonly Hit[]): Weighed {
  return { hits: hits.map((hit) => ({ ...hit, weight: 1 })), need: hits.length };
}
