import type { RuleEngine, RuleEntries, RuleSet } from '../../../src/waf/engine.ts';
import type { GateTables } from '../../../src/waf/gate/gate-tables.ts';
import type { WafProfile } from '../../../src/waf/inspection.ts';
import type { WafDefaults } from '../../../src/waf/settings.ts';
import { startCrsGateway } from '../../support/crs-gateway.ts';
import { startModSecurity, WITHOUT_MODSECURITY } from '../../support/modsecurity.ts';
import { CRS_TEST_SETTINGS } from '../../support/modsecurity-config.ts';
import { BASELINE, PROFILE, ruleSetOf, WAF_DEFAULTS } from '../../support/rule-sets.ts';
import { EngineExecutor } from './engine-executor.ts';
import type { Executor } from './executor.ts';
import {
  ENGINE_DIFFERENCES,
  GATEWAY_DIFFERENCES,
  type KnownDifferences,
  MODSECURITY_DIFFERENCES,
} from './known-differences.ts';
import { SocketExecutor } from './socket-executor.ts';

/** Something that the tests of a rule set can be run against. */
export interface Engine {
  /** Its list of overrides, beside rules/ and tests/; null where it answers for every test as written. */
  readonly overridesFile: string | null;
  readonly known: KnownDifferences;
  /** Why it cannot run here; false for no reason. */
  readonly missing: string | false;
  /** One executor over the rule set in a folder, each on a server or engine of its own. */
  start(folder: string): Promise<Executor>;
}

/** Rules at every paranoia level, none of which ends a request: as their tests ask. */
export const DETECTION: WafProfile = { ...PROFILE, mode: 'detect' };

/** An engine over the rule set, set as its tests ask. @param gate  As in WafDefaults. */
export function crsEngine(folder: string, profile: WafProfile, gate = true): RuleEngine {
  return compiled(crsRuleSet(folder, { ...WAF_DEFAULTS, gate }), profile);
}

/** The same as a thread has it that is given the tables of another. */
export function crsEngineGiven(folder: string, profile: WafProfile): RuleEngine {
  const first = crsRuleSet(folder, WAF_DEFAULTS);
  compiled(first, profile);
  return compiled(crsRuleSet(folder, WAF_DEFAULTS, structuredClone(first.gateTables())), profile);
}

function compiled(rules: RuleSet, profile: WafProfile): RuleEngine {
  const engine = rules.compile(profile);
  if (engine === null) throw new Error('the mode is off');
  return engine;
}

function crsRuleSet(folder: string, defaults: WafDefaults, tables: GateTables | null = null): RuleSet {
  return ruleSetOf({ '/tests.conf': testSettings(folder) }, crsEntries(folder), defaults, tables);
}

/** By the name that `--engine` takes. */
export const ENGINES: Readonly<Record<string, Engine>> = {
  engine: {
    overridesFile: null,
    known: ENGINE_DIFFERENCES,
    missing: false,
    start: async (folder) => {
      const engine = crsEngine(folder, DETECTION);
      return new EngineExecutor('engine', (facts) => engine.begin(facts));
    },
  },
  gateway: {
    overridesFile: null,
    known: GATEWAY_DIFFERENCES,
    missing: false,
    start: async (folder) => new SocketExecutor(await startCrsGateway(folder)),
  },
  modsecurity: {
    overridesFile: 'nginx-overrides.yaml',
    known: MODSECURITY_DIFFERENCES,
    missing: WITHOUT_MODSECURITY,
    start: async (folder) => new SocketExecutor(await startModSecurity({ folder, engine: 'DetectionOnly' })),
  },
};

const testSettings = (folder: string): string =>
  `SecUnicodeMapFile ${folder}/unicode.mapping 20127\n${CRS_TEST_SETTINGS}`;

const crsEntries = (folder: string): RuleEntries => ({
  setup: [BASELINE, `${folder}/crs-setup.conf.example`, '/tests.conf'],
  rules: [`${folder}/rules/*.conf`],
});
