import { fileURLToPath } from 'node:url';
import { parseBody } from '../../src/body/parse-body.ts';
import { hasInvalidEncoding, parseQuery } from '../../src/body/urlencoded.ts';
import { openRuleSet, type RuleEngine, type RuleEntries, type RuleSet } from '../../src/waf/engine.ts';
import type { GateTables } from '../../src/waf/gate/gate-tables.ts';
import type { WafProfile } from '../../src/waf/inspection.ts';
import type { OpenCollections } from '../../src/waf/open-collections.ts';
import { diskRuleFiles } from '../../src/waf/seclang/rule-files.ts';
import type { RuleFiles } from '../../src/waf/seclang/syntax.ts';
import type { WafDefaults } from '../../src/waf/settings.ts';
import type { WafServices } from '../../src/waf/state.ts';

/** What says how bodies are read, in front of every rule set. */
export const BASELINE = fileURLToPath(new URL('../../../config/waf/baseline/10-bodies.conf', import.meta.url));

export const PROFILE: WafProfile = Object.freeze({
  mode: 'block',
  blockingParanoia: null,
  detectionParanoia: null,
  inboundThreshold: null,
  outboundThreshold: null,
  withoutIds: [],
  withoutTags: [],
  withoutTargets: [],
  trials: [],
});

export const WAF_DEFAULTS = {
  bodyCaps: { argumentsMax: 1_000, depthMax: 512 },
  responseTypes: ['text/plain', 'text/html', 'text/xml', 'application/json'],
  auditParts: 'ABFHZ',
  gate: true,
};

/** Collections of one test, that nobody shares and nothing ages. */
export function localCollections(): OpenCollections {
  const kept = new Map<string, Map<string, string>>();
  return {
    open: (collection, key) => {
      const name = `${collection} ${key}`;
      const values = kept.get(name) ?? new Map<string, string>();
      kept.set(name, values);
      return {
        get: (variable) => values.get(variable.toLowerCase()),
        set: (variable, value) => void values.set(variable.toLowerCase(), value),
        add: (variable, by) =>
          void values.set(variable.toLowerCase(), String(Number(values.get(variable.toLowerCase()) ?? '0') + by)),
        unset: (variable) => void values.delete(variable.toLowerCase()),
        expire: () => {},
        entries: () => [...values].map(([variable, value]) => ({ name: variable, value })),
      };
    },
  };
}

export const wafServices = (): WafServices => ({
  parseBody,
  parseQuery,
  hasInvalidEncoding,
  collections: localCollections(),
});

/** Files of the disk, and texts that stand for files which are not on it. */
export function filesWith(texts: Readonly<Record<string, string>>): RuleFiles {
  const disk = diskRuleFiles();
  return {
    read: (path) => texts[path] ?? disk.read(path),
    expand: (pattern, folder) => (pattern in texts ? [pattern] : disk.expand(pattern, folder)),
  };
}

/** A rule set of texts and files. */
export function ruleSetOf(
  texts: Readonly<Record<string, string>>,
  entries: RuleEntries,
  defaults: WafDefaults = WAF_DEFAULTS,
  tables: GateTables | null = null,
): RuleSet {
  return openRuleSet(filesWith(texts), entries, defaults, wafServices(), tables);
}

/** An engine over one text. */
export function engineOf(
  text: string,
  profile: Partial<WafProfile> = {},
  defaults: Partial<WafDefaults> = {},
): RuleEngine {
  const ruleSet = ruleSetOf(
    { '/rules.conf': text },
    { setup: [], rules: ['/rules.conf'] },
    { ...WAF_DEFAULTS, ...defaults },
  );
  const engine = ruleSet.compile({ ...PROFILE, ...profile });
  if (engine === null) throw new Error('the mode is off');
  return engine;
}
