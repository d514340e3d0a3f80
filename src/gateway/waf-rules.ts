import { createHash } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { WafRules } from '../http/ingress-wire.ts';
import { lonelyCollections, openRules, profileOf, refusalOfRules, usesWaf, wafEntries } from '../pipeline/waf-rules.ts';
import { diskRuleFiles, recordRuleFiles } from '../waf/seclang/rule-files.ts';

/**
 * Reads the rules of a configuration, once for all threads, so that all compile the same whatever happens to the files
 * meanwhile; compiles them once for each profile, so that no thread gets what does not compile.
 *
 * @returns  Null where no route wants rules.
 * @throws  SallyportError SP_CONFIG with what is wrong with them.
 *
 * Threads: main, at boot and reload: reads files synchronously.
 */
export function readWafRules(config: Config): WafRules | null {
  if (!usesWaf(config)) return null;
  try {
    const { files, recorded } = recordRuleFiles(diskRuleFiles());
    const entries = wafEntries(config.waf, files);
    const rules = openRules(files, entries, config.waf, lonelyCollections());
    const profiles = new Map(config.routes.map((route) => [JSON.stringify(profileOf(route)), profileOf(route)]));
    for (const profile of profiles.values()) rules.compile(profile);
    return { entries, recorded, digest: digestOf(recorded.texts, entries, config) };
  } catch (error) {
    throw refusalOfRules(error);
  }
}

/** The same for the same rules: a thread then keeps what it has compiled. */
function digestOf(texts: ReadonlyMap<string, string>, entries: WafRules['entries'], { waf }: Config): string {
  const { argumentsMax, jsonDepthMax, responseTypes } = waf;
  const hash = createHash('sha256').update(JSON.stringify([entries, argumentsMax, jsonDepthMax, responseTypes]));
  for (const [path, text] of texts) hash.update(JSON.stringify([path, text.length])).update(text, 'latin1');
  return hash.digest('hex');
}
