// hot path: synchronous, never throws
import type { WafConfig } from './schema-waf.ts';

/** Are the gateway's own rules against attacks read? */
export function readsBaseline({ baseline, crs }: WafConfig): boolean {
  return baseline === 'on' || (baseline === 'auto' && crs === '');
}

/** Are there any rules to read? */
export function hasRules(waf: WafConfig): boolean {
  return hasNamedRules(waf) || readsBaseline(waf);
}

/**
 * Does a request go on whose body is too long to be inspected as a whole? Nobody who has not asked for rules is to find
 * uploads refused; whoever names rules must not be passed by with a padded body.
 */
export function takesPart(waf: WafConfig): boolean {
  return waf.requestBodyOver === 'partial' || (waf.requestBodyOver === 'auto' && !hasNamedRules(waf));
}

function hasNamedRules({ crs, rules, patches }: WafConfig): boolean {
  return crs !== '' || rules.length > 0 || patches !== '';
}
