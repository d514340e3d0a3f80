import type { Report } from './report.ts';
import type { Config } from './schema.ts';

/**
 * Request fields that the gateway reads, writes or removes by rules of its own: no setting about fields reaches them.
 * Those of `src/message/fields.ts`; a test compares.
 */
export const OWN_FIELDS: readonly string[] = Object.freeze([
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'forwarded',
  'front-end-https',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-protocol',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-request-id',
  'x-url-scheme',
]);

/** Fields that settings name, of requests and of answers: what the schema alone cannot tell. Never throws. */
export function checkFields(config: Config, report: Report): void {
  for (const [index, name] of config.forwarding.claims.entries()) {
    if (!OWN_FIELDS.includes(name.toLowerCase())) continue;
    const path = ['forwarding', 'claims', index];
    report.problem(path, `${report.show(path, name)} is a field that the gateway handles by itself`, 'remove it');
  }
  checkKept(config, report);
}

/** One Strict-Transport-Security at most (RFC 6797 7.1), and none over plain HTTP (7.2). */
function checkKept(config: Config, report: Report): void {
  const index = config.answers.keep.indexOf('strict-transport-security');
  if (index === -1) return;
  const path = ['answers', 'keep', index];
  const { http, https } = config.listen;
  if (https.port === 0) return;
  if (config.tls.hsts.maxAgeSeconds !== 0) {
    const found = 'the gateway sends a Strict-Transport-Security field of its own, and there may be one only';
    report.problem(path, found, 'remove it, or set tls.hsts.maxAgeSeconds to 0', [['tls', 'hsts', 'maxAgeSeconds']]);
  } else if (http.port !== 0 && !config.tls.redirect) {
    const found = 'Strict-Transport-Security would also leave over plain HTTP, where it must not be sent';
    report.problem(path, found, 'remove it, set tls.redirect to true or listen.http.port to 0', [['tls', 'redirect']]);
  }
}
