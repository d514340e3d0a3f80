import type { ByteText } from '../base/byte-text.ts';
import type { AskedRequest } from './asked-request.ts';

/** A request that somebody recorded, as far as the recording goes. */
export interface RecordedRequest {
  /** As the recording calls it: a request id, or where it stands. */
  readonly id: string;
  /** `audit.log:12`, for people. */
  readonly place: string;
  readonly request: AskedRequest;
  /** Header fields were recorded: without them rules see another request. */
  readonly hasFields: boolean;
  /** `absent`: it had one, which was not recorded, or in part, or withheld. `request.body` is empty then. */
  readonly body: 'none' | 'whole' | 'absent';
  /** The body is without its content coding. */
  readonly isDecoded: boolean;
  /** Address of the client. */
  readonly client: string;
  /** Name of the route; null where the recording tells none. */
  readonly route: string | null;
  /** What became of it; null where the recording does not tell. */
  readonly outcome: 'passed' | 'detected' | 'blocked' | null;
  /** Rules that held, as the recording tells; null where it does not. */
  readonly matches: readonly RecordedMatch[] | null;
  /** Values that were withheld: something harmless stands in their place. */
  readonly withheldCount: number;
  /** Some of its bytes could not be written: U+FFFD stands in their place. */
  readonly isInexact: boolean;
}

export interface RecordedMatch {
  readonly ruleId: number;
  /** 0 where it is not told. */
  readonly phase: number;
  /** What held, `ARGS:id`: byte text; '' where it is not told. */
  readonly variable: ByteText;
}

/** Can its verdict be told: is everything there that rules look at? */
export function isWhole({ hasFields, body }: RecordedRequest): boolean {
  return hasFields && body !== 'absent';
}
