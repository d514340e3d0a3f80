import type { TargetExclusion, WafProfile } from './inspection.ts';
import { idRangesOf } from './seclang/ids.ts';
import type { ActionPart, Directive, Place } from './seclang/syntax.ts';
import { parseVariables } from './seclang/variables.ts';

/**
 * The rule that stands for a route's settings; those of config/waf/baseline.conf follow it. No rule set uses such ids.
 */
export const CONFIGURED_RULE_ID = 8_000_000;

/** Where problems with them are reported. */
const PLACE: Place = Object.freeze({ file: 'waf', line: 0 });

/**
 * What a route sets of the Core Rule Set's variables. Belongs behind its crs-setup.conf and before its rules: what the
 * route says wins.
 */
export function profileSettings(profile: WafProfile): Directive[] {
  const blocking = profile.blockingParanoia;
  const detection = profile.detectionParanoia ?? blocking;
  const values: readonly (readonly [string, number | null])[] = [
    ['blocking_paranoia_level', blocking],
    ['detection_paranoia_level', detection],
    ['inbound_anomaly_score_threshold', profile.inboundThreshold],
    ['outbound_anomaly_score_threshold', profile.outboundThreshold],
  ];
  const setvars = values.flatMap(([name, value]): ActionPart[] =>
    value === null ? [] : [{ name: 'setvar', value: `tx.${name}=${value}` }],
  );
  if (setvars.length === 0) return [];
  const words: ActionPart[] = [
    { name: 'id', value: String(CONFIGURED_RULE_ID) },
    { name: 'phase', value: '1' },
    { name: 'pass', value: null },
    { name: 'nolog', value: null },
  ];
  return [{ kind: 'action', place: PLACE, actions: [...words, ...setvars] }];
}

/**
 * What a route takes out of the rules. Belongs behind all of them.
 *
 * @throws  SecLangReason for an id, a range or a target that is none.
 */
export function profileExclusions(profile: WafProfile): Directive[] {
  const removals: Directive[] = [];
  if (profile.withoutIds.length > 0) {
    removals.push({ kind: 'remove-by-id', place: PLACE, ids: profile.withoutIds.flatMap(idRangesOf) });
  }
  for (const tag of profile.withoutTags) {
    removals.push({ kind: 'remove-by-tag', place: PLACE, pattern: literalPattern(tag) });
  }
  return [...removals, ...profile.withoutTargets.flatMap(targetUpdates)];
}

function targetUpdates({ target, ids, tag }: TargetExclusion): Directive[] {
  const variables = parseVariables(target).map((part) => ({ ...part, mode: 'exclude' as const }));
  if (tag !== null) {
    return [{ kind: 'update-target-by-tag', place: PLACE, pattern: literalPattern(tag), variables }];
  }
  const ranges = ids.length === 0 ? [{ first: 0, last: Number.MAX_SAFE_INTEGER }] : ids.flatMap(idRangesOf);
  return [{ kind: 'update-target-by-id', place: PLACE, ids: ranges, variables }];
}

/** Tags of a configuration are words, those of SecRuleRemoveByTag patterns. */
function literalPattern(text: string): string {
  return `^${text.replace(/[^A-Za-z0-9_-]/g, (character) => `\\x{${character.charCodeAt(0).toString(16)}}`)}$`;
}
