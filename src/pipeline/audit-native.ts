import { randomBytes } from 'node:crypto';
import { type ByteText, byteTextOf } from '../base/byte-text.ts';
import { clipped } from '../telemetry/json-text.ts';
import type { RuleMatch } from '../waf/inspection.ts';
import { fieldOf } from './answer-fields.ts';
import { AUDIT_BODY_MAX, AUDIT_TEXT_MAX } from './audit-json.ts';
import type { Redaction } from './audit-redaction.ts';
import type { AuditedExchange } from './waf-route.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * One exchange in the serial format of ModSecurity: sections by letter between lines with a boundary that nobody can
 * guess. What is not printable ASCII is written as `\xHH`, so that no value can begin a line or a section of its own.
 */
export function auditNative(exchange: AuditedExchange, redaction: Redaction): string {
  const boundary = randomBytes(4).toString('hex');
  const sections = [...exchange.inspection.auditParts].flatMap((part) => {
    const lines = SECTIONS[part]?.(exchange, redaction);
    return lines === undefined ? [] : [`--${boundary}-${part}--`, ...lines, ''];
  });
  return sections.join('\n');
}

type Section = (exchange: AuditedExchange, redaction: Redaction) => readonly string[];

/** I, J and K of other engines repeat what the others hold, and are left out. */
const SECTIONS: Readonly<Record<string, Section>> = {
  A: ({ facts }) => [
    `[${dateOf(facts.startedAtMs)}] ${facts.uniqueId} ${facts.clientAddress} ${facts.clientPort} ` +
      `${facts.serverAddress} ${facts.serverPort}`,
  ],
  B: ({ facts }, redaction) => [
    plain(`${facts.method} ${redaction.target(facts.target)} ${facts.protocol}`),
    ...fieldLines(facts.fields, redaction),
  ],
  C: ({ requestBody }, redaction) => bodyLines(redaction.requestBody(byteTextOf(requestBody))),
  E: ({ answerBody, answerFields }, redaction) =>
    bodyLines(redaction.answerBody(fieldOf(answerFields, 'content-type'), byteTextOf(answerBody))),
  F: ({ status, answerFields }, redaction) => [`HTTP/1.1 ${status}`, ...fieldLines(answerFields, redaction)],
  H: (exchange, redaction) => [
    ...exchange.inspection.matches
      .filter(({ audited }) => audited)
      .map((match) => messageOf(redaction.match(match), exchange, redaction)),
    `Stopwatch: ${Math.round(exchange.facts.startedAtMs * 1_000)} ` +
      `${Math.round((exchange.endedAtMs - exchange.facts.startedAtMs) * 1_000)}`,
    'Producer: Sallyport',
  ],
  Z: () => [],
};

function messageOf(match: RuleMatch, { interruption, facts }: AuditedExchange, redaction: Redaction): string {
  const isEnd = interruption !== null && interruption.ruleId === match.ruleId && match.disruptive;
  const action = isEnd ? `Access denied with code ${interruption.status} (phase ${match.phase}).` : 'Warning.';
  const tags = match.tags.map((tag) => bracket('tag', tag));
  const words = [
    bracket('file', match.file),
    bracket('line', String(match.line)),
    bracket('id', String(match.ruleId)),
    bracket('rev', match.revision),
    bracket('msg', match.message),
    bracket('data', match.data),
    bracket('severity', String(match.severity)),
    bracket('ver', match.version),
    ...tags,
    bracket('uri', redaction.target(facts.target)),
    bracket('unique_id', facts.uniqueId),
  ];
  const found =
    `Matched "${plain(match.operator)}" against variable \`${unquoted(match.variable)}' ` +
    `(Value: \`${unquoted(match.value)}')`;
  return `Message: ${action} ${found} ${words.join(' ')}`;
}

function bracket(name: string, value: ByteText): string {
  return `[${name} "${unquoted(value)}"]`;
}

/** Printable ASCII that ends no quotes: a value cannot look like a word of the message, `[id "1"]`. */
function unquoted(value: ByteText): string {
  return plain(value).replaceAll('"', '\\x22').replaceAll("'", '\\x27');
}

function fieldLines(fields: readonly ByteText[], redaction: Redaction): string[] {
  const lines: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [name, value] = [fields[i] as ByteText, fields[i + 1] as ByteText];
    lines.push(plain(`${name}: ${redaction.field(name, value)}`));
  }
  return lines;
}

/** Byte for byte, so that it can be read again. */
function bodyLines(body: ByteText): string[] {
  return clipped(body, AUDIT_BODY_MAX).split('\n').map(printable);
}

/** Printable ASCII, bounded. */
function plain(text: ByteText): string {
  return printable(clipped(text, AUDIT_TEXT_MAX));
}

function printable(text: ByteText): string {
  return text.replace(/[^ -~]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** `25/Nov/2026:16:11:09 +0000`. */
function dateOf(ms: number): string {
  const date = new Date(ms);
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}
