import type { ByteText } from '../base/byte-text.ts';
import { compileBytePattern } from '../base/regex.ts';
import { remembered } from '../base/remembered.ts';
import { type Entry, isNamed } from './entry.ts';
import type { TargetSelector } from './removals.ts';
import { SecLangReason } from './seclang/reason.ts';
import type { Selector, VariablePart } from './seclang/syntax.ts';
import { memberName, type Target } from './target.ts';
import { InspectedValue } from './value.ts';
import type { CollectionVariable } from './variable.ts';
import { variableNamed, xmlVariable } from './variables.ts';

/** Names that one pattern remembers, and how long they are at most. */
const NAMES_MAX = 256;
const NAME_BYTES_MAX = 64;

/**
 * The list of variables of a rule, ready to be read.
 *
 * @throws  SecLangReason for a name that is none, a pattern that RE2 refuses, a selector where there are no members.
 */
export function compileTargets(parts: readonly VariablePart[]): Target[] {
  const excluded = parts.filter(({ mode }) => mode === 'exclude').map(selectorOf);
  return parts
    .filter(({ mode }) => mode !== 'exclude')
    .filter(({ name }) => !excluded.some(({ variable, names }) => variable === name && names === null))
    .map((part) => compileTarget(part, excluded));
}

/** What an exclusion names: `!ARGS:foo` of a rule, `ARGS:foo` of a ctl. @throws  SecLangReason like compileTargets. */
export function selectorOf({ name, selector }: VariablePart): TargetSelector {
  if (name === 'XML') {
    if (selector !== null && selector.kind === 'name') xmlVariable(selector.text);
    return { variable: selector?.kind === 'name' ? xmlName(selector.text) : 'XML', names: null };
  }
  variableNamed(name);
  return { variable: name, names: selector === null ? null : nameTest(selector) };
}

function compileTarget({ mode, name, selector }: VariablePart, excluded: readonly TargetSelector[]): Target {
  if (name === 'XML') return compileXml(mode, selector);
  const variable = variableNamed(name);
  if (variable.kind === 'scalar') {
    if (selector !== null) throw new SecLangReason(`${name} has no members: take the selector away`);
    if (mode === 'count')
      return { kind: 'count', variable: name, label: name, entries: (state) => one(variable.read(state)) };
    return { kind: 'scalar', variable: name, read: variable.read };
  }
  const whole = selectedEntries(variable, selector);
  const without = excluded.filter((exclusion) => exclusion.variable === name);
  const excludes = anyOf(without.map(({ names }) => names ?? EVERY_NAME));
  const entries: CollectionVariable['entries'] =
    without.length === 0 ? whole : (state) => whole(state).filter((entry) => !excludes(entry.name));
  if (mode !== 'count') {
    return {
      kind: 'members',
      variable: name,
      entries,
      whole: without.length === 0 ? null : { entries: whole, excludes },
    };
  }
  const label = selector?.kind === 'name' ? memberName(name, selector.text) : name;
  return { kind: 'count', variable: name, label, entries };
}

type NameTest = (name: ByteText) => boolean;
const EVERY_NAME: NameTest = () => true;

function anyOf(tests: readonly NameTest[]): NameTest {
  const [first] = tests;
  if (tests.length === 1 && first !== undefined) return first;
  return (name) => {
    for (let i = 0; i < tests.length; i += 1) if ((tests[i] as NameTest)(name)) return true;
    return false;
  };
}

function compileXml(mode: VariablePart['mode'], selector: Selector | null): Target {
  if (selector?.kind !== 'name') throw new SecLangReason('XML needs an XPath: XML:/* or XML://@*');
  const { entries } = xmlVariable(selector.text) as CollectionVariable;
  const variable = xmlName(selector.text);
  return mode === 'count'
    ? { kind: 'count', variable, label: variable, entries }
    : { kind: 'members', variable, entries, whole: null };
}

/** Members carry the path as their name: `XML:/*` is what a log calls them. */
const xmlName = (path: ByteText): string => (path === '/*' ? 'XML' : 'XML:attributes');

function selectedEntries(variable: CollectionVariable, selector: Selector | null): CollectionVariable['entries'] {
  if (selector === null) return variable.entries;
  if (selector.kind === 'name' && variable.find !== undefined) {
    const { find } = variable;
    const lower = selector.text.toLowerCase();
    return (state) => find(state, lower);
  }
  const names = nameTest(selector);
  const { select } = variable;
  if (select !== undefined) return (state) => select(state, names);
  return (state) => variable.entries(state).filter((entry) => names(entry.name));
}

/** @throws  SecLangReason for a pattern that RE2 refuses. */
function nameTest(selector: Selector): NameTest {
  if (selector.kind === 'name') {
    const lower = selector.text.toLowerCase();
    return (name) => isNamed(name, lower);
  }
  const pattern = compileSelector(selector.source);
  const words = /^(\^?)([A-Za-z0-9_-]+)$/.exec(selector.source);
  const test =
    words === null
      ? (name: ByteText) => pattern.matches(new InspectedValue(name).encoded)
      : wordTest((words[2] as string).toLowerCase(), words[1] === '^');
  return remembered(test, NAMES_MAX, NAME_BYTES_MAX);
}

/** Most patterns are a word, and TX has many names. @param word  Lower case. */
function wordTest(word: ByteText, isPrefix: boolean): NameTest {
  if (!isPrefix) return (name) => name.length >= word.length && name.toLowerCase().includes(word);
  const first = word.charCodeAt(0);
  // Letters in lower case, near enough: the whole beginning is compared behind it.
  const folded = first | 0x20;
  return (name) => (name.charCodeAt(0) | 0x20) === folded && name.slice(0, word.length).toLowerCase() === word;
}

function compileSelector(source: ByteText): ReturnType<typeof compileBytePattern> {
  try {
    return compileBytePattern(`(?i)${source}`);
  } catch (error) {
    throw new SecLangReason(`RE2 refuses the pattern /${source}/: ${(error as Error).message}`);
  }
}

const one = (value: ByteText): readonly Entry[] => [{ name: '', value }];
