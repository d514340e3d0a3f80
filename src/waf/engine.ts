import { dirname, resolve } from 'node:path';
import type { ByteText } from '../base/byte-text.ts';
import { readsRequestBody, readsResponseBody } from './body-use.ts';
import { type CompiledOperator, compileRule, type RuleContext, type RuleResult } from './compile-rule.ts';
import { GateRegistry } from './gate/gate-registry.ts';
import type { GateTables } from './gate/gate-tables.ts';
import { RulePlan } from './gate/rule-plan.ts';
import type { ValueScanner } from './gate/scan.ts';
import { SharedTargets } from './gate/shared-targets.ts';
import { ValueMemory } from './gate/value-memory.ts';
import type { Inspection, RequestFacts, WafProfile } from './inspection.ts';
import type { InspectionSnapshot } from './inspection-snapshot.ts';
import { type ProgramItem, rulesOfPhase } from './jumps.ts';
import { idPlaces, type Patch, type PatchRules, readPatch } from './patch.ts';
import { profileExclusions, profileSettings } from './profile.ts';
import { RequestInspection } from './request-inspection.ts';
import type { CompiledRules } from './rule-set.ts';
import { linkRules } from './seclang/link.ts';
import { parseRules } from './seclang/parse.ts';
import { SecLangError, type SecLangProblem } from './seclang/reason.ts';
import { RuleFileAbsent } from './seclang/rule-files.ts';
import type { Directive, LinkedMarker, LinkedRule, Place, RuleFiles, RuleProgram } from './seclang/syntax.ts';
import { compileSettings, type WafDefaults } from './settings.ts';
import { NOTHING_SETTLED, settleRules } from './settle.ts';
import { type EngineSettings, RequestState, type RuleKnowledge, type WafServices } from './state.ts';
import { StepTree } from './steps.ts';
import type { UnicodeMap } from './transformation.ts';
import { observing, type TrialShares, trialShares } from './trials.ts';
import { unicodeMapOf } from './unicode-map.ts';

/** Rules that inspect requests: those of one route. */
export interface RuleEngine {
  /**
   * Begins with one request. Never throws.
   * @param patches  Of the same rule set and profile; none unless given.
   */
  begin(facts: RequestFacts, patches?: PatchRules | null): Inspection;
  /** Goes on with a request that another thread began by the same rules, profile and patches. Never throws. */
  resume(facts: RequestFacts, snapshot: InspectionSnapshot, patches?: PatchRules | null): Inspection;
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
  /** Ids of its rules, and where they stand. */
  readonly ids: ReadonlyMap<number, Place>;
  /**
   * Reads a file of patches that are to run before these rules. They share what values become by transformations, and
   * nothing that a rule set needs time for: no literal gate is built, and nothing is decided beforehand.
   *
   * @param files  Where it and the data files that it names are read from.
   * @throws  SecLangError with everything in it that cannot be read.
   */
  openPatch(files: RuleFiles, path: string): Patch;
  /** What other threads need not build for the profiles that were compiled; null where there are no gates. */
  gateTables(): GateTables | null;
}

/**
 * Reads a rule set.
 *
 * @param tables  Those of another thread for the same rules; built here unless given.
 * @throws  SecLangError with everything in it that cannot be read.
 */
export function openRuleSet(
  files: RuleFiles,
  entries: RuleEntries,
  defaults: WafDefaults,
  services: WafServices,
  tables: GateTables | null = null,
): RuleSet {
  const setup = parseRules(files, expanded(files, entries.setup));
  const rules = parseRules(files, expanded(files, entries.rules));
  throwIfAny([...setup.problems, ...rules.problems]);
  const shared = sharedContext(files, services, defaults, tables);
  return {
    compile: (profile) => {
      if (profile.mode === 'off') return null;
      const directives: readonly Directive[] = [
        ...setup.directives,
        ...profileSettings(profile),
        ...rules.directives,
        ...profileExclusions(profile),
      ];
      const compiled = compileDirectives(directives, defaults, shared, trialShares(profile.trials));
      const settings = Object.freeze({ ...compiled.settings, mode: profile.mode });
      const own = Object.freeze({ ...compiled, settings });
      return {
        begin: (facts, patches = null) => new RequestInspection(own, patches, facts, services),
        resume: (facts, snapshot, patches = null) => new RequestInspection(own, patches, facts, services, snapshot),
      };
    },
    ids: idPlaces([...setup.directives, ...rules.directives]),
    gateTables: () => shared.gates?.tables() ?? null,
    openPatch: (patchFiles, path) => {
      const own = readPatch(patchFiles, path);
      // Transformations are those of the rule set, its map of Unicode included.
      const unicode = [...setup.directives, ...rules.directives].filter(isUnicodeMap);
      const beside = {
        ...shared,
        files: readFirst(patchFiles, files),
        gates: null,
        sharedTargets: new SharedTargets(),
      };
      return {
        ids: idPlaces(own),
        compile: (profile) =>
          compileDirectives(
            [...unicode, ...own, ...profileExclusions(profile)],
            { ...defaults, gate: false },
            // Operators of a patch go with it.
            { ...beside, operators: new Map() },
            trialShares(profile.trials),
          ),
      };
    },
  };
}

const isUnicodeMap = (directive: Directive): boolean =>
  directive.kind === 'setting' && directive.name === 'SecUnicodeMapFile';

/** What the first does not have is read from the second. */
function readFirst(first: RuleFiles, second: RuleFiles): RuleFiles {
  return {
    read: (path) => {
      try {
        return first.read(path);
      } catch (error) {
        if (!(error instanceof RuleFileAbsent)) throw error;
        return second.read(path);
      }
    },
    expand: first.expand,
  };
}

/** Entries may be globs, absolute or relative to where the process runs. */
const expanded = (files: RuleFiles, patterns: readonly string[]): string[] =>
  patterns.flatMap((pattern) => files.expand(pattern, ''));

/** What profiles share: operators and transformations do not depend on them. */
interface Shared {
  readonly files: RuleFiles;
  readonly services: WafServices;
  readonly steps: StepTree;
  readonly operators: Map<string, CompiledOperator>;
  /** Gates of the operators, null where they are off. */
  readonly gates: GateRegistry | null;
  readonly sharedTargets: SharedTargets;
  readonly memory: ValueMemory;
}

const sharedContext = (
  files: RuleFiles,
  services: WafServices,
  { gate }: WafDefaults,
  tables: GateTables | null,
): Shared => ({
  files,
  services,
  steps: new StepTree(),
  operators: new Map(),
  gates: gate ? new GateRegistry(tables) : null,
  sharedTargets: new SharedTargets(),
  memory: new ValueMemory(),
});

function compileDirectives(
  directives: readonly Directive[],
  defaults: WafDefaults,
  shared: Shared,
  shares: TrialShares,
): CompiledRules {
  const { program, problems: linkProblems } = linkRules(directives);
  throwIfAny(linkProblems);
  const problems: SecLangProblem[] = [];
  const settings = compileSettings(program, defaults, problems);
  const context: RuleContext = {
    services: shared.services,
    steps: shared.steps,
    operators: shared.operators,
    gates: shared.gates,
    sharedTargets: shared.sharedTargets,
    unicode: unicodeOf(program, shared.files, problems),
    readData: (path, file) => readData(shared.files, path, file),
  };
  const { phases, tx } = compilePhases(program.items, context, settings, problems, defaults.gate, shares);
  throwIfAny(problems);
  const rules = program.items.filter((item): item is LinkedRule => item.kind === 'rule');
  return {
    settings,
    phases,
    known: shared.gates === null ? null : knowledgeOf(shared.gates.scanner(), shared.memory, phases, tx),
    readsRequestBody: rules.some(readsRequestBody),
    readsResponseBody: rules.some(readsResponseBody),
  };
}

function knowledgeOf(
  scanner: ValueScanner,
  memory: ValueMemory,
  phases: CompiledRules['phases'],
  tx: RuleKnowledge['tx'],
): RuleKnowledge {
  return { memory, tx, plan: new RulePlan(phases, scanner) };
}

function compilePhases(
  items: readonly (LinkedRule | LinkedMarker)[],
  context: RuleContext,
  settings: EngineSettings,
  problems: SecLangProblem[],
  isSettled: boolean,
  shares: TrialShares,
): Pick<CompiledRules, 'phases'> & Pick<RuleKnowledge, 'tx'> {
  const compiled: ProgramItem[] = [];
  for (const item of items) {
    if (item.kind === 'marker') {
      compiled.push(item.name);
      continue;
    }
    const result = compileRule(item, context, problems);
    if (result !== null) compiled.push({ linked: item, result: onTrial(item, result, context, shares) });
  }
  throwIfAny(problems);
  const { idle, met, tx } = isSettled
    ? settleRules(compiled, new RequestState(NOBODY, settings, context.services))
    : NOTHING_SETTLED;
  const phase = (number: number) => rulesOfPhase(compiled, number, idle, met);
  return {
    phases: { 1: phase(1), 2: phase(2), 3: phase(3), 4: phase(4), 5: phase(5) },
    tx: new Map(tx.map((entry) => [entry.name.toLowerCase(), entry])),
  };
}

/** A rule that acts for some clients only is compiled once more, for the others. */
function onTrial(item: LinkedRule, result: RuleResult, context: RuleContext, shares: TrialShares): RuleResult {
  const percent = shares(result.rule);
  const problems: SecLangProblem[] = [];
  const other = percent === null ? null : compileRule(observing(item), context, problems);
  throwIfAny(problems);
  if (percent === null || other === null) return result;
  const writes = other.rule.links.some(({ runs }) => runs.length > 0);
  return { ...result, rule: Object.freeze({ ...result.rule, trial: { percent, rule: other.rule, writes } }) };
}

/** The request that settles a rule set: rules that are decided without one look at nothing of it. */
const NOBODY: RequestFacts = Object.freeze({
  uniqueId: '',
  clientAddress: '',
  clientPort: 0,
  serverAddress: '',
  serverPort: 0,
  method: '',
  target: '',
  protocol: '',
  fields: [],
  startedAtMs: 0,
});

/** `SecUnicodeMapFile unicode.mapping 20127`. */
function unicodeOf(program: RuleProgram, files: RuleFiles, problems: SecLangProblem[]): UnicodeMap | null {
  const setting = program.settings.get('SecUnicodeMapFile');
  if (setting === undefined) return null;
  const { place, values } = setting;
  try {
    return unicodeMapOf(values, (path) => readData(files, path, place.file));
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
