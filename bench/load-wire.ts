import type { Demand } from './requests.ts';

/** Parent to load process: one run. */
export interface LoadJob extends Demand {
  readonly port: number;
  readonly tls: boolean;
  readonly connections: number;
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
  /** Answers other than 2xx to requests that are no attacks. */
  readonly non2xx: number;
  /** Answers to them whose body was another than the upstream's. */
  readonly mismatches: number;
  /** Of the bodies of answers to requests that are no attacks. */
  readonly bodyBytes: number;
  /** Of the bodies of answered requests that are no attacks. */
  readonly sentBodyBytes: number;
  /** Answers to attacks, and those of them that were not 403. */
  readonly attacks: number;
  readonly attacksPassed: number;
  /** First request to last answer. */
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
