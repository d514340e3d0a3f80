import { AttackCheck, type AttackCounts, type AttackList } from './attack-check.ts';
import { type Cover, coverOf, type TurnedDown } from './cover.ts';
import { type Exclusion, exclusionKey } from './exclusion.ts';
import type { Judges } from './judges.ts';
import { isWhole, type RecordedRequest } from './recorded-request.ts';
import { outcomeOf, type RuleLooks } from './rule-looks.ts';
import { type Signature, Signatures, type Unexplained } from './signatures.ts';

export interface TuneOptions {
  readonly attacks: AttackList;
  /** Rules may be left out as a whole. */
  readonly wholeRules: boolean;
}

/** What a log of honest traffic asks to be left out. */
export interface Proposal {
  /** Requests of the log. */
  readonly read: number;
  readonly passing: number;
  /** False alarms: blocked, or they would be in mode block. Those of them by what the log tells alone. */
  readonly blocked: number;
  readonly blockedByLog: number;
  /** Not looked at: no route takes them, or the firewall is off there; passed, and their bodies were not recorded. */
  readonly elsewhere: number;
  readonly unjudged: number;
  /** False alarms that pass with the proposal: tried, but for those by the log alone. */
  readonly freed: number;
  readonly proposed: readonly ProposedExclusion[];
  readonly turnedDown: readonly TurnedDownExclusion[];
  /** False alarms that no exclusion of targets helps. */
  readonly unexplained: readonly Unexplained[];
  readonly attacks: AttackCounts;
}

export interface ProposedExclusion {
  readonly exclusion: Exclusion;
  /** Requests that are blocked without it. */
  readonly frees: number;
  /** Attacks that its rule held for: all are blocked all the same. */
  readonly attacksTouched: number;
}

export interface TurnedDownExclusion extends TurnedDown {
  /** Requests that wait for it. */
  readonly wouldFree: number;
}

/**
 * Proposes exclusions from recorded honest requests.
 *
 * @param judges   In mode block.
 * @param records  All honest: whatever of them is blocked is a false alarm.
 * @throws  SallyportError SP_CONFIG for rules that do not compile.
 */
export function tune(
  judges: Judges,
  looks: ReadonlyMap<number, RuleLooks>,
  records: Iterable<RecordedRequest>,
  { attacks, wholeRules }: TuneOptions,
): Proposal {
  const signatures = new Signatures(looks);
  const counts = { read: 0, passing: 0, blocked: 0, blockedByLog: 0, elsewhere: 0, unjudged: 0 };
  for (const record of records) {
    counts.read += 1;
    const route = judges.routeOf(record);
    const judge = route === null ? null : judges.of(route);
    if (judge === null || judge.profile.mode === 'off') counts.elsewhere += 1;
    else if (isWhole(record)) counts[signatures.take(judge, record) ? 'blocked' : 'passing'] += 1;
    else if (!isHeld(outcomeOf(record, looks))) counts.unjudged += 1;
    else {
      counts.blocked += 1;
      counts.blockedByLog += 1;
      signatures.takeLogged(judge.route, record);
    }
  }
  const check = new AttackCheck(judges, attacks);
  const list = signatures.list;
  const cover = coverOf(list, looks, {
    wholeRules,
    letsThrough: (candidate, chosen, sample) => {
      const hit = sample.hits.find(({ exclusion }) => exclusion.ruleId === candidate.ruleId);
      check.place(candidate, hit, sample.records[0] as RecordedRequest);
      return check.letsThrough(candidate, chosen);
    },
  });
  const { kept, dropped } = compiled(cover.chosen, check);
  const freed = freedOf(judges, list, cover, kept);
  const turnedDown = [...cover.turnedDown.values(), ...dropped];
  return {
    ...counts,
    freed: freed.total,
    proposed: kept.map((exclusion) => ({
      exclusion,
      frees: freed.without(exclusion),
      attacksTouched: check.touchedBy(exclusion),
    })),
    turnedDown: turnedDown
      .map((one) => ({ ...one, wouldFree: waitingFor(list, freed.signatures, one.exclusion) }))
      .filter(({ wouldFree }) => wouldFree > 0)
      .sort((a, b) => b.wouldFree - a.wouldFree),
    unexplained: signatures.unexplained,
    attacks: check.counts,
  };
}

const isHeld = (outcome: RecordedRequest['outcome']): boolean => outcome === 'blocked' || outcome === 'detected';

/** Trying by `ctl` says nearly all; the last word has what would run. */
function compiled(
  chosen: readonly Exclusion[],
  check: AttackCheck,
): { readonly kept: readonly Exclusion[]; readonly dropped: readonly TurnedDown[] } {
  let kept = chosen;
  const dropped: TurnedDown[] = [];
  for (;;) {
    const passing = check.passing(kept);
    const attacksOf = ({ route, ruleId }: Exclusion): string[] =>
      passing.filter((attack) => attack.route === route && attack.ruleIds.has(ruleId)).map(({ name }) => name);
    if (passing.length === 0) return { kept, dropped };
    const named = kept.filter((exclusion) => attacksOf(exclusion).length > 0);
    // A silent rule may have held: then nothing on that route is safe.
    const guilty =
      named.length > 0 ? named : kept.filter(({ route }) => passing.some((attack) => attack.route === route));
    for (const exclusion of guilty) {
      const all = passing.filter(({ route }) => route === exclusion.route).map(({ name }) => name);
      dropped.push({ exclusion, attacks: named.length > 0 ? attacksOf(exclusion) : all });
    }
    kept = kept.filter((exclusion) => !guilty.includes(exclusion));
  }
}

interface Freed {
  readonly total: number;
  /** By index. */
  readonly signatures: ReadonlySet<number>;
  /** Requests that are blocked again without it. */
  without(exclusion: Exclusion): number;
}

function freedOf(judges: Judges, list: readonly Signature[], cover: Cover, kept: readonly Exclusion[]): Freed {
  const freed = cover.freedBy(kept);
  const passes = list.map(({ route: name, records, isFromLog }, index) => {
    if (!freed.has(index)) return 0;
    if (isFromLog) return records.length;
    const route = judges.config.routes.find((other) => other.name === name);
    if (route === undefined) return 0;
    const judge = judges.of(route, kept);
    return records.filter((record) => judge.judge(record).judgement.kind === 'passes').length;
  });
  const sumOf = (indexes: Iterable<number>): number =>
    [...indexes].reduce((sum, index) => sum + (passes[index] ?? 0), 0);
  const total = sumOf(freed);
  return {
    total,
    signatures: freed,
    without: (exclusion) => total - sumOf(cover.freedBy(kept.filter((other) => other !== exclusion))),
  };
}

function waitingFor(
  list: readonly Signature[],
  freed: ReadonlySet<number>,
  { route, ruleId, target }: Exclusion,
): number {
  const key = exclusionKey({ route, ruleId, target, breadth: 'rule', why: '' });
  return list.reduce((sum, { hits, records }, index) => {
    const waits = !freed.has(index) && hits.some(({ exclusion }) => exclusionKey(exclusion) === key);
    return waits ? sum + records.length : sum;
  }, 0);
}
