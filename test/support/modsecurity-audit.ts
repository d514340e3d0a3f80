import type { LoggedRequest } from '../conformance/crs/socket-executor.ts';

interface AuditMessage {
  readonly message: string;
  readonly details: {
    readonly match: string;
    readonly ruleId: string;
    readonly file: string;
    readonly lineNumber: string;
    readonly data: string;
    readonly severity: string;
  };
}

/**
 * One line of libmodsecurity's JSON audit log.
 *
 * @returns  Who sent the request, and the rules that held. A line for a rule reads as in nginx's error log.
 */
export function auditedRequest(line: string): LoggedRequest & { clientAddress: string } {
  const { transaction } = JSON.parse(line) as {
    transaction: { client_ip: string; messages: readonly AuditMessage[] };
  };
  const ids = new Set<number>();
  const lines = transaction.messages.map(({ message, details }) => {
    ids.add(Number(details.ruleId));
    const place = `[file "${details.file}"] [line "${details.lineNumber}"] [id "${details.ruleId}"]`;
    return oneLine(`ModSecurity: ${details.match} ${place} [msg "${message}"] [data "${details.data}"]`);
  });
  return { clientAddress: transaction.client_ip, ids: [...ids], lines };
}

/** Control characters as nginx's log has them: `\\x0a`. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them.
  return text.replaceAll(/[\x00-\x1f\x7f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
