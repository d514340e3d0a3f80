import { selectorOf } from './compile-targets.ts';
import type { TargetExclusion, WafProfile } from './inspection.ts';
import { idRangesOf } from './seclang/ids.ts';
import { Problems } from './seclang/problems.ts';
import { SecLangError } from './seclang/reason.ts';
import type { ActionPart, Directive, Place } from './seclang/syntax.ts';
import { parseVariables } from './seclang/variables.ts';

/** The rule that stands for a route's settings; those of config/waf/baseline follow. Others have no such ids. */
const CONFIGURED_RULE_ID = 8_000_000;

/** Where problems with them are reported. */
const PLACE: Place = Object.freeze({ file: 'waf', line: 0 });
const IDS: Place = Object.freeze({ file: 'policies.waf.without.ids', line: 0 });
const TARGETS: Place = Object.freeze({ file: 'policies.waf.without.targets', line: 0 });

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
 * @throws  SecLangError with every id, range and target that is none.
 */
export function profileExclusions(profile: WafProfile): Directive[] {
  const removals: Directive[] = [];
  const problems = new Problems();
  const ids = profile.withoutIds.flatMap((text) => problems.attempt(IDS, null, () => idRangesOf(text)) ?? []);
  if (ids.length > 0) removals.push({ kind: 'remove-by-id', place: PLACE, ids });
  for (const tag of profile.withoutTags) {
    removals.push({ kind: 'remove-by-tag', place: PLACE, pattern: literalPattern(tag) });
  }
  const updates = profile.withoutTargets.flatMap(
    (exclusion) => problems.attempt(TARGETS, null, () => targetUpdates(exclusion)) ?? [],
  );
  if (problems.list.length > 0) throw new SecLangError(problems.list);
  return [...removals, ...updates];
}

function targetUpdates({ target, ids, tag }: TargetExclusion): Directive[] {
  const variables = parseVariables(target).map((part) => ({ ...part, mode: 'exclude' as const }));
  // Named here: each rule that it changes would say the same.
  for (const part of variables) selectorOf(part);
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
