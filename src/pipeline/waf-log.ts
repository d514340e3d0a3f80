// hot path: synchronous, never throws
import type { WafOutcome } from '../telemetry/layout.ts';
import type { Inspection, RuleMatch } from '../waf/inspection.ts';

/** Ids in one line of the access log. */
const IDS_MAX = 20;
const SCORE = /^-?\d{1,9}$/;
/** Where CRS keeps what it counted, the last one set being the sum. */
const INBOUND = ['blocking_inbound_anomaly_score', 'inbound_anomaly_score'];
const OUTBOUND = ['blocking_outbound_anomaly_score', 'outbound_anomaly_score'];

/** Member `waf` of a line of the access log: what was done, ids of the rules that held, scores where there are any. */
export function wafText(outcome: WafOutcome, matches: readonly RuleMatch[], inspection: Inspection): string {
  let ids = '';
  const shown = Math.min(matches.length, IDS_MAX);
  for (let i = 0; i < shown; i += 1) ids += `${i === 0 ? '' : ','}${matches[i]?.ruleId ?? 0}`;
  const more = matches.length > shown ? `,"more":${matches.length - shown}` : '';
  const scores = member('inbound', scoreOf(inspection, INBOUND)) + member('outbound', scoreOf(inspection, OUTBOUND));
  return `,"waf":{"outcome":"${outcome}","rules":[${ids}]${more}${scores}}`;
}

/** Decimal; '' where no rule counted. */
export function scoreOf(inspection: Inspection, names: readonly string[] = INBOUND): string {
  for (const name of names) {
    const score = inspection.score(name);
    if (SCORE.test(score)) return score;
  }
  return '';
}

function member(name: string, number: string): string {
  return number === '' ? '' : `,"${name}":${Number(number)}`;
}
