import type { RuleSet } from '../waf/engine.ts';
import type { WafProfile } from '../waf/inspection.ts';
import { joinPatches, type PatchRules } from '../waf/patch.ts';
import { type RecordedRuleFiles, recordedRuleFiles } from '../waf/seclang/rule-files.ts';

/** Virtual patches as the main thread read and tried them: plain data that all threads compile. */
export interface WafPatches {
  /** Another one each time. */
  readonly number: number;
  /** The same for the same patches. */
  readonly digest: string;
  /** In the order in which they run. */
  readonly paths: readonly string[];
  /** Those files, and the data files that they name. */
  readonly recorded: RecordedRuleFiles;
}

/** A file of patches that is live, for people. */
export interface PatchRow {
  readonly file: string;
  readonly ids: readonly number[];
  /** Since when as it is, RFC 3339. */
  readonly since: string;
  /** Null for never. */
  readonly expires: string | null;
}

/** What is known of the patches of this gateway. */
export interface PatchList {
  rows(): readonly PatchRow[];
  /** Why the folder as it is now is not in force; null where it is. */
  readonly refusal: string | null;
}

/** Patches that requests of a route begin with from now on. Immutable. */
export interface LivePatches {
  readonly digest: string;
  readonly rules: PatchRules;
}

/** Where requests find them. Written between requests; a request keeps those that it began with. Threads: one. */
export interface PatchSlot {
  live: LivePatches | null;
}

/**
 * Compiles patches for profiles of routes, as text. Takes milliseconds.
 *
 * @param rules  The rule set before which they run.
 * @throws  SecLangError; the main thread has compiled them before.
 */
export function compilePatches(
  rules: RuleSet,
  { paths, recorded }: WafPatches,
  profiles: readonly string[],
): Map<string, PatchRules> {
  const files = recordedRuleFiles(recorded.texts, recorded.expansions);
  const opened = paths.map((path) => rules.openPatch(files, path));
  return new Map(
    profiles.map((text) => {
      const profile = JSON.parse(text) as WafProfile;
      return [text, joinPatches(opened.map((patch) => patch.compile(profile)))];
    }),
  );
}
