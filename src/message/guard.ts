// hot path: synchronous, never throws
import type { Transaction } from '../transaction.ts';
import { PASS, refuse, type Verdict } from '../verdict.ts';
import { hostName } from './host.ts';
import { explainPath, normalisePath } from './path.ts';

/** Methods that no route can ask for: a tunnel, and an echo of the request's own secrets (RFC 9110 9.3.6, 9.3.8). */
const REFUSED_METHODS = new Set(['CONNECT', 'TRACE', 'TRACK']);

/** 1 for the bytes a query may hold: printable ASCII but `#`. RFC 3986 allows fewer; browsers send `|`, `"` and `[`. */
const QUERY_BYTES = new Uint8Array(128).fill(1, 0x21, 0x7f);
QUERY_BYTES[0x23] = 0;

export interface GuardOptions {
  readonly keepEncodedSlash: boolean;
}

/**
 * Phase 1: the request's form. Refuses what two parsers could read in two ways, and normalises the path once for
 * everybody who comes after.
 *
 * @returns A phase `(tx, nowMs) => Verdict`; refuses with 400, 414, 417, 431, 501.
 */
export function compileGuard(options: GuardOptions): (tx: Transaction, nowMs: number) => Verdict {
  const { keepEncodedSlash } = options;
  return (tx) => {
    if (tx.fault !== null) return refuse(tx.fault, tx.faultDetail);
    if (REFUSED_METHODS.has(tx.method) || !isMethod(tx.method)) return refuse('SP_REQUEST_METHOD');
    const host = hostName(tx.authority);
    if (host === '') return refuse('SP_REQUEST_HOST');
    tx.host = host;
    const path = normalisePath(tx.rawPath, keepEncodedSlash);
    if (path === '') return refuse('SP_REQUEST_TARGET', explainPath(tx.rawPath, keepEncodedSlash));
    tx.path = path;
    if (tx.query !== '' && !isQuery(tx.query)) {
      return refuse('SP_REQUEST_TARGET', 'The query has a character that is not allowed.');
    }
    return PASS;
  };
}

function isQuery(query: string): boolean {
  for (let i = 0; i < query.length; i += 1) {
    if (QUERY_BYTES[query.charCodeAt(i)] !== 1) return false;
  }
  return true;
}

/** Upper-case letters and `-`: every registered method. Others would only test how the server behind us parses. */
function isMethod(method: string): boolean {
  for (let i = 0; i < method.length; i += 1) {
    const code = method.charCodeAt(i);
    if ((code < 0x41 || code > 0x5a) && code !== 0x2d) return false;
  }
  return method.length > 0;
}
