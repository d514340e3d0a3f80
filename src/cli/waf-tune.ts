import { loadConfig } from '../config/load.ts';
import { asciiOnly } from '../telemetry/json-text.ts';
import type { AttackList } from '../tuning/attack-check.ts';
import { ATTACK_PAYLOADS } from '../tuning/attack-payloads.ts';
import { exclusionWords } from '../tuning/exclusion.ts';
import { exclusionYaml } from '../tuning/exclusion-yaml.ts';
import { Judges } from '../tuning/judges.ts';
import { readRecords, Unread } from '../tuning/read-records.ts';
import { rulesLooks } from '../tuning/rule-looks.ts';
import { type Proposal, tune } from '../tuning/tune.ts';
import { EXIT_OK } from './exit-codes.ts';
import { bare, counted } from './printable.ts';
import { unreadWords } from './waf-records.ts';

export interface TuneCommandOptions {
  readonly config: string | undefined;
  /** Recordings of attacks; empty for the list of the gateway. */
  readonly attacks: readonly string[];
  readonly wholeRules: boolean;
  readonly form: 'text' | 'yaml' | 'json';
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Attacks that are named for one exclusion, requests that are listed. */
const NAMED_MAX = 5;

/**
 * `sallyport waf tune`: exclusions for the false alarms of honest traffic.
 *
 * @param out  Takes the text, line ends included.
 * @returns  Exit code.
 */
export function runTune(paths: readonly string[], options: TuneCommandOptions, out: (text: string) => void): number {
  const { env, cwd, wholeRules } = options;
  const judges = Judges.open(loadConfig({ file: options.config, env, cwd }).config, 'block');
  const unread = new Unread();
  const attacks = attacksOf(options.attacks, unread);
  const proposal = tune(judges, rulesLooks(judges), readRecords(paths, unread), { attacks, wholeRules });
  out(FORMS[options.form](proposal, unread));
  return EXIT_OK;
}

function attacksOf(paths: readonly string[], unread: Unread): AttackList {
  if (paths.length === 0) return { kind: 'payloads', payloads: ATTACK_PAYLOADS };
  return { kind: 'requests', records: [...readRecords(paths, unread)] };
}

const FORMS: Readonly<Record<TuneCommandOptions['form'], (proposal: Proposal, unread: Unread) => string>> = {
  text: asText,
  yaml: (proposal) => yamlOf(proposal),
  json: asJson,
};

function yamlOf({ proposed }: Proposal): string {
  return proposed.length === 0 ? 'routes: []\n' : exclusionYaml(proposed.map(({ exclusion }) => exclusion));
}

function asText(proposal: Proposal, unread: Unread): string {
  const { read, passing, blocked, blockedByLog, elsewhere, unjudged, freed, attacks } = proposal;
  const counts = [
    `${counted(read, 'request')} read: ${passing} pass, ${counted(blocked, 'false alarm')}`,
    ...(blockedByLog > 0 ? [`${blockedByLog} of them by what the log tells, their bodies were not recorded`] : []),
    ...(unjudged > 0 ? [`${counted(unjudged, 'request')} passed, and cannot be judged: not all was recorded`] : []),
    ...(elsewhere > 0 ? [`${counted(elsewhere, 'request')} that no route with rules takes`] : []),
    `${counted(attacks.judged, 'attack')} tried, ${attacks.blocked} blocked before and after` +
      (attacks.unjudged > 0 ? `, ${attacks.unjudged} that cannot be judged` : ''),
    `the proposal frees ${freed} of ${counted(blocked, 'false alarm')}`,
  ];
  return [
    unreadWords(unread),
    `${counts.join('\n')}\n`,
    tableOf(proposal),
    turnedDownOf(proposal),
    unexplainedOf(proposal),
    proposal.proposed.length === 0 ? '' : `\n${yamlOf(proposal)}`,
  ].join('');
}

function tableOf({ proposed }: Proposal): string {
  if (proposed.length === 0) return '';
  const rows = proposed.map(({ exclusion, frees, attacksTouched }) => [
    bare(exclusion.route),
    exclusionWords(exclusion),
    String(frees),
    String(attacksTouched),
  ]);
  const all = [['route', 'left out', 'frees', 'attacks that it is about, all blocked'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `\n${lines.join('\n')}\n`;
}

function turnedDownOf({ turnedDown }: Proposal): string {
  if (turnedDown.length === 0) return '';
  const lines = turnedDown.map(({ exclusion, attacks, wouldFree }) => {
    const named = attacks.slice(0, NAMED_MAX).map(bare).join(', ');
    const more = attacks.length > NAMED_MAX ? ` and ${attacks.length - NAMED_MAX} more` : '';
    const why = attacks.length === 0 ? `a whole rule: ${exclusion.why}` : `lets attacks through: ${named}${more}`;
    return `  ${bare(exclusion.route)}  ${exclusionWords(exclusion)}  (${counted(wouldFree, 'request')} wait for it)  ${why}\n`;
  });
  return `\nnot proposed, for a person to decide:\n${lines.join('')}`;
}

function unexplainedOf({ unexplained }: Proposal): string {
  if (unexplained.length === 0) return '';
  const lines = unexplained
    .slice(0, NAMED_MAX)
    .map(({ record, why }) => `  ${bare(record.id)}  ${bare(record.place)}  ${bare(why)}\n`);
  const more = unexplained.length > NAMED_MAX ? `  and ${unexplained.length - NAMED_MAX} more\n` : '';
  return `\nno exclusion helps:\n${lines.join('')}${more}`;
}

function asJson(proposal: Proposal, unread: Unread): string {
  const { unexplained, ...rest } = proposal;
  const requests = unexplained.map(({ record, why }) => ({ id: record.id, place: record.place, why }));
  const { places, ...passedOver } = unread;
  return `${asciiOnly(JSON.stringify({ ...rest, unexplained: requests, passedOver, places, yaml: yamlOf(proposal) }))}\n`;
}
