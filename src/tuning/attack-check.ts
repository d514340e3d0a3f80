import type { AttackPayload } from './attack-payloads.ts';
import { type Exclusion, exclusionControl } from './exclusion.ts';
import type { Hit } from './hits.ts';
import type { Judges } from './judges.ts';
import { placedAttack } from './placed-attack.ts';
import { isWhole, type RecordedRequest } from './recorded-request.ts';
import type { RouteJudge } from './route-judge.ts';

/** Attacks that decide which exclusions are safe: requests as they are, or values that are placed. */
export type AttackList =
  | { readonly kind: 'requests'; readonly records: readonly RecordedRequest[] }
  | { readonly kind: 'payloads'; readonly payloads: readonly AttackPayload[] };

interface Attack {
  readonly record: RecordedRequest;
  readonly ruleIds: ReadonlySet<number>;
}

export interface AttackCounts {
  judged: number;
  /** Blocked by the rules as they are: those that an exclusion must not let through. */
  blocked: number;
  /** Not judged: no route takes them, or their body was not recorded. */
  unjudged: number;
}

/** Tries attacks under the rules with exclusions. */
export class AttackCheck {
  readonly counts: AttackCounts = { judged: 0, blocked: 0, unjudged: 0 };
  readonly #judges: Judges;
  readonly #list: AttackList;
  readonly #attacks = new Map<string, Attack[]>();
  readonly #placed = new Set<string>();

  /** @param judges  In mode block. */
  constructor(judges: Judges, list: AttackList) {
    this.#judges = judges;
    this.#list = list;
    if (list.kind === 'payloads') return;
    for (const record of list.records) {
      const route = judges.routeOf(record);
      if (route === null || !isWhole(record)) this.counts.unjudged += 1;
      else this.#take(judges.of(route), record);
    }
  }

  /**
   * Places attacks of the list where an exclusion would let them in, once for each place.
   *
   * @param sample  A request that it frees.
   */
  place(exclusion: Exclusion, hit: Hit | undefined, sample: RecordedRequest): void {
    const { route: name, target } = exclusion;
    if (this.#list.kind !== 'payloads') return;
    const where = target ?? 'ARGS:q';
    const key = JSON.stringify([name, where]);
    const route = this.#judges.config.routes.find((other) => other.name === name);
    if (this.#placed.has(key) || route === undefined) return;
    this.#placed.add(key);
    const judge = this.#judges.of(route);
    for (const payload of this.#list.payloads) {
      this.#take(judge, placedAttack(sample, where, hit?.name ?? null, payload));
    }
  }

  /** How many blocked attacks a rule holds for. */
  touchedBy({ route, ruleId }: Exclusion): number {
    return (this.#attacks.get(route) ?? []).filter(({ ruleIds }) => ruleIds.has(ruleId)).length;
  }

  /** Names of attacks that pass with a candidate beside what is chosen. Tried by `ctl`. */
  letsThrough(candidate: Exclusion, chosen: readonly Exclusion[]): string[] {
    const { route: name } = candidate;
    const route = this.#judges.config.routes.find((other) => other.name === name);
    if (route === undefined) return [];
    const judge = this.#judges.of(route);
    const own = [...chosen, candidate].filter((exclusion) => exclusion.route === name).map(exclusionControl);
    return (this.#attacks.get(name) ?? [])
      .filter(({ ruleIds }) => ruleIds.has(candidate.ruleId))
      .filter(({ record }) => judge.judge(record, own).judgement.kind !== 'blocked')
      .map(({ record }) => record.id);
  }

  /** Attacks that pass under the compiled exclusions, and the rules that held for them before. */
  passing(
    exclusions: readonly Exclusion[],
  ): { readonly name: string; readonly route: string; readonly ruleIds: ReadonlySet<number> }[] {
    return this.#judges.config.routes.flatMap((route) => {
      const own = exclusions.filter((exclusion) => exclusion.route === route.name);
      if (own.length === 0) return [];
      const judge = this.#judges.of(route, own);
      return (this.#attacks.get(route.name) ?? [])
        .filter(({ record }) => judge.judge(record).judgement.kind !== 'blocked')
        .map(({ record, ruleIds }) => ({ name: record.id, route: route.name, ruleIds }));
    });
  }

  #take(judge: RouteJudge, record: RecordedRequest): void {
    const { judgement, matches } = judge.judge(record);
    this.counts.judged += 1;
    if (judgement.kind !== 'blocked') return;
    this.counts.blocked += 1;
    const attacks = this.#attacks.get(judge.route) ?? [];
    this.#attacks.set(judge.route, attacks);
    attacks.push({ record, ruleIds: new Set(matches.map(({ ruleId }) => ruleId)) });
  }
}
