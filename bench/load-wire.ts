import type { Load } from './requests.ts';

/** Parent to load process: one run. */
export interface LoadJob {
  readonly port: number;
  readonly tls: boolean;
  readonly load: Load;
  readonly connections: number;
  /** Requests in all. */
  readonly requests: number;
  /** A new connection for every request. */
  readonly fresh: boolean;
}

/** Load process to parent: what came of it. */
export type LoadReply =
  | { readonly ok: true; readonly result: LoadResult }
  | { readonly ok: false; readonly words: string };

export interface LoadResult {
  /** Whole answers of any status. */
  readonly answered: number;
  /** Connection errors and time-outs. */
  readonly errors: number;
  readonly non2xx: number;
  /** Answers whose body was another. */
  readonly mismatches: number;
  /** Of all answers' bodies. */
  readonly bodyBytes: number;
  /** First request to last answer. */
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
