import type { ByteText } from '../base/byte-text.ts';
import type { Exclusion } from './exclusion.ts';
import { type Hit, partsOfVariable } from './hits.ts';
import type { RecordedMatch, RecordedRequest } from './recorded-request.ts';
import { isCut } from './recorded-values.ts';
import { leavesNothing, type RuleLooks } from './rule-looks.ts';
import { targetText } from './target-text.ts';

/** U+FFFD as byte text: the log could not write what stood there. */
const REPLACEMENT = '\xef\xbf\xbd';

export interface LoggedHits {
  readonly hits: readonly Hit[];
  /** Targets that cannot be written down, for people. */
  readonly unwritable: readonly string[];
  /** Rules that held, and that the configuration does not have. */
  readonly unknownRules: readonly number[];
}

/**
 * The places in which rules held, as far as a recording tells: of each rule the last one, of a chain that of its last
 * link. For requests that cannot be judged again.
 */
export function loggedHits(
  { matches }: RecordedRequest,
  route: string,
  looks: ReadonlyMap<number, RuleLooks>,
): LoggedHits {
  const hits: Hit[] = [];
  const unwritable: string[] = [];
  const unknownRules: number[] = [];
  for (const match of matches ?? []) {
    if (match.phase > 2) continue;
    const own = looks.get(match.ruleId);
    if (own === undefined) unknownRules.push(match.ruleId);
    else if (!own.isVerdict) {
      const hit = hitOf(match, own, route);
      if (hit === null) unwritable.push(match.variable);
      else hits.push(hit);
    }
  }
  return { hits, unwritable, unknownRules };
}

/** @returns  Null where the target cannot be written. */
function hitOf({ ruleId, variable: text }: RecordedMatch, looks: RuleLooks, route: string): Hit | null {
  const { variable, name } = partsOfVariable(text);
  const whole = (why: string): Hit => wholeRule(route, ruleId, why);
  const parts = looks.parts.filter((part) => part.name === variable);
  if (parts.length === 0) return whole('no target of its own is told');
  if (parts.every(({ mode }) => mode === 'count')) return whole('it counts');
  if (leavesNothing(looks, variable, name)) return whole('it looks at nothing else');
  const target = writable(variable, name);
  if (target === null) return null;
  const breadth: Exclusion['breadth'] = name === null ? 'variable' : 'member';
  return { exclusion: { route, ruleId, target, breadth, why: '' }, variable, name };
}

function writable(variable: string, name: ByteText | null): string | null {
  if (name !== null && (name.includes(REPLACEMENT) || isCut(name))) return null;
  return targetText(variable, name);
}

export function wholeRule(route: string, ruleId: number, why: string): Hit {
  return { exclusion: { route, ruleId, target: null, breadth: 'rule', why }, variable: '', name: null };
}
