import type { Config } from '../config/schema.ts';
import { scoreOf } from '../pipeline/waf-log.ts';
import type { RuleEngine } from '../waf/engine.ts';
import type { RuleMatch, WafProfile } from '../waf/inspection.ts';
import type { FreshCollections } from './fresh-collections.ts';
import { type Judgement, judge } from './judgement.ts';
import type { RecordedRequest } from './recorded-request.ts';
import { factsOfAsked } from './route-of.ts';

/** What the rules of a route made of one request. */
export interface Judged {
  readonly judgement: Judgement;
  /** Every rule that held, in order, those of the answer apart. */
  readonly matches: readonly RuleMatch[];
  /** What CRS counted, and from which count it blocks; null where nothing counts. */
  readonly score: number | null;
  readonly threshold: number | null;
}

const OFF: Judged = Object.freeze({
  judgement: Object.freeze({ kind: 'passes', ruleId: null, words: 'passes: the firewall is off on this route' }),
  matches: [],
  score: null,
  threshold: null,
});

/** The rules of one route over recorded requests. */
export class RouteJudge {
  readonly route: string;
  readonly profile: WafProfile;
  readonly #config: Config;
  readonly #engine: RuleEngine | null;
  readonly #collections: FreshCollections;

  constructor(
    config: Config,
    route: string,
    profile: WafProfile,
    engine: RuleEngine | null,
    collections: FreshCollections,
  ) {
    this.route = route;
    this.profile = profile;
    this.#config = config;
    this.#engine = engine;
    this.#collections = collections;
  }

  /** @param controls  `ctl` words that hold from the beginning: `ruleRemoveTargetById=941100;ARGS:article`. */
  judge(record: RecordedRequest, controls: readonly string[] = []): Judged {
    const engine = this.#engine;
    if (engine === null) return OFF;
    this.#collections.forget();
    const { request, client, isDecoded } = record;
    const facts = factsOfAsked(this.#config, request, client, record.id);
    const begun = engine.begin(facts);
    const inspection =
      controls.length === 0 ? begun : engine.resume(facts, { ...begun.snapshot(), removals: controls });
    const judgement = judge(inspection, request, this.profile, this.#config.waf, isDecoded);
    inspection.logging();
    return {
      judgement,
      matches: inspection.matches,
      score: numberOrNull(scoreOf(inspection)),
      threshold: numberOrNull(inspection.score('inbound_anomaly_score_threshold')),
    };
  }
}

function numberOrNull(text: string): number | null {
  return /^-?\d{1,9}$/.test(text) ? Number(text) : null;
}
