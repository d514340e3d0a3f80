import type { Config, RouteConfig } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import { openRules, profileOf, refusalOfRules, usesWaf, wafEntries } from '../pipeline/waf-rules.ts';
import type { RuleEngine, RuleEntries, RuleSet } from '../waf/engine.ts';
import type { WafProfile } from '../waf/inspection.ts';
import { diskRuleFiles } from '../waf/seclang/rule-files.ts';
import type { RuleFiles } from '../waf/seclang/syntax.ts';
import { byRoute, type Exclusion } from './exclusion.ts';
import { FreshCollections } from './fresh-collections.ts';
import type { RecordedRequest } from './recorded-request.ts';
import { RouteJudge } from './route-judge.ts';
import { compileRouteOf } from './route-of.ts';

/**
 * The rules of a configuration, ready to judge recorded requests: those of each route are compiled when the first
 * request wants them.
 */
export class Judges {
  readonly config: Config;
  readonly files: RuleFiles;
  readonly entries: RuleEntries;
  readonly #rules: RuleSet;
  readonly #collections: FreshCollections;
  readonly #routeOf: ReturnType<typeof compileRouteOf>;
  readonly #mode: WafProfile['mode'] | null;
  readonly #engines = new Map<string, RuleEngine | null>();
  readonly #judges = new Map<string, RouteJudge>();

  private constructor(opened: Opened) {
    this.config = opened.config;
    this.files = opened.files;
    this.entries = opened.entries;
    this.#rules = opened.rules;
    this.#collections = opened.collections;
    this.#routeOf = opened.routeOf;
    this.#mode = opened.mode;
  }

  /**
   * @param mode  Of all routes where rules run; null for what the configuration says.
   * @throws  SallyportError SP_CONFIG where no route has rules, or they cannot be read.
   */
  static open(config: Config, mode: WafProfile['mode'] | null = null): Judges {
    if (!usesWaf(config)) throw new SallyportError('SP_CONFIG', 'no route has rules: set waf.crs or waf.rules');
    const files = diskRuleFiles();
    const collections = new FreshCollections();
    try {
      const entries = wafEntries(config.waf, files);
      const rules = openRules(files, entries, config.waf, collections);
      return new Judges({ config, files, entries, rules, collections, routeOf: compileRouteOf(config), mode });
    } catch (error) {
      throw refusalOfRules(error);
    }
  }

  /** The route that a request takes: by the name that was recorded with it, or by its path. Null for none. */
  routeOf({ request, route }: RecordedRequest): RouteConfig | null {
    const named = this.config.routes.find(({ name }) => name === route);
    return named ?? this.#routeOf(request);
  }

  /**
   * The judge of a route.
   *
   * @param exclusions  Compiled in, as a configuration that has them would be.
   * @throws  SallyportError SP_CONFIG for rules that do not compile.
   */
  of(route: RouteConfig, exclusions: readonly Exclusion[] = []): RouteJudge {
    const own = exclusions.filter(({ route: name }) => name === route.name);
    const profile = this.#profileOf(route, own);
    const key = JSON.stringify([route.name, profile]);
    const known = this.#judges.get(key);
    if (known !== undefined) return known;
    const judge = new RouteJudge(this.config, route.name, profile, this.#engineOf(profile), this.#collections);
    this.#judges.set(key, judge);
    return judge;
  }

  #profileOf(route: RouteConfig, exclusions: readonly Exclusion[]): WafProfile {
    const profile = profileOf(route);
    const more = byRoute(exclusions).get(route.name) ?? { ids: [], targets: [] };
    return {
      ...profile,
      mode: profile.mode === 'off' ? 'off' : (this.#mode ?? profile.mode),
      withoutIds: [...profile.withoutIds, ...more.ids],
      withoutTargets: [...profile.withoutTargets, ...more.targets],
    };
  }

  /** Routes with equal profiles share one. */
  #engineOf(profile: WafProfile): RuleEngine | null {
    const key = JSON.stringify(profile);
    const known = this.#engines.get(key);
    if (known !== undefined) return known;
    try {
      const engine = this.#rules.compile(profile);
      this.#engines.set(key, engine);
      return engine;
    } catch (error) {
      throw refusalOfRules(error);
    }
  }
}

interface Opened {
  readonly config: Config;
  readonly files: RuleFiles;
  readonly entries: RuleEntries;
  readonly rules: RuleSet;
  readonly collections: FreshCollections;
  readonly routeOf: ReturnType<typeof compileRouteOf>;
  readonly mode: WafProfile['mode'] | null;
}
