import { prettyFactory } from 'pino-pretty';

/** Control characters, invisible and direction-changing ones: what a terminal acts upon or a reader cannot see. */
const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029\ud800-\udfff]/gu;

/** In a stack, lines are wanted. */
const UNSEEN_BUT_LF = /(?!\n)[\p{Cc}\p{Cf}\u2028\u2029\ud800-\udfff]/gu;

/**
 * Makes JSON log lines pleasant for a person at a terminal.
 *
 * pino-pretty writes strings to the terminal as they are; so what a stranger sent (an ESC in a user agent) is made
 * visible first.
 *
 * @param color  Use colours.
 * @returns Text ended by LF, for one JSON line without LF. A line that is no JSON object is shown as text.
 */
export function createPretty(color: boolean): (line: string) => string {
  const pretty = prettyFactory({
    colorize: color,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname',
    singleLine: true,
  });
  return (line) => {
    const record = parsed(line);
    const text = record === null ? visible(line, false) : pretty(summarised(record));
    return text.endsWith('\n') ? text : `${text}\n`;
  };
}

function parsed(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line, (name, item: unknown) => {
      if (typeof item === 'string') return visible(item, name === 'stack');
      return isRecord(item)
        ? Object.fromEntries(Object.entries(item).map(([key, of]) => [visible(key, false), of]))
        : item;
    });
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A request in one glance; the rest of its line is shown behind. */
function summarised(record: Record<string, unknown>): Record<string, unknown> {
  if (record.msg !== 'request') return record;
  const { method, host, path, status, durationMs, ...rest } = record;
  const msg = `${text(method)} ${text(host)}${text(path)} ${text(status)} ${text(durationMs)} ms`;
  return Object.fromEntries(Object.entries({ ...rest, msg }).filter(([, value]) => value !== null && value !== ''));
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '-';
}

function visible(value: string, linesWanted: boolean): string {
  return value.replace(linesWanted ? UNSEEN_BUT_LF : UNSEEN, escaped);
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
