// hot path: synchronous, never throws

/** Version 00: version, trace id, parent id, flags (W3C Trace Context, 3.2.2). Lower case only. */
const VERSION_00 = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A later version may append fields after another dash (3.2.4); ff is forbidden. What follows must be harmless. */
const LATER = /^(?!00|ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[!-~]{0,200})?$/;

const TRACE_ID_FROM = 3;
const TRACE_ID_TO = 35;

/** Whether `traceparent` as received is well-formed. Two fields joined by a comma are not. */
export function validTraceparent(traceparent: string): boolean {
  return VERSION_00.test(traceparent) || (traceparent.length > 0 && LATER.test(traceparent));
}

/** Trace id for the log: 32 hexadecimal digits, or '' when there is no valid `traceparent`. */
export function traceIdOf(traceparent: string): string {
  return traceparent.length > 0 && validTraceparent(traceparent) ? traceparent.slice(TRACE_ID_FROM, TRACE_ID_TO) : '';
}
