import type { ByteText } from '../base/byte-text.ts';
import type { RuleRemoval } from './controls/rule-removals.ts';
import { evaluateRule } from './evaluate.ts';
import { landingOf, type ProgramItem, type ProgramRule } from './jumps.ts';
import type { CompiledRule } from './rule.ts';
import { SecLangReason } from './seclang/reason.ts';
import type { LinkedRule, RuleLink } from './seclang/syntax.ts';
import type { RequestState } from './state.ts';

/** What virtual patches may write, whoever else does not: they are not there when rules are compiled. */
const PATCHES_OWN = 'patch_';

/**
 * What is known of TX whatever the request, and which rules it decides. A value is known while everything that writes
 * it is itself decided, in phase 1, and certain to run.
 */
export class SettledValues {
  readonly #items: readonly ProgramItem[];
  readonly #state: RequestState;
  readonly #removalsOf: (rule: LinkedRule) => readonly RuleRemoval[];
  /** Names that a request, or a rule that depends on one, may write; beginnings of names that it may end. */
  readonly #open = new Set<ByteText>();
  readonly #openPrefixes = new Set<ByteText>([PATCHES_OWN]);
  /** Names that are written only if nothing ended phase 1 before: known in phase 1, open later. */
  readonly #openLater = new Set<ByteText>();
  /** Of rules of phase 1: whether they held when it was their turn, if nothing had removed them. */
  readonly #held = new Map<ProgramRule, boolean>();
  /** Of phase 1: those whose first link did not hold when it was their turn. */
  readonly #unbegun = new Set<ProgramRule>();
  /** Of those too whose effect depends on the request: what they look at was met when it was their turn. */
  readonly #met = new Set<ProgramRule>();

  /** @param state  Of a request that nobody sent; values are written into its TX. */
  constructor(
    items: readonly ProgramItem[],
    state: RequestState,
    removalsOf: (rule: LinkedRule) => readonly RuleRemoval[],
  ) {
    this.#items = items;
    this.#state = state;
    this.#removalsOf = removalsOf;
    for (const item of items) {
      if (typeof item !== 'string' && item.linked.phase !== 1) this.#openWrites(item.linked);
    }
    for (let opened = -1; opened !== this.#openCount; ) {
      opened = this.#openCount;
      for (const { name } of state.tx.entries()) state.tx.delete(name);
      this.#held.clear();
      this.#met.clear();
      this.#unbegun.clear();
      this.#runPhase1();
    }
  }

  /** Whether the rule always holds, or never; undefined where a request has a say, or what it does depends on one. */
  holds(rule: ProgramRule): boolean | undefined {
    return rule.linked.phase === 1 ? this.#held.get(rule) : this.#tried(rule, true);
  }

  /** Whatever it does then: the rule holds whenever it runs, if nothing takes away what it looks at. */
  isMet(rule: ProgramRule): boolean {
    if (rule.linked.phase === 1) return this.#met.has(rule);
    return this.#knowsAll(rule, true) && this.#holdsDry(rule.result.rule) === true;
  }

  /**
   * Its first link never holds, whatever the others look at: the rule leaves no trace, if nothing takes away what that
   * link looks at.
   */
  neverBegins(rule: ProgramRule): boolean {
    return rule.linked.phase === 1 ? this.#unbegun.has(rule) : this.#headFails(rule, true);
  }

  get #openCount(): number {
    return this.#open.size + this.#openPrefixes.size + this.#openLater.size;
  }

  /** As a request would: rules that are decided write, the others open what they write. */
  #runPhase1(): void {
    const items = this.#items;
    const removals: RuleRemoval[] = [];
    /** Rules before this index may be passed over by one that depends on the request. */
    let maybeSkippedTo = 0;
    let mayHaveEnded = false;
    for (let index = 0; index < items.length; index += 1) {
      const item = items[index] as ProgramItem;
      if (typeof item === 'string' || item.linked.phase !== 1) continue;
      const about = removals.filter((removal) => removal.rules(item.result.rule));
      const isBlind = about.some(({ targets }) => targets !== null);
      const isLost = about.length > 0 && item.linked.links.some(writes);
      const isTold = index >= maybeSkippedTo && !isBlind && !isLost;
      if (!isBlind && this.#knowsAll(item, false) && this.#holdsDry(item.result.rule) === true) this.#met.add(item);
      if (!isBlind && this.#headFails(item, false)) {
        this.#unbegun.add(item);
        this.#held.set(item, false);
        continue;
      }
      const holds = isTold ? this.#tried(item, false) : isBlind ? undefined : this.#triedInVain(item);
      if (holds === undefined) {
        this.#openWrites(item.linked);
        removals.push(...this.#removalsOf(item.linked));
        maybeSkippedTo = Math.max(maybeSkippedTo, landingOf(items, index));
        mayHaveEnded ||= mayEnd(item);
        continue;
      }
      this.#held.set(item, holds);
      if (mayHaveEnded) this.#writtenNames(item.linked).forEach((name) => void this.#openLater.add(name));
      if (!holds) continue;
      // Where it may be gone, what it skips may run.
      if (about.length > 0) maybeSkippedTo = Math.max(maybeSkippedTo, landingOf(items, index));
      else index = landingOf(items, index) - 1;
    }
  }

  /** Evaluates a rule that is decided, and lets it write in its turn. */
  #tried(rule: ProgramRule, isLater: boolean): boolean | undefined {
    if (!this.#knowsAll(rule, isLater)) return undefined;
    const { links } = rule.linked;
    const isPlain = links.every(({ actions }) =>
      actions.every(({ name, value }) => this.#isPlain(name.toLowerCase(), value ?? '', isLater)),
    );
    // A single rule that does not hold does nothing, whatever it would do.
    if (!isPlain && links.length > 1) return undefined;
    const holds = this.#holdsDry(rule.result.rule);
    if (holds === undefined || (holds && !isPlain)) return undefined;
    // A chain writes even where its end does not hold.
    if (!isPlain || !links.some(writes)) return holds;
    if (isLater) return links.length > 1 ? undefined : holds;
    evaluateRule(rule.result.rule, this.#state);
    return holds;
  }

  /** False for a rule that does not hold, so that nothing depends on whether it runs. */
  #triedInVain(rule: ProgramRule): false | undefined {
    const isSingle = rule.linked.links.length === 1;
    return isSingle && this.#knowsAll(rule, false) && this.#holdsDry(rule.result.rule) === false ? false : undefined;
  }

  #headFails({ linked, result: { rule } }: ProgramRule, isLater: boolean): boolean {
    const head = linked.links[0] as RuleLink;
    if (rule.trial !== null || head.operator === null || !this.#knowsCondition(head, isLater)) return false;
    return this.#holdsDry({ ...rule, links: rule.links.slice(0, 1) }) === false;
  }

  #knowsAll({ linked, result }: ProgramRule, isLater: boolean): boolean {
    // Whether a rule on trial acts is the client's.
    if (result.rule.trial !== null) return false;
    return linked.links.every((link) => this.#knowsCondition(link, isLater));
  }

  /** Whether it holds, without what it does; undefined where it would fail. */
  #holdsDry(rule: CompiledRule): boolean | undefined {
    const dry = { ...rule, links: rule.links.map((link) => ({ ...link, captures: false, runs: [] })) };
    try {
      return evaluateRule(dry, this.#state) !== null;
    } catch (error) {
      // An operator's parameter that means nothing: it fails when requests run, as it must.
      if (error instanceof SecLangReason) return undefined;
      throw error;
    }
  }

  /** Looks at nothing but values that are known. */
  #knowsCondition({ variables, operator }: RuleLink, isLater: boolean): boolean {
    const looks = variables.every(
      ({ name, selector }) => name === 'TX' && selector?.kind === 'name' && this.#isKnown(selector.text, isLater),
    );
    return looks && (operator === null || this.#knowsMacros(operator.parameter, isLater));
  }

  #isPlain(word: string, value: ByteText, isLater: boolean): boolean {
    return word === 'setvar' ? /^!?tx\./i.test(value) && this.#knowsMacros(value, isLater) : PLAIN.has(word);
  }

  #knowsMacros(text: ByteText, isLater: boolean): boolean {
    return [...text.matchAll(/%\{([^}]*)\}/g)].every(([, words]) => {
      const [, name] = /^tx[.:](.+)$/is.exec(words as string) ?? [];
      return name !== undefined && this.#isKnown(name, isLater);
    });
  }

  #isKnown(name: ByteText, isLater: boolean): boolean {
    const lower = name.toLowerCase();
    if (/^\d$/.test(lower) || this.#open.has(lower) || (isLater && this.#openLater.has(lower))) return false;
    for (const prefix of this.#openPrefixes) if (lower.startsWith(prefix)) return false;
    return true;
  }

  #openWrites(linked: LinkedRule): void {
    for (const name of this.#writtenNames(linked)) this.#open.add(name);
  }

  /** Names without macros; the beginnings of others are open from here on. */
  #writtenNames({ links }: LinkedRule): ByteText[] {
    return links.flatMap(({ actions }) =>
      actions.flatMap(({ name, value }) => {
        const [, written] = name.toLowerCase() === 'setvar' ? (/^!?tx\.([^=]*)/i.exec(value ?? '') ?? []) : [];
        if (written === undefined) return [];
        const lower = written.toLowerCase();
        const macro = lower.indexOf('%{');
        if (macro === -1) return [lower];
        this.#openPrefixes.add(lower.slice(0, macro));
        return [];
      }),
    );
  }
}

/** Actions that change nothing beyond the rule itself and its logs. */
const PLAIN: ReadonlySet<string> = new Set([
  'accuracy',
  'auditlog',
  'log',
  'logdata',
  'maturity',
  'multimatch',
  'pass',
  'severity',
  'nolog',
  'noauditlog',
  'tag',
  'ver',
  'rev',
  'msg',
  'skipafter',
  'skip',
  't',
  'status',
]);

/** Ends the phase when it holds, or fails where a macro gives its operator what means nothing. */
function mayEnd({ linked, result }: ProgramRule): boolean {
  return result.rule.disruption !== null || linked.links.some(({ operator }) => operator?.parameter.includes('%{'));
}

const writes = ({ actions }: RuleLink): boolean => actions.some(({ name }) => name.toLowerCase() === 'setvar');
