// hot path: synchronous, never throws
import { detectSqlInjection } from '../injection/sqli/detect.ts';
import type { OperatorWord } from '../operator.ts';

/**
 * `@detectSQLi`: the value is SQL injection, by the shape of its tokens. TX.0 holds the shape's fingerprint (`s&1c`).
 * Takes no parameter; what is written there is ignored, as ModSecurity does.
 *
 * Source: https://github.com/owasp-modsecurity/ModSecurity/wiki/Reference-Manual-(v3.x)#detectsqli
 */
export const detectSqli: OperatorWord = {
  name: 'detectSQLi',
  compile: () => (value, captures) => {
    const fingerprint = detectSqlInjection(value.text);
    if (fingerprint === null) return false;
    captures?.set(0, fingerprint);
    return true;
  },
};
