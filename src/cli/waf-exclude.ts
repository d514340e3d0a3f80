import { displayOf } from '../base/byte-text.ts';
import { loadConfig } from '../config/load.ts';
import { SallyportError } from '../errors.ts';
import { inQuotes } from '../telemetry/json-text.ts';
import { excludeFor, type RequestExclusions } from '../tuning/exclude.ts';
import type { Exclusion } from '../tuning/exclusion.ts';
import { exclusionDirectives, exclusionRule } from '../tuning/exclusion-seclang.ts';
import { exclusionYaml } from '../tuning/exclusion-yaml.ts';
import { Judges } from '../tuning/judges.ts';
import { readRecords, Unread } from '../tuning/read-records.ts';
import type { RecordedRequest } from '../tuning/recorded-request.ts';
import { fileNameOf } from '../tuning/route-of.ts';
import { rulesLooks } from '../tuning/rule-looks.ts';
import { EXIT_OK, EXIT_REFUSED } from './exit-codes.ts';
import { bare, shown } from './printable.ts';
import { unreadWords } from './waf-records.ts';

export interface ExcludeOptions {
  readonly config: string | undefined;
  /** Rules to leave out; empty for those that block. */
  readonly rules: readonly number[];
  /** `yaml` for a configuration; directives that update rules; a rule with `ctl` for requests of this path. */
  readonly form: 'yaml' | 'update' | 'ctl';
  /** Of the rule with `ctl`. */
  readonly id: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/**
 * `sallyport waf exclude`: what lets one request of an audit log pass.
 *
 * @param id   Of the request.
 * @param out  Takes what is to be pasted, `tell` what is to be read; line ends included.
 * @returns  Exit code: 1 where there is nothing to leave out.
 * @throws  SallyportError SP_CONFIG where the log has no such entry, and for rules that did not hold.
 */
export function runExclude(
  path: string,
  id: string | undefined,
  options: ExcludeOptions,
  out: (text: string) => void,
  tell: (text: string) => void,
): number {
  const { env, cwd, rules } = options;
  const judges = Judges.open(loadConfig({ file: options.config, env, cwd }).config, 'block');
  const unread = new Unread();
  const record = recordOf(path, id, unread);
  tell(unreadWords(unread));
  const found = excludeFor(judges, rulesLooks(judges), record, rules);
  const { method, target } = record.request;
  tell(`request ${bare(record.id)}  ${bare(displayOf(method))} ${shown(target)}  route ${bare(found.route)}\n`);
  for (const note of found.notes) tell(`${note}\n`);
  for (const exclusion of found.exclusions) tell(warningOf(exclusion));
  if (found.exclusions.length === 0) return EXIT_REFUSED;
  tell(found.isTried ? 'with this it passes: tried\n' : 'not tried\n');
  out(written(found, fileNameOf(judges.config, record.request), options));
  return EXIT_OK;
}

/** The last entry of that id: ids may be the client's own. */
function recordOf(path: string, id: string | undefined, unread: Unread): RecordedRequest {
  let found: RecordedRequest | null = null;
  let count = 0;
  for (const record of readRecords([path], unread)) {
    count += 1;
    if (id === undefined || record.id === id) found = record;
  }
  if (id === undefined && count > 1) {
    throw new SallyportError('SP_CONFIG', `${path} has ${count} entries: name the id of one`);
  }
  if (found !== null) return found;
  const which = id === undefined ? 'no entry' : `no entry of the id ${bare(id)}`;
  throw new SallyportError('SP_CONFIG', `${path} has ${which}; entries in it: ${count}`);
}

function warningOf({ ruleId, target, why }: Exclusion): string {
  if (target !== null) return '';
  return `WARNING: rule ${ruleId} is left out as a whole: ${inQuotes(why)}\n`;
}

/** @param path  REQUEST_FILENAME. */
function written({ exclusions }: RequestExclusions, path: string, options: ExcludeOptions): string {
  if (options.form === 'yaml') return exclusionYaml(exclusions);
  if (options.form === 'update') return exclusionDirectives(exclusions);
  return exclusionRule(exclusions, path, options.id);
}
