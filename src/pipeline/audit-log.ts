import { byteTextOf } from '../base/byte-text.ts';
import type { Config } from '../config/schema.ts';
import { auditJson } from './audit-json.ts';
import { auditNative } from './audit-native.ts';
import { compileAuditRedaction } from './audit-redaction.ts';
import type { AuditedExchange, AuditSink } from './waf-route.ts';

/** In the place of a file's name. */
const LOG_STREAM = '-';

/** Where records go; both take one without the last line end. */
export interface AuditOutputs {
  readonly file: (record: string) => void;
  readonly log: (line: string) => void;
}

/**
 * The audit log of one thread.
 *
 * @param thread  Index, for lines of the log stream.
 * @returns  Null where there is none.
 */
export function compileAudit({ waf }: Config, thread: number, outputs: AuditOutputs): AuditSink | null {
  const { path, format, redact } = waf.audit;
  if (path === '') return null;
  const redaction = compileAuditRedaction(redact);
  const write = format === 'json' ? auditJson : auditNative;
  const toLog = path === LOG_STREAM;
  return {
    write: (exchange) => {
      const record = write(exchange, redaction(exchange.facts, byteTextOf(exchange.requestBody)));
      if (toLog) outputs.log(lineOf(exchange, thread, record));
      else outputs.file(record);
    },
  };
}

/** In pino's form. @param record  A JSON object. */
function lineOf({ endedAtMs, facts }: AuditedExchange, thread: number, record: string): string {
  const id = JSON.stringify(facts.uniqueId);
  return `{"level":40,"time":${Math.floor(endedAtMs)},"msg":"audit","thread":${thread},"requestId":${id},${record.slice(1)}`;
}
