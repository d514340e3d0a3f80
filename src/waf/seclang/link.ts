import type { ByteText } from '../../base/byte-text.ts';
import { DefaultActions, type Phase, phaseOf } from './default-actions.ts';
import { ruleIdOf } from './ids.ts';
import { Problems, shown } from './problems.ts';
import { type SecLangProblem, SecLangReason } from './reason.ts';
import { isDisruptive, isNamed, lastNamed } from './rule-actions.ts';
import { applyChange } from './rule-changes.ts';
import { finishedRule, type RuleDraft } from './rule-draft.ts';
import type { Directive, LinkedMarker, Place, RuleProgram } from './syntax.ts';

/**
 * Makes rules of directives: attaches chains, merges default actions, applies removals and updates.
 *
 * @param directives  In the order in which they were read.
 * @returns  The program, and everything that is wrong, up to a cap. Any problem means that it must not be used.
 */
export function linkRules(directives: readonly Directive[]): {
  readonly program: RuleProgram;
  readonly problems: readonly SecLangProblem[];
} {
  const linker = new Linker();
  for (const directive of directives) linker.take(directive);
  return { program: linker.finish(), problems: linker.problems.list };
}

type RuleDirective = Directive & { kind: 'rule' | 'action' };

class Linker {
  readonly problems = new Problems();
  readonly #items: (RuleDraft | LinkedMarker)[] = [];
  readonly #rules: RuleDraft[] = [];
  /** Where ids are taken: by rules that are not removed. */
  readonly #idPlaces = new Map<number, Place>();
  readonly #defaults = new DefaultActions();
  readonly #settings = new Map<string, { readonly place: Place; readonly values: readonly ByteText[] }>();
  readonly #components: ByteText[] = [];
  /** The rule whose chain goes on: the next one belongs to it. Its draft is null where it had a fault. */
  #open: { readonly draft: RuleDraft | null; readonly id: number | null; readonly place: Place } | null = null;

  take(directive: Directive): void {
    const { place } = directive;
    switch (directive.kind) {
      case 'rule':
      case 'action':
        if (this.#open === null) this.#starter(directive);
        else this.#chained(directive);
        break;
      case 'marker':
        this.#endChain();
        this.#items.push({ kind: 'marker', place, name: directive.name });
        break;
      case 'default-action':
        this.problems.attempt(place, null, () => this.#defaults.set(directive));
        break;
      case 'setting':
        this.#setting(directive);
        break;
      default:
        for (const id of this.problems.attempt(place, null, () => applyChange(directive, this.#rules)) ?? []) {
          // A rule of one's own may take its place.
          this.#idPlaces.delete(id);
        }
    }
  }

  finish(): RuleProgram {
    this.#endChain();
    this.#checkSkips();
    return {
      items: this.#items
        .filter((item) => item.kind === 'marker' || !item.removed)
        .map((item) => (item.kind === 'marker' ? item : finishedRule(item))),
      settings: this.#settings,
      components: this.#components,
    };
  }

  #starter(directive: RuleDirective): void {
    const { place, actions } = directive;
    const id = this.problems.attempt(place, null, () => this.#newId(directive));
    const phaseAction = lastNamed(actions, 'phase');
    const phase = this.problems.attempt(place, id, (): Phase => (phaseAction === null ? 2 : phaseOf(phaseAction)));
    let draft: RuleDraft | null = null;
    if (id !== null && phase !== null) {
      const defaults = this.#defaults.of(phase);
      draft = { kind: 'rule', id, phase, defaults, links: [linkOf(directive)], removed: false };
      this.#items.push(draft);
      this.#rules.push(draft);
    }
    if (lastNamed(actions, 'chain') !== null) this.#open = { draft, id, place };
  }

  #newId({ place, actions }: RuleDirective): number {
    const value = lastNamed(actions, 'id')?.value ?? null;
    if (value === null) throw new SecLangReason('a rule needs an id');
    const id = ruleIdOf(value);
    const other = this.#idPlaces.get(id);
    if (other !== undefined) throw new SecLangReason(`id ${id} is that of the rule at ${other.file}:${other.line}`);
    this.#idPlaces.set(id, place);
    return id;
  }

  #chained(directive: RuleDirective): void {
    const { place, actions } = directive;
    const { draft = null, id = null } = this.#open ?? {};
    for (const action of actions) {
      if (isDisruptive(action) || STARTERS_OWN.includes(action.name.toLowerCase())) {
        this.problems.add(place, id, `${action.name} belongs to the first rule of a chain, not to this one`);
      }
    }
    draft?.links.push(linkOf(directive));
    if (lastNamed(actions, 'chain') === null) this.#open = null;
  }

  /** Only a rule can be the next of a chain. */
  #endChain(): void {
    if (this.#open === null) return;
    this.problems.add(this.#open.place, this.#open.id, 'a chain without its next rule');
    this.#open = null;
  }

  #setting({ name, place, values }: Directive & { kind: 'setting' }): void {
    const types = 'SecResponseBodyMimeType';
    if (name === 'SecComponentSignature') {
      this.#components.push(...values);
    } else if (name === 'SecResponseBodyMimeTypesClear') {
      this.#settings.set(types, { place, values: [] });
    } else if (name === types) {
      const before = this.#settings.get(types)?.values ?? [];
      this.#settings.set(types, { place, values: [...new Set([...before, ...values])] });
    } else {
      this.#settings.set(name, { place, values });
    }
  }

  /** A skipAfter without its marker would skip the rest of the phase. */
  #checkSkips(): void {
    const behind = new Set<string>();
    for (const item of this.#items.toReversed()) {
      if (item.kind === 'marker') {
        behind.add(item.name);
        continue;
      }
      if (item.removed) continue;
      for (const { place, actions } of item.links) {
        const target = actions.findLast((action) => isNamed(action, 'skipafter'))?.value ?? null;
        if (target === null || target.includes('%{') || behind.has(target)) continue;
        this.problems.add(place, item.id, `skipAfter finds no SecMarker ${shown(target)} behind this rule`);
      }
    }
  }
}

/** Besides disruptive actions. */
const STARTERS_OWN: readonly string[] = ['id', 'phase', 'skip', 'skipafter'];

function linkOf(directive: RuleDirective): RuleDraft['links'][number] {
  const { place, actions } = directive;
  if (directive.kind === 'action') return { place, variables: [], operator: null, actions };
  return { place, variables: [...directive.variables], operator: directive.operator, actions };
}
