import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { ISSUER_ANSWER_BYTES_MAX } from '../limits.ts';

/** Why a fetch brought nothing. A closed list: it is a metric label. */
export const FETCH_FAILURES = [
  'connection',
  'timeout',
  'status',
  'redirect',
  'type',
  'size',
  'content',
  'keys',
] as const;

export type FetchFailure = (typeof FETCH_FAILURES)[number];

/** What a fetch did not bring, as a sentence without a full stop. Nothing of what was answered is in it. */
export interface Failed {
  readonly kind: 'failed';
  readonly reason: FetchFailure;
  readonly detail: string;
}

export interface JsonText {
  readonly kind: 'text';
  /** Valid UTF-8; whether it is JSON is for the caller to see. */
  readonly text: string;
}

export interface FetchOptions {
  /** PEM certificates of authorities; none for the system's. */
  readonly authorities: readonly string[];
  /** For the whole exchange, name look-up to last byte. */
  readonly timeoutMs: number;
  /** Ends it early; it is then a `connection` failure. */
  readonly signal: AbortSignal;
}

const HEAD_BYTES_MAX = 16_384;

/**
 * Fetches a JSON document: one GET on a connection of its own. No redirect is followed: whoever could send us elsewhere
 * could give us keys. Content codings are refused, a short answer of a few bytes could become gigabytes.
 *
 * @param url  http or https; the caller has judged where it leads.
 * @returns    The text, at most ISSUER_ANSWER_BYTES_MAX bytes, or why there is none. Never rejects.
 *
 * Threads: main.
 */
export function fetchJson(url: URL, { authorities, timeoutMs, signal }: FetchOptions): Promise<JsonText | Failed> {
  return new Promise((resolve) => {
    const options: RequestOptions = {
      method: 'GET',
      agent: false,
      maxHeaderSize: HEAD_BYTES_MAX,
      insecureHTTPParser: false,
      signal,
      headers: {
        Accept: 'application/json, application/jwk-set+json',
        'Accept-Encoding': 'identity',
        Connection: 'close',
      },
    };
    const tls = { rejectUnauthorized: true, ...(authorities.length === 0 ? {} : { ca: [...authorities] }) };
    const request = url.protocol === 'https:' ? httpsRequest(url, { ...options, ...tls }) : httpRequest(url, options);
    const settle = (outcome: JsonText | Failed): void => {
      clearTimeout(timer);
      resolve(outcome);
      request.destroy();
    };
    const timer = setTimeout(() => settle(failed('timeout', `no answer within ${timeoutMs} ms`)), timeoutMs);
    // After `settle` too: destroying it is an error of its own.
    request.on('error', (error: NodeJS.ErrnoException) => settle(failed('connection', error.code ?? error.message)));
    request.on('response', (response) => read(response, settle));
    request.end();
  });
}

export function failed(reason: FetchFailure, detail: string): Failed {
  return { kind: 'failed', reason, detail };
}

function read(response: IncomingMessage, settle: (outcome: JsonText | Failed) => void): void {
  const refusal = judgeHead(response);
  if (refusal !== null) {
    settle(refusal);
    return;
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  response.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > ISSUER_ANSWER_BYTES_MAX) settle(TOO_LARGE);
    else pieces.push(piece);
  });
  response.on('error', (error) => settle(failed('connection', error.message)));
  response.on('close', () => settle(failed('connection', 'the answer ends early')));
  response.on('end', () => {
    if (!response.complete) return settle(failed('connection', 'the answer ends early'));
    try {
      settle({ kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces)) });
    } catch {
      settle(failed('content', 'the answer is not UTF-8'));
    }
  });
}

function judgeHead({ statusCode = 0, headers }: IncomingMessage): Failed | null {
  if (statusCode >= 300 && statusCode < 400)
    return failed('redirect', `status ${statusCode}: redirects are not followed`);
  if (statusCode !== 200) return failed('status', `status ${statusCode}`);
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type !== 'application/json' && !/^application\/[a-z0-9.-]+\+json$/.test(type)) {
    return failed('type', 'the content type is not application/json');
  }
  const coding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (coding !== 'identity') return failed('type', 'the answer is compressed, though it was asked not to be');
  return Number(headers['content-length'] ?? 0) > ISSUER_ANSWER_BYTES_MAX ? TOO_LARGE : null;
}

const TOO_LARGE = failed('size', `the answer is longer than ${ISSUER_ANSWER_BYTES_MAX} bytes`);
