import { byteTextOfString } from '../base/byte-text.ts';
import type { RuleTrial } from './inspection.ts';
import type { CompiledRule } from './rule.ts';
import { idRangesOf } from './seclang/ids.ts';
import { Problems } from './seclang/problems.ts';
import { SecLangError } from './seclang/reason.ts';
import type { ActionPart, IdRange, LinkedRule } from './seclang/syntax.ts';

/** For how many of a hundred clients a rule acts; null for all. The lowest, where several trials name it. */
export type TrialShares = (rule: CompiledRule) => number | null;

const PLACE = Object.freeze({ file: 'policies.waf.canary', line: 0 });

/**
 * Which rules are on trial on a route. A rule that only says which others run, and tells nobody, is never: a range of
 * ids would otherwise bring the rules of all paranoia levels that it passes over.
 *
 * @throws  SecLangError with every id or range that is none.
 */
export function trialShares(trials: readonly RuleTrial[]): TrialShares {
  const problems = new Problems();
  const rows = trials.map(({ ids, tags, percent }) => ({
    ranges: ids.flatMap((text) => problems.attempt(PLACE, null, () => idRangesOf(text)) ?? []),
    tags: new Set(tags.map(byteTextOfString)),
    percent,
  }));
  if (problems.list.length > 0) throw new SecLangError(problems.list);
  if (rows.length === 0) return () => null;
  return (rule) => {
    if (isFlow(rule)) return null;
    const shares = rows.filter((row) => isNamed(rule, row.ranges, row.tags)).map(({ percent }) => percent);
    return shares.length === 0 ? null : Math.min(...shares);
  };
}

/**
 * The same rule, doing nothing but to hold. What its links write to TX stays, since those behind may look at it:
 * whoever runs the rule takes it back.
 */
export function observing(linked: LinkedRule): LinkedRule {
  const links = linked.links.map((link) => ({ ...link, actions: link.actions.filter(isKept) }));
  return { ...linked, links };
}

/** Actions that change more than TX, or pass over other rules. In lower case. */
const DROPPED: ReadonlySet<string> = new Set([
  'ctl',
  'expirevar',
  'initcol',
  'setenv',
  'setrsc',
  'setsid',
  'setuid',
  'skip',
  'skipafter',
]);

function isKept({ name, value }: ActionPart): boolean {
  const word = name.toLowerCase();
  return word === 'setvar' ? /^!?tx\./i.test(value ?? '') : !DROPPED.has(word);
}

/** Does nothing but skip. */
function isFlow({ logged, audited, disruption, severity, links }: CompiledRule): boolean {
  const isSilent = !logged && !audited && disruption === null && severity === -1;
  return isSilent && links.every(({ runs }) => runs.length === 0);
}

function isNamed({ id, tags }: CompiledRule, ranges: readonly IdRange[], names: ReadonlySet<string>): boolean {
  return ranges.some(({ first, last }) => id >= first && id <= last) || tags.some((tag) => names.has(tag));
}
