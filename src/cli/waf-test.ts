import { byteTextOf, displayOf } from '../base/byte-text.ts';
import type { Config, RouteConfig, WafConfig } from '../config/schema.ts';
import { quote } from '../config/words.ts';
import { ERRORS, type ErrorCode, SallyportError } from '../errors.ts';
import { readPatches } from '../gateway/read-patches.ts';
import { hostName } from '../message/host.ts';
import { normalisePath } from '../message/path.ts';
import { fieldOf } from '../pipeline/answer-fields.ts';
import { canaryHash, canaryShare } from '../pipeline/canary-share.ts';
import { refusalOfRule } from '../pipeline/refusal-of-rule.ts';
import { compileRoutes } from '../pipeline/routes.ts';
import { seenBody } from '../pipeline/seen-body.ts';
import { compilePatches } from '../pipeline/waf-patches.ts';
import { lonelyCollections, openRules, profileOf, refusalOfRules, usesWaf, wafEntries } from '../pipeline/waf-rules.ts';
import { compileRouter } from '../router/router.ts';
import type { RuleEngine } from '../waf/engine.ts';
import type { Inspection, PhaseOutcome, RuleMatch, WafProfile } from '../waf/inspection.ts';
import { diskRuleFiles } from '../waf/seclang/rule-files.ts';
import type { AskedRequest } from './asked-request.ts';
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
  if (!usesWaf(config)) throw new SallyportError('SP_CONFIG', 'no route has rules: set waf.crs or waf.rules');
  const { request } = asked;
  const route = routeOf(config, asked);
  const profile = profileOf(route);
  out(`${request.method} ${quote(displayOf(request.target), SHOWN_MAX)}  route ${route.name}, mode ${profile.mode}\n`);
  const begin = beginFor(config, profile);
  if (begin === null) {
    out('passes: the firewall is off on this route\n');
    return EXIT_OK;
  }
  const inspection = begin({
    uniqueId: 'waf-test',
    clientAddress: asked.client,
    clientPort: 0,
    serverAddress: config.listen.host,
    serverPort: config.listen.http.port,
    method: request.method,
    // As the HTTP front gives them.
    target: request.target.replace(/^([^?]*)\?$/, '$1'),
    path: pathOf(config, request) || undefined,
    protocol: 'HTTP/1.1',
    fields: request.fields.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text)),
    startedAtMs: Date.now(),
    share: canaryShare(canaryHash(config.waf.canarySeed), asked.client),
  });
  const verdict = judge(inspection, request, profile, config.waf);
  inspection.logging();
  for (const match of inspection.matches) out(explain(match));
  out(scoresOf(inspection));
  out(`${verdict.words}\n`);
  return verdict.isBlocked ? EXIT_REFUSED : EXIT_OK;
}

/** Null where nothing is looked at. */
function beginFor(config: Config, profile: WafProfile): RuleEngine['begin'] | null {
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

interface Verdict {
  readonly isBlocked: boolean;
  readonly words: string;
}

/** What the gateway does with the request, up to the upstream. */
function judge(inspection: Inspection, { body, fields }: AskedRequest, { mode }: WafProfile, waf: WafConfig): Verdict {
  const detectsOnly = mode === 'detect';
  const passesFailures = detectsOnly || waf.onFailure === 'pass';
  const head = ended(inspection.requestHeaders(), passesFailures);
  if (head !== null) return head;
  const given = inspection.wantsRequestBody ? body : body.subarray(0, 0);
  const isPartial = given.length > waf.requestBodyBytesMax;
  if (isPartial && !detectsOnly && waf.requestBodyOver === 'refuse') return refused('SP_REQUEST_BODY_TOO_LARGE');
  const bytesMax = waf.requestBodyBytesMax;
  const coding = fieldOf(fields, 'content-encoding');
  const seen = seenBody(coding, given.subarray(0, bytesMax), isPartial, bytesMax, detectsOnly);
  if (seen.kind === 'refuse') return refused(seen.code);
  const whole = ended(inspection.requestBody(byteTextOf(seen.bytes), isPartial), passesFailures);
  if (whole !== null) return whole;
  const { interruption } = inspection;
  if (interruption !== null) {
    return { isBlocked: false, words: `passes: rule ${interruption.ruleId} would block in mode block` };
  }
  return { isBlocked: false, words: isPartial ? 'passes: the beginning of the body was inspected' : 'passes' };
}

function refused(code: ErrorCode): Verdict {
  return { isBlocked: true, words: `refused with ${ERRORS[code].status}: the body cannot be inspected (${code})` };
}

/** Null where the request goes on. */
function ended(outcome: PhaseOutcome, passesFailures: boolean): Verdict | null {
  if (outcome.kind === 'pass') return null;
  if (outcome.kind === 'failed') {
    if (passesFailures) return null;
    const why = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
    return { isBlocked: true, words: `could not be inspected: ${why}` };
  }
  const { code, status = ERRORS[code].status, fields } = refusalOfRule(outcome.interruption);
  const location = fields?.[1];
  const how = status === 0 ? 'the connection is closed' : `${status}${location === undefined ? '' : ` to ${location}`}`;
  return { isBlocked: true, words: `blocked by rule ${outcome.interruption.ruleId}: ${how}` };
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
  const path = pathOf(config, request);
  const host = hostName(fieldOf(request.fields, 'host'));
  const found = compileRouter(compileRoutes(config, {})).find(host, path, request.method);
  if (path === '' || found.kind !== 'route') {
    throw new SallyportError('SP_CONFIG', `no route takes this request; name one with --route: ${known}`);
  }
  return found.config;
}

/** As the guard normalises it; '' where it refuses. */
function pathOf({ paths }: Config, { target }: AskedRequest): string {
  return normalisePath(target.split('?', 1)[0] ?? '', paths.encodedSlash === 'keep');
}
