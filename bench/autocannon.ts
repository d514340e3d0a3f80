import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

export interface CannonRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/**
 * One connection. Events: `request` as one is sent, `headers` with `{ statusCode }`, `body` with each piece, `response`
 * when one is whole (never with `reconnectRate`), `connError`, `timeout`, `done`.
 */
export interface CannonClient extends EventEmitter {
  setRequests(requests: readonly CannonRequest[]): void;
}

interface CannonOptions {
  readonly url: string;
  readonly connections: number;
  /** Requests in all, over all connections. */
  readonly amount: number;
  /** Requests per connection before it is closed and opened anew. */
  readonly reconnectRate?: number;
  readonly requests: readonly CannonRequest[];
  readonly tlsOptions?: { readonly minVersion: 'TLSv1.3' };
  /** Seconds. */
  readonly timeout: number;
  /** Errors before it gives up. */
  readonly bailout: number;
  /** How often it looks whether it is done, milliseconds. */
  readonly sampleInt: number;
  readonly setupClient: (client: CannonClient) => void;
}

interface CannonResult {
  /** Time-outs included. */
  readonly errors: number;
}

/** autocannon has no types of its own: these are the parts used here. */
export const autocannon = createRequire(import.meta.url)('autocannon') as (
  options: CannonOptions,
) => PromiseLike<CannonResult>;
