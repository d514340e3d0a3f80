import { lonelyCollections, openRules } from '../../src/pipeline/waf-rules.ts';
import type { RuleEngine } from '../../src/waf/engine.ts';
import type { RequestFacts, WafMode } from '../../src/waf/inspection.ts';
import { recordedRuleFiles } from '../../src/waf/seclang/rule-files.ts';
import { load, MINIMAL } from '../config/support.ts';
import { PROFILE } from './rule-sets.ts';

/** The product's engine over rules of a test. */
export function engineOf(rules: string, mode: WafMode = 'block', { waf } = load(MINIMAL).config): RuleEngine {
  const files = recordedRuleFiles(new Map([['/rules.conf', rules]]));
  const set = openRules(files, { setup: [], rules: ['/rules.conf'] }, waf, lonelyCollections());
  const engine = set.compile({ ...PROFILE, mode });
  if (engine === null) throw new Error('the mode is off');
  return engine;
}

export function factsOf(facts: Partial<RequestFacts> = {}): RequestFacts {
  return {
    uniqueId: 'id-1',
    clientAddress: '192.0.2.1',
    clientPort: 0,
    serverAddress: '192.0.2.2',
    serverPort: 8080,
    method: 'GET',
    target: '/',
    protocol: 'HTTP/1.1',
    fields: ['host', 'a.test'],
    startedAtMs: Date.UTC(2026, 1, 3, 4, 5, 6),
    ...facts,
  };
}
