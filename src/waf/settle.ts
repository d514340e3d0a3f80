import type { ByteText } from '../base/byte-text.ts';
import type { RuleResult } from './compile-rule.ts';
import { evaluateRule } from './evaluate.ts';
import { type Begun, begin } from './initial-settings.ts';
import type { LinkedRule, RuleLink } from './seclang/syntax.ts';
import type { RequestState } from './state.ts';

/** A rule as it was read and as it will run, or the name of a marker. */
export type SettledItem = { readonly linked: LinkedRule; readonly result: RuleResult } | ByteText;

/**
 * Decides, once and for all, the rules that look at nothing but settings of the rule set: `SecRule
 * TX:DETECTION_PARANOIA_LEVEL "@lt 2" "...skipAfter:END"`. Such a rule that never holds is taken out. One that always
 * holds and only skips is taken out with what it skips, in its phase. What a request may change is left alone: a
 * setting counts as known only while everything that writes it is itself decided here, in phase 1.
 *
 * @param state  Of a request that nobody sent; settings are written into its TX.
 * @returns  The items that are left, in order, and the settings that requests begin with.
 */
export function settleRules(items: readonly SettledItem[], state: RequestState): Begun {
  const settings = new Settings(items, state);
  settings.run(items);
  let left = [...items];
  for (const phase of [1, 2, 3, 4, 5]) left = withoutDecided(left, phase, settings);
  return begin(left, settings.held, state);
}

/** What is known of TX at the end of phase 1. */
class Settings {
  readonly #state: RequestState;
  /** Names that a request, or a rule that depends on one, may write. */
  readonly #open = new Set<ByteText>();
  /** Beginnings of names whose end comes from the request. */
  readonly #openPrefixes: ByteText[] = [];
  /** Of rules of phase 1: whether they held when it was their turn. */
  readonly held = new Map<LinkedRule, boolean>();
  /** Some rule may switch rules off one by one: what skips might not run then. */
  readonly #removals: string;

  constructor(items: readonly SettledItem[], state: RequestState) {
    this.#state = state;
    this.#removals = removalsOf(items);
    for (const item of items) {
      if (typeof item !== 'string' && item.linked.phase !== 1) this.#openAll(item.linked);
    }
  }

  /** Goes through phase 1 as a request would: rules that can be decided write, the others open what they write. */
  run(items: readonly SettledItem[]): void {
    for (let opened = -1; opened !== this.#open.size + this.#openPrefixes.length; ) {
      opened = this.#open.size + this.#openPrefixes.length;
      for (const { name } of this.#state.tx.entries()) this.#state.tx.delete(name);
      this.held.clear();
      this.#runOnce(items);
    }
  }

  #runOnce(items: readonly SettledItem[]): void {
    /** A rule that depends on the request may skip up to this marker: what stands before it may not run. */
    const maybeSkipped = new Set<ByteText>();
    for (let i = 0; i < items.length; i += 1) {
      const item = items[i] as SettledItem;
      if (typeof item === 'string') {
        maybeSkipped.delete(item);
        continue;
      }
      const { linked, result } = item;
      if (linked.phase !== 1) continue;
      if (this.neverHolds(item)) {
        this.held.set(linked, false);
        continue;
      }
      if (maybeSkipped.size > 0 || !this.decides(linked)) {
        this.#openAll(linked);
        if (result.skipAfter !== null) maybeSkipped.add(result.skipAfter);
        else if (result.skip > 0) maybeSkipped.add(NEVER_REACHED);
        continue;
      }
      const holds = evaluateRule(result.rule, this.#state) !== null;
      this.held.set(linked, holds);
      if (!holds) continue;
      if (result.skip > 0) maybeSkipped.add(NEVER_REACHED);
      const { skipAfter } = result;
      if (skipAfter !== null) i = markerAfter(items, i, skipAfter);
    }
  }

  /** Depends on nothing but settings that are known, and does nothing but write some and skip. */
  decides(linked: LinkedRule): boolean {
    return linked.links.every((link) => this.#knows(link));
  }

  /** Its first link looks at known settings only, and does not hold: whatever it would do, it does not. */
  neverHolds({ linked, result: { rule } }: Exclude<SettledItem, string>): boolean {
    const [link] = rule.links;
    if (link === undefined || link.test === null || !this.#looksAtKnown(linked.links[0] as RuleLink)) return false;
    return evaluateRule({ ...rule, links: [{ ...link, runs: [] }] }, this.#state) === null;
  }

  /** Whether the rule always holds; undefined where that is not known. Only for rules that write nothing. */
  holds({ linked, result }: Exclude<SettledItem, string>): boolean | undefined {
    if (linked.phase === 1) return this.held.get(linked);
    if (this.neverHolds({ linked, result })) return false;
    return this.decides(linked) ? evaluateRule(result.rule, this.#state) !== null : undefined;
  }

  /** No `ctl` of a request can take this rule away and leave what it skips. */
  isFirm(linked: LinkedRule, skipped: readonly LinkedRule[]): boolean {
    if (this.#removals.includes('ById') || this.#removals.includes('ByMsg')) {
      if (this.#removals.split('\n').some((words) => namesId(words, linked.id))) return false;
    }
    const tags = tagsOf(linked);
    return skipped.every((rule) => tags.every((tag) => tagsOf(rule).includes(tag)));
  }

  #looksAtKnown({ variables, operator }: RuleLink): boolean {
    const looks = variables.every(
      ({ name, selector }) => name === 'TX' && selector?.kind === 'name' && this.#isKnown(selector.text),
    );
    return looks && (operator === null || this.#knowsMacros(operator.parameter));
  }

  #knows(link: RuleLink): boolean {
    if (!this.#looksAtKnown(link)) return false;
    return link.actions.every(({ name, value }) => {
      const word = name.toLowerCase();
      if (word === 'setvar') return /^!?tx\./i.test(value ?? '') && this.#knowsMacros(value ?? '');
      return HARMLESS.has(word);
    });
  }

  #knowsMacros(text: ByteText): boolean {
    return [...text.matchAll(/%\{([^}]*)\}/g)].every(([, words]) => {
      const [, name] = /^tx[.:](.+)$/i.exec(words as string) ?? [];
      return name !== undefined && this.#isKnown(name);
    });
  }

  #isKnown(name: ByteText): boolean {
    const lower = name.toLowerCase();
    if (/^\d$/.test(lower) || this.#open.has(lower)) return false;
    return !this.#openPrefixes.some((prefix) => lower.startsWith(prefix));
  }

  #openAll(linked: LinkedRule): void {
    for (const { name, value } of linked.links.flatMap(({ actions }) => actions)) {
      if (name.toLowerCase() !== 'setvar') continue;
      const [, written] = /^!?tx\.([^=]*)/i.exec(value ?? '') ?? [];
      if (written === undefined) continue;
      const lower = written.toLowerCase();
      const macro = lower.indexOf('%{');
      if (macro === -1) this.#open.add(lower);
      else if (!this.#openPrefixes.includes(lower.slice(0, macro))) this.#openPrefixes.push(lower.slice(0, macro));
    }
  }
}

/** Actions that change nothing beyond the rule itself. */
const HARMLESS = new Set([
  'pass',
  'nolog',
  'noauditlog',
  'log',
  'auditlog',
  'tag',
  'ver',
  'rev',
  'msg',
  'skipafter',
  'skip',
  't',
  'status',
]);
/** `skip:N` of a rule that depends on the request: nothing behind it is sure, up to the end. */
const NEVER_REACHED = '\0';

function withoutDecided(items: readonly SettledItem[], phase: number, settings: Settings): SettledItem[] {
  // `skip:N` counts rules: none may be missing.
  if (items.some((item) => typeof item !== 'string' && item.linked.phase === phase && item.result.skip > 0)) {
    return [...items];
  }
  const left: SettledItem[] = [];
  for (let i = 0; i < items.length; i += 1) {
    const item = items[i] as SettledItem;
    if (typeof item === 'string' || item.linked.phase !== phase) {
      left.push(item);
      continue;
    }
    const { linked, result } = item;
    const holds = settings.holds(item);
    if (holds === false) continue;
    if (!isGate(item)) {
      left.push(item);
      continue;
    }
    const { skipAfter } = result;
    const end = skipAfter === null ? i : markerAfter(items, i, skipAfter);
    const between = items.slice(i + 1, end);
    const skipped = between.flatMap((other) =>
      typeof other === 'string' || other.linked.phase !== phase ? [] : [other.linked],
    );
    if (holds === undefined || skipAfter === null || !settings.isFirm(linked, skipped)) {
      left.push(item);
      continue;
    }
    left.push(...between.filter((other) => typeof other === 'string' || other.linked.phase !== phase));
    i = end - 1;
  }
  return left;
}

/** A rule whose only effect, if any, is to skip. */
function isGate({ linked, result }: Exclude<SettledItem, string>): boolean {
  const { rule, skip } = result;
  const isSilent = !rule.logged && !rule.audited && rule.disruption === null && rule.severity === -1 && skip === 0;
  const writes = linked.links.some(({ actions }) => actions.some(({ name }) => name.toLowerCase() === 'setvar'));
  return isSilent && !writes;
}

/** Index of the next marker of that name; of the end where there is none. */
function markerAfter(items: readonly SettledItem[], from: number, marker: ByteText): number {
  const found = items.findIndex((item, index) => index > from && item === marker);
  return found === -1 ? items.length : found;
}

/** What every `ctl:ruleRemove...` of the rule set names, a line each. */
function removalsOf(items: readonly SettledItem[]): string {
  return items
    .flatMap((item) => (typeof item === 'string' ? [] : item.linked.links))
    .flatMap(({ actions }) => actions)
    .flatMap(({ name, value }) => (name.toLowerCase() === 'ctl' && value !== null ? [value] : []))
    .filter((value) => /^ruleRemove(?:ById|ByMsg)/i.test(value))
    .join('\n');
}

function namesId(words: string, id: number): boolean {
  const [, first, last = first] = /^ruleRemoveById=(\d+)(?:-(\d+))?/i.exec(words) ?? [];
  // A list or a message: taken to name it.
  if (first === undefined || /[ ,]/.test(words)) return true;
  return id >= Number(first) && id <= Number(last);
}

function tagsOf({ links }: LinkedRule): ByteText[] {
  return links
    .flatMap(({ actions }) => actions)
    .flatMap(({ name, value }) => (name.toLowerCase() === 'tag' && value !== null ? [value] : []));
}
