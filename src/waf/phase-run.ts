// hot path: synchronous, never throws
import type { ByteText } from '../base/byte-text.ts';
import { MATCH_TEXT_BYTES_MAX } from '../limits.ts';
import { evaluateRule, type Held } from './evaluate.ts';
import type { RequestGate } from './gate/request-gate.ts';
import type { Phase } from './gate/rule-plan.ts';
import type { Interruption, RuleMatch } from './inspection.ts';
import type { CompiledRule, RuleOnTrial } from './rule.ts';
import type { RequestState } from './state.ts';

/**
 * Runs the rules of one phase over a request.
 *
 * @param rules  Of this phase, in order.
 * @param past   The request's way past their gates; null where every rule is tried on every value.
 * @returns  What ends the request; null where nothing does, or where the mode is detection only.
 */
export function runPhase(
  rules: readonly CompiledRule[],
  state: RequestState,
  phase: Phase,
  past: RequestGate | null,
): Interruption | null {
  if (phase <= state.allowedUpTo) return null;
  for (let i = next(past, phase, 0, state); i < rules.length; i = next(past, phase, i + 1, state)) {
    if (state.mode === 'off') return null;
    const rule = rules[i] as CompiledRule;
    if (state.removals.removes(rule)) continue;
    if (rule.trial !== null && (state.facts.share ?? 0) >= rule.trial.percent) {
      observeRule(rule.trial, state);
      continue;
    }
    state.rule = rule;
    const held = evaluateRule(rule, state, past === null ? -1 : past.numberOf(phase, i));
    if (held === null) continue;
    const interruption = finishRule(rule, held, state);
    if (interruption !== null) return interruption;
    if (phase <= state.allowedUpTo) return null;
    i += rule.skips;
  }
  return null;
}

const next = (past: RequestGate | null, phase: Phase, from: number, state: RequestState): number =>
  past === null ? from : past.nextRule(phase, from, state);

/** A rule that does not act for this client: it is told that it holds, and nothing else is as if it had run. */
function observeRule({ rule, writes }: RuleOnTrial, state: RequestState): void {
  const { captured, matched, tx } = state;
  const { groups } = captured;
  const mark = writes ? tx.mark() : null;
  state.rule = rule;
  const held = evaluateRule(rule, state);
  if (held !== null && (rule.logged || rule.audited)) noteMatch(rule, held, state, 'detected');
  captured.groups = groups;
  state.matched = matched;
  if (mark !== null) tx.restore(mark);
}

/** A rule holds as a whole: says so, and does with the request what it says. */
function finishRule(rule: CompiledRule, held: Held, state: RequestState): Interruption | null {
  if (rule.severity !== -1) state.highestSeverity = Math.min(state.highestSeverity, rule.severity);
  if (rule.logged || rule.audited) noteMatch(rule, held, state, actionOf(rule, state));
  const { disruption } = rule;
  if (disruption === null) return null;
  if (disruption.kind === 'allow') {
    if (state.mode === 'block') state.allowedUpTo = allowedUpTo(disruption.scope, rule.phase);
    return null;
  }
  // Phase 5 comes when the answer has gone.
  if (rule.phase === 5) return null;
  const interruption: Interruption = {
    kind: disruption.kind,
    status: disruption.kind === 'redirect' && (rule.status < 300 || rule.status > 399) ? 302 : rule.status,
    url: disruption.kind === 'redirect' ? disruption.url.expand(state) : '',
    ruleId: rule.id,
  };
  state.interruption ??= interruption;
  return state.mode === 'block' ? interruption : null;
}

/** The last phase that an `allow` passes over: logging always runs. */
function allowedUpTo(scope: 'phase' | 'request' | 'all', phase: number): number {
  if (scope === 'phase') return phase;
  return scope === 'request' ? Math.max(2, phase) : 4;
}

/** What a match tells people. A slice, so that no long value is copied. */
const cut = (text: ByteText): ByteText =>
  text.length > MATCH_TEXT_BYTES_MAX ? text.slice(0, MATCH_TEXT_BYTES_MAX) : text;

function noteMatch(rule: CompiledRule, held: Held, state: RequestState, action: RuleMatch['action']): void {
  state.matches.push({
    ruleId: rule.id,
    phase: rule.phase,
    file: rule.place.file,
    line: rule.place.line,
    message: cut(rule.message?.expand(state) ?? ''),
    data: cut(rule.data?.expand(state) ?? ''),
    severity: rule.severity,
    tags: rule.tags,
    version: rule.version,
    revision: rule.revision,
    variable: cut(held.variable),
    value: cut(held.value),
    transformed: cut(held.transformed),
    operator: rule.links.at(-1)?.operator ?? '',
    action,
    disruptive: rule.disruption !== null && rule.disruption.kind !== 'allow',
    logged: rule.logged,
    audited: rule.audited,
  });
}

function actionOf({ disruption, phase, scores }: CompiledRule, { mode }: RequestState): RuleMatch['action'] {
  const isBlocking = mode === 'block';
  if (disruption?.kind === 'allow') return isBlocking ? 'allowed' : 'detected';
  if (disruption !== null && phase !== 5) return isBlocking ? 'blocked' : 'detected';
  return scores ? 'scored' : 'matched';
}
