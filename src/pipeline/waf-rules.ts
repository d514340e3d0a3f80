import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseBody } from '../body/parse-body.ts';
import { hasInvalidEncoding, parseQuery } from '../body/urlencoded.ts';
import type { Config, RouteConfig } from '../config/schema.ts';
import { hasRules, readsBaseline } from '../config/waf-sources.ts';
import { SallyportError } from '../errors.ts';
import { KeyHash } from '../limiter/key-hash.ts';
import { createCollectionWords } from '../waf/collections/layout.ts';
import { sharedCollections } from '../waf/collections/open.ts';
import { CollectionTable } from '../waf/collections/table.ts';
import { openRuleSet, type RuleEntries, type RuleSet } from '../waf/engine.ts';
import type { GateTables } from '../waf/gate/gate-tables.ts';
import type { WafProfile } from '../waf/inspection.ts';
import type { OpenCollections } from '../waf/open-collections.ts';
import { describeProblem, SecLangError } from '../waf/seclang/reason.ts';
import type { RecordedRuleFiles } from '../waf/seclang/rule-files.ts';
import type { Place, RuleFiles } from '../waf/seclang/syntax.ts';

/** The gateway's own rules. Three levels up from `dist/src/pipeline/`. */
const BASELINE = fileURLToPath(new URL('../../../config/waf/baseline/', import.meta.url));
/** Says how bodies are read: before everything else, wherever there are rules. */
const BODIES = `${BASELINE}10-bodies.conf`;
/** Globs start here: the paths of a configuration are absolute. */
const ROOT = '/';

/** Collections for rules that are only compiled, or see one request. */
export function lonelyCollections(): OpenCollections {
  const words = createCollectionWords(LONELY_MAX, LONELY_BYTES);
  return sharedCollections(new CollectionTable(words, new KeyHash(randomInt(2 ** 31), randomInt(2 ** 31))));
}

const LONELY_MAX = 16;
const LONELY_BYTES = 65_536;

/** Rules of a configuration as the main thread read them: all threads compile the same. */
export interface WafRules {
  readonly entries: RuleEntries;
  readonly recorded: RecordedRuleFiles;
  /** The same for the same rules. */
  readonly digest: string;
  /** Profiles of routes that compile, as text. */
  readonly profiles: readonly string[];
  /** Ids of the rules, and where they stand: patches take others. */
  readonly ids: ReadonlyMap<number, Place>;
  /** What gates are made of, for all profiles, in shared memory; null where there are none. */
  readonly tables: GateTables | null;
}

/** What the configuration says besides of how rules see bodies. */
export type BodyReading = Pick<Config['waf'], 'argumentsMax' | 'gate' | 'jsonDepthMax' | 'responseTypes'> & {
  readonly audit: Pick<Config['waf']['audit'], 'parts'>;
};

/** Does any route want rules? */
export function usesWaf({ waf, routes }: Config): boolean {
  return hasRules(waf) && routes.some(({ policies }) => policies.waf.mode !== 'off');
}

/** Are some of the bodies that rules see long enough for an inspect thread? */
export function offloads({ offloadBytes, waf }: Config): boolean {
  return waf.requestBodyBytesMax > offloadBytes;
}

/**
 * The files of a configuration's rules, in the order in which they are read: what says how bodies are read, the Core
 * Rule Set as its own INSTALL asks, plugins included, the gateway's own rules, then the configuration's.
 */
export function wafEntries(waf: Config['waf'], files: RuleFiles): RuleEntries {
  const { crs, rules } = waf;
  const found = (pattern: string): readonly string[] => files.expand(pattern, ROOT);
  const attacks = readsBaseline(waf) ? found(`${BASELINE}*.conf`).filter((path) => path !== BODIES) : [];
  const further = [...attacks, ...rules.flatMap(found)];
  if (crs === '') return { setup: [BODIES], rules: further };
  const named = found(`${crs}/crs-setup.con*`);
  const setup = named.filter((path) => path.endsWith('/crs-setup.conf'));
  return {
    setup: [BODIES, ...(setup.length > 0 ? setup : named.filter((path) => path.endsWith('.conf.example')))],
    rules: [
      ...found(`${crs}/plugins/*-config.conf`),
      ...found(`${crs}/plugins/*-before.conf`),
      ...found(`${crs}/rules/*.conf`),
      ...found(`${crs}/plugins/*-after.conf`),
      ...further,
    ],
  };
}

/**
 * Reads the rules of a configuration.
 *
 * @param tables  As the main thread built them for the same rules.
 * @throws  SecLangError with everything in them that cannot be read.
 */
export function openRules(
  files: RuleFiles,
  entries: RuleEntries,
  { argumentsMax, gate, jsonDepthMax, responseTypes, audit }: BodyReading,
  collections: OpenCollections,
  tables: GateTables | null = null,
): RuleSet {
  return openRuleSet(
    files,
    entries,
    {
      bodyCaps: { argumentsMax, depthMax: jsonDepthMax },
      responseTypes: responseTypes.map((type) => type.toLowerCase()),
      auditParts: audit.parts,
      gate,
    },
    { parseBody, parseQuery, hasInvalidEncoding, collections },
    tables,
  );
}

/** Problems in one message: whoever named a wrong folder needs no more to see it. */
const PROBLEMS_NAMED_MAX = 20;

/** @returns  An error with what is wrong with the rules, in the words of a configuration; any other error as it is. */
export function refusalOfRules(error: unknown, what = 'the rules of waf'): unknown {
  if (!(error instanceof SecLangError)) return error;
  const lines = error.problems.slice(0, PROBLEMS_NAMED_MAX).map(describeProblem);
  const more = error.problems.length - lines.length;
  if (more > 0) lines.push(`and ${more} more`);
  const words = lines.map((line) => `  ${line}`).join('\n');
  return new SallyportError('SP_CONFIG', `${what} cannot be used:\n${words}`);
}

/** What a route asks of the rules. Routes with equal profiles share what is compiled. */
export function profileOf({ policies }: RouteConfig): WafProfile {
  const { mode, paranoia, detectionParanoia, inboundThreshold, outboundThreshold, without, detect, canary } =
    policies.waf;
  const none = detect.ids.length + detect.tags.length === 0 ? [] : [{ ...detect, percent: 0 }];
  return {
    mode: mode ?? 'off',
    blockingParanoia: setOrNull(paranoia),
    detectionParanoia: setOrNull(detectionParanoia),
    inboundThreshold: setOrNull(inboundThreshold),
    outboundThreshold: setOrNull(outboundThreshold),
    withoutIds: without.ids,
    withoutTags: without.tags,
    withoutTargets: without.targets.map(({ target, ids, tag }) => ({ target, ids, tag: tag === '' ? null : tag })),
    trials: [...none, ...canary.map(({ ids, tags, percent }) => ({ ids, tags, percent }))],
  };
}

/** By it threads tell profiles apart. */
export function profileText(route: RouteConfig): string {
  return JSON.stringify(profileOf(route));
}

/** 0 stands for what the rule set says. */
function setOrNull(value: number | undefined): number | null {
  return value === undefined || value === 0 ? null : value;
}
