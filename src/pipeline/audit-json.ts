import { type ByteText, byteTextOf, displayOf } from '../base/byte-text.ts';
import { asciiOnly, clipped } from '../telemetry/json-text.ts';
import type { RuleMatch } from '../waf/inspection.ts';
import { fieldOf } from './answer-fields.ts';
import type { Redaction } from './audit-redaction.ts';
import { scoreOf } from './waf-log.ts';
import type { AuditedExchange } from './waf-route.ts';

/** Texts of one rule, and a target; bodies. Characters. */
export const AUDIT_TEXT_MAX = 4_096;
export const AUDIT_BODY_MAX = 65_536;

/**
 * One exchange as a JSON object in printable ASCII, in the shape of ModSecurity 3's JSON audit log; `outcome`, `route`,
 * `scores` and what rules found are beside it.
 */
export function auditJson(exchange: AuditedExchange, redaction: Redaction): string {
  const { facts, interruption, outcome, route, inspection } = exchange;
  const parts = inspection.auditParts;
  const inbound = scoreOf(inspection);
  const transaction = {
    client_ip: facts.clientAddress,
    client_port: facts.clientPort,
    host_ip: facts.serverAddress,
    host_port: facts.serverPort,
    time_stamp: new Date(facts.startedAtMs).toISOString(),
    unique_id: facts.uniqueId,
    route,
    outcome,
    ...(interruption === null ? {} : { action: interruption.kind, rule_id: String(interruption.ruleId) }),
    ...(inbound === '' ? {} : { inbound_score: Number(inbound) }),
    request: {
      method: facts.method,
      http_version: facts.protocol.slice('HTTP/'.length),
      uri: shown(redaction.target(facts.target)),
      ...(parts.includes('B') ? { headers: headersOf(facts.fields, redaction) } : {}),
      ...(parts.includes('C') ? { body: requestBodyOf(exchange, redaction) } : {}),
    },
    response: {
      http_code: exchange.status,
      ...(parts.includes('F') ? { headers: headersOf(exchange.answerFields, redaction) } : {}),
      ...(parts.includes('E') ? { body: answerBodyOf(exchange, redaction) } : {}),
    },
    ...(parts.includes('H') ? { messages: messagesOf(inspection.matches, redaction) } : {}),
  };
  return asciiOnly(JSON.stringify({ transaction }));
}

/** @returns  Byte text, bounded, as it may be written. */
function requestBodyOf({ requestBody }: AuditedExchange, redaction: Redaction): string {
  return clippedBody(redaction.requestBody(byteTextOf(requestBody)));
}

/** Likewise. */
function answerBodyOf({ answerBody, answerFields }: AuditedExchange, redaction: Redaction): string {
  return clippedBody(redaction.answerBody(fieldOf(answerFields, 'content-type'), byteTextOf(answerBody)));
}

function clippedBody(text: ByteText): string {
  return displayOf(clipped(text, AUDIT_BODY_MAX));
}

/** Values of one name in one text, as RFC 9110 5.3 joins them. */
function headersOf(fields: readonly ByteText[], redaction: Redaction): Record<string, string> {
  // No prototype: a field named __proto__ is a field like any other.
  const headers: Record<string, string> = Object.create(null);
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [name, value] = [fields[i] as ByteText, fields[i + 1] as ByteText];
    const text = shown(redaction.field(name, value));
    headers[name] = headers[name] === undefined ? text : `${headers[name]}, ${text}`;
  }
  return headers;
}

function messagesOf(matches: readonly RuleMatch[], redaction: Redaction): object[] {
  return matches
    .filter(({ audited }) => audited)
    .map((found) => {
      const match = redaction.match(found);
      return {
        message: shown(match.message),
        details: {
          ruleId: String(match.ruleId),
          phase: match.phase,
          file: match.file,
          lineNumber: String(match.line),
          match: shown(match.operator),
          variable: shown(match.variable),
          value: shown(match.value),
          data: shown(match.data),
          severity: String(match.severity),
          ver: shown(match.version),
          rev: shown(match.revision),
          tags: match.tags.map(shown),
          disruptive: match.disruptive,
        },
      };
    });
}

function shown(text: ByteText): string {
  return displayOf(clipped(text, AUDIT_TEXT_MAX));
}
