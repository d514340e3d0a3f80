import type { Config } from '../config/schema.ts';
import type { WafParts } from '../pipeline/context.ts';
import type { InspectPool } from '../pipeline/inspect-pool.ts';
import { compilePatches, type PatchSlot, type WafPatches } from '../pipeline/waf-patches.ts';
import type { AuditSink, RouteOffload } from '../pipeline/waf-route.ts';
import { offloads, openRules, profileOf, profileText, type WafRules } from '../pipeline/waf-rules.ts';
import type { RuleEngine, RuleSet } from '../waf/engine.ts';
import type { OpenCollections } from '../waf/open-collections.ts';
import { recordedRuleFiles } from '../waf/seclang/rule-files.ts';

/**
 * Compiled rules of one ingress thread, over all generations: a reload that leaves the rules as they are costs nothing.
 *
 * Threads: one instance each.
 */
export class ThreadWaf {
  readonly #collections: OpenCollections;
  readonly #pool: InspectPool;
  #digest = '';
  #rules: RuleSet | null = null;
  #engines: ReadonlyMap<string, RuleEngine | null> = new Map();
  /** Of the newest configuration, by profile. */
  #slots: ReadonlyMap<string, PatchSlot> = new Map();

  /** @param collections  Over all threads. @param pool  Inspects long bodies. */
  constructor(collections: OpenCollections, pool: InspectPool) {
    this.#collections = collections;
    this.#pool = pool;
  }

  /**
   * What the phases of a configuration use.
   *
   * @param rules    As the main thread read them; null where no route wants any.
   * @param patches  That run before them; null for none.
   * @throws  SecLangError; the main thread has compiled them before.
   */
  parts(config: Config, rules: WafRules | null, patches: WafPatches | null, audit: AuditSink | null): WafParts | null {
    if (rules === null) return null;
    const isNew = this.#rules === null || rules.digest !== this.#digest;
    const opened = isNew ? this.#open(config, rules) : (this.#rules as RuleSet);
    const engines = new Map<string, RuleEngine | null>();
    const byRoute = new Map<string, { readonly engine: RuleEngine | null; readonly key: string }>();
    for (const route of config.routes) {
      const key = profileText(route);
      const known = engines.get(key) ?? (isNew ? undefined : this.#engines.get(key));
      const engine = known === undefined ? opened.compile(profileOf(route)) : known;
      engines.set(key, engine);
      byRoute.set(route.name, { engine, key });
    }
    const running = [...engines].flatMap(([key, engine]) => (engine === null ? [] : [key]));
    // Its own: requests of before go on with theirs.
    const slots = new Map(running.map((key): [string, PatchSlot] => [key, { live: null }]));
    fill(slots, opened, patches);
    this.#slots = slots;
    this.#rules = opened;
    this.#digest = rules.digest;
    this.#engines = engines;
    const offloads = this.#offloads(config, rules);
    return {
      engine: (routeName) => byRoute.get(routeName)?.engine ?? null,
      patches: (routeName) => slots.get(byRoute.get(routeName)?.key ?? '') ?? { live: null },
      audit,
      offload: (routeName) => offloads.get(routeName) ?? null,
    };
  }

  /**
   * Other patches are live from now on, whatever else stays.
   *
   * @throws  SecLangError, and nothing has changed; the main thread has compiled them before.
   */
  patch(patches: WafPatches | null): void {
    if (this.#rules !== null) fill(this.#slots, this.#rules, patches);
  }

  #offloads(config: Config, { digest }: WafRules): ReadonlyMap<string, RouteOffload> {
    if (!offloads(config)) return new Map();
    const { inspectWaiting, inspectDeadlineMs } = config.waf;
    const common = {
      pool: this.#pool,
      limits: { waitingMax: inspectWaiting, deadlineMs: inspectDeadlineMs },
      bytesMin: config.offloadBytes,
      digest,
    };
    return new Map(config.routes.map((route) => [route.name, { ...common, profile: profileText(route) }]));
  }

  #open(config: Config, { entries, recorded, tables }: WafRules): RuleSet {
    const files = recordedRuleFiles(recorded.texts, recorded.expansions);
    return openRules(files, entries, config.waf, this.#collections, tables);
  }
}

/** All or none. */
function fill(slots: ReadonlyMap<string, PatchSlot>, rules: RuleSet, patches: WafPatches | null): void {
  const compiled = patches === null ? null : compilePatches(rules, patches, [...slots.keys()]);
  for (const [key, slot] of slots) {
    const own = compiled?.get(key);
    slot.live = patches === null || own === undefined ? null : { digest: patches.digest, rules: own };
  }
}
