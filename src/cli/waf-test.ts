import { displayOf } from '../base/byte-text.ts';
import type { Config, RouteConfig } from '../config/schema.ts';
import { quote } from '../config/words.ts';
import { SallyportError } from '../errors.ts';
import { readPatches } from '../gateway/read-patches.ts';
import { compilePatches } from '../pipeline/waf-patches.ts';
import { lonelyCollections, openRules, profileOf, refusalOfRules, usesWaf, wafEntries } from '../pipeline/waf-rules.ts';
import type { AskedRequest } from '../tuning/asked-request.ts';
import { judge } from '../tuning/judgement.ts';
import { compileRouteOf, factsOfAsked } from '../tuning/route-of.ts';
import type { RuleEngine } from '../waf/engine.ts';
import type { Inspection, RuleMatch, WafProfile } from '../waf/inspection.ts';
import { diskRuleFiles } from '../waf/seclang/rule-files.ts';
import { EXIT_OK, EXIT_REFUSED } from './exit-codes.ts';

/** Characters of a value, and of a message. */
const SHOWN_MAX = 200;
/** What CRS counts, in the order of its phases. */
const SCORES = [
  'inbound_anomaly_score',
  'blocking_inbound_anomaly_score',
  'detection_inbound_anomaly_score',
  'inbound_anomaly_score_threshold',
  'blocking_paranoia_level',
  'detection_paranoia_level',
];

export interface Asked {
  readonly request: AskedRequest;
  /** Name; undefined for the one that takes the request. */
  readonly route: string | undefined;
  /** Address. */
  readonly client: string;
}

/**
 * Runs a request through the phases 1, 2 and 5 of a route's rules and explains what they make of it.
 *
 * @param out  Takes the text, line ends included.
 * @returns  Exit code: 0 when the request would go on, 1 when it would be blocked.
 * @throws  SallyportError where there are no rules or no such route; for rules that do not load likewise.
 */
export function testRequest(config: Config, asked: Asked, out: (text: string) => void): number {
  if (!usesWaf(config))
    throw new SallyportError('SP_CONFIG', 'no route has rules: set waf.mode, waf.baseline, waf.crs or waf.rules');
  const { request } = asked;
  const route = routeOf(config, asked);
  const profile = profileOf(route);
  out(`${request.method} ${quote(displayOf(request.target), SHOWN_MAX)}  route ${route.name}, mode ${profile.mode}\n`);
  const begin = beginFor(config, profile);
  if (begin === null) {
    out('passes: the firewall is off on this route\n');
    return EXIT_OK;
  }
  const inspection = begin(factsOfAsked(config, request, asked.client, 'waf-test'));
  const judgement = judge(inspection, request, profile, config.waf);
  inspection.logging();
  for (const match of inspection.matches) out(explain(match));
  out(scoresOf(inspection));
  out(`${judgement.words}\n`);
  return judgement.kind === 'blocked' ? EXIT_REFUSED : EXIT_OK;
}

/** Begins with a request; null where nothing is looked at. @throws  SallyportError SP_CONFIG: rules do not load. */
export function beginFor(config: Config, profile: WafProfile): RuleEngine['begin'] | null {
  const { waf } = config;
  try {
    const files = diskRuleFiles();
    const rules = openRules(files, wafEntries(waf, files), waf, lonelyCollections());
    const engine = rules.compile(profile);
    if (engine === null || waf.patches === '') return engine?.begin ?? null;
    const text = JSON.stringify(profile);
    const { patches } = readPatches(config, { profiles: [text], ids: rules.ids }, 0, Date.now());
    const live = patches === null ? null : compilePatches(rules, patches, [text]).get(text);
    return (facts) => engine.begin(facts, live);
  } catch (error) {
    throw refusalOfRules(error);
  }
}

function explain(match: RuleMatch): string {
  const { ruleId, phase, message, variable, value, transformed, operator, data, file, line, tags } = match;
  const marks = [
    match.disruptive ? 'ends the request' : '',
    match.action === 'detected' ? 'only told' : '',
    match.logged ? '' : 'not logged',
  ].filter((one) => one !== '');
  const lines = [
    `rule ${ruleId}  phase ${phase}  ${message === '' ? '' : shown(message)}${marks.length === 0 ? '' : `  (${marks.join(', ')})`}`,
    `    ${file}:${line}`,
    ...(operator === '' ? [] : [`    ${shown(operator)} on ${displayOf(variable)}: ${shown(value)}`]),
  ];
  if (transformed !== value) lines.push(`    seen as ${shown(transformed)}`);
  if (data !== '') lines.push(`    ${shown(data)}`);
  if (tags.length > 0) lines.push(`    tags: ${tags.map(displayOf).join(' ')}`);
  return `${lines.join('\n')}\n`;
}

function scoresOf(inspection: Inspection): string {
  const scores = SCORES.flatMap((name) => {
    const score = inspection.score(name);
    return score === '' ? [] : [`${name} ${score}`];
  });
  return scores.length === 0 ? '' : `scores: ${scores.join(', ')}\n`;
}

/** In quotes, shortened, with nothing in it that a terminal would obey. */
function shown(text: string): string {
  return quote(displayOf(text), SHOWN_MAX);
}

function routeOf(config: Config, { request, route }: Asked): RouteConfig {
  const known = config.routes.map(({ name }) => name).join(', ');
  if (route !== undefined) {
    const found = config.routes.find(({ name }) => name === route);
    if (found === undefined) throw new SallyportError('SP_CONFIG', `no route ${quote(route)}; there are ${known}`);
    return found;
  }
  const found = compileRouteOf(config)(request);
  if (found === null) {
    throw new SallyportError('SP_CONFIG', `no route takes this request; name one with --route: ${known}`);
  }
  return found;
}
