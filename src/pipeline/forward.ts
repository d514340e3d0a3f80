// hot path: synchronous, never throws
import { compileForwarding } from '../message/forwarding.ts';
import { validTraceparent } from '../telemetry/trace.ts';
import type { Transaction } from '../transaction.ts';
import { UpstreamCall } from '../upstream/call.ts';
import type { UpstreamGroup } from '../upstream/group.ts';
import { WebSocketCall } from '../upstream/web-socket-call.ts';
import { PENDING, refuse, type Verdict } from '../verdict.ts';
import type { PhaseContext } from './context.ts';

/**
 * Phase upstream: writes the request for the upstream as one string and hands it to a call. The string goes out as
 * UTF-8: cut to latin1, U+010D U+010A would become CR LF.
 *
 * @returns  A phase that is always pending: the call answers, later, through the transaction's owner.
 */
export function compileForward(context: PhaseContext): (tx: Transaction, nowMs: number) => Verdict {
  const { groups, config } = context;
  const forwardingFields = compileForwarding(config.forwarding, context.clientAddresses);
  return (tx, nowMs) => {
    const { route } = tx;
    const group = route === null ? undefined : groups[route.upstream];
    if (route === null || group === undefined) return refuse('SP_INTERNAL');
    tx.upstreamName = group.name;
    if (group.config.balance === 'hash') tx.hashField = group.hashField(tx);
    const target = upstreamPath(tx, route.config.stripPrefix, route.config.addPrefix) + tx.query;
    const fields = `host: ${authorityFor(tx, group)}\r\n${tx.forwardFields}${forwardingFields(tx)}${traceFields(tx)}`;
    if (tx.webSocket !== null) {
      new WebSocketCall(tx, tx.webSocket, group, { target, fields, limits: route.config.policies.websocket }).start(
        nowMs,
      );
      return PENDING;
    }
    const head = `${tx.method} ${target} HTTP/1.1\r\n${fields}${framing(tx)}\r\n`;
    new UpstreamCall(tx, group, head).start(nowMs);
    return PENDING;
  };
}

/** `Host` as the client sent it, or the first target's own: one upstream is one site, whichever target answers. */
function authorityFor(tx: Transaction, group: UpstreamGroup): string {
  return group.config.host === 'keep' ? tx.authority : (group.targets[0]?.authority ?? tx.authority);
}

function upstreamPath(tx: Transaction, stripPrefix: string, addPrefix: string): string {
  if (stripPrefix === '' && addPrefix === '') return tx.path;
  let rest = tx.path;
  if (stripPrefix !== '' && rest.startsWith(stripPrefix)) rest = rest.slice(stripPrefix.length);
  const prefix = addPrefix.endsWith('/') ? addPrefix.slice(0, -1) : addPrefix;
  return rest.startsWith('/') ? prefix + rest : `${prefix}/${rest}`;
}

function framing(tx: Transaction): string {
  if (tx.contentLength > 0) return `content-length: ${tx.contentLength}\r\n`;
  if (tx.contentLength === -1) return 'transfer-encoding: chunked\r\n';
  return tx.lengthDeclared ? 'content-length: 0\r\n' : '';
}

/** W3C trace context 3.4: passed on as it came when well-formed, else dropped together with its state. */
function traceFields(tx: Transaction): string {
  if (tx.traceparent === '' || !validTraceparent(tx.traceparent)) return '';
  if (tx.tracestate === '') return `traceparent: ${tx.traceparent}\r\n`;
  return `traceparent: ${tx.traceparent}\r\ntracestate: ${tx.tracestate}\r\n`;
}
