import { linkRules } from '../waf/seclang/link.ts';
import { parseRules } from '../waf/seclang/parse.ts';
import type { LinkedRule, VariablePart } from '../waf/seclang/syntax.ts';
import { ARGUMENT_VARIABLES } from '../waf/variables/arguments.ts';
import { BODY_VARIABLES } from '../waf/variables/body.ts';
import { REQUEST_VARIABLES } from '../waf/variables/request.ts';
import type { Judges } from './judges.ts';
import type { RecordedRequest } from './recorded-request.ts';

/** Where a rule looks. */
export interface RuleLooks {
  /** What its first link looks at: exclusions change that alone. Those of rules themselves (TX) are not among them. */
  readonly parts: readonly VariablePart[];
  /** More links follow: what held last may be something of theirs. */
  readonly isChain: boolean;
  /** No link looks at the request: it judges what other rules found. */
  readonly isVerdict: boolean;
  /** It judges, and ends the request. */
  readonly ends: boolean;
}

/** Where all rules of a configuration look, by id. Rules that do not load are refused by whoever compiles them. */
export function rulesLooks({ files, entries }: Judges): ReadonlyMap<number, RuleLooks> {
  const read = [...entries.setup, ...entries.rules];
  const { directives } = parseRules(files, read);
  const { program } = linkRules(directives);
  return new Map(program.items.flatMap((item) => (item.kind === 'rule' ? [[item.id, looksOf(item)] as const] : [])));
}

/** Would a rule look at nothing any more without it? @param name  Byte text; null for the whole variable. */
export function leavesNothing({ parts }: RuleLooks, variable: string, name: string | null): boolean {
  return parts.every((part) => {
    if (part.name !== variable) return false;
    if (name === null) return true;
    const { selector } = part;
    return selector?.kind === 'name' && selector.text.toLowerCase() === name.toLowerCase();
  });
}

const TABLES = [REQUEST_VARIABLES, ARGUMENT_VARIABLES, BODY_VARIABLES];

export function isOfRequest(name: string): boolean {
  return name === 'XML' || TABLES.some((table) => Object.hasOwn(table, name));
}

const ENDS = new Set(['deny', 'drop', 'redirect']);

/** What became of a request; where its recording does not tell, by the rules that held. */
export function outcomeOf(
  { outcome, matches }: RecordedRequest,
  looks: ReadonlyMap<number, RuleLooks>,
): RecordedRequest['outcome'] {
  if (outcome !== null) return outcome;
  const isEnded = matches?.some(({ ruleId, phase }) => phase <= 2 && looks.get(ruleId)?.ends === true) ?? false;
  return isEnded ? 'detected' : null;
}

function looksOf({ links }: LinkedRule): RuleLooks {
  const taken = ({ mode, name }: VariablePart): boolean => mode !== 'exclude' && isOfRequest(name);
  const isVerdict = !links.some(({ variables }) => variables.some(taken));
  return {
    parts: links[0]?.variables.filter(taken) ?? [],
    isChain: links.length > 1,
    isVerdict,
    ends: isVerdict && (links[0]?.actions.some(({ name }) => ENDS.has(name.toLowerCase())) ?? false),
  };
}
