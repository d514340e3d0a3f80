import type { Judges } from './judges.ts';
import { isWhole, type RecordedRequest } from './recorded-request.ts';
import type { Judged } from './route-judge.ts';
import { outcomeOf, type RuleLooks, rulesLooks } from './rule-looks.ts';

/** What becomes of a request. */
export type Verdict = 'passes' | 'detected' | 'blocked';

/** A request with another verdict than before. */
export interface VerdictChange {
  readonly id: string;
  readonly place: string;
  readonly method: string;
  /** Byte text. */
  readonly target: string;
  readonly route: string;
  readonly from: Verdict;
  readonly to: Verdict;
  /** Under the new rules, for people. */
  readonly words: string;
  /** Rules that hold now and did not, and the other way round; empty where it is not known what held. */
  readonly rulesMore: readonly number[];
  readonly rulesFewer: readonly number[];
}

export interface Replay {
  readonly read: number;
  readonly judged: number;
  /** No route takes them. */
  readonly unrouted: number;
  /** Fields were not recorded: nothing can be said. */
  readonly fieldless: number;
  /** Bodies that were not recorded, or in part: judged by the rest. */
  readonly bodiless: number;
  /** Requests with values that were withheld, and those values; bytes that the log could not write. */
  readonly withheld: number;
  readonly withheldValues: number;
  readonly inexact: number;
  /** Held to be attacks by the recording, and passed now: what set rules off may not have been recorded. */
  readonly undecided: number;
  /** Requests whose recording tells no verdict and no `against` was given: taken to have passed. */
  readonly assumed: number;
  readonly changes: readonly VerdictChange[];
  /** By rule id: requests for which it holds now and did not, and the other way round. */
  readonly rulesMore: ReadonlyMap<number, number>;
  readonly rulesFewer: ReadonlyMap<number, number>;
  readonly verdicts: Readonly<Record<Verdict, number>>;
}

/**
 * Judges recorded requests by new rules.
 *
 * @param before  The rules of before; null for what the recordings tell.
 * @throws  SallyportError SP_CONFIG for rules that do not compile.
 */
export function replay(records: Iterable<RecordedRequest>, judges: Judges, before: Judges | null): Replay {
  const looks = rulesLooks(judges);
  const counts = { read: 0, judged: 0, unrouted: 0, fieldless: 0, bodiless: 0 };
  const doubts = { withheld: 0, withheldValues: 0, inexact: 0, undecided: 0, assumed: 0 };
  const verdicts = { passes: 0, detected: 0, blocked: 0 };
  const changes: VerdictChange[] = [];
  const rulesMore = new Map<number, number>();
  const rulesFewer = new Map<number, number>();
  for (const record of records) {
    counts.read += 1;
    const route = judges.routeOf(record);
    if (route === null) counts.unrouted += 1;
    else if (!record.hasFields) counts.fieldless += 1;
    else {
      counts.judged += 1;
      if (record.body === 'absent') counts.bodiless += 1;
      if (record.withheldCount > 0) doubts.withheld += 1;
      doubts.withheldValues += record.withheldCount;
      if (record.isInexact) doubts.inexact += 1;
      const now = judges.of(route).judge(record);
      const was = before === null ? told(record, looks) : judgedBy(before, record);
      if (was.isAssumed) doubts.assumed += 1;
      const to = now.judgement.kind;
      verdicts[to] += 1;
      const more = was.rules === null ? [] : idsOf(now).filter((id) => was.rules?.has(id) === false);
      const nowIds = new Set(idsOf(now));
      const fewer = [...(was.rules ?? [])].filter((id) => !nowIds.has(id));
      // Without its body, or a cookie, a request seems harmless: that rules pass it now is no news.
      const isSure = before !== null || isAllThere(record);
      for (const id of more) rulesMore.set(id, (rulesMore.get(id) ?? 0) + 1);
      if (isSure) for (const id of fewer) rulesFewer.set(id, (rulesFewer.get(id) ?? 0) + 1);
      if (to === was.verdict) continue;
      if (!isSure && SEVERITY[to] < SEVERITY[was.verdict]) {
        doubts.undecided += 1;
        continue;
      }
      const { id, place, request } = record;
      changes.push({
        id,
        place,
        method: request.method,
        target: request.target,
        route: route.name,
        from: was.verdict,
        to,
        words: now.judgement.words,
        rulesMore: more,
        rulesFewer: isSure ? fewer : [],
      });
    }
  }
  return { ...counts, ...doubts, verdicts, changes, rulesMore, rulesFewer };
}

const SEVERITY: Readonly<Record<Verdict, number>> = { passes: 0, detected: 1, blocked: 2 };

interface Before {
  readonly verdict: Verdict;
  /** Null where it is not known. */
  readonly rules: ReadonlySet<number> | null;
  readonly isAssumed: boolean;
}

function judgedBy(before: Judges, record: RecordedRequest): Before {
  const route = before.routeOf(record);
  // A route of its own now; then it was nobody's.
  if (route === null) return { verdict: 'passes', rules: new Set(), isAssumed: true };
  const judged = before.of(route).judge(record);
  return { verdict: judged.judgement.kind, rules: new Set(idsOf(judged)), isAssumed: false };
}

/** By the recording. Rules of the answer are not judged again, and what they did is left out. */
function told(record: RecordedRequest, looks: ReadonlyMap<number, RuleLooks>): Before {
  const { matches } = record;
  const outcome = outcomeOf(record, looks);
  const rules = matches === null ? null : new Set(matches.filter(({ phase }) => !isOfAnswer(phase)).map(idOf));
  return { verdict: outcome === null || outcome === 'passed' ? 'passes' : outcome, rules, isAssumed: outcome === null };
}

const isAllThere = (record: RecordedRequest): boolean =>
  isWhole(record) && record.withheldCount === 0 && !record.isInexact;
const isOfAnswer = (phase: number): boolean => phase === 3 || phase === 4;
const idOf = ({ ruleId }: { readonly ruleId: number }): number => ruleId;

/** Those that an audit log would name, each once. */
function idsOf({ matches }: Judged): number[] {
  return [...new Set(matches.filter(({ audited }) => audited).map(idOf))];
}

/** Blocked and was not. */
export function newlyBlocked({ changes }: Replay): readonly VerdictChange[] {
  return changes.filter(({ to }) => to === 'blocked');
}

/** Goes on where it was blocked, or held to be an attack. */
export function newlyPassed({ changes }: Replay): readonly VerdictChange[] {
  return changes.filter(({ from, to }) => SEVERITY[to] < SEVERITY[from]);
}

export function newlyDetected({ changes }: Replay): readonly VerdictChange[] {
  return changes.filter(({ from, to }) => from === 'passes' && to === 'detected');
}
