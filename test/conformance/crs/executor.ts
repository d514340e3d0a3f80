import type { Probe } from './stage.ts';

/** What came of one request. */
export interface Observed {
  /** Of the answer; null where there was none, or none that could be read. */
  readonly status: number | null;
  /** Why there was no readable answer; null where there was one. */
  readonly error: string | null;
  /** The raw answer as latin1; '' for none, and for executors without a wire. */
  readonly answer: string;
  /** Ids of the rules that held and are not silent, in order, once each. */
  readonly ids: readonly number[];
  /** What the log says of the request, one line for each rule that held. */
  readonly lines: readonly string[];
}

/** Something that requests can be put to: a server on a port, or an engine by itself. */
export interface Executor {
  readonly name: string;
  /** One at a time: the next may start when the former is over. @throws  Never for anything a request does. */
  run(probe: Probe): Promise<Observed>;
  close(): Promise<void>;
}
