import { EXCHANGE_FAILURES, exchangeJson } from '../base/http-exchange.ts';
import { ISSUER_ANSWER_BYTES_MAX } from '../limits.ts';

/** Why a fetch brought nothing. A closed list: it is a metric label. */
export const FETCH_FAILURES = [...EXCHANGE_FAILURES, 'content', 'keys'] as const;

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

const FIELDS = Object.freeze({ Accept: 'application/json, application/jwk-set+json' });

/**
 * Fetches a JSON document: one GET on a connection of its own, by the rules of `exchangeJson`. No redirect is followed:
 * whoever could send us elsewhere could give us keys.
 *
 * @param url  http or https; the caller has judged where it leads.
 * @returns    The text, at most ISSUER_ANSWER_BYTES_MAX bytes, or why there is none. Never rejects.
 *
 * Threads: main.
 */
export async function fetchJson(url: URL, options: FetchOptions): Promise<JsonText | Failed> {
  const answer = await exchangeJson(url, {
    ...options,
    method: 'GET',
    fields: FIELDS,
    body: '',
    agent: false,
    bytesMax: ISSUER_ANSWER_BYTES_MAX,
  });
  if (answer.kind === 'failed') return failed(answer.reason, answer.detail);
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(answer.bytes) };
  } catch {
    return failed('content', 'the answer is not UTF-8');
  }
}

export function failed(reason: FetchFailure, detail: string): Failed {
  return { kind: 'failed', reason, detail };
}
