import { dirname } from 'node:path';
import type { ByteText } from '../base/byte-text.ts';
import { emptyDraft, type RuleDraft } from './action.ts';
import { applyAction } from './actions.ts';
import { compileTargets } from './compile-targets.ts';
import { ALL_GROUPS, groupsOfText } from './gate/byte-groups.ts';
import type { Gate } from './gate/gate.ts';
import { type GateRegistry, operatorKey } from './gate/gate-registry.ts';
import type { SharedTargets } from './gate/shared-targets.ts';
import { compileTemplate } from './macros.ts';
import type { OperatorContext, OperatorTest, OperatorWord } from './operator.ts';
import { operatorNamed } from './operators.ts';
import type { CompiledLink, CompiledRule, LinkTest } from './rule.ts';
import { type SecLangProblem, SecLangReason } from './seclang/reason.ts';
import type { LinkedRule, OperatorPart, Place, RuleLink } from './seclang/syntax.ts';
import type { WafServices } from './state.ts';
import type { Step, StepTree } from './steps.ts';
import type { Template } from './template.ts';
import type { UnicodeMap } from './transformation.ts';
import { transformationNamed } from './transformations.ts';

/** What rules share while a rule set is compiled. */
export interface RuleContext {
  readonly services: WafServices;
  readonly steps: StepTree;
  /** Operators that were compiled, by word, parameter and folder of their data: many rules and all profiles share. */
  readonly operators: Map<string, CompiledOperator>;
  /** Gates of the operators; null where there are none. */
  readonly gates: GateRegistry | null;
  readonly sharedTargets: SharedTargets;
  readonly unicode: UnicodeMap | null;
  /** A data file that a rule in `file` names. @throws  SecLangReason */
  readonly readData: (path: string, file: string) => ByteText;
}

/** An operator whose parameter is known. */
export interface CompiledOperator {
  readonly test: OperatorTest;
  readonly gate: Gate | null;
  /** Among all of them. */
  readonly number: number;
}

/** A rule, and the marker it skips to; its `skips` is for whoever knows the order of rules. */
export interface RuleResult {
  readonly rule: CompiledRule;
  readonly skip: number;
  readonly skipAfter: ByteText | null;
}

/** Expansions of one operator's parameter that a thread keeps: honest rule sets have one or two. */
const EXPANSIONS_MAX = 16;
/** RE2 compiles some six characters of source in a microsecond. */
const FAST_PATTERN_MAX = 3_000;
const LARGE_COUNT = /\{(?:\d+,)?\d\d/;

/**
 * Makes a rule ready to run.
 *
 * @param problems  Takes what is wrong with it, with the place of the link.
 * @returns  Null where something is.
 */
export function compileRule(linked: LinkedRule, context: RuleContext, problems: SecLangProblem[]): RuleResult | null {
  const before = problems.length;
  const drafts: RuleDraft[] = [];
  const links: CompiledLink[] = [];
  for (const link of linked.links) {
    try {
      const draft = emptyDraft();
      for (const { name, value } of link.actions) applyAction(draft, name, value);
      drafts.push(draft);
      links.push(compileLink(link, draft, context));
    } catch (error) {
      if (!(error instanceof SecLangReason)) throw error;
      problems.push({ place: link.place, ruleId: linked.id, message: error.message });
    }
  }
  const head = drafts[0];
  if (problems.length > before || head === undefined) return null;
  const place = (linked.links[0] as RuleLink).place;
  return {
    rule: Object.freeze({
      id: linked.id,
      phase: linked.phase,
      place,
      links,
      ...factsOf(head, drafts),
      scores: linked.links.some(scores),
      trial: null,
      skips: 0,
    }),
    skip: head.skip,
    skipAfter: head.skipAfter,
  };
}

/** `setvar:'tx.inbound_anomaly_score_pl1=+%{tx.critical_anomaly_score}'`. */
const SCORES = /^tx\.[^=]*score[^=]*=\+/i;

const scores = ({ actions }: RuleLink): boolean =>
  actions.some(({ name, value }) => name.toLowerCase() === 'setvar' && SCORES.test(value ?? ''));

/** The head says what the rule is; words for the log may stand in any link, the last one wins. */
function factsOf(head: RuleDraft, drafts: readonly RuleDraft[]) {
  const last = <T>(pick: (draft: RuleDraft) => T | null): T | null =>
    drafts.reduce<T | null>((found, draft) => pick(draft) ?? found, null);
  return {
    disruption: head.disruption,
    status: head.status,
    message: last(({ message }) => message),
    data: last(({ data }) => data),
    tags: Object.freeze(drafts.flatMap(({ tags }) => tags)),
    severity: head.severity,
    version: head.version,
    revision: head.revision,
    logged: head.logged,
    audited: head.audited,
  };
}

function compileLink(link: RuleLink, draft: RuleDraft, context: RuleContext): CompiledLink {
  const forms = compileSteps(draft.transformations, context);
  const { operator } = link;
  const targets = compileTargets(link.variables);
  const step = forms.at(-1) ?? context.steps.root;
  const allForms = draft.multiMatch ? [context.steps.root, ...forms] : null;
  const { test, gate, number } = operator === null ? UNCONDITIONAL : compileOperator(operator, link.place, context);
  return Object.freeze({
    targets,
    test,
    negated: operator?.negated ?? false,
    // What captures is asked more.
    number: number === -1 ? -1 : number * 2 + (draft.captures ? 1 : 0),
    gate,
    shared: context.gates === null ? null : context.sharedTargets.of(link.variables, targets),
    step,
    forms: allForms,
    captures: draft.captures,
    runs: Object.freeze(draft.runs),
    operator:
      operator === null ? '' : `${operator.negated ? '!' : ''}@${operator.name} ${operator.parameter}`.trimEnd(),
  });
}

function compileSteps(names: readonly ByteText[], { steps, unicode }: RuleContext): Step[] {
  const chain: Step[] = [];
  for (const name of names) {
    const word = transformationNamed(name);
    if (word === null) throw new SecLangReason(`t:${name} is not a transformation`);
    const known = word.names[0] as string;
    const changedBy = word.changes === undefined ? ALL_GROUPS : groupsOfText(word.changes);
    const [apply, work] = [word.compile(unicode), word.work?.(unicode) ?? null];
    const mayChange = word.mayChange ?? null;
    chain.push(steps.after(chain.at(-1) ?? steps.root, { name: known, apply, work, changedBy, mayChange }));
  }
  return chain;
}

/** How a link tests: null for a test that always holds. */
interface LinkOperator {
  readonly test: LinkTest | null;
  readonly gate: Gate | null;
  /** As in CompiledLink. */
  readonly number: number;
}

const UNCONDITIONAL: LinkOperator = Object.freeze({ test: null, gate: null, number: -1 });

function compileOperator(operator: OperatorPart, place: Place, context: RuleContext): LinkOperator {
  const word = operatorNamed(operator.name);
  if (word === undefined) throw new SecLangReason(`@${operator.name} is not an operator`);
  const own: OperatorContext = { readData: (path) => context.readData(path, place.file) };
  const template = compileTemplate(operator.parameter);
  if (template.constant !== null) {
    const key = `${word.name} ${dirname(place.file)} ${template.constant}`;
    const known = context.operators.get(key);
    const { test, gate, number } = known ?? compileConstant(word, template.constant, own, context);
    if (known === undefined) context.operators.set(key, { test, gate, number });
    return { test: () => test, gate: operator.negated ? null : gate, number };
  }
  return { test: expandedOperator(word, template, own), gate: null, number: -1 };
}

function compileConstant(
  word: OperatorWord,
  parameter: ByteText,
  own: OperatorContext,
  { gates, operators }: RuleContext,
): CompiledOperator {
  // Where nothing is kept of values, numbers would mean nothing: those of a patch are not those of its rule set.
  if (gates === null) return { test: word.compile(parameter, own), gate: null, number: -1 };
  const number = operators.size;
  const { needs, translate } = word;
  const needed = () => needs?.(parameter, own) ?? [];
  if (translate !== undefined) {
    const key = operatorKey(word.name, parameter, []);
    const given = gates.translated(key);
    const translated = given ?? translate(parameter);
    const compile = (): OperatorTest => word.compile(parameter, { ...own, translated });
    const test = given !== null && compilesFast(given) ? atFirstUse(compile) : compile();
    return { test, gate: gates.gateOf(key, needed, translated), number };
  }
  const data: ByteText[] = [];
  const readData = (path: string): ByteText => {
    const text = own.readData(path);
    data.push(text);
    return text;
  };
  const test = word.compile(parameter, { readData });
  const gate = needs === undefined ? null : gates.gateOf(operatorKey(word.name, parameter, data), needed);
  return { test, gate, number };
}

/** Less than a millisecond: neither long nor with counts that multiply what is counted. */
const compilesFast = (translated: ByteText): boolean =>
  translated.length <= FAST_PATTERN_MAX && !LARGE_COUNT.test(translated);

/** Most patterns never see a value that their gate lets through. Another thread has compiled it before. */
function atFirstUse(compile: () => OperatorTest): OperatorTest {
  let test: OperatorTest | null = null;
  return (value, captures) => {
    test ??= compile();
    return test(value, captures);
  };
}

/**
 * An operator whose parameter depends on the request: compiled for each expansion, the last few are kept. A parameter
 * that means nothing throws, which the inspection reports as a failure: it must not look like a value that is clean.
 */
function expandedOperator(word: OperatorWord, template: Template, context: OperatorContext): LinkTest {
  const kept = new Map<ByteText, OperatorTest>();
  return (state) => {
    const parameter = template.expand(state);
    let test = kept.get(parameter);
    if (test === undefined) {
      test = word.compile(parameter, context);
      if (kept.size >= EXPANSIONS_MAX) kept.delete(kept.keys().next().value as ByteText);
      kept.set(parameter, test);
    }
    return test;
  };
}
