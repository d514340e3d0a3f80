import { figure } from '../report/text.ts';
import type { Budget, Budgets } from './budget.ts';
import { isOpen, type Judgement } from './judge.ts';

/** What the gate prints: a line per budget, then its answer. */
export function wordsOf(
  judgements: readonly Judgement[],
  release: Budgets['release'],
  allowUnjudged: boolean,
): readonly string[] {
  const width = Math.max(...judgements.map(({ budget }) => budget.name.length));
  const lines = judgements.map((one) => lineOf(one, release, width));
  const count = (kind: Judgement['kind']): number => judgements.filter((one) => one.kind === kind).length;
  const counts = [
    `${count('held')} held`,
    `${count('broken')} broken`,
    `${count('unjudged')} not judged`,
    `${count('void')} void`,
  ];
  const open = isOpen(judgements, allowUnjudged);
  const hint = !open && count('unjudged') > 0 && !allowUnjudged ? '; --allow-unjudged lets those not judged pass' : '';
  return [...lines, '', `The gate is ${open ? 'open' : 'closed'}: ${counts.join(', ')}${hint}.`];
}

function lineOf(judgement: Judgement, release: Budgets['release'], width: number): string {
  const { budget, kind, spread, limit, limitOf, words } = judgement;
  const name = budget.name.padEnd(width);
  if (spread === null) return `${kind === 'void' ? 'VOID      ' : 'NOT JUDGED'}  ${name}  ${words}`;
  const { median, min, max } = spread;
  const limitWords =
    limitOf === 'budget'
      ? `at most ${figure(limit)}`
      : `at most ${figure(limit)}: release ${release.version} had ${figure(release.ratios[budget.name] ?? limit)}, and ${Math.round(release.worsening * 100)} % more is allowed`;
  const range = min === max ? '' : ` [${figure(min)} ${figure(max)}]`;
  const is = `${figure(median)}${range} times ${whose(budget)}, ${limitWords}, goal ${figure(budget.goal)}`;
  if (kind === 'held') return `held        ${name}  ${is}`;
  return `BROKEN      ${name}  ${is}: ${((median / limit - 1) * 100).toFixed(1)} % over`;
}

function whose({ case: own, figure: what, against: { peer, case: other } }: Budget): string {
  const kind = what === 'cpu' ? 'CPU per request' : 'p99 under a fixed arrival rate';
  return other === undefined || other === own ? `${peer}'s ${kind}` : `${peer}'s ${kind} in ${other}`;
}
