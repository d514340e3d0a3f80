import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readAddressLists } from './address-lists.ts';
import { checkFields } from './check-fields.ts';
import { checkIdentity } from './check-identity.ts';
import { checkListen } from './check-listen.ts';
import { checkRedis } from './check-redis.ts';
import { checkRoutes } from './check-routes.ts';
import { checkThrottling } from './check-throttling.ts';
import { checkTraffic } from './check-traffic.ts';
import { checkUpstreams } from './check-upstreams.ts';
import { checkWaf } from './check-waf.ts';
import { readDocument } from './document.ts';
import { overlayEnvironment } from './env.ts';
import { readText } from './files.ts';
import { deepFreeze, fillDefaults } from './fill.ts';
import { ConfigError, type ConfigProblem } from './problems.ts';
import { resolveReferences } from './references.ts';
import { Report } from './report.ts';
import type { Config } from './schema.ts';
import { isMapping } from './schema-tree.ts';
import { validateShape } from './validate.ts';

/** Longest configuration file, bytes: ten thousand routes fit; a wrong file is not read into memory. */
export const CONFIG_BYTES_MAX = 4_194_304;

/** What runs when nobody names a configuration. Three levels up from `dist/src/config/`. */
export const DEFAULT_CONFIG_FILE = fileURLToPath(new URL('../../../config/gateway.yaml', import.meta.url));

export interface LoadOptions {
  /** Path of a YAML or JSON file; relative to `cwd`. */
  readonly file?: string | undefined;
  /** The configuration itself; `file` then only names it. */
  readonly text?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export interface LoadedConfig {
  /** Deep frozen, defaults filled in, references resolved, file names absolute. */
  readonly config: Config;
  /** Name for people: the path as given, or `config/gateway.yaml`. */
  readonly source: string;
  /** Absolute path, for a reload; null for a text without a file. */
  readonly file: string | null;
  /** True when nobody named a configuration and the one that ships with the gateway was read. */
  readonly isDefault: boolean;
  /** Things that work but are likely not meant; `describeProblem` makes lines of them. */
  readonly warnings: readonly ConfigProblem[];
}

/**
 * Reads, checks and completes a configuration.
 *
 * Which one: `file` or `text`, else the file of SALLYPORT_CONFIG, else the one that ships with the gateway, whose
 * upstream `default` then gets SALLYPORT_UPSTREAM as its only target. Settings in the environment win over the file.
 *
 * @param options  See `LoadOptions`; the environment is passed in so that tests own it.
 * @returns A frozen configuration.
 * @throws  ConfigError (`SP_CONFIG`) with every problem at once; nothing else.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { env, cwd } = options;
  const named = options.file ?? (options.text === undefined ? env.SALLYPORT_CONFIG || undefined : undefined);
  const isDefault = named === undefined && options.text === undefined;
  const file = isDefault ? DEFAULT_CONFIG_FILE : named === undefined ? null : resolve(cwd, named);
  const source = named ?? (file === null ? 'configuration text' : nearName(file, cwd));
  const directory = file === null ? cwd : dirname(file);
  const report = new Report(source);

  const text = options.text ?? readFile(file ?? '', report);
  const read = text === undefined ? undefined : readDocument(text, report);
  if (read === undefined) throw new ConfigError(source, report.problems);
  const upstream = env.SALLYPORT_UPSTREAM ?? '';
  if (upstream !== '' && isDefault) frontOne(read, upstream, report);
  const said = resolveReferences(overlayEnvironment(read, env, report), report, { env, directory });
  validateShape(said, report);
  const config = fillDefaults(said, directory);
  checkListen(config, report);
  checkUpstreams(config, said, report);
  checkRoutes(config, report);
  checkTraffic(config, report);
  readAddressLists(config, report);
  checkThrottling(config, report);
  checkIdentity(config, report);
  checkRedis(config, report);
  checkFields(config, report);
  checkWaf(config, report);
  if (report.problems.length > 0) throw new ConfigError(source, report.sorted(report.problems));

  const warnings = report.sorted(report.warnings);
  if (upstream !== '' && !isDefault) warnings.push(ignoredUpstream());
  return Object.freeze({ config: deepFreeze(config), source, file, isDefault, warnings: deepFreeze(warnings) });
}

function readFile(file: string, report: Report): string | undefined {
  const result = readText(file, CONFIG_BYTES_MAX);
  if (result.ok) return result.text;
  report.faultAt(undefined, [], `the configuration file ${result.found}`, result.remedy);
  return undefined;
}

/** `SALLYPORT_UPSTREAM=http://host:port`: one service, fronted without a configuration of its own. */
function frontOne(tree: Record<string, unknown>, url: string, report: Report): void {
  const upstreams = isMapping(tree.upstreams) ? tree.upstreams : {};
  const upstream = isMapping(upstreams.default) ? upstreams.default : {};
  tree.upstreams = { ...upstreams, default: { ...upstream, targets: [{ url }] } };
  report.variables.set('upstreams.default.targets[0].url', 'SALLYPORT_UPSTREAM');
}

function ignoredUpstream(): ConfigProblem {
  return {
    path: '',
    source: 'SALLYPORT_UPSTREAM',
    line: 0,
    column: 0,
    found: 'has no effect: a configuration file names the upstreams',
    remedy: 'remove the variable',
  };
}

/** A path as somebody in `cwd` would type it, where that is shorter. */
function nearName(file: string, cwd: string): string {
  const near = relative(cwd, file);
  return near.length < file.length ? near : file;
}
