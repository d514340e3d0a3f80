import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ByteText } from '../base/byte-text.ts';
import { isGlob } from '../config/check-waf.ts';
import type { Config } from '../config/schema.ts';
import { SallyportError } from '../errors.ts';
import {
  lonelyCollections,
  openRules,
  profileOf,
  profileText,
  refusalOfRules,
  usesWaf,
  type WafRules,
  wafEntries,
} from '../pipeline/waf-rules.ts';
import { SecLangReason } from '../waf/seclang/reason.ts';
import { diskRuleFiles, recordRuleFiles } from '../waf/seclang/rule-files.ts';
import type { RuleFiles } from '../waf/seclang/syntax.ts';

/**
 * Reads the rules of a configuration, once for all threads, so that all compile the same whatever happens to the files
 * meanwhile; compiles them once for each profile, so that no thread gets what does not compile, and each gets the
 * tables that this makes.
 *
 * @param before  Of the configuration of before: where nothing has changed it is given again, and nothing is compiled.
 * @returns  Null where no route wants rules.
 * @throws  SallyportError SP_CONFIG with what is wrong with them.
 *
 * Threads: main, at boot and reload: reads files synchronously.
 */
export function readWafRules(config: Config, before: WafRules | null = null): WafRules | null {
  if (!usesWaf(config)) return null;
  const profiles = new Map(config.routes.map((route) => [profileText(route), profileOf(route)]));
  try {
    if (before !== null && holds(before, config, [...profiles.keys()])) return before;
    const { files, recorded } = recordRuleFiles(diskRuleFiles());
    const entries = wafEntries(config.waf, files);
    refuseEmpty(config, files);
    const rules = openRules(files, entries, config.waf, lonelyCollections());
    for (const profile of profiles.values()) rules.compile(profile);
    const digest = digestOf(recorded.texts, entries, config);
    const tables = rules.gateTables();
    return { entries, recorded, digest, profiles: [...profiles.keys()], ids: rules.ids, tables };
  } catch (error) {
    throw refusalOfRules(error);
  }
}

/** Whoever names rules must not run without them. @throws  SallyportError SP_CONFIG for a glob without a match. */
function refuseEmpty({ waf }: Config, files: RuleFiles): void {
  const empty = waf.rules.filter((pattern) => isGlob(pattern) && files.expand(pattern, '/').length === 0);
  if (empty.length === 0) return;
  throw new SallyportError('SP_CONFIG', `waf.rules: no file is named ${empty.join(', ')}; correct it or take it out`);
}

/** Are the files as they were read, and is nothing asked of them that was not? */
function holds({ entries, recorded, digest, profiles }: WafRules, config: Config, asked: readonly string[]): boolean {
  const files = diskRuleFiles();
  if (!asked.every((profile) => profiles.includes(profile))) return false;
  if (!isDeepStrictEqual(wafEntries(config.waf, files), entries)) return false;
  if (digestOf(recorded.texts, entries, config) !== digest) return false;
  const isSame = (path: string): boolean => readable(files, path) === recorded.texts.get(path);
  const finds = [...recorded.expansions].every(([key, found]) => {
    const [folder = '', pattern = ''] = key.split('\0');
    if (!isDeepStrictEqual(files.expand(pattern, folder), found)) return false;
    // One that was named and not there may be now: IncludeOptional.
    return isGlob(pattern) || found.every(isSame);
  });
  return finds && [...recorded.texts.keys()].every(isSame);
}

/** Undefined for what cannot be read: the reading that follows says why. */
function readable(files: RuleFiles, path: string): ByteText | undefined {
  try {
    return files.read(path);
  } catch (error) {
    if (error instanceof SecLangReason) return undefined;
    throw error;
  }
}

/** The same for the same rules: a thread then keeps what it has compiled. */
function digestOf(texts: ReadonlyMap<string, string>, entries: WafRules['entries'], { waf }: Config): string {
  const { argumentsMax, gate, jsonDepthMax, responseTypes, audit } = waf;
  const settings = [entries, argumentsMax, gate, jsonDepthMax, responseTypes, audit.parts];
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const [path, text] of texts) hash.update(JSON.stringify([path, text.length])).update(text, 'latin1');
  return hash.digest('hex');
}
