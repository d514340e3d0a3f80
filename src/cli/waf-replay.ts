import { displayOf } from '../base/byte-text.ts';
import { loadConfig } from '../config/load.ts';
import { asciiOnly } from '../telemetry/json-text.ts';
import { Judges } from '../tuning/judges.ts';
import { readRecords, Unread } from '../tuning/read-records.ts';
import { newlyBlocked, newlyDetected, newlyPassed, type Replay, replay, type VerdictChange } from '../tuning/replay.ts';
import { EXIT_OK, EXIT_REFUSED } from './exit-codes.ts';
import { bare, counted, shown } from './printable.ts';
import { unreadWords } from './waf-records.ts';

export interface ReplayOptions {
  readonly config: string | undefined;
  /** Configuration of before; undefined for what the recordings tell. */
  readonly against: string | undefined;
  /** So many requests may be newly blocked. */
  readonly allow: number;
  /** Changes of each kind that are listed. */
  readonly limit: number;
  readonly json: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/**
 * `sallyport waf replay`: recorded requests under new rules, and what changes.
 *
 * @param out  Takes the text, line ends included.
 * @returns  Exit code: 1 when more requests than allowed are newly blocked.
 */
export function runReplay(paths: readonly string[], options: ReplayOptions, out: (text: string) => void): number {
  const { env, cwd, against } = options;
  const judges = Judges.open(loadConfig({ file: options.config, env, cwd }).config);
  const before = against === undefined ? null : Judges.open(loadConfig({ file: against, env, cwd }).config);
  const unread = new Unread();
  const result = replay(readRecords(paths, unread), judges, before);
  out(options.json ? asJson(result, unread) : asText(result, unread, options.limit));
  return newlyBlocked(result).length > options.allow ? EXIT_REFUSED : EXIT_OK;
}

function asText(result: Replay, unread: Unread, limit: number): string {
  const { verdicts, judged, read } = result;
  const kinds: readonly (readonly [string, readonly VerdictChange[]])[] = [
    ['newly blocked', newlyBlocked(result)],
    ['newly detected', newlyDetected(result)],
    ['newly passed', newlyPassed(result)],
  ];
  const sections = kinds.flatMap(([name, changes]) => (changes.length === 0 ? [] : [listOf(name, changes, limit)]));
  const summary =
    `${counted(read, 'request')} read, ${judged} judged: ` +
    `${verdicts.passes} pass, ${verdicts.detected} detected, ${verdicts.blocked} blocked\n` +
    `${kinds.map(([name, changes]) => `${changes.length} ${name}`).join(', ')}\n`;
  const rules =
    ruleLine('rules that newly hold', result.rulesMore) + ruleLine('rules that no longer hold', result.rulesFewer);
  return [...sections, rules, doubtsOf(result), unreadWords(unread), summary].join('');
}

function listOf(name: string, changes: readonly VerdictChange[], limit: number): string {
  const lines = changes.slice(0, limit).map(({ id, method, target, route, from, to, words, rulesMore, rulesFewer }) => {
    const ids = [...rulesMore.map((rule) => `+${rule}`), ...rulesFewer.map((rule) => `-${rule}`)].join(' ');
    const asked = `${bare(displayOf(method))} ${shown(target)}`;
    return `  ${bare(id)}  ${asked}  route ${bare(route)}\n    ${from} -> ${to}; ${words}${ids === '' ? '' : `; rules ${ids}`}\n`;
  });
  const more = changes.length > limit ? `  and ${changes.length - limit} more; --limit shows them\n` : '';
  return `${name}:\n${lines.join('')}${more}\n`;
}

function ruleLine(name: string, rules: ReadonlyMap<number, number>): string {
  if (rules.size === 0) return '';
  const sorted = [...rules].sort(([a, many], [b, more]) => more - many || a - b);
  return `${name}: ${sorted.map(([id, count]) => `${id} (${count})`).join(', ')}\n`;
}

function doubtsOf({
  unrouted,
  fieldless,
  bodiless,
  withheld,
  withheldValues,
  inexact,
  undecided,
  assumed,
}: Replay): string {
  const lines = [
    unrouted > 0 ? `no route takes ${counted(unrouted, 'request')}: not judged` : '',
    fieldless > 0 ? `fields not recorded: ${counted(fieldless, 'request')} not judged (audit part B)` : '',
    bodiless > 0 ? `body not recorded: ${counted(bodiless, 'request')} judged by the rest (audit part C)` : '',
    withheld > 0
      ? `${counted(withheldValues, 'value')} of ${counted(withheld, 'request')} redacted: rules saw others`
      : '',
    inexact > 0 ? `${counted(inexact, 'request')} not recorded byte for byte` : '',
    undecided > 0
      ? `${counted(undecided, 'request')} held to be attacks pass without what was not recorded: undecided`
      : '',
    assumed > 0 ? `${counted(assumed, 'request')} without a recorded verdict: taken to have passed` : '',
  ];
  return lines.map((line) => (line === '' ? '' : `${line}\n`)).join('');
}

function asJson(result: Replay, unread: Unread): string {
  const { changes, rulesMore, rulesFewer, ...rest } = result;
  const { places, ...passedOver } = unread;
  const lists = {
    newlyBlocked: newlyBlocked(result),
    newlyDetected: newlyDetected(result),
    newlyPassed: newlyPassed(result),
    rulesMore: Object.fromEntries(rulesMore),
    rulesFewer: Object.fromEntries(rulesFewer),
  };
  return `${asciiOnly(JSON.stringify({ ...rest, passedOver, places, ...lists }))}\n`;
}
