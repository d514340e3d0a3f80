import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A Core Rule Set as every engine can read it: two things to include, in this order. */
export interface RuleSetFiles {
  readonly setup: string;
  /** A glob. */
  readonly rules: string;
  /** What its rules say of it, such as `OWASP_CRS/4.7.0`. */
  readonly version: string;
}

/** Debian's package keeps it among the settings. */
const DEBIAN_SETUP = '/etc/modsecurity/crs/crs-setup.conf';

/** Release 3 asks DNS and looks around in patterns, which Sallyport refuses: there is nothing to compare. */
export function isTooOld({ version }: RuleSetFiles): boolean {
  return /^OWASP_CRS\/[0-3]\./.test(version);
}

/** @returns  Null where `folder` has no rules, or nothing sets them up. */
export function findRuleSet(folder: string): RuleSetFiles | null {
  const rules = join(folder, 'rules');
  const setup = ['crs-setup.conf', 'crs-setup.conf.example'].map((name) => join(folder, name));
  const found = [...setup, DEBIAN_SETUP].find((path) => existsSync(path));
  const names = existsSync(rules) ? readdirSync(rules).filter((name) => name.endsWith('.conf')) : [];
  if (found === undefined || names.length === 0) return null;
  const version = /ver:'([^']+)'/.exec(readFileSync(join(rules, names.toSorted()[0] ?? ''), 'utf8'))?.[1];
  return { setup: found, rules: join(rules, '*.conf'), version: version ?? 'unknown' };
}
