import type { ByteText } from '../base/byte-text.ts';
import type { WafProfile } from './inspection.ts';
import type { CompiledRules } from './rule-set.ts';
import { ruleIdOf } from './seclang/ids.ts';
import { parseRules } from './seclang/parse.ts';
import { Problems } from './seclang/problems.ts';
import { SecLangError, SecLangReason } from './seclang/reason.ts';
import { isNamed } from './seclang/rule-actions.ts';
import type { Directive, Place, RuleFiles } from './seclang/syntax.ts';

/** Patches as one route runs them, before the rules of its rule set in each phase. Immutable. */
export type PatchRules = Pick<CompiledRules, 'phases' | 'readsRequestBody' | 'readsResponseBody'>;

/** One file of patches that was read: a small rule set of its own, which takes milliseconds to compile. */
export interface Patch {
  /** Ids of its rules, and where they stand. */
  readonly ids: ReadonlyMap<number, Place>;
  /** @throws  SecLangError with everything that is wrong. */
  compile(profile: WafProfile): PatchRules;
}

/**
 * Reads one file of patches: rules and markers, nothing that changes other rules or sets something.
 *
 * @throws  SecLangError with everything in it that cannot be read or does not belong there.
 */
export function readPatch(files: RuleFiles, path: string): readonly Directive[] {
  const { directives, problems } = parseRules(files, [path]);
  const found = new Problems();
  for (const { place, ruleId, message } of problems) found.add(place, ruleId, message);
  for (const directive of directives) {
    const { place } = directive;
    if (place.file !== path) found.add({ file: path, line: 1 }, null, `includes ${place.file}: write its rules here`);
    const why = whyForeign(directive);
    if (why !== null) found.add(place, null, why);
  }
  if (found.list.length > 0) throw new SecLangError(found.list);
  return directives;
}

/** Null for what may stand in a patch. */
function whyForeign(directive: Directive): string | null {
  switch (directive.kind) {
    case 'rule':
    case 'action':
    case 'marker':
      return null;
    case 'setting':
      return `a patch holds rules: ${directive.name} belongs into a file of waf.rules, or has a setting`;
    case 'default-action':
      return 'a patch holds rules: write the actions of SecDefaultAction into each';
    default:
      return 'a patch does not change other rules where they stand: use ctl:ruleRemoveById and its kind in a SecAction';
  }
}

/** Ids of rules, and where they stand. One that is none is named where rules are linked. */
export function idPlaces(directives: readonly Directive[]): ReadonlyMap<number, Place> {
  const places = new Map<number, Place>();
  for (const directive of directives) {
    if (directive.kind !== 'rule' && directive.kind !== 'action') continue;
    const value = directive.actions.findLast((action) => isNamed(action, 'id'))?.value ?? null;
    const id = value === null ? null : idOrNull(value);
    if (id !== null) places.set(id, directive.place);
  }
  return places;
}

function idOrNull(value: ByteText): number | null {
  try {
    return ruleIdOf(value);
  } catch (error) {
    if (error instanceof SecLangReason) return null;
    throw error;
  }
}

/** Several as one, in their order. What one of them skips ends with it. */
export function joinPatches(patches: readonly PatchRules[]): PatchRules {
  const phase = (number: 1 | 2 | 3 | 4 | 5) => patches.flatMap(({ phases }) => phases[number]);
  return Object.freeze({
    phases: { 1: phase(1), 2: phase(2), 3: phase(3), 4: phase(4), 5: phase(5) },
    readsRequestBody: patches.some(({ readsRequestBody }) => readsRequestBody),
    readsResponseBody: patches.some(({ readsResponseBody }) => readsResponseBody),
  });
}
