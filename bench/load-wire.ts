import type { Demand } from './requests.ts';

/** Parent to load process. */
export type LoadOrder =
  | { readonly kind: 'closed'; readonly job: LoadJob }
  | { readonly kind: 'paced'; readonly job: PacedJob }
  | { readonly kind: 'hold'; readonly job: HoldJob }
  | { readonly kind: 'release' };

/** Requests one after the other on each connection, as fast as they are answered. */
export interface LoadJob extends Demand {
  readonly port: number;
  readonly tls: boolean;
  readonly connections: number;
  /** A new connection for every request. */
  readonly fresh: boolean;
}

/** GETs on raw sockets over plain HTTP. */
export interface PacedJob extends Demand {
  readonly port: number;
  readonly connections: number;
  /** Arrivals, evenly spread, whatever became of those before; null for as fast as they are answered. */
  readonly requestsPerSecond: number | null;
  readonly seconds: number;
}

/** Connections that ask once and then stay open without a word, until they are released. */
export interface HoldJob extends Demand {
  readonly port: number;
  readonly connections: number;
}

/** Load process to parent: what came of it. */
export type LoadReply =
  | { readonly ok: true; readonly result: LoadResult | PacedResult | HoldResult }
  | { readonly ok: false; readonly words: string };

export interface PacedResult {
  readonly answered: number;
  /** Lost connections, answers other than 200, and requests that were not answered in time. */
  readonly errors: number;
  readonly seconds: number;
  /** Latencies from the time at which a request should have been sent, microseconds: HdrHistogram V2, compressed. */
  readonly histogram: string;
}

export interface HoldResult {
  /** Still open. */
  readonly open: number;
}

export interface LoadResult {
  /** Whole answers of any status. */
  readonly answered: number;
  /** Connection errors and time-outs. */
  readonly errors: number;
  /** Answers other than 2xx to requests that are no attacks, and those of them that were 429. */
  readonly non2xx: number;
  readonly limited: number;
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
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}
