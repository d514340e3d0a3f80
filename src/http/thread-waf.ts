import type { Config } from '../config/schema.ts';
import type { WafParts } from '../pipeline/context.ts';
import type { AuditSink } from '../pipeline/waf-route.ts';
import { openRules, profileOf } from '../pipeline/waf-rules.ts';
import type { RuleEngine, RuleSet } from '../waf/engine.ts';
import type { OpenCollections } from '../waf/open-collections.ts';
import { recordedRuleFiles } from '../waf/seclang/rule-files.ts';
import type { WafRules } from './ingress-wire.ts';

/**
 * Compiled rules of one ingress thread, over all generations: a reload that leaves the rules as they are costs nothing.
 *
 * Threads: one instance each.
 */
export class ThreadWaf {
  readonly #collections: OpenCollections;
  #digest = '';
  #rules: RuleSet | null = null;
  #engines: ReadonlyMap<string, RuleEngine | null> = new Map();

  /** @param collections  Over all threads. */
  constructor(collections: OpenCollections) {
    this.#collections = collections;
  }

  /**
   * What the phases of a configuration use.
   *
   * @param rules  As the main thread read them; null where no route wants any.
   * @throws  SecLangError; the main thread has compiled them before.
   */
  parts(config: Config, rules: WafRules | null, audit: AuditSink | null): WafParts | null {
    if (rules === null) return null;
    const isNew = this.#rules === null || rules.digest !== this.#digest;
    const opened = isNew ? this.#open(config, rules) : (this.#rules as RuleSet);
    const engines = new Map<string, RuleEngine | null>();
    const byRoute = new Map<string, RuleEngine | null>();
    for (const route of config.routes) {
      const profile = profileOf(route);
      const key = JSON.stringify(profile);
      const known = engines.get(key) ?? (isNew ? undefined : this.#engines.get(key));
      const engine = known === undefined ? opened.compile(profile) : known;
      engines.set(key, engine);
      byRoute.set(route.name, engine);
    }
    this.#rules = opened;
    this.#digest = rules.digest;
    this.#engines = engines;
    return { engine: (routeName) => byRoute.get(routeName) ?? null, audit };
  }

  #open(config: Config, { entries, recorded }: WafRules): RuleSet {
    const files = recordedRuleFiles(recorded.texts, recorded.expansions);
    return openRules(files, entries, config.waf, this.#collections);
  }
}
