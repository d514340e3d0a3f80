import { displayOf } from '../base/byte-text.ts';
import { quote } from '../config/words.ts';
import { SallyportError } from '../errors.ts';
import type { Exclusion } from './exclusion.ts';
import { findHits } from './hits.ts';
import type { Judges } from './judges.ts';
import { loggedHits, wholeRule } from './logged-hits.ts';
import { isWhole, type RecordedRequest } from './recorded-request.ts';
import { outcomeOf, type RuleLooks } from './rule-looks.ts';
import { smallestOf } from './smallest.ts';

/** What lets one request pass. */
export interface RequestExclusions {
  readonly route: string;
  /** Empty where there is nothing to leave out; `notes` say why. */
  readonly exclusions: readonly Exclusion[];
  /** With them it passes: tried, by the rules. False where the recording is not enough to try. */
  readonly isTried: boolean;
  /** For people. */
  readonly notes: readonly string[];
}

/**
 * The smallest exclusions that let a recorded request pass.
 *
 * @param judges   In mode block.
 * @param ruleIds  Of these rules alone; empty for whichever block it.
 * @throws  SallyportError SP_CONFIG where no route takes it, and for a rule that did not hold.
 */
export function excludeFor(
  judges: Judges,
  looks: ReadonlyMap<number, RuleLooks>,
  record: RecordedRequest,
  ruleIds: readonly number[],
): RequestExclusions {
  const route = judges.routeOf(record);
  if (route === null)
    throw new SallyportError('SP_CONFIG', `no route takes request ${quote(record.id)} of ${quote(record.place)}`);
  const judge = judges.of(route);
  if (judge.profile.mode === 'off') return nothing(route.name, 'the firewall is off on this route');
  if (!isWhole(record)) return fromLog(record, route.name, looks, ruleIds);
  const { first, hits, last, unwritable } = findHits(judge, record, looks);
  const notes = unwritable.map((target) => `a name cannot be written as a target: ${quote(displayOf(target))}`);
  if (record.withheldCount > 0) notes.push(`${record.withheldCount} values of it are withheld: rules saw others`);
  const held = new Set(first.matches.map(({ ruleId }) => ruleId));
  if (ruleIds.length > 0) {
    refuseOthers(ruleIds, held, record);
    const own = hits.map(({ exclusion }) => exclusion).filter(({ ruleId }) => ruleIds.includes(ruleId));
    const found = new Set(own.map(({ ruleId }) => ruleId));
    const bare = ruleIds.filter((id) => !found.has(id)).map((id) => bareRule(route.name, id, looks));
    const exclusions = [...own, ...bare];
    const { judgement } = judges.of(route, exclusions).judge(record);
    if (judgement.kind !== 'passes') notes.push(`with that alone it is still ${judgement.words}`);
    return { route: route.name, exclusions, isTried: judgement.kind === 'passes', notes };
  }
  if (first.judgement.kind === 'passes') {
    const isHidden = outcomeOf(record, looks) !== null && record.outcome !== 'passed' && record.withheldCount > 0;
    if (isHidden) return fromLog(record, route.name, looks, ruleIds);
    return nothing(route.name, ...notes, passesWords(record));
  }
  if (last.judgement.kind !== 'passes') {
    return nothing(route.name, ...notes, `no exclusion lets it pass: it is ${last.judgement.words}`);
  }
  const all = hits.map(({ exclusion }) => exclusion);
  const exclusions = smallestOf(all, (controls) => judge.judge(record, controls).judgement.kind === 'passes');
  const { judgement } = judges.of(route, exclusions).judge(record);
  if (judgement.kind === 'passes') return { route: route.name, exclusions, isTried: true, notes };
  return nothing(route.name, ...notes, `targets are not enough, its rules would have to go: it is ${judgement.words}`);
}

function fromLog(
  record: RecordedRequest,
  route: string,
  looks: ReadonlyMap<number, RuleLooks>,
  ruleIds: readonly number[],
): RequestExclusions {
  const missing = isWhole(record)
    ? 'what it was blocked for was'
    : record.hasFields
      ? 'its body was'
      : 'its fields were';
  const { hits, unwritable, unknownRules } = loggedHits(record, route, looks);
  const notes = [
    `${missing} not recorded: this is what the log tells, and was not tried`,
    ...unwritable.map((target) => `a name cannot be written as a target: ${quote(displayOf(target))}`),
    ...unknownRules.map((id) => `the configuration has no rule ${id}`),
  ];
  const held = new Set((record.matches ?? []).map(({ ruleId }) => ruleId));
  refuseOthers(ruleIds, held, record);
  const all = hits.map(({ exclusion }) => exclusion);
  const chosen = ruleIds.length === 0 ? all : all.filter(({ ruleId }) => ruleIds.includes(ruleId));
  return { route, exclusions: chosen, isTried: false, notes };
}

/** @throws  SallyportError SP_CONFIG. */
function refuseOthers(ruleIds: readonly number[], held: ReadonlySet<number>, { id, place }: RecordedRequest): void {
  const others = ruleIds.filter((ruleId) => !held.has(ruleId));
  if (others.length === 0) return;
  const all = [...held].join(', ') || 'none';
  throw new SallyportError(
    'SP_CONFIG',
    `rule ${others.join(', ')} did not hold for request ${quote(id)} of ${quote(place)}; those that did: ${all}`,
  );
}

/** A rule that held and was not needed to block. @throws  SallyportError SP_CONFIG for one that only counts scores. */
function bareRule(route: string, ruleId: number, looks: ReadonlyMap<number, RuleLooks>): Exclusion {
  if (looks.get(ruleId)?.isVerdict === true) {
    throw new SallyportError('SP_CONFIG', `rule ${ruleId} judges what others found: leave those out, not it`);
  }
  return wholeRule(route, ruleId, 'it looks at no target that can be left out').exclusion;
}

function passesWords({ outcome, matches }: RecordedRequest): string {
  const ofAnswer = (matches ?? []).filter(({ phase }) => phase === 3 || phase === 4).map(({ ruleId }) => ruleId);
  if (outcome === 'blocked' && ofAnswer.length > 0) {
    return `the request passes: rules of its answer held, which is not judged here: ${ofAnswer.join(', ')}`;
  }
  return 'it passes by the rules of this configuration';
}

const nothing = (route: string, ...notes: string[]): RequestExclusions => ({
  route,
  exclusions: [],
  isTried: false,
  notes,
});
