import { dirname, resolve } from 'node:path';
import type { ByteText } from '../base/byte-text.ts';
import { readsRequestBody, readsResponseBody } from './body-use.ts';
import { compileRule, type RuleContext, type RuleResult } from './compile-rule.ts';
import type { Inspection, RequestFacts, WafProfile } from './inspection.ts';
import type { OperatorTest } from './operator.ts';
import { profileExclusions, profileSettings } from './profile.ts';
import { RequestInspection } from './request-inspection.ts';
import type { CompiledRule } from './rule.ts';
import type { CompiledRules } from './rule-set.ts';
import { linkRules } from './seclang/link.ts';
import { parseRules } from './seclang/parse.ts';
import { SecLangError, type SecLangProblem } from './seclang/reason.ts';
import type { Directive, LinkedMarker, LinkedRule, RuleFiles, RuleProgram } from './seclang/syntax.ts';
import { compileSettings, type WafDefaults } from './settings.ts';
import type { WafServices } from './state.ts';
import { StepTree } from './steps.ts';
import { parseUnicodeMap, type UnicodeMap } from './unicode-map.ts';

/** Rules that inspect requests: those of one route. */
export interface RuleEngine {
  /** Begins with one request. Never throws. */
  begin(facts: RequestFacts): Inspection;
}

/** Files of a rule set, in the order in which they are read. */
export interface RuleEntries {
  /** Before the settings of a route: `crs-setup.conf`. Globs are allowed in all. */
  readonly setup: readonly string[];
  readonly rules: readonly string[];
}

/** A rule set that was read; each profile of a route compiles it anew, and shares what does not depend on it. */
export interface RuleSet {
  /**
   * @returns  Null where the mode is off.
   * @throws  SecLangError with everything that is wrong.
   */
  compile(profile: WafProfile): RuleEngine | null;
}

/**
 * Reads a rule set.
 *
 * @throws  SecLangError with everything in it that cannot be read.
 */
export function openRuleSet(
  files: RuleFiles,
  entries: RuleEntries,
  defaults: WafDefaults,
  services: WafServices,
): RuleSet {
  const setup = parseRules(files, entries.setup);
  const rules = parseRules(files, entries.rules);
  throwIfAny([...setup.problems, ...rules.problems]);
  const shared = sharedContext(files);
  return {
    compile: (profile) => {
      if (profile.mode === 'off') return null;
      const directives: readonly Directive[] = [
        ...setup.directives,
        ...profileSettings(profile),
        ...rules.directives,
        ...profileExclusions(profile),
      ];
      const compiled = compileDirectives(directives, defaults, shared);
      const settings = Object.freeze({ ...compiled.settings, mode: profile.mode });
      const own = Object.freeze({ ...compiled, settings });
      return { begin: (facts) => new RequestInspection(own, facts, services) };
    },
  };
}

/** What profiles share: operators and transformations do not depend on them. */
interface Shared {
  readonly files: RuleFiles;
  readonly steps: StepTree;
  readonly operators: Map<string, OperatorTest>;
}

const sharedContext = (files: RuleFiles): Shared => ({ files, steps: new StepTree(), operators: new Map() });

function compileDirectives(directives: readonly Directive[], defaults: WafDefaults, shared: Shared): CompiledRules {
  const { program, problems: linkProblems } = linkRules(directives);
  throwIfAny(linkProblems);
  const problems: SecLangProblem[] = [];
  const settings = compileSettings(program, defaults, problems);
  const context: RuleContext = {
    steps: shared.steps,
    operators: shared.operators,
    unicode: unicodeOf(program, shared.files, problems),
    readData: (path, file) => readData(shared.files, path, file),
  };
  const phases = compilePhases(program.items, context, problems);
  throwIfAny(problems);
  const rules = program.items.filter((item): item is LinkedRule => item.kind === 'rule');
  return {
    settings,
    phases,
    readsRequestBody: rules.some(readsRequestBody),
    readsResponseBody: rules.some(readsResponseBody),
  };
}

function compilePhases(
  items: readonly (LinkedRule | LinkedMarker)[],
  context: RuleContext,
  problems: SecLangProblem[],
): CompiledRules['phases'] {
  const results = items.map((item) => (item.kind === 'rule' ? compileRule(item, context, problems) : item.name));
  const phase = (number: number) => rulesOfPhase(results, number);
  return { 1: phase(1), 2: phase(2), 3: phase(3), 4: phase(4), 5: phase(5) };
}

/** The rules of one phase; what they skip is counted in rules of that phase. */
function rulesOfPhase(items: readonly (RuleResult | ByteText | null)[], phase: number): CompiledRule[] {
  const rules: CompiledRule[] = [];
  /** Of the next marker of each name: how many rules of the phase stand behind it. Filled from the end. */
  const behind = new Map<ByteText, number>();
  for (const item of items.toReversed()) {
    if (item === null) continue;
    if (typeof item === 'string') {
      behind.set(item, rules.length);
      continue;
    }
    if (item.rule.phase !== phase) continue;
    const after = item.skipAfter === null ? null : (behind.get(item.skipAfter) ?? 0);
    const skips = after === null ? item.skip : rules.length - after;
    rules.push(Object.freeze({ ...item.rule, skips }));
  }
  return rules.reverse();
}

/** `SecUnicodeMapFile unicode.mapping 20127`. */
function unicodeOf(program: RuleProgram, files: RuleFiles, problems: SecLangProblem[]): UnicodeMap | null {
  const setting = program.settings.get('SecUnicodeMapFile');
  if (setting === undefined) return null;
  const { place, values } = setting;
  try {
    return parseUnicodeMap(readData(files, values[0] ?? '', place.file), Number(values[1]));
  } catch (error) {
    problems.push({ place, ruleId: null, message: (error as Error).message });
    return null;
  }
}

/** Data files lie beside the file that names them. */
function readData(files: RuleFiles, path: string, file: string): ByteText {
  return files.read(resolve(dirname(file), path));
}

function throwIfAny(problems: readonly SecLangProblem[]): void {
  if (problems.length > 0) throw new SecLangError(problems);
}
