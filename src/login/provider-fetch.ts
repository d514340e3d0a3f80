import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { PROVIDER_ANSWER_BYTES_MAX } from '../limits.ts';

export interface ProviderRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A form, or nothing. */
  readonly body: unknown;
}

/**
 * Asks an OpenID provider: allowed hosts alone, one connection each time, a bound on time and bytes; redirects are
 * answers, and not followed.
 *
 * @param allowed      Origins that may be asked.
 * @param authorities  PEM certificates; none for the system's.
 * @throws  Error: refused connections, time-outs, answers that are too long, hosts that are not allowed.
 */
export function askProvider(
  url: string,
  { method, headers, body }: ProviderRequest,
  allowed: ReadonlySet<string>,
  authorities: readonly string[],
  timeoutMs: number,
): Promise<Response> {
  const { origin, protocol } = new URL(url);
  if (!allowed.has(origin)) return Promise.reject(new Error(`${origin} is neither the provider nor in its metadata`));
  const send = protocol === 'https:' ? requestHttps : requestHttp;
  const payload = body === null || body === undefined ? '' : String(body);
  return new Promise((resolve, reject) => {
    const request = send(url, {
      method,
      headers: { ...headers, ...(payload === '' ? {} : { 'content-length': String(Buffer.byteLength(payload)) }) },
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      ...(authorities.length === 0 ? {} : { ca: [...authorities] }),
    });
    request.on('error', reject);
    // Node drops a connection that switches protocols without an error. The end of an answer may follow this event.
    const onClose = () => reject(new Error('the connection ended without an answer'));
    request.on('close', onClose);
    request.on('response', (answer) => {
      request.off('close', onClose);
      const pieces: Buffer[] = [];
      let length = 0;
      answer.on('data', (piece: Buffer) => {
        length += piece.length;
        if (length > PROVIDER_ANSWER_BYTES_MAX) request.destroy(new Error('the answer is too long'));
        else pieces.push(piece);
      });
      answer.on('error', reject);
      answer.on('end', () => {
        const status = answer.statusCode ?? 500;
        // RFC 9110 15: no status codes; `Response` throws for them, here where nobody would catch it.
        if (status < 200 || status > 599) {
          reject(new Error(`the status of the answer is ${status}`));
          return;
        }
        const fields = new Headers();
        for (const name of ['content-type', 'www-authenticate', 'date']) {
          const value = answer.headers[name];
          if (typeof value === 'string') fields.set(name, value);
        }
        const isEmpty = status === 204 || status === 205 || status === 304;
        resolve(new Response(isEmpty ? null : Buffer.concat(pieces), { status, headers: fields }));
      });
    });
    request.end(payload);
  });
}
