import { type BytePattern, compileBytePattern } from '../../base/regex.ts';
import { InspectedValue } from '../value.ts';
import { SecLangReason } from './reason.ts';
import { isDisruptive, isNamed } from './rule-actions.ts';
import { messageOf, type RuleDraft, tagsOf } from './rule-draft.ts';
import type { Directive, IdRange } from './syntax.ts';

/** Directives that change rules. */
export type Change = Directive & { kind: `remove-by-${string}` | `update-${string}` };

/**
 * Applies SecRuleRemove* and SecRuleUpdate* to the rules that stand before them. One that finds no rule is no fault:
 * exclusions are shared between rule sets. Targets are those of the first link, as in ModSecurity 3.
 *
 * @param rules  In order; changed in place.
 * @returns  Ids of the rules that it removes.
 * @throws  SecLangReason.
 */
export function applyChange(change: Change, rules: readonly RuleDraft[]): number[] {
  switch (change.kind) {
    case 'remove-by-id':
    case 'remove-by-tag':
    case 'remove-by-msg':
      return chosen(change, rules).map((rule) => {
        rule.removed = true;
        return rule.id;
      });
    case 'update-target-by-id':
    case 'update-target-by-tag':
    case 'update-target-by-msg':
      for (const { links } of chosen(change, rules)) {
        const [first] = links;
        // A SecAction looks at nothing.
        if (first !== undefined && first.operator !== null) first.variables.push(...change.variables);
      }
      return [];
    case 'update-action-by-id':
      updateActions(change, rules);
      return [];
  }
}

function chosen(change: Exclude<Change, { kind: 'update-action-by-id' }>, rules: readonly RuleDraft[]): RuleDraft[] {
  if ('ids' in change)
    return rules.filter(({ id, removed }) => !removed && change.ids.some((range) => holds(range, id)));
  const pattern = compileBytePattern(change.pattern);
  const found = new Map<string, boolean>();
  const matches = (text: string): boolean => remembered(found, text, pattern);
  if (change.kind === 'remove-by-tag' || change.kind === 'update-target-by-tag') {
    return rules.filter((rule) => !rule.removed && tagsOf(rule).some(matches));
  }
  return rules.filter((rule) => {
    const message = rule.removed ? null : messageOf(rule);
    return message !== null && matches(message);
  });
}

/** The same tags stand on hundreds of rules. */
function remembered(found: Map<string, boolean>, text: string, pattern: BytePattern): boolean {
  const known = found.get(text) ?? pattern.matches(new InspectedValue(text).encoded);
  found.set(text, known);
  return known;
}

function holds({ first, last }: IdRange, id: number): boolean {
  return id >= first && id <= last;
}

function updateActions(change: Change & { kind: 'update-action-by-id' }, rules: readonly RuleDraft[]): void {
  const fixed = change.actions.find(({ name }) => ['id', 'phase', 'chain'].includes(name.toLowerCase()));
  if (fixed !== undefined) throw new SecLangReason(`${fixed.name} of a rule cannot be changed`);
  const rule = rules.find(({ id, removed }) => id === change.id && !removed);
  if (rule === undefined) return;
  const link = rule.links[change.link];
  if (link === undefined) {
    throw new SecLangReason(`rule ${change.id} has no link ${change.link}: its last is ${rule.links.length - 1}`);
  }
  if (change.link > 0) {
    const disruptive = change.actions.find((action) => isDisruptive(action) || isNamed(action, 'skipafter'));
    if (disruptive !== undefined) throw new SecLangReason(`${disruptive.name} belongs to the first link of a chain`);
  }
  link.actions = [...link.actions, ...change.actions];
}
